"""The settings that changed since the last run, each with the effect of its change: an accidental change of a rule on
withheld files must not go unnoticed, since these files are then archived.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields

from extractors.reading.registry import Treatment
from models.amounts import plural
from models.run import RunRecord
from models.text import safe
from pipelines.disk.layout import Layout
from pipelines.disk.settings import Settings, read_settings, settings_copy, settings_digest
from pipelines.run.snapshot import Snapshot

_SHOWN = 3
_WITHHELD = "withheld"
_ON_TREES = "plugin and node_modules trees are archived from now on"
_OFF_TREES = "plugin and node_modules trees are only listed from now on; their archived files stay"
_ON_LINKS = "links are followed where data is expected"
_OFF_LINKS = "links where data is expected are not followed, and make a run incomplete"
_OTHERS = (*(one.name for one in fields(Settings) if one.name.startswith("alert_")), "cleanup_days", "push")
"""The settings that change nothing in the archive."""


def changed_settings(layout: Layout, runs: Sequence[RunRecord]) -> list[str]:
    """Return a sentence for each setting that has another value than in the newest of `runs`; an empty list if none
    has. Raises ConfigurationError for invalid settings.
    """
    last = next((run for run in reversed(runs) if run.kind == "run" and run.status not in ("removed", "lost")), None)
    if last is None or last.settings_sha256 == settings_digest(layout):
        return []
    before, now = settings_copy(layout, last.settings_sha256), read_settings(layout)
    gone = [] if layout.settings_file.exists() else ["settings.toml is gone, so the defaults hold"]
    if before is None:
        return [*gone, f"settings.toml changed since run {last.run_id}, and no copy of its earlier content is left"]
    return [*gone, *_sentences(before, now)] or ["settings.toml changed, but no setting has another value"]


def _sentences(before: Settings, now: Settings) -> Iterator[str]:
    for pattern in sorted(set(before.withhold) - set(now.withhold)):
        yield f"withhold: {safe(pattern)} was removed, so files that it alone withheld are archived"
    for pattern in sorted(set(now.withhold) - set(before.withhold)):
        yield (
            f"withhold: {safe(pattern)} was added, so matching files are never opened; their archived bytes stay "
            "until `extract forget` erases them"
        )
    if before.archive_trees != now.archive_trees:
        yield f"archive_trees: {_ON_TREES if now.archive_trees else _OFF_TREES}"
    if before.follow_links != now.follow_links:
        yield f"follow_links: {_ON_LINKS if now.follow_links else _OFF_LINKS}"
    limits = {"entry_mb": "the longest entry", "document_mb": "the largest whole file"}
    for name, what in limits.items():
        old, new = getattr(before, name), getattr(now, name)
        if old != new:
            yield f"{name}: {what} that is parsed has {new} MiB instead of {old}; longer ones are kept unparsed"
    if before.processes != now.processes:
        yield f"processes: {now.processes or 'one a core'} instead of {before.processes or 'one a core'}; no other data"
    if before.keep_warehouses != now.keep_warehouses:
        kept = plural(now.keep_warehouses, "earlier warehouse is", "earlier warehouses are")
        yield f"keep_warehouses: {kept} kept, {before.keep_warehouses} before"
    if before.retention != now.retention:
        rules = plural(len(now.retention), "rule")
        yield f"retention: {rules} now, {len(before.retention)} before; `extract retention` shows what they delete"
    yield from _prices(before.prices, now.prices)
    if before.privacy != now.privacy:
        yield f"privacy: {plural(len(now.privacy), 'rule')} now, {len(before.privacy)} before"
    for name in _OTHERS:
        old, new = getattr(before, name), getattr(now, name)
        if old != new:
            yield f"{name}: {str(new).lower()} instead of {str(old).lower()}"


def _prices(before: Mapping[str, object], now: Mapping[str, object]) -> Iterator[str]:
    models = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    if models:
        yield f"prices: of {_named(map(safe, models), len(models))}; the next warehouse computes their costs anew"


def effect_on_files(snapshots: Iterable[Snapshot]) -> list[str]:
    """Return a sentence on the files that were withheld and are archived now, and one on the reverse."""
    opened, closed = list[str](), list[str]()
    for snapshot in snapshots:
        parts = [part for phase in snapshot.phases for part in snapshot.slices(phase)]
        items = [item for part in parts for item in part.items]
        # The rules may move a path to another phase, where it has no row of the last manifest.
        states = [*(one.last for one in items if one.last), *(one.state for part in parts for one in part.absent)]
        withheld = {state.path for state in states if state.outcome == _WITHHELD}
        kept = {state.path for state in states if state.file_id is not None and state.is_present} - withheld
        opened += [item.path for item in items if item.is_read and item.path in withheld]
        closed += [item.path for item in items if item.place.treatment is Treatment.WITHHOLD and item.path in kept]
    made = []
    if opened:
        files = plural(len(opened), "file that was withheld is", "files that were withheld are")
        made.append(f"{files} archived by this run: {_named(opened, len(opened))}")
    if closed:
        files = plural(len(closed), "archived file is", "archived files are")
        made.append(f"{files} withheld from now on: {_named(closed, len(closed))}")
    return made


def _named(names: Iterable[str], count: int) -> str:
    shown = [name for name, _ in zip(names, range(_SHOWN), strict=False)]
    return ", ".join(shown) + (f" and {count - _SHOWN} more" if count > _SHOWN else "")
