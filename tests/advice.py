"""Follows the advice of findings as a machine does, and accounts for every kind of finding: each is followed here, by
a test elsewhere, or listed with the reason why no machine can follow it.
"""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from models.finding import KINDS, Finding, Level, Severity
from models.findings.advice import PROGRAM_FAULT, WHAT_OTHERS_NAME
from pipelines.archive.known_copies import KnownCopy, keep_known_copy
from pipelines.verify.subset import Subset
from pipelines.verify.verify import check
from tests.archives import HOME, Archive, run
from tests.command_line import call
from tests.damages import DAMAGES, level_of
from tests.repairing import errors_in, mended

Step = Callable[[Archive, Path], object]
TO_DO: dict[str, Step] = {
    r"^Name its present directory": lambda archive, _: setattr(archive, "home", archive.home.with_name("moved")),
    r"^Name a home that was read": lambda archive, _: setattr(archive, "names", (HOME,)),
    r"^Put the data back in its place": lambda archive, _: (archive.home / "todos").unlink(),
    r"this verification replaces it": lambda archive, _: call("verify", "--quick", "--data", archive.layout.root),
    r"^Nothing else depends on it": lambda archive, _: put_the_audit_aside(archive),
    r"^Nothing, the program makes it again": lambda archive, _: run_with_more(archive),
    r"copies/settings\.toml": lambda archive, _: put_settings_back(archive),
    r"^Correct the problems of the other": lambda archive, _: mended(archive),
    r"delete the log": lambda archive, path: delete_and_rebuild(archive, path),
    r"`extract repair": lambda archive, _: mended(archive),
    r"[Vv]erify again": lambda archive, _: archive.held.close(),
    r"`extract rebuild`": lambda archive, _: call("rebuild", "--data", archive.layout.root),
    r"the next `extract run`|next run|`extract run`": lambda archive, _: run(archive.layout, archive.home),
    r"chmod 700": lambda _, path: path.chmod(0o700),
    r"chmod 600": lambda _, path: path.chmod(0o600),
    r"chmod 400": lambda _, path: path.chmod(0o400),
    r"^Move it out of the data directory": lambda archive, path: path.rename(archive.home.parent / "moved"),
    r"^(Remove|Delete) (it|the link)": lambda _, path: path.unlink(),
}
"""How a machine follows an advice: by the first pattern that matches."""
ELSEWHERE = {
    **dict.fromkeys(
        ("C101", "C102", "C111"),
        "copies/test_copies.py::test_what_is_damaged_at_the_other_end_is_found_never_brought_back_and_replaced",
    ),
    "C103": "copies/test_copies.py::test_a_foreign_file_at_the_place_is_named_and_left_alone",
    "C105": "copies/test_copies.py::test_what_the_archive_has_lost_stays_in_the_copy_and_is_named",
    "C106": "copies/test_copies.py::test_an_older_version_of_a_commit_record_replaces_no_newer_one",
    "C107": "copies/test_copies.py::"
    "test_a_copy_that_was_put_back_to_an_earlier_state_is_noticed_and_brought_up_to_date",
    "C108": "copies/test_copies.py::test_a_damaged_file_of_the_archive_replaces_nothing",
    **dict.fromkeys(("C109", "C110"), "copies/test_copies.py::test_what_was_erased_is_erased_in_the_copy"),
    "R154": "forget/test_killed_erasure.py::test_an_erasure_that_is_killed_is_not_begun_or_finished_by_the_next_start",
}
"""The test that follows the advice of a kind of finding, for those that need a copy, or a command that was killed."""

OTHER_VERSION = "needs a newer version of the program, which does not exist"
NOT_OF_THE_ARCHIVE = "is about the target of a restore or drill, which is not part of the archive"
OTHER_MACHINE = "asks the owner of another machine"
NOT_FOLLOWED = {
    **dict.fromkeys(("E109", "P107", "R104", "R152", "R208", "R218"), OTHER_VERSION),
    **dict.fromkeys(("X105", "X121", "X122", "X123", "X124", "X125", "X126", "X127"), NOT_OF_THE_ARCHIVE),
    **dict.fromkeys(("X201", "X202", "X203", "X204", "X205", "X206", "X207"), NOT_OF_THE_ARCHIVE),
    **dict.fromkeys(("N101", "N102", "N103", "N104", "N105", "N106", "N107", "N108", "N109", "N110"), OTHER_MACHINE),
    **dict.fromkeys(
        ("X101", "X102", "X103", "X104", "X106", "X131"),
        "says what `extract verify` says of the same damage, whose advice is followed",
    ),
    "C104": "names a file of another archive at the place, as a person may put it there",
    "P110": "asks a person to import another store again",
    "H108": "needs a user whose permissions count: tests may run as root",
    "H110": "asks a person to check the disk",
    "M108": "asks a person to report a secret",
}
"""The reason why no machine follows the advice of a kind of finding."""


def sealed_tombstones(archive: Archive) -> None:
    archive.seal(archive.layout.tombstones_file, {"format": 1, "key": "00", "tombstones": []})


def lose_tombstones(archive: Archive, copy: Archive) -> None:
    sealed_tombstones(copy)
    DAMAGES["R151"](archive)


def lose_tombstones_of_a_span(archive: Archive, copy: Archive) -> None:
    DAMAGES["R153"](archive)
    shutil.rmtree(copy.layout.root)
    shutil.copytree(archive.layout.root, copy.layout.root, symlinks=True)
    sealed_tombstones(copy)


def lose_the_run_gone_back_to(archive: Archive, copy: Archive) -> None:
    first = archive.runs[0].run_id
    assert call("rollback", first, "--yes", "--data", archive.layout.root).code == 0
    shutil.rmtree(copy.layout.root)
    shutil.copytree(archive.layout.root, copy.layout.root, symlinks=True)
    for path in list(archive.layout.root.rglob(f"*{first}")):
        shutil.rmtree(path)


def lose_newest_run_of(archive: Archive, copy: Archive) -> None:
    """Delete all of the newest run, and note that a copy has it."""
    last, root = archive.last, archive.layout.root
    keep_known_copy(
        archive.layout, KnownCopy(str(copy.layout.root), last.started_at, epoch=last.epoch, run_id=last.run_id)
    )
    for path in [*root.rglob(f"*{last.run_id}"), *root.rglob("head.json")]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


FROM_A_COPY: dict[str, Callable[[Archive, Archive], None]] = {
    "R151": lose_tombstones,
    "R153": lose_tombstones_of_a_span,
    "R227": lose_the_run_gone_back_to,
    "R307": lose_newest_run_of,
}
"""Damages that only a copy can mend: each takes the archive and the copy, which it may bring up to date first."""


def is_report(code: str) -> bool:
    """Whether the advice is to report a fault of the program: the damage forges records that agree with it."""
    return KINDS[code].what_to_do in (PROGRAM_FAULT, WHAT_OTHERS_NAME)


def is_nothing(code: str) -> bool:
    """Whether a finding is information that asks for nothing, not even for the next run."""
    kind = KINDS[code]
    return kind.severity is Severity.INFORMATION and kind.what_to_do.startswith("Nothing") and step_of(code) is None


def advised() -> list[str]:
    """Return the codes whose advice is followed here."""
    others = {*ELSEWHERE, *NOT_FOLLOWED}
    codes = [code for code in sorted(DAMAGES) if code not in others and not is_report(code) and not is_nothing(code)]
    return [code for code in codes if code in (*FROM_A_COPY, *ALONE) or step_of(code) is not None]


def step_of(code: str) -> Step | None:
    """Return how a machine follows the advice of a kind of finding; None if no pattern matches it."""
    return next((step for pattern, step in TO_DO.items() if re.search(pattern, KINDS[code].what_to_do)), None)


def put_the_audit_aside(archive: Archive) -> None:
    for name in ("audit.jsonl", "audit.json") if archive.layout.audit_file.exists() else ():
        shutil.move(archive.layout.root / name, archive.home.parent / name)


def run_with_more(archive: Archive) -> None:
    (archive.home / "more.md").write_bytes(b"# more\n")
    run(archive.layout, archive.home)


def put_settings_back(archive: Archive) -> None:
    path = archive.layout.settings_file
    path.write_bytes(archive.layout.copy_of(path).read_bytes())
    path.chmod(0o600)


def delete_and_rebuild(archive: Archive, path: Path) -> None:
    path.unlink()
    call("rebuild", "--data", archive.layout.root)


def move_a_run_out(archive: Archive) -> None:
    """Move the newest of two runs of one epoch out of the archive, and mend the rest."""
    last = archive.last.run_id
    for path in list(archive.layout.root.rglob(f"*{last}")):
        shutil.rmtree(path)
    mended(archive)


def pick_the_same_files(archive: Archive) -> None:
    """Verify the same random share again."""
    seen = [[one for one in check(archive.layout, Level.DEEP, Subset(50, seed=7)) if one.code == "D107"] for _ in "ab"]
    assert seen[0] == seen[1]


ALONE: dict[str, Callable[[Archive], object]] = {"R206": move_a_run_out, "D108": pick_the_same_files}
"""How a machine follows the advice of these kinds of findings, which no pattern describes."""


def found(archive: Archive, code: str) -> list[Finding]:
    """Return the findings of the level that looks for a code."""
    homes = [(name, archive.home) for name in archive.names]
    subset = Subset(50, seed=7) if code == "D108" else Subset()
    return check(archive.layout, level_of(code), subset, homes)


def follow(archive: Archive, code: str) -> list[str]:
    """Damage an archive, follow the advice of each finding of this code, and return the errors that are left, without
    those whose advice is to report them: their damage forges records that agree with it, as no disk does.
    """
    if code in FROM_A_COPY:
        copy = archive.copy(archive.layout.root.parent / "copy")
        FROM_A_COPY[code](archive, copy)
        assert code in {one.code for one in found(archive, code)}
        mended(archive, copy.layout.root)
    else:
        DAMAGES[code](archive)
        step = step_of(code)
        for finding in [one for one in found(archive, code) if one.code == code]:
            if code in ALONE:
                ALONE[code](archive)
            elif step is not None:
                step(archive, archive.layout.root / finding.address)
    archive.held.close()
    return errors_in([one for one in found(archive, code) if not is_report(one.code)])
