"""plugins/: catalogues, a cloned marketplace, an installed plugin with files that look like a person's own data."""

import orjson

from pipelines.demo.home import DemoHome
from pipelines.demo.project import CLAUDE
from pipelines.demo.rng import Rng
from pipelines.demo.text import slug
from pipelines.demo.times import DAY_MS, iso
from pipelines.demo.transcript import Record


def write_plugins(home: DemoHome, rng: Rng) -> None:
    """Write all of plugins/."""
    tree, text, ms = home.tree, home.text, home.now - 45 * DAY_MS
    market, plugin = "plugins/marketplaces/demo-market", "plugins/cache/demo-market/reviewer/1.2.0"
    entry: Record = {"scope": "user", "installPath": f"{CLAUDE}/{plugin}", "version": "1.2.0", "installedAt": iso(ms)}
    entry |= {"lastUpdated": iso(ms), "gitCommitSha": rng.hexa(40)}
    tree.json("plugins/installed_plugins.json", {"version": 2, "plugins": {"reviewer@demo-market": [entry]}}, ms)
    place: Record = {
        "source": {"source": "github", "repo": "example/demo-market"},
        "installLocation": f"{CLAUDE}/{market}",
    }
    tree.json("plugins/known_marketplaces.json", {"demo-market": place | {"lastUpdated": iso(ms)}}, ms)
    tree.json("plugins/blocklist.json", {"fetchedAt": iso(ms), "plugins": []}, ms)
    tree.json("plugins/install-counts-cache.json", {"version": 1, "counts": [{"plugin": "reviewer", "count": 12}]}, ms)
    tree.json(
        f"{market}/.claude-plugin/marketplace.json", {"name": "demo-market", "plugins": [{"name": "reviewer"}]}, ms
    )
    tree.text(f"{market}/README.md", f"# demo-market\n\n{text.prose(rng, 2)}\n", ms)
    tree.text(f"{market}/.git/HEAD", "ref: refs/heads/main\n", ms)
    tree.json(f"{plugin}/plugin.json", {"name": "reviewer", "version": "1.2.0"}, ms)
    tree.text(f"{plugin}/.env", "REVIEWER_TOKEN=not-a-secret-demo-value\n", ms, mode=0o600)
    tree.text(f"{plugin}/plans/{slug(rng)}.md", f"# A sample plan\n\n{text.sentences(rng, 2)}\n", ms)
    session = rng.uuid()
    sample: Record = {
        "parentUuid": None,
        "type": "user",
        "message": {"role": "user", "content": "a fixture, not a session"},
    }
    sample |= {"uuid": rng.uuid(), "sessionId": session, "timestamp": iso(ms), "cwd": "/fixture", "version": "2.0.0"}
    for path in (f"projects/-fixture/{session}.jsonl", "history.jsonl", f"todos/{session}-agent-{session}.json"):
        full = f"{plugin}/tests/fixtures/{path}"
        tree.write(full, orjson.dumps(sample) + b"\n" if path.endswith("l") else b"[]", ms)
        tree.plant("look_alike", full, "a plugin's fixture that looks like a person's data")
    for name in ("left-pad", "tiny-glob", "@demo/core"):
        folder = f"{plugin}/node_modules/{name}"
        tree.json(f"{folder}/package.json", {"name": name, "version": "1.0.0"}, ms)
        tree.text(f"{folder}/index.js", text.source(rng, ".ts", 8), ms)
