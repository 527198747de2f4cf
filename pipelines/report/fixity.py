"""Fixity, withheld and only-listed files as the report tells them, from the tallied manifest."""

from collections.abc import Iterable
from typing import Final

from extractors.reading.rules import INVENTORY_ONLY, WITHHELD
from models.run import RunRecord
from models.text import safe
from pipelines.report.facts import (
    EXAMPLES,
    LIMIT,
    CheckFacts,
    FileFact,
    FixityFacts,
    KeptFacts,
    Listing,
    OutcomeFacts,
    RuleFacts,
    bounded,
    sql_text,
)
from pipelines.report.manifests import NOT_HERE, NOT_PLAIN, Group, Manifests

OUTCOME_SENTENCES: Final = {
    "intact": "The bytes that are kept still stood there at the end.",
    "appended": "The bytes that are kept still stood there at the end; more came after them meanwhile.",
    "modified": "Changed by its owner while the run was on; what was read stays kept.",
    "missing": "Gone while the run was on; what was read before stays kept.",
    "unexpected": "Came into being while the run was on; the next run reads it.",
    "unreadable": "The system refused to let it be read.",
    "withheld": "Never opened, by a named rule.",
    "corrupt": "Other content, though size and times say that nothing changed.",
    "unchecked": "Only listed: its bytes are not kept, so there is nothing to check.",
    "expired": "Gone from the home; what was read of it stays kept.",
    "moved": "Put in another phase by the rules, which accounts for it now; what was read of it before stays kept.",
}
CHECK_SENTENCES: Final = {
    "sha256": "Read by this run: SHA-256 computed in that read, XXH3-128 compared at the end.",
    "xxh3": "Bytes digested again: XXH3-128 compared with the one of their reading.",
    "stat": "Looked at by size and times only.",
    "none": "No check could be made.",
}
_PLACE_SENTENCES: Final = {
    "directory": "Folders. What is in them is treated file by file.",
    "link": "Links are listed with their target, never followed.",
    "special": "FIFOs, sockets and devices: never opened.",
}
_OUTCOMES: Final = ("intact", *NOT_PLAIN, "moved", "withheld", "unchecked")


def fixity_facts(run: RunRecord, manifests: Manifests) -> FixityFacts:
    """Return how everything stood at the end of a run."""

    def kept(outcome: str) -> int:
        return manifests.count(lambda group: group.is_kept_file and group.outcome == outcome)

    def accessed(was_kept: bool) -> int:
        return manifests.count(lambda group: group.is_kept_file and group.atime_kept is was_kept)

    def expired(group: Group) -> bool:
        return group.outcome == "expired" and group.entry_type == "file" and group.is_known

    return FixityFacts(
        outcomes=list(_outcomes(manifests)),
        checks=list(_checks(manifests)),
        kept=KeptFacts(
            files=manifests.count(lambda group: group.is_kept_file),
            read=sum(counts.files_read for phase in run.phases for counts in phase.sources.values()),
            intact=kept("intact"),
            appended=kept("appended"),
            modified=kept("modified"),
            missing=kept("missing"),
            unreadable=kept("unreadable"),
            corrupt=kept("corrupt"),
            unchecked=kept("unchecked"),
        ),
        never_read=manifests.count(lambda group: group.outcome == "unreadable" and not group.is_known),
        gone_unread=manifests.count(lambda group: group.outcome == "missing" and not group.is_known),
        expired_now=manifests.count(lambda group: expired(group) and group.change == "vanished"),
        expired_before=manifests.count(lambda group: expired(group) and group.change != "vanished"),
        access_times_kept=accessed(True),
        access_times_not_kept=accessed(False),
        files=_not_plain(run, manifests),
        appeared=_appeared(run),
    )


def _outcomes(manifests: Manifests) -> Iterable[OutcomeFacts]:
    for outcome in _OUTCOMES:
        of = [group for group in manifests.things if group.outcome == outcome]
        if of:
            files = [group for group in of if group.entry_type == "file"]
            count = sum(manifests.things[group] for group in files)
            others = sum(manifests.things[group] for group in of) - count
            size = sum(manifests.sizes[group] for group in files)
            yield OutcomeFacts(outcome, OUTCOME_SENTENCES[outcome], count, others, size)


def _checks(manifests: Manifests) -> Iterable[CheckFacts]:
    for check, sentence in CHECK_SENTENCES.items():
        of = [group for group in manifests.things if group.is_kept_file and group.check_made == check]
        if of:
            count, size = sum(manifests.things[group] for group in of), sum(manifests.sizes[group] for group in of)
            yield CheckFacts(check, sentence, count, size)


def _not_plain(run: RunRecord, manifests: Manifests) -> Listing[FileFact]:
    named = [fact for outcome in NOT_PLAIN[:-1] for fact in manifests.files.get(outcome, [])]
    named += manifests.files.get("expired", [])[:EXAMPLES]
    total = manifests.count(
        lambda group: (
            group.outcome in NOT_PLAIN
            and (group.outcome != "expired" or (group.change == "vanished" and group.is_known))
        )
    )
    outcomes = ", ".join(sql_text(outcome) for outcome in NOT_PLAIN if outcome != "expired")
    sql = (
        "SELECT outcome, home_id, path, check_made, detail, size, modified_at FROM manifest "
        f"WHERE run_id = {sql_text(run.run_id)} AND (outcome IN ({outcomes}) "
        "OR (outcome = 'expired' AND change = 'vanished' AND file_id IS NOT NULL))"
    )
    return Listing(total, named[:LIMIT], sql)


def _appeared(run: RunRecord) -> Listing[str]:
    paths = [(home_id, path) for home_id, appeared in sorted(run.appeared.items()) for path in appeared]
    return Listing(len(paths), [safe(f"{home_id}:{path}") for home_id, path in paths[:LIMIT]])


def rule_facts(run: RunRecord, manifests: Manifests, treatment: str) -> list[RuleFacts]:
    """Return the rules under which files are withheld (`withhold`) or only listed (`inventory`), by name."""
    whys = {rule.name: rule.why for rule in (*WITHHELD, *INVENTORY_ONLY)} | _PLACE_SENTENCES
    made = []
    for (of, rule), names in sorted(manifests.names.items()):
        if of != treatment:
            continue

        def is_here(group: Group, rule: str = rule) -> bool:
            return group.treatment == treatment and group.rule == rule and group.outcome not in NOT_HERE

        files = manifests.count(lambda group: is_here(group) and group.entry_type == "file")
        others = manifests.count(lambda group: is_here(group) and group.entry_type != "file")
        folders = manifests.count(lambda group: is_here(group) and group.entry_type == "directory")
        named = files + others - (0 if rule == "directory" else folders)
        sql = (
            "SELECT home_id, path, entry_type, size, modified_at FROM manifest "
            f"WHERE run_id = {sql_text(run.run_id)} AND treatment = {sql_text(treatment)} "
            f"AND rule = {sql_text(rule)} AND outcome NOT IN ('expired', 'moved') "
            "AND (entry_type <> 'directory' OR rule = 'directory')"
        )
        why = whys.get(rule, "Named in the settings.")
        size = manifests.size(is_here)
        made.append(RuleFacts(bounded(rule), why, files, others, size, Listing(named, names, sql)))
    return made
