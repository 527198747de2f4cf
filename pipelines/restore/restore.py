"""Restores files from the archive: one file, a session, a phase, a home, or everything, as of any run.

Each file is written under a temporary name, flushed to the disk, read back, compared with the SHA-256 of its manifest,
and only then renamed to its place, with its time and mode; a file that differs is not placed. In a new or empty target
all files appear at the end. Until then, and when the restore is killed, the target contains only a directory
INCOMPLETE-RESTORE-….
"""

import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from extractors.home.home import Home
from models.errors import ConfigurationError, ExitCode
from models.finding import Finding, address_of, exit_code
from models.findings import restore as codes
from models.json import JsonObject
from models.observer import Observer
from models.run import PartRecord
from pipelines.archive.as_of import open_as_of
from pipelines.archive.selection import Chosen, Selection, archived_roots, choose
from pipelines.archive.store import StoreReader
from pipelines.disk.failpoints import reach
from pipelines.disk.layout import Layout
from pipelines.disk.platform import make_files_private
from pipelines.disk.remove_tree import remove_tree
from pipelines.disk.tree_target import TreeTarget, open_target
from pipelines.restore.descent import entered
from pipelines.restore.place import MARK, check_place, check_room, known_roots, target_errors
from pipelines.restore.plan import RestorePlan, homes_of, make_plan
from pipelines.restore.tree import RestoreTree
from pipelines.restore.writer import WriteCounts, Writer

_FILES, _TREE = b"files", b"tree"


@dataclass(frozen=True, slots=True)
class RestoreRequest:
    """The paths to restore, and the target.

    `as_of` is a run_id or a date; `undone` also accepts a run that a rollback has undone. `expired` says whether to
    restore the last version of files that were already deleted from the home at that run; None means only when a
    session or a file is named. `links` makes symbolic links. `into_home` adds missing files to an existing home.
    """

    target: Path
    selection: Selection = field(default_factory=Selection)
    as_of: str | None = None
    expired: bool | None = None
    links: bool = False
    into_home: bool = False
    dry_run: bool = False
    undone: bool = False

    @property
    def with_expired(self) -> bool:
        """Whether files that were already deleted from the home are restored."""
        named = self.selection.session is not None or bool(self.selection.files)
        return named if self.expired is None else self.expired


@dataclass(slots=True)
class RestoreResult:
    """The result of a restore, or the expected result after a dry run. Sizes are in bytes."""

    target: Path
    chosen: Chosen
    plan: RestorePlan
    homes: list[str]
    written: WriteCounts
    directories: int = 0
    links: int = 0
    findings: list[Finding] = field(default_factory=list)
    seconds: float = 0.0
    is_dry: bool = False

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of the command: 3 for damage, 5 when the target refused something, else 0."""
        return exit_code(self.findings, ExitCode.INCOMPLETE)

    def to_json(self) -> JsonObject:
        """Return the result as JSON values."""
        return {
            "target": str(self.target),
            "run_id": self.chosen.run.run_id,
            "homes": list(self.homes),
            "session_id": self.chosen.session_id,
            "prompts_in_history": self.chosen.prompt_count,
            "dry_run": self.is_dry,
            "files": len(self.plan.files) if self.is_dry else self.written.files,
            "bytes": self.plan.size if self.is_dry else self.written.size,
            "directories": len(self.plan.directories) if self.is_dry else self.directories,
            "links": len(self.plan.links) if self.is_dry else self.links,
            "files_with_erased_bytes": self.written.with_erased,
            "there_already": self.written.same,
            "there_already_with_other_content": self.written.other,
            "expired_not_asked_for": self.plan.expired_count,
            "restored_under_another_name": dict(self.plan.renamed),
            "not_restorable": [
                {"home_id": archived.state.home_id, "path": archived.state.path, "why": str(archived.availability)}
                for archived in self.plan.left_out
            ],
            "findings": [finding.to_json() for finding in self.findings],
            "exit_code": int(self.exit_code),
            "seconds": round(self.seconds, 3),
        }


def restore(
    layout: Layout,
    request: RestoreRequest,
    observer: Observer | None = None,
    *,
    opening: Callable[[Path], TreeTarget] = open_target,
    bring: Callable[[PartRecord], None] | None = None,
) -> RestoreResult:
    """Restore the requested paths. A path that cannot be restored becomes a finding; the others are restored. `bring`
    is called for each part of the store before it is read.

    Raises ConfigurationError when the selection matches nothing or the target is not allowed, DiskFullError and
    DataDirectoryError when the target cannot be written; a new target directory is then removed again.
    """
    opened = open_as_of(layout, request.as_of, with_undone=request.undone)
    opened.reader.bring = bring
    roots = archived_roots(layout, opened.reader.runs)
    target = check_place(request.target, layout, known_roots(roots.values()), into_home=request.into_home)
    chosen = choose(opened.reader, opened.run, roots, request.selection)
    return restore_chosen(opened.reader, chosen, request, target, observer or Observer(), opening=opening)


def restore_chosen(
    reader: StoreReader,
    chosen: Chosen,
    request: RestoreRequest,
    target: Path,
    observer: Observer,
    *,
    opening: Callable[[Path], TreeTarget] = open_target,
) -> RestoreResult:
    """Restore the chosen paths to `target`, which `check_place` has accepted. Raises as `restore` does."""
    started = time.monotonic()
    made_of = sorted(homes_of(chosen.paths))
    if request.into_home and len(made_of) > 1:
        raise ConfigurationError(
            f"--into-home restores one home: name it with --home (the archive has {', '.join(made_of)})"
        )
    plan = make_plan(chosen, with_expired=request.with_expired, with_links=request.links, by_home=len(made_of) > 1)
    result = RestoreResult(target, chosen, plan, made_of, WriteCounts(), is_dry=request.dry_run)
    if not request.dry_run and (plan.directories or plan.files or plan.links):
        if not request.into_home:  # in a home most files may exist already: the needed room is unknown
            check_room(target, plan.size, len(plan.files) + len(plan.directories))
        _write(reader, result, request, observer, opening)
    result.findings += plan.findings + [
        codes.ARCHIVE_DAMAGED.at(address_of("", path), problem=text) for path, text in sorted(reader.damage.items())
    ]
    result.seconds = time.monotonic() - started
    return result


def _write(
    reader: StoreReader,
    result: RestoreResult,
    request: RestoreRequest,
    observer: Observer,
    opening: Callable[[Path], TreeTarget],
) -> None:
    make_files_private()
    mark = f"{MARK}{secrets.token_hex(4)}"
    with target_errors(result.target), _undone_on_failure(result.target, mark) as work, ExitStack() as stack:
        top = opening(result.target)
        stack.callback(top.close)
        top.make_directory(mark.encode())
        with entered(top, (mark.encode(),)) as marked:
            marked.make_directory(_FILES)
            if not request.into_home:
                marked.make_directory(_TREE)
        files = stack.enter_context(entered(top, (mark.encode(), _FILES)))
        home = stack.enter_context(Home(result.target)) if request.into_home else None
        new_tree = None if request.into_home else stack.enter_context(entered(top, (mark.encode(), _TREE)))
        tree = RestoreTree(new_tree or top, result.plan, is_new=new_tree is not None)
        stack.callback(tree.close)
        writer = Writer(reader, tree, files, home, observer)
        result.written, result.findings = writer.written, tree.findings
        observer.step_begins("restoring", result.plan.size)
        tree.make()
        writer.write(result.plan.files)
        observer.step_ends()
        if new_tree is not None:
            work.is_moving = True
            _move_up(new_tree, top, tree)
        result.links = writer.link(result.plan.links)
        tree.finish()
        result.directories = len(tree.made)
        reach("restore:before-end")
        _remove_marked(top, mark.encode(), (_FILES,) if request.into_home else (_FILES, _TREE))
        work.is_done = True


def _move_up(new_tree: TreeTarget, top: TreeTarget, tree: RestoreTree) -> None:
    """Rename the finished top-level entries from the working directory into the target."""
    reach("restore:before-move")
    for name in sorted(os.fsencode(entry.name) for entry in new_tree.scan()):
        top.move(new_tree, name, name)
        reach("restore:moved-one")
    tree.is_moved(top)


def _remove_marked(top: TreeTarget, mark: bytes, names: Sequence[bytes]) -> None:
    with entered(top, (mark,)) as marked:
        for name in names:
            marked.remove_directory(name)
    top.remove_directory(mark)
    top.sync()


@dataclass(slots=True)
class _Work:
    """The progress of a restore. After `is_moving` a failure leaves the files and the INCOMPLETE-RESTORE- directory:
    the files in place are complete, and the directory's name shows that others are missing.
    """

    is_moving: bool = False
    is_done: bool = False


@contextmanager
def _undone_on_failure(target: Path, mark: str) -> Iterator[_Work]:
    """Create the target if it is missing; when the block fails before moving, remove the working directory `mark`, and
    the target if it was created here and is empty.
    """
    was_missing = not target.exists()
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    work = _Work()
    try:
        yield work
    finally:
        if not work.is_done and not work.is_moving:
            with suppress(OSError):
                remove_tree(target / mark)
            if was_missing:
                with suppress(OSError):
                    target.rmdir()
