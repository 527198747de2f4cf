"""Files and directories that are refused, vanish, grow and are replaced while a home is read."""

import errno
import os
import shutil
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.home import platform as _platform
from extractors.home.found import UNKNOWN, look_at
from extractors.home.home import Home, PinnedFile, walk
from models.errors import NotARegularFile, Unreadable, Vanished
from tests.extractors.made_homes import at, content_of, found_below, open_descriptors, write
from tests.support import is_root

if sys.platform == "win32":
    pytest.skip("the trees of these tests cannot be made on Windows", allow_module_level=True)


NOBODY = 65534


def run_unprivileged(check: Callable[[], None]) -> None:
    """Run ``check`` as a user who is subject to file modes: in a child process if this one is root."""
    if not is_root():
        check()
        return
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            check()
            status = 0
        finally:
            os.write(writer, traceback.format_exc().encode())
            os._exit(status)
    os.close(writer)
    with open(reader, "rb") as pipe:
        report = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    assert status == 0, report


@pytest.fixture
def open_home() -> Iterator[Path]:
    """A home that any user can reach; ``tmp_path`` is its owner's alone."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_what_must_not_be_read_is_listed_with_its_reason_and_the_rest_goes_on(open_home: Path) -> None:
    for path in (b"a", b"closed/inside", b"listed/file", b"listed/directory/inside", b"z"):
        write(open_home, path)
    modes = {b"a": 0o000, b"closed": 0o000, b"listed": 0o444, b"z": 0o644}
    for path, mode in modes.items():
        at(open_home, path).chmod(mode)

    def check() -> None:
        seen = found_below(open_home)
        assert [(found.path, found.kind, found.error) for found in seen.values()] == [
            (b"a", "file", None),
            (b"closed", "directory", "EACCES"),
            (b"listed", "directory", None),
            (b"listed/directory", "directory", "EACCES"),
            (b"listed/file", "file", "EACCES"),
            (b"z", "file", None),
        ]
        assert seen[b"listed/file"].stat == UNKNOWN
        assert seen[b"closed"].stat.mode & 0o777 == 0
        with Home(open_home) as opened:
            for path in (b"a", b"closed/inside", b"listed/file"):
                with pytest.raises(Unreadable) as caught:
                    opened.open(path)
                assert caught.value.errno == errno.EACCES
        assert content_of(open_home, b"z") == b"content"

    try:
        run_unprivileged(check)
    finally:
        for path in modes:
            at(open_home, path).chmod(0o755)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_home_that_must_not_be_read_at_all_says_so(open_home: Path) -> None:
    open_home.chmod(0o000)

    def check() -> None:
        with pytest.raises(Unreadable) as caught:
            next(walk(open_home))
        assert (caught.value.path, caught.value.errno) == (b"", errno.EACCES)

    try:
        run_unprivileged(check)
    finally:
        open_home.chmod(0o755)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.skipif(not is_root(), reason="only root can make files of another user")
def test_a_file_of_somebody_else_is_read_and_the_access_time_admitted(open_home: Path) -> None:
    write(open_home, b"a")

    def check() -> None:
        with Home(open_home) as opened, opened.open(b"a") as file:
            assert file.read(0, 7) == b"content"
            assert not file.atime_kept

    run_unprivileged(check)


def test_what_vanishes_after_the_walk_is_called_vanished(home: Path) -> None:
    write(home, b"a/file")
    with Home(home) as opened:
        opened.open(b"a/file").close()
        at(home, b"a/file").unlink()
        with pytest.raises(Vanished):
            opened.open(b"a/file")
        at(home, b"a").rmdir()
        with pytest.raises(Vanished):
            opened.open(b"a/file")


def test_what_vanishes_between_its_listing_and_the_look_at_it_was_never_there(home: Path) -> None:
    path = write(home, b"a")
    root = _platform.open_directory(home)
    entries = root.scan()
    entry = next(entries)
    path.unlink()
    assert look_at(root, b"", entry) is None
    assert list(entries) == []
    root.close()


def test_what_turned_into_something_else_while_it_was_opened_is_no_file_and_is_let_go(home: Path) -> None:
    os.mkfifo(home / "fifo")
    before = open_descriptors()
    for path, flags in ((home, os.O_RDONLY), (home / "fifo", os.O_RDONLY | os.O_NONBLOCK)):
        with pytest.raises(NotARegularFile):
            PinnedFile(b"was a file", os.open(path, flags), True)
    assert open_descriptors() == before


def test_a_directory_that_was_removed_and_made_anew_is_read_anew(home: Path) -> None:
    write(home, b"a/file", b"old")
    with Home(home) as opened:
        opened.open(b"a/file").close()
        shutil.rmtree(home / "a")
        write(home, b"a/file", b"new")
        with opened.open(b"a/file") as file:
            assert file.read(0, 10) == b"new"


def test_a_directory_that_vanishes_during_the_walk_is_no_failure(home: Path) -> None:
    for path in (b"a", b"b/inside", b"c"):
        write(home, path)
    steps = walk(home)
    assert next(steps).path == b"a"
    shutil.rmtree(home / "b")
    assert [(found.path, found.error) for found in steps] == [(b"b", "ENOENT"), (b"c", None)]


def test_a_directory_that_vanishes_or_becomes_a_link_is_no_failure_to_name_the_rest(home: Path) -> None:
    for path in (b"a/inside", b"b/inside", b"c/inside"):
        write(home, path)
    with Home(home) as opened:
        names = opened.names()
        first = next(names)
        for path in {b"a", b"b", b"c"} - {first}:
            shutil.rmtree(at(home, path))
        at(home, b"link").symlink_to(home.parent)
        gone = next(path for path in (b"a", b"b", b"c") if path != first)
        at(home, gone).symlink_to(at(home, first))
        rest = set(names)
    assert first + b"/inside" in rest
    assert rest - {b"a", b"b", b"c", b"link"} == {first + b"/inside"}


def test_a_home_that_vanishes_during_the_walk_leaves_what_was_seen(home: Path) -> None:
    write(home, b"a/inside")
    write(home, b"b")
    with Home(home) as opened:
        steps = opened.walk()
        assert next(steps).path == b"a"
        shutil.rmtree(home)
        assert [found.path for found in steps] == [b"a/inside", b"b"]
        with pytest.raises(Vanished):
            opened.open(b"b")


def test_files_that_come_and_go_during_walks_never_break_one(home: Path) -> None:
    for number in range(50):
        write(home, b"stays/%d" % number)
    stop = threading.Event()

    def stir() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            path = b"busy/%d/file" % (number % 7)
            write(home, path)
            shutil.rmtree(at(home, path).parent)

    stirring = threading.Thread(target=stir)
    stirring.start()
    try:
        for _ in range(100):
            seen = [found.path for found in walk(home) if found.path.startswith(b"stays/")]
            assert len(seen) == len(set(seen)) == 50
    finally:
        stop.set()
        stirring.join()


def test_two_walks_of_one_home_do_not_disturb_each_other(home: Path) -> None:
    paths = [b"a", b"a/b", b"a/b/c", b"d"]
    write(home, b"a/b/c")
    write(home, b"d")
    with Home(home) as opened:
        pairs = list(zip(opened.walk(), opened.walk(), strict=True))
    assert [(first.path, second.path) for first, second in pairs] == [(path, path) for path in paths]


def test_a_growing_file_is_read_up_to_the_size_that_was_pinned(home: Path) -> None:
    path = write(home, b"log", b"one\n")
    with Home(home) as opened, opened.open(b"log") as file:
        with path.open("ab") as appender:
            appender.write(b"two\n")
        assert b"".join(file.chunks(0, file.stat.size)) == b"one\n"
        assert (file.stat.size, file.restat().size) == (4, 8)
        assert b"".join(file.chunks(4, 8)) == b"two\n"


def test_a_shrinking_file_ends_early_and_kills_nobody(home: Path) -> None:
    path = write(home, b"log", b"x" * 300_000)
    with Home(home) as opened, opened.open(b"log") as file:
        pieces = file.chunks(0, file.stat.size, 100_000)
        assert len(next(pieces)) == 100_000
        os.truncate(path, 150_000)
        assert [len(piece) for piece in pieces] == [50_000]
        assert file.read(140_000, 20_000) == b"x" * 10_000
        assert file.read(150_000, 10) == b""
        assert file.restat().size == 150_000


def test_a_file_replaced_or_deleted_while_open_is_still_the_one_that_was_opened(home: Path) -> None:
    path = write(home, b"settings", b"old")
    with Home(home) as opened, opened.open(b"settings") as file:
        inode = path.stat().st_ino
        write(home, b"new", b"new").rename(path)
        assert file.read(0, 10) == b"old"
        assert file.restat().inode == inode != path.stat().st_ino
        assert content_of(home, b"settings") == b"new"


@given(st.binary(max_size=300), st.integers(0, 350), st.integers(0, 350), st.integers(1, 400))
@settings(max_examples=100, deadline=None)
def test_any_part_of_a_file_is_read_as_it_is(content: bytes, start: int, length: int, size: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        write(Path(scratch), b"file", content)
        with Home(Path(scratch)) as opened, opened.open(b"file") as file:
            assert file.read(start, length) == content[start : start + length]
            pieces = list(file.chunks(start, start + length, size))
        assert b"".join(pieces) == content[start : start + length]
        assert all(len(piece) == size for piece in pieces[:-1])


def test_a_read_that_the_system_cuts_short_goes_on(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_platform, "_LARGEST_READ", 7)
    content = bytes(range(100))
    write(home, b"file", content)
    with Home(home) as opened, opened.open(b"file") as file:
        assert file.read(3, 50) == content[3:53]
        assert file.read(90, 50) == content[90:]
        assert list(file.chunks(0, 100, 60)) == [content[:60], content[60:]]


def test_a_sparse_file_of_5_gib_is_read_where_asked(home: Path) -> None:
    size = 5 << 30
    marks = (0, (1 << 31) - 2, (1 << 32) - 2, size - 4)
    with (home / "sparse").open("wb") as writer:
        writer.truncate(size)
        for offset in marks:
            writer.seek(offset)
            writer.write(b"mark")
    with Home(home) as opened, opened.open(b"sparse") as file:
        assert file.stat.size == size
        for offset in marks:
            assert file.read(offset, 4) == b"mark"
        assert file.read(size - 2, 100) == b"rk"
        assert b"".join(file.chunks((1 << 31) - 4, (1 << 31) + 4)) == b"\0\0mark\0\0"
