"""Calls that differ between systems behave the same behind one interface; this system tries both ways of opening."""

import errno
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import extractors
from extractors.home.platform import (
    DescriptorDirectory,
    Directory,
    PathDirectory,
    is_link,
    long_windows_path,
    open_directory,
    pread,
)
from pipelines.disk.platform import (
    create_exclusive,
    fsync_directory,
    full_fsync,
    link_or_copy,
    make_files_private,
    replace,
    same_file,
    try_lock,
)

POSIX = sys.platform != "win32"
LINK_ERRORS = {errno.ELOOP, errno.EMLINK, errno.ENOTDIR}
needs_posix = pytest.mark.skipif(not POSIX, reason="Windows lacks this, or allows it to administrators only")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "home"
    (path / "directory").mkdir(parents=True)
    (path / "directory" / "file").write_bytes(b"content")
    (path / "file").write_bytes(b"content")
    return path


@pytest.fixture(params=["descriptors", "paths"])
def root(request: pytest.FixtureRequest, home: Path) -> Iterator[Directory]:
    if request.param == "descriptors" and not POSIX:
        pytest.skip("Windows has no directory descriptors")
    opened: Directory = (DescriptorDirectory if request.param == "descriptors" else PathDirectory).at(home)
    yield opened
    opened.close()


def content(directory: Directory, name: bytes) -> bytes:
    opened = directory.file(name)
    try:
        return pread(opened.descriptor, 100, 0)
    finally:
        os.close(opened.descriptor)


def test_a_file_is_read_one_name_at_a_time(root: Directory) -> None:
    below = root.directory(b"directory")
    assert content(below, b"file") == content(root, b"file") == b"content"
    below.close()


def test_a_scan_gives_every_name_and_its_status(root: Directory, home: Path) -> None:
    seen = {entry.name: root.stat_entry(entry).st_ino for entry in root.scan()}
    assert seen == {name: (home / name).lstat().st_ino for name in ("directory", "file")}


def test_a_directory_can_be_scanned_twice(root: Directory) -> None:
    below = root.directory(b".")
    assert [sorted(names(below)) for _ in range(2)] == [[b"directory", b"file"]] * 2
    below.close()


def names(directory: Directory) -> list[bytes]:
    return [os.fsencode(entry.name) for entry in directory.scan()]


def test_what_is_not_there_is_not_found(root: Directory) -> None:
    for look in (root.file, root.directory, root.stat, root.link_target):
        with pytest.raises(FileNotFoundError):
            look(b"gone")


def test_a_file_is_no_directory(root: Directory) -> None:
    with pytest.raises(NotADirectoryError):
        root.directory(b"file")


@needs_posix
@pytest.mark.parametrize("target", ["file", "directory", "gone", "link", "/", "directory/file"])
def test_a_link_is_looked_at_and_never_followed(root: Directory, home: Path, target: str) -> None:
    (home / "link").symlink_to(target)
    assert is_link(root.stat(b"link"))
    assert root.link_target(b"link") == target.encode()
    for follow in (root.file, root.directory):
        with pytest.raises(OSError) as caught:  # noqa: PT011 - the number is checked below
            follow(b"link")
        assert caught.value.errno in LINK_ERRORS


@needs_posix
def test_a_directory_swapped_for_a_link_after_it_was_opened_leads_nowhere_else(root: Directory, home: Path) -> None:
    elsewhere = home.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "file").write_bytes(b"secret")
    below = root.directory(b"directory")
    before = os.listdir("/dev/fd")
    (home / "directory").rename(home / "moved")
    (home / "directory").symlink_to(elsewhere)
    if isinstance(below, PathDirectory):
        for look in (lambda: below.file(b"file"), lambda: list(below.scan())):
            with pytest.raises(OSError) as caught:  # noqa: PT011 - the number is checked below
                look()
            assert caught.value.errno == errno.ELOOP
    else:
        assert content(below, b"file") == b"content"
        assert names(below) == [b"file"]
    assert os.listdir("/dev/fd") == before
    below.close()


@needs_posix
def test_opening_a_fifo_does_not_hang(root: Directory, home: Path) -> None:
    if sys.platform != "win32":
        os.mkfifo(home / "fifo")
    descriptors: list[int] = []
    opening = threading.Thread(target=lambda: descriptors.append(root.file(b"fifo").descriptor), daemon=True)
    opening.start()
    opening.join(20)
    assert stat.S_ISFIFO(os.fstat(descriptors[0]).st_mode)
    os.close(descriptors[0])


def test_what_is_opened_is_not_inherited_and_cannot_be_written(root: Directory) -> None:
    descriptor = root.file(b"file").descriptor
    assert not os.get_inheritable(descriptor)
    with pytest.raises(OSError, match=r".") as caught:
        os.write(descriptor, b"x")
    assert caught.value.errno == errno.EBADF
    os.close(descriptor)


@needs_posix
def test_a_home_given_as_a_link_is_opened(home: Path) -> None:
    link = home.parent / "link"
    link.symlink_to(home)
    for opened in (open_directory(link), PathDirectory.at(link)):
        assert content(opened, b"file") == b"content"
        opened.close()


@pytest.mark.parametrize(
    ("absolute", "long"),
    [
        ("C:\\Users\\me\\.claude", "\\\\?\\C:\\Users\\me\\.claude"),
        ("\\\\server\\share\\home", "\\\\?\\UNC\\server\\share\\home"),
        ("\\\\?\\C:\\Users\\me", "\\\\?\\C:\\Users\\me"),
    ],
)
def test_a_windows_path_may_be_longer_than_260_characters(absolute: str, long: str) -> None:
    assert long_windows_path(absolute) == long


def test_a_part_is_read_wherever_the_position_is(home: Path) -> None:
    with (home / "file").open("rb") as file:
        file.seek(5)
        assert [pread(file.fileno(), 3, 2), pread(file.fileno(), 9, 4), pread(file.fileno(), 9, 7)] == [
            b"nte",
            b"ent",
            b"",
        ]


def test_one_holder_at_a_time_has_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    first, second = create_exclusive(path), os.open(path, os.O_RDWR)
    os.write(first, b"pid 1")
    assert try_lock(first)
    assert not try_lock(second)
    assert path.read_bytes() == b"pid 1"
    os.close(first)
    assert try_lock(second)
    os.close(second)


def test_reading_the_locked_file_does_not_free_it(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    first = create_exclusive(path)
    assert try_lock(first)
    path.read_bytes()
    second = os.open(path, os.O_RDWR)
    assert not try_lock(second)
    os.close(first)
    os.close(second)


HOLD = """
import os, sys
from pipelines.disk.platform import try_lock
print(try_lock(os.open(sys.argv[1], os.O_RDWR)), flush=True)
sys.stdin.read()
"""


def test_the_lock_of_a_killed_process_is_free_again(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    ours = create_exclusive(path)
    root = str(Path(extractors.__path__[0]).parent)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        env={**os.environ, "PYTHONPATH": root},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"True\n".replace(b"\n", os.linesep.encode())
        assert not try_lock(ours)
        holder.kill()
        holder.wait()
    assert try_lock(ours)
    os.close(ours)


def test_a_lock_file_that_was_deleted_or_replaced_is_no_longer_the_one_that_is_open(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    descriptor = create_exclusive(path)
    assert same_file(descriptor, path)
    path.unlink()
    assert not same_file(descriptor, path)
    path.write_bytes(b"")
    assert not same_file(descriptor, path)
    os.close(descriptor)


def test_a_new_file_is_its_owners_alone_and_never_an_old_one(tmp_path: Path) -> None:
    path = tmp_path / "new"
    descriptor = create_exclusive(path)
    os.write(descriptor, b"x")
    os.close(descriptor)
    if POSIX:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        create_exclusive(path)
    assert path.read_bytes() == b"x"


@needs_posix
def test_a_new_file_is_not_made_through_a_dangling_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("elsewhere")
    with pytest.raises(FileExistsError):
        create_exclusive(tmp_path / "link")
    assert not (tmp_path / "elsewhere").exists()


@needs_posix
def test_once_files_are_private_everything_made_is_its_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        make_files_private()
        (tmp_path / "file").write_bytes(b"")
        (tmp_path / "directory").mkdir()
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("file", "directory")]
    assert modes == [0o600, 0o700]


def test_syncs_reach_the_system(tmp_path: Path) -> None:
    descriptor = create_exclusive(tmp_path / "file")
    os.write(descriptor, b"x")
    full_fsync(descriptor)
    fsync_directory(tmp_path)
    os.close(descriptor)
    with pytest.raises(OSError, match=r".") as caught:
        full_fsync(descriptor)
    assert caught.value.errno == errno.EBADF
    if POSIX:
        with pytest.raises(FileNotFoundError):
            fsync_directory(tmp_path / "gone")


def test_replacing_leaves_one_file_with_the_new_content(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"old")
    (tmp_path / "new").write_bytes(b"new")
    replace(tmp_path / "new", tmp_path / "old")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("old", b"new")]
    with pytest.raises(FileNotFoundError):
        replace(tmp_path / "new", tmp_path / "old")


@pytest.fixture
def warehouses(tmp_path: Path) -> Path:
    (tmp_path / "warehouse").mkdir()
    for name in ("1", "2"):
        (tmp_path / "warehouse" / name).write_bytes(name.encode())
    return tmp_path / "warehouse.duckdb"


@needs_posix
def test_a_link_is_made_and_pointed_anew(warehouses: Path) -> None:
    for name in ("1", "2", "2"):
        assert link_or_copy(f"warehouse/{name}", warehouses) == "link"
        assert os.readlink(warehouses) == f"warehouse/{name}"
        assert warehouses.read_bytes() == name.encode()
    assert sorted(path.name for path in warehouses.parent.iterdir()) == ["warehouse", "warehouse.duckdb"]


def refuse(*_: object, **__: object) -> None:
    raise PermissionError(errno.EPERM, "no links on this file system")


def test_where_no_link_can_be_made_the_file_is_replaced(warehouses: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "symlink", refuse)
    for name in ("1", "2"):
        assert link_or_copy(f"warehouse/{name}", warehouses) == "copy"
        assert not warehouses.is_symlink()
        assert warehouses.read_bytes() == name.encode()
    if POSIX:
        assert stat.S_IMODE(warehouses.stat().st_mode) == 0o600
    assert sorted(path.name for path in warehouses.parent.iterdir()) == ["warehouse", "warehouse.duckdb"]


def test_a_link_to_nothing_is_refused_and_the_old_one_stays(warehouses: Path) -> None:
    link_or_copy("warehouse/1", warehouses)
    for name in ("warehouse/3", "warehouse"):
        with pytest.raises(FileNotFoundError):
            link_or_copy(name, warehouses)
    assert warehouses.read_bytes() == b"1"
    assert sorted(path.name for path in warehouses.parent.iterdir()) == ["warehouse", "warehouse.duckdb"]


def test_a_directory_is_not_replaced_and_nothing_is_left_behind(warehouses: Path) -> None:
    warehouses.mkdir()
    with pytest.raises(OSError, match=r"."):
        link_or_copy("warehouse/1", warehouses)
    assert warehouses.is_dir()
    assert sorted(path.name for path in warehouses.parent.iterdir()) == ["warehouse", "warehouse.duckdb"]


@needs_posix
@pytest.mark.parametrize("links", [True, False])
def test_a_reader_finds_a_whole_file_whenever_it_looks(
    warehouses: Path, links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not links:
        monkeypatch.setattr(os, "symlink", refuse)
    contents = [name.encode() * 50_000 for name in ("1", "2")]
    for name, whole in zip(("1", "2"), contents, strict=True):
        (warehouses.parent / "warehouse" / name).write_bytes(whole)
    link_or_copy("warehouse/1", warehouses)
    stop = threading.Event()
    wrong: list[str] = []

    def look() -> None:
        while not stop.is_set():
            try:
                if warehouses.read_bytes() not in contents:
                    wrong.append("torn")
            except OSError as error:
                wrong.append(str(error))

    reader = threading.Thread(target=look)
    reader.start()
    for turn in range(60):
        link_or_copy(f"warehouse/{turn % 2 + 1}", warehouses)
    stop.set()
    reader.join()
    assert wrong == []


def test_an_open_directory_has_an_identity_of_its_own(root: Directory, home: Path) -> None:
    (home / "other").mkdir()
    held, again, other = root.directory(b"directory"), root.directory(b"directory"), root.directory(b"other")
    assert held.identity() == again.identity()
    assert len({held.identity(), other.identity(), root.identity()}) == 3
    for opened in (held, again, other):
        opened.close()
