"""Turns the counts of a manifest into facts: fixity, files gone from the home, files withheld or only listed."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from extractors.reading.registry import IN_THE_WAY
from extractors.reading.rules import INVENTORY_ONLY, WITHHELD
from models.manifest import Change, Outcome, sql_outcomes
from models.run import RunRecord
from models.text import safe
from pipelines.report.file_facts import (
    CheckFacts,
    FileFact,
    FixityFacts,
    GoneFacts,
    GoneProject,
    KeptFacts,
    OutcomeFacts,
    RuleFacts,
)
from pipelines.report.listing import EXAMPLES, LIMIT, Listing, bounded, sql_text
from pipelines.report.manifests import NOT_HERE, NOT_PLAIN, Group, Manifests

OUTCOME_SENTENCES: Final = {
    "intact": "The file still has the bytes that were read.",
    "appended": "The file still has the bytes that were read; more was appended to it while the run worked.",
    "modified": "The file changed while the run worked; the archive has the bytes that were read.",
    "missing": "The file disappeared while the run worked; the archive has the bytes that were read before.",
    "unexpected": "The path appeared while the run worked; the next run reads it.",
    "unreadable": "The operating system refused to open or read it.",
    "withheld": "Never opened: by a named rule it may contain a secret.",
    "corrupt": "The content differs although size and times are the same.",
    "unchecked": "Only listed: its bytes are not archived, so there is nothing to compare.",
    "expired": "Gone from the home; the archive has the bytes that were read.",
    "moved": "The rules have moved it to another phase, which lists it now; the archive has the bytes that were read.",
}
CHECK_SENTENCES: Final = {
    "sha256": "Read by this run: SHA-256 computed while reading, XXH3-128 compared at the end.",
    "xxh3": "Digested again by this run: XXH3-128 compared with that of the bytes that were read.",
    "stat": "Compared by size and times only.",
    "none": "No check could be made.",
}
_PLACE_SENTENCES: Final = {
    "directory": "Directories. Each file in them has a treatment of its own.",
    "link": "Links are listed with their target, never followed.",
    "special": "FIFOs, sockets and devices: never opened.",
}
_OUTCOMES: Final = ("intact", *NOT_PLAIN, "moved", "withheld", "unchecked")


def fixity_facts(run: RunRecord, manifests: Manifests) -> FixityFacts:
    """Return how the files of a run's homes compare with the archived bytes."""

    def kept(outcome: str) -> int:
        return manifests.count(lambda group: group.is_kept_file and group.outcome == outcome)

    def accessed(was_kept: bool) -> int:
        return manifests.count(lambda group: group.is_kept_file and group.atime_kept is was_kept)

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
        expired_now=manifests.count(lambda group: group.is_gone and group.change == "vanished"),
        expired_before=manifests.count(lambda group: group.is_gone and group.change != "vanished"),
        access_times_kept=accessed(True),
        access_times_not_kept=accessed(False),
        files=_not_plain(manifests),
        appeared=_appeared(run),
    )


def gone_facts(manifests: Manifests) -> list[GoneFacts]:
    """Return the archived files that are gone from their home, by source; the source with most files first."""
    now: Counter[str] = Counter()
    before: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for group, files in manifests.path_counts.items():
        if group.is_gone:
            (now if group.change == "vanished" else before)[group.source] += files
            sizes[group.source] += manifests.sizes[group]
    made = [GoneFacts(source, now[source], before[source], sizes[source]) for source in sizes]
    return sorted(made, key=lambda one: (-one.files_now - one.files_before, one.source))


def gone_projects(manifests: Manifests) -> list[GoneProject]:
    """Return the archived files that are gone from their home, by project; of many, those with most files."""
    largest = sorted(manifests.gone_projects.items(), key=lambda one: (-one[1], one[0]))[:EXAMPLES]
    return [GoneProject(bounded(directory), files) for directory, files in largest]


def _outcomes(manifests: Manifests) -> Iterable[OutcomeFacts]:
    for outcome in _OUTCOMES:
        of = [group for group in manifests.path_counts if group.outcome == outcome]
        if of:
            files = [group for group in of if group.is_gone or (group.entry_type == "file" and outcome != "expired")]
            count = sum(manifests.path_counts[group] for group in files)
            others = sum(manifests.path_counts[group] for group in of) - count
            size = sum(manifests.sizes[group] for group in files)
            yield OutcomeFacts(outcome, OUTCOME_SENTENCES[outcome], count, others, size)


def _checks(manifests: Manifests) -> Iterable[CheckFacts]:
    for check, sentence in CHECK_SENTENCES.items():
        of = [group for group in manifests.path_counts if group.is_kept_file and group.check_made == check]
        if of:
            count, size = sum(manifests.path_counts[group] for group in of), sum(manifests.sizes[group] for group in of)
            yield CheckFacts(check, sentence, count, size)


def _not_plain(manifests: Manifests) -> Listing[FileFact]:
    named = [fact for outcome in NOT_PLAIN[:-1] for fact in manifests.files.get(outcome, [])]
    named += manifests.files.get("expired", [])[:EXAMPLES]
    total = manifests.count(
        lambda group: (
            group.outcome in NOT_PLAIN
            and (group.outcome != "expired" or (group.change == "vanished" and group.is_known))
        )
    )
    outcomes = sql_outcomes(outcome for outcome in NOT_PLAIN if outcome != Outcome.EXPIRED)
    # A run that found nothing new misses no file, but the run whose manifest the warehouse has may have missed some.
    vanished = f"outcome = '{Outcome.EXPIRED}' AND change = '{Change.VANISHED}' AND file_id IS NOT NULL"
    expired = f" OR ({vanished})" if manifests.is_in_warehouse else ""
    sql = (
        "SELECT outcome, home_id, path, check_made, detail, size, modified_at FROM manifest "
        f"WHERE {manifests.where} AND (outcome IN {outcomes}{expired})"
    )
    return Listing(total, named[:LIMIT], sql)


def _appeared(run: RunRecord) -> Listing[str]:
    paths = [(home_id, path) for home_id, appeared in sorted(run.appeared.items()) for path in appeared]
    return Listing(len(paths), [safe(f"{home_id}:{path}") for home_id, path in paths[:LIMIT]])


def rule_facts(manifests: Manifests, treatment: str) -> list[RuleFacts]:
    """Return the rules under which files are withheld (`withhold`) or only listed (`inventory`), by name."""
    whys = {rule.name: rule.why for rule in (*WITHHELD, *INVENTORY_ONLY)} | _PLACE_SENTENCES | dict(IN_THE_WAY)
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
            f"WHERE {manifests.where} AND treatment = {sql_text(treatment)} "
            f"AND rule = {sql_text(rule)} AND outcome NOT IN {sql_outcomes(NOT_HERE)} "
            "AND (entry_type <> 'directory' OR rule = 'directory')"
        )
        why = whys.get(rule, "Named in the settings.")
        size = manifests.size(is_here)
        made.append(RuleFacts(bounded(rule), why, files, others, size, Listing(named, names, sql)))
    return made
