"""Checks all files below the data directory: permissions, leftovers of killed runs, and files of other origin."""

import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from models.findings import places as codes
from models.findings import warehouse as warehouse_codes
from models.identity import is_home_id
from models.run import RUN_ID
from pipelines.archive.archive import missing_epochs, was_committed
from pipelines.archive.copies import listings, manifests_of
from pipelines.disk.atomic import is_as_named
from pipelines.disk.layout import is_drill_record
from pipelines.look import search_index
from pipelines.run.digest_sets import is_whole
from pipelines.verify.context import Context, unreadable

_HAS_MODES: Final = sys.platform != "win32"
_LAID_BY_GIT: Final = "README.md"
_TEMPORARY: Final = re.compile(r"\..+\.tmp|.+\.tmp\.duckdb(\.wal)?|.+\.tmp")
_TABLE: Final = re.compile(r"[a-z][a-z0-9_]*")
_RUN: Final = re.compile(rf"run=({RUN_ID})")
_IMPORT: Final = re.compile(r"[0-9a-f]{64}\.parquet")


@dataclass(slots=True)
class _Listed:
    """The paths of parts and texts in commit records; the runs whose records list all their files; the paths that may
    have a second copy; and, where a commit record is lost, the runs whose records are known, else None.
    """

    paths: set[str]
    complete: set[str]
    copied: set[str]
    known: set[str] | None


def check_places(context: Context) -> None:
    """Walk the data directory. Of Prefect's own files in prefect/ it checks only the permissions, and not those of
    its web pages.
    """
    is_partial = context.unusable or missing_epochs(context.layout, context.runs)
    listed = _Listed(
        {part.path for _, _, part in context.parts()} | {text.path for run in context.runs for text in run.texts},
        {run.run_id for run in context.runs if run.status == "complete"},
        {
            *(context.layout.relative(context.layout.commit_record(run.run_id)) for run in context.runs),
            *(part.path for part in manifests_of(context.runs)),
            *(path.name for path in listings(context.layout)),
            context.layout.settings_file.name,
            *(context.layout.relative(path) for path in context.layout.destinations.glob("*.json")),
        },
        {run.run_id for run in context.runs} if is_partial else None,
    )
    _check_mode(context, context.layout.root, is_directory=True)
    _walk(context, listed, context.layout.root, ())


def _walk(context: Context, listed: _Listed, directory: Path, above: tuple[str, ...]) -> None:
    try:
        with os.scandir(directory) as scanned:
            entries = sorted(scanned, key=lambda entry: entry.name)
    except FileNotFoundError:
        return  # a run has deleted it meanwhile
    except OSError as error:
        context.findings.append(unreadable(context, error))
        return
    for entry in entries:
        path, names = Path(entry.path), (*above, entry.name)
        is_directory = entry.is_dir(follow_symlinks=False)
        if entry.is_symlink():
            if path != context.layout.warehouse:
                context.findings.append(codes.LINK.at(context.address(path), target=_target(path)))
        elif not is_directory and not entry.is_file(follow_symlinks=False):
            _judge_special(context, path)
        elif above or entry.name != _LAID_BY_GIT:
            _check_mode(context, path, is_directory=is_directory)
            if is_directory:
                if _judge_directory(context, path, names):
                    _walk(context, listed, path, names)
            else:
                _judge_file(context, listed, path, names)


def _judge_special(context: Context, path: Path) -> None:
    """Report a pipe, socket or device, unless a finding on the file whose place it takes says how to mend that."""
    address = context.address(path)
    if not any(one.address == address for one in context.findings):
        context.findings.append(codes.SPECIAL.at(address))


def _target(path: Path) -> str:
    return os.fsencode(os.readlink(path)).decode("utf-8", "backslashreplace")


def _check_mode(context: Context, path: Path, *, is_directory: bool) -> None:
    if not _HAS_MODES:
        return
    try:
        mode = path.lstat().st_mode & 0o7777
    except FileNotFoundError:
        return
    if is_directory and mode & 0o077:
        context.findings.append(codes.DIRECTORY_MODE.at(context.address(path), mode=f"{mode:04o}"))
    elif not is_directory and mode & 0o177:
        context.findings.append(codes.FILE_MODE.at(context.address(path), mode=f"{mode:04o}"))
    is_warehouse = path.parent == context.layout.warehouses and path.suffix == ".duckdb"
    if is_warehouse and mode & 0o222 and not _TEMPORARY.fullmatch(path.name):
        context.findings.append(warehouse_codes.WRITABLE.at(context.address(path), mode=f"{mode:04o}"))


def _judge_directory(context: Context, path: Path, names: Sequence[str]) -> bool:
    """Report a directory that does not belong here; return whether to walk it."""
    match names:
        case [name]:
            is_ours = name in context.layout.top_directories
        case ["staging", _]:
            context.findings.append(codes.STAGED.at(context.address(path)))
            return False
        case ["prefect", "ui"]:
            return False  # the web pages of Prefect's package, with their modes there: nothing in them is of a home
        case ["prefect" | "copies" | "quarantine" | "machines" | "lakes", *_] | ["store", "imported"]:
            is_ours = True
        case ["runs", name]:
            is_ours = True
            if not context.layout.commit_record(name).exists() and not was_committed(path):
                context.findings.append(codes.EMPTY_RUN.at(context.address(path)))
        case ["tables", table]:
            is_ours = _TABLE.fullmatch(table) is not None
        case ["store", home] | ["tables", _, home]:
            is_ours = home.startswith("home=") and is_home_id(home.removeprefix("home="))
        case ["store", _, run] | ["tables", _, _, run]:
            is_ours = _RUN.fullmatch(run) is not None
        case _:
            is_ours = False
    if not is_ours:
        context.findings.append(codes.FOREIGN.at(context.address(path), what="directory"))
    return is_ours


def _judge_file(context: Context, listed: _Listed, path: Path, names: Sequence[str]) -> None:
    address = context.address(path)
    name = names[-1]
    match names:
        case [_] if name in context.layout.top_files:
            return
        case ["prefect" | "quarantine" | "machines" | "lakes", *_]:
            return
        case _ if path == context.layout.archive_copy:
            return
        case ["destinations", _] if path == context.layout.syncing_file or path in context.layout.destination_files():
            return
        case ["staging", _]:
            context.findings.append(codes.STAGED.at(address))
        case ["copies", *original] if "/".join(original) in listed.copied or _may_be_of_lost_run(listed, address):
            return
        case _ if _TEMPORARY.fullmatch(name):
            context.findings.append(codes.TEMPORARY.at(address))
        case ["runs", run, _] if run in context.unusable or _is_of_a_run(context, path, run):
            return
        case ["runs", run, _] if run not in listed.complete and name.startswith("manifest-sha256"):
            return  # the run was stopped before its record listed the text
        case ["cache", _] if path.suffix == ".idx":
            if not is_whole(path):
                context.findings.append(codes.INDEX_BROKEN.at(address))
        case ["cache", _] if name.startswith("search-") and path.suffix == ".fts":
            if not search_index.is_whole(path, is_deep=True):
                context.findings.append(codes.INDEX_BROKEN.at(address))
        case ["cache", _] if path in context.layout.vector_files():
            if not is_as_named(path):
                context.findings.append(codes.INDEX_BROKEN.at(address))
        case ["store", "imported", _] if _IMPORT.fullmatch(name):
            return
        case ["warehouse", _] if name.endswith((".duckdb", ".duckdb.wal")):
            return
        case ["store", _, run, _] | ["tables", _, _, run, _] if path.suffix == ".parquet":
            _judge_part(context, listed, address, run)
        case _ if address not in listed.paths:
            context.findings.append(codes.FOREIGN.at(address, what="file"))


def _may_be_of_lost_run(listed: _Listed, address: str) -> bool:
    """Whether a file may be of a run whose commit record is lost: `extract repair` makes the record again from it."""
    run = re.search(RUN_ID, address)
    return listed.known is not None and run is not None and run[0] not in listed.known


def _is_of_a_run(context: Context, path: Path, run_id: str) -> bool:
    """Return whether a file in a run's directory is one that every run may have there."""
    layout = context.layout
    own = (layout.commit_record(run_id), layout.findings(run_id), *layout.reports(run_id))
    return path in own or is_drill_record(path)


def _judge_part(context: Context, listed: _Listed, address: str, directory: str) -> None:
    run_id = directory.removeprefix("run=")
    if address in listed.paths or run_id in context.unusable or _may_be_of_lost_run(listed, address):
        return
    kind = codes.UNLISTED if run_id in listed.complete else codes.UNCOMMITTED
    context.findings.append(kind.at(address))
