"""Reading leaves no trace in a home, for every content of the home and every change of it meanwhile."""

import errno
import os
import shutil
import socket
import stat
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.home.home import Home, PinnedFile, walk
from models.errors import ConfigurationError, LinkInTheWay, NotARegularFile, SourceError, Unreadable, Vanished
from models.text import printable_path, safe
from tests.extractors.made_homes import at, content_of, found_below, open_descriptors, write

if sys.platform == "win32":
    pytest.skip("the trees of these tests cannot be made on Windows", allow_module_level=True)


ANY_BYTES = sys.platform == "linux"  # macOS refuses names that are not UTF-8
NAMES = (
    st.binary(min_size=1, max_size=20)
    if ANY_BYTES
    else st.text(st.characters(codec="ascii"), min_size=1, max_size=20).map(str.encode)
).filter(lambda name: name not in (b".", b"..") and not set(name) & set(b"/\0"))
PATHS = st.lists(NAMES, min_size=1, max_size=4).map(b"/".join)
HOSTILE_NAMES = [
    b"caf\xe9\xff",
    b"two\nlines",
    b"\x1b]0;title\x07\x1b[2J",
    b'it\'s "quoted" `name`',
    b"n" * 255,
    "ü".encode() * 127,
    b"*?[a-z]{b,c}",
    b"-rf",
    b" ",
    b"...",
    b"back\\slash",
    b"'; DROP TABLE t; --",
    "\u202egpj.exe".encode(),
    "e\u0301".encode(),
    b"%s{0}$HOME~",
]


@given(st.dictionaries(PATHS, st.binary(max_size=20), max_size=12), st.sets(PATHS, max_size=4))
@settings(max_examples=60, deadline=None)
def test_a_walk_finds_exactly_what_is_there_in_the_order_of_paths(
    files: dict[bytes, bytes], directories: set[bytes]
) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        made: dict[bytes, str] = {}
        for path in [*files, *directories]:
            parts = path.split(b"/")
            above = {b"/".join(parts[:depth]) for depth in range(1, len(parts))}
            if path in made or any(made.get(each) == "file" for each in above):
                continue
            if path in files:
                write(home, path, files[path])
            else:
                at(home, path).mkdir(parents=True)
            made |= dict.fromkeys(above, "directory")
            made[path] = "file" if path in files else "directory"
        seen = list(found_below(home).values())
        assert [(found.path, found.kind) for found in seen] == sorted(made.items())
        assert all(found.error is None and found.link_target is None for found in seen)
        for found in seen:
            if found.kind == "file":
                assert found.stat.size == len(files[found.path])
                assert content_of(home, found.path) == files[found.path]


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=printable_path)
def test_a_hostile_name_is_found_opened_and_shown(home: Path, name: bytes) -> None:
    try:
        write(home, name + b"/" + name, b"inside")
    except OSError as error:
        pytest.skip(f"this file system has no such name: {error.strerror}")
    assert list(found_below(home)) == [name, name + b"/" + name]
    assert content_of(home, name + b"/" + name) == b"inside"
    with Home(home) as opened, pytest.raises(Vanished) as caught:
        opened.open(name + b"/gone")
    assert safe(str(caught.value)) == str(caught.value)


def test_the_order_is_that_of_whole_paths_and_not_of_names(home: Path) -> None:
    for path in (b"a/b", b"a.b", b"a-b/c", b"a!"):
        write(home, path)
    assert list(found_below(home)) == [b"a", b"a!", b"a-b", b"a-b/c", b"a.b", b"a/b"]


def test_an_empty_directory_is_a_fact(home: Path) -> None:
    at(home, b"session-env/0000").mkdir(parents=True)
    assert [(found.path, found.kind) for found in walk(home)] == [
        (b"session-env", "directory"),
        (b"session-env/0000", "directory"),
    ]


def test_an_empty_home_holds_nothing(home: Path) -> None:
    assert list(walk(home)) == []


def test_the_stat_of_a_walk_is_that_of_the_system(home: Path) -> None:
    file = write(home, b"a")
    expected = file.stat()
    seen = found_below(home)[b"a"].stat
    assert (seen.size, seen.mtime_ns, seen.ctime_ns) == (expected.st_size, expected.st_mtime_ns, expected.st_ctime_ns)
    assert (seen.inode, seen.mode) == (expected.st_ino, expected.st_mode)


def test_a_tree_deeper_than_any_path_may_be_long_is_walked_and_read_with_few_descriptors(home: Path) -> None:
    name, depth = b"d" * 30, 200
    here = os.open(home, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=here)
        below = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    file = os.open(b"deepest", os.O_WRONLY | os.O_CREAT, dir_fd=here)
    os.write(file, b"here")
    os.close(file)
    os.close(here)
    before = open_descriptors()
    most, last = 0, b""
    for found in walk(home):
        assert found.error is None
        most, last = max(most, open_descriptors()), found.path
    assert last == b"/".join([*[name] * depth, b"deepest"])
    assert content_of(home, last) == b"here"
    assert most <= before + 66 < before + depth
    shutil.rmtree(home)


def test_a_home_that_is_not_there_or_no_directory_is_a_wrong_setting(home: Path) -> None:
    file = write(home, b"file")
    for wrong in (home / "missing", file, file / "below"):
        with pytest.raises(ConfigurationError):
            Home(wrong)
        with pytest.raises(ConfigurationError):
            next(walk(wrong))


def test_a_home_may_itself_be_given_as_a_link(home: Path, tmp_path: Path) -> None:
    write(home, b"a")
    link = tmp_path / "link"
    link.symlink_to(home)
    assert list(found_below(link)) == [b"a"]
    assert content_of(link, b"a") == b"content"


@pytest.mark.parametrize(
    "target",
    [b"../secret", b"/", b"a", b"loop", b"gone", b"gone\xff\n" if ANY_BYTES else b"gone\n", b"directory", b"."],
    ids=printable_path,
)
def test_a_link_is_recorded_unchanged_and_never_followed(home: Path, tmp_path: Path, target: bytes) -> None:
    write(tmp_path, b"secret")
    write(home, b"a")
    write(home, b"directory/inside")
    os.symlink(target, os.fsencode(home / "loop"))
    seen = found_below(home)
    assert list(seen) == [b"a", b"directory", b"directory/inside", b"loop"]
    link = seen[b"loop"]
    assert (link.kind, link.link_target, link.error) == ("link", target, None)
    assert stat.S_ISLNK(link.stat.mode)
    for path in (b"loop", b"loop/inside", b"loop/a"):
        with Home(home) as opened, pytest.raises(LinkInTheWay):
            opened.open(path)


def test_a_link_in_the_middle_of_a_path_is_in_the_way_even_when_it_leads_back(home: Path) -> None:
    write(home, b"a/b/file")
    at(home, b"a/link").symlink_to("b")
    with Home(home) as opened, pytest.raises(LinkInTheWay):
        opened.open(b"a/link/file")


@pytest.mark.parametrize("target", ["moved", "/"])
def test_a_directory_swapped_for_a_link_after_the_walk_is_noticed(home: Path, target: str) -> None:
    write(home, b"a/b/file")
    with Home(home) as opened:
        opened.open(b"a/b/file").close()
        at(home, b"a").rename(home / "moved")
        at(home, b"a").symlink_to(target)
        with pytest.raises(LinkInTheWay):
            opened.open(b"a/b/file")


def test_a_file_swapped_for_a_link_after_the_walk_is_noticed(home: Path) -> None:
    file = write(home, b"a/file")
    with Home(home) as opened:
        opened.open(b"a/file").close()
        file.rename(home / "moved")
        file.symlink_to("../moved")
        with pytest.raises(LinkInTheWay):
            opened.open(b"a/file")


def test_a_directory_swapped_for_a_link_during_the_walk_is_not_entered(home: Path, tmp_path: Path) -> None:
    write(tmp_path, b"outside/secret")
    write(home, b"a")
    at(home, b"b").mkdir()
    steps = walk(home)
    assert next(steps).path == b"a"
    at(home, b"b").rmdir()
    at(home, b"b").symlink_to(tmp_path / "outside")
    assert [(found.path, found.error) for found in steps] == [(b"b", "ELOOP")]


def outcome_of(opening: Callable[[], PinnedFile]) -> tuple[bytes, bytes] | tuple[type[SourceError], str]:
    try:
        with opening() as file:
            return file.path, file.read(0, file.stat.size)
    except SourceError as error:
        return type(error), str(error)


def test_a_held_directory_opens_what_the_home_opens_and_refuses_what_it_refuses(home: Path) -> None:
    for path in (b"a/file", b"a/b/file", b"a/closed", b"file"):
        write(home, path)
    for number, target in enumerate(["file", "b", "gone", "/"]):
        at(home, b"a/link%d" % number).symlink_to(target)
    os.mkfifo(home / "a" / "fifo")
    bad = [b"", b".", b"..", b"b/../file", b"/file", b"a\0b", b"file/", b"gone"]
    names = [*os.listdir(os.fsencode(home / "a")), *bad]
    with Home(home) as opened, opened.hold(b"a") as held:
        for path in [b"a/" + name for name in names] + [b"file", b"a", b"a/b/file"]:
            by_home = outcome_of(lambda path=path: opened.open(path))  # type: ignore[misc]
            by_held = outcome_of(lambda path=path: held.open(path))  # type: ignore[misc]
            is_in_it = path.count(b"/") == 1 and path.startswith(b"a/")
            assert by_held == by_home if is_in_it else by_held[0] is Unreadable, path
        assert held.is_in_place()
    with Home(home) as opened, opened.hold(b"") as held:
        assert outcome_of(lambda: held.open(b"file")) == (b"file", b"content")
        assert held.is_in_place()
    before = open_descriptors()
    with Home(home) as opened, opened.hold(b"a") as held:
        held.is_in_place()
    assert open_descriptors() == before


@pytest.mark.parametrize("path", [b"a/link", b"a/file", b"a/gone", b"a/..", b"link/b"])
def test_what_is_no_directory_is_not_held(home: Path, path: bytes) -> None:
    write(home, b"a/file")
    write(home, b"a/b/file")
    at(home, b"a/link").symlink_to("b")
    at(home, b"link").symlink_to("a")
    with Home(home) as opened, pytest.raises(SourceError):
        opened.hold(path)


@pytest.mark.parametrize("swapped", [b"a", b"a/b"])
@pytest.mark.parametrize("instead", ["nothing", "link", "copy", "file", "another"])
def test_a_directory_that_was_swapped_while_it_was_held_is_not_in_place(
    home: Path, tmp_path: Path, swapped: bytes, instead: str
) -> None:
    write(home, b"a/b/file")
    place, moved = at(home, swapped), tmp_path / "moved"
    with Home(home) as opened, opened.hold(b"a/b") as held:
        place.rename(moved)
        match instead:
            case "link":
                place.symlink_to(moved)
            case "copy":
                shutil.copytree(moved, place)
            case "file":
                place.write_bytes(b"")
            case "another":
                place.mkdir()
        assert not held.is_in_place()
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)
        moved.rename(place)
        assert held.is_in_place()


def test_a_fifo_neither_hangs_the_reader_nor_wakes_its_writer(home: Path) -> None:
    os.mkfifo(home / "fifo")
    assert [(found.path, found.kind) for found in walk(home)] == [(b"fifo", "special")]
    outcome: list[BaseException] = []

    def read_it() -> None:
        with Home(home) as opened:
            try:
                opened.open(b"fifo")
            except SourceError as error:
                outcome.append(error)

    waiting = threading.Thread(target=lambda: os.close(os.open(home / "fifo", os.O_WRONLY)), daemon=True)
    waiting.start()
    reading = threading.Thread(target=read_it, daemon=True)
    reading.start()
    reading.join(20)
    assert [type(error) for error in outcome] == [NotARegularFile]
    waiting.join(0.1)
    assert waiting.is_alive()
    os.close(os.open(home / "fifo", os.O_RDONLY | os.O_NONBLOCK))
    waiting.join(20)


def test_a_socket_a_directory_and_the_parts_of_a_file_are_no_files(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, b"a/file")
    monkeypatch.chdir(home)  # the path of a socket may be no longer than some 100 bytes
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
    assert found_below(home)[b"socket"].kind == "special"
    with Home(home) as opened:
        for path in (b"socket", b"a"):
            with pytest.raises(NotARegularFile):
                opened.open(path)
        with pytest.raises(Vanished):
            opened.open(b"a/file/below")


@pytest.mark.parametrize(
    "path", [b"", b"/", b"/etc/passwd", b"..", b"a/../a", b".", b"./a", b"a/.", b"a//a", b"a/", b"a\0"], ids=repr
)
def test_a_path_that_no_walk_can_have_given_is_refused(home: Path, path: bytes) -> None:
    write(home, b"a")
    with Home(home) as opened, pytest.raises(Unreadable) as caught:
        opened.open(path)
    assert caught.value.errno == errno.EINVAL


def test_a_name_that_is_too_long_is_unreadable_and_not_a_crash(home: Path) -> None:
    with Home(home) as opened, pytest.raises(Unreadable) as caught:
        opened.open(b"n" * 256)
    assert caught.value.errno == errno.ENAMETOOLONG
