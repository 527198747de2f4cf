"""stats-cache.json, usage-data/, telemetry/ and statsig/: figures that Claude Code keeps about its own use."""

import binascii
from collections import Counter, defaultdict

import orjson

from pipelines.demo import words
from pipelines.demo.home import DemoHome, SessionFacts
from pipelines.demo.rng import Rng
from pipelines.demo.text import fill
from pipelines.demo.times import DAY_MS, date, iso
from pipelines.demo.transcript import Record

_MOST_DAYS = 300


def stats(facts: list[SessionFacts], now: int) -> Record:
    """Return the content of stats-cache.json for these sessions."""
    days: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    models: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    daily: dict[str, Counter[str]] = defaultdict(Counter)
    hours: Counter[str] = Counter()
    for fact in facts:
        day, session = date(fact.started), fact.counts
        for index, value in enumerate((session.messages, 1, session.tool_calls)):
            days[day][index] += value
        hours[str(fact.started % DAY_MS // 3_600_000)] += 1
        for model, counts in session.tokens.items():
            daily[day][model] += counts[0] + counts[1]
            models[model] = [a + b for a, b in zip(models[model], counts, strict=True)]
    longest = max(facts, key=lambda fact: (fact.ended - fact.started, fact.session))
    latest = sorted(days)[-_MOST_DAYS:]
    names = ("messageCount", "sessionCount", "toolCallCount")
    totals = ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheCreationInputTokens")
    usage: Record = {}
    for model, counts in sorted(models.items()):
        usage[model] = dict(zip(totals, counts, strict=True)) | {"webSearchRequests": 0, "costUSD": 0}
    usage["claude-opus-4-1-20250805"] = dict(zip(totals, (90_210, 1_483, 38_409_047_019, 1_204_551_877), strict=True))
    return {
        "version": 3,
        "lastComputedDate": date(now - DAY_MS),
        "dailyActivity": [{"date": day} | dict(zip(names, days[day], strict=True)) for day in latest],
        "dailyModelTokens": [{"date": day, "tokensByModel": dict(sorted(daily[day].items()))} for day in latest],
        "modelUsage": usage,
        "totalSessions": len(facts),
        "totalMessages": sum(fact.counts.messages for fact in facts),
        "longestSession": {
            "sessionId": longest.session,
            "duration": longest.ended - longest.started,
            "messageCount": longest.counts.messages,
            "timestamp": iso(longest.started),
        },
        "firstSessionDate": iso(min(fact.started for fact in facts)),
        "hourCounts": dict(sorted(hours.items(), key=lambda item: int(item[0]))),
        "totalSpeculationTimeSavedMs": 0,
    }


def write_usage_data(home: DemoHome, rng: Rng) -> None:
    """Write the facets and the session-meta files that Claude Code's usage report keeps of single sessions."""
    for fact in home.facts[:: max(1, len(home.facts) // 6)][:8]:
        facet: Record = {"underlying_goal": home.text.sentences(rng, 1), "goal_categories": {"fix_bug": 1}}
        facet |= {"outcome": "mostly_achieved", "claude_helpfulness": "very_helpful", "session_type": "single_task"}
        facet |= {"friction_counts": {}, "brief_summary": home.text.sentences(rng, 1), "session_id": fact.session}
        home.tree.json(f"usage-data/facets/{fact.session}.json", facet, fact.ended)
        meta: Record = {"session_id": fact.session, "project_path": fact.project.cwd, "start_time": iso(fact.started)}
        meta |= {"duration_minutes": (fact.ended - fact.started) // 60_000, "user_message_count": fact.counts.prompts}
        home.tree.json(f"usage-data/session-meta/{fact.session}.json", meta, fact.ended)
    home.tree.text("usage-data/report.html", "<!doctype html>\n<title>Report</title>\n<p>A demo.</p>\n", home.now)


def _event(rng: Rng, session: str, ms: int, *, coded: bool) -> Record:
    more = orjson.dumps({"rh": rng.hexa(8), "noun": rng.pick(words.NOUNS)})
    metadata = binascii.b2a_base64(more, newline=False).decode() if coded else more.decode()
    data: Record = {"event_name": fill(rng, "tengu_{noun}_{verb}"), "client_timestamp": iso(ms), "session_id": session}
    data |= {"user_type": "external", "env": {"platform": "linux", "version": "2.1.63", "arch": "x64"}}
    data |= {"process": f'{{"uptime":{rng.between(1, 900)}.25,"rss":{rng.bits(28)}}}', "additional_metadata": metadata}
    data |= {"event_id": rng.uuid(), "device_id": f"demo-device-{rng.hexa(8)}"}
    return {"event_type": "ClaudeCodeInternalEvent", "event_data": data}


def write_telemetry(home: DemoHome, rng: Rng) -> None:
    """Write telemetry events that could not be sent: a JSON array in the older format, JSON Lines in the newer."""
    for fact, older in zip(home.facts[:: max(1, len(home.facts) // 3)], (True, False, False), strict=False):
        path = f"telemetry/1p_failed_events.{fact.session}.{rng.uuid()}.json"
        count = int(20 * home.text.scale) + 2
        events = [_event(rng, fact.session, fact.ended + n, coded=not older) for n in range(count)]
        if older:
            home.tree.json(path, events, fact.ended, indent=False, mode=0o600)
        else:
            data = b"".join(orjson.dumps(event) + b"\n" for event in events)
            home.tree.write(path, data, fact.ended)


def write_statsig(home: DemoHome, rng: Rng) -> None:
    """Write the cache of feature flags that versions until the end of 2025 kept."""
    ms, number = home.now - 210 * DAY_MS, rng.between(10**9, 4 * 10**9)
    tree = home.tree
    session = {"sessionID": rng.uuid(), "startTime": ms - 60_000, "lastUpdate": ms}
    tree.json(f"statsig/statsig.session_id.{number}", session, ms, indent=False)
    tree.json(f"statsig/statsig.stable_id.{number}", rng.uuid(), ms, indent=False)
    gates = {rng.hexa(8): {"value": False, "rule_id": "default"} for _ in range(int(20 * home.text.scale) + 2)}
    cached: Record = {"source": "Network", "data": orjson.dumps({"feature_gates": gates}).decode(), "receivedAt": ms}
    name = f"statsig.cached.evaluations.{rng.hexa(10)}"
    tree.json(f"statsig/{name}", cached, ms, indent=False)
    tree.json("statsig/statsig.last_modified_time.evaluations", {name: ms}, ms, indent=False)
