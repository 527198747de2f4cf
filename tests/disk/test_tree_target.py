"""Writing a tree: no name leads elsewhere, no link is followed, nothing that exists is replaced; in both ways."""

import errno
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from pipelines.disk.tree_target import DescriptorTarget, PathTarget, TreeTarget, forget_cached, open_target

POSIX = sys.platform != "win32"
HOSTILE_NAMES = (b"", b".", b"..", b"a/b", b"/etc/passwd", b"../evil", b"a\0b", b"/")
LINK_ERRORS = {errno.ELOOP, errno.EMLINK, errno.ENOTDIR}
needs_posix = pytest.mark.skipif(not POSIX, reason="Windows lacks this, or allows it to administrators only")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    path = tmp_path / "place"
    path.mkdir()
    return path


@pytest.fixture(params=["descriptors", "paths"])
def target(request: pytest.FixtureRequest, place: Path) -> Iterator[TreeTarget]:
    if request.param == "descriptors" and not POSIX:
        pytest.skip("Windows has no directory descriptors")
    opened: TreeTarget = (DescriptorTarget if request.param == "descriptors" else PathTarget).at(place)
    yield opened
    opened.close()


def write(target: TreeTarget, name: bytes, content: bytes) -> None:
    descriptor = target.create(name)
    os.write(descriptor, content)
    os.close(descriptor)


def test_a_file_and_a_directory_are_made_for_their_owner_alone(target: TreeTarget, place: Path) -> None:
    write(target, b"file", b"content")
    target.make_directory(b"directory")
    assert (place / "file").read_bytes() == b"content"
    if POSIX:
        assert stat.S_IMODE((place / "file").stat().st_mode) == 0o600
        assert stat.S_IMODE((place / "directory").stat().st_mode) == 0o700


METHODS: dict[str, Callable[[TreeTarget, bytes], object]] = {
    "directory": lambda target, name: target.directory(name),
    "stat": lambda target, name: target.stat(name),
    "link_target": lambda target, name: target.link_target(name),
    "make_directory": lambda target, name: target.make_directory(name),
    "create": lambda target, name: target.create(name),
    "adopt": lambda target, name: target.adopt(target, b"file", name),
    "adopt from": lambda target, name: target.adopt(target, name, b"other"),
    "move": lambda target, name: target.move(target, b"file", name),
    "move from": lambda target, name: target.move(target, name, b"other"),
    "make_link": lambda target, name: target.make_link(name, b"file", 0),
    "remove_file": lambda target, name: target.remove_file(name),
    "remove_directory": lambda target, name: target.remove_directory(name),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_name_that_leads_elsewhere_is_refused_by_every_method(
    target: TreeTarget, place: Path, method: str, name: bytes
) -> None:
    write(target, b"file", b"content")
    with pytest.raises(OSError, match="not a file name") as caught:
        METHODS[method](target, name)
    assert caught.value.errno == errno.EINVAL
    assert sorted(os.listdir(place)) == ["file"]
    assert os.listdir(place.parent) == ["place"]


@pytest.mark.parametrize("existing", ["file", "directory", "link", "dangling"])
def test_nothing_that_exists_is_replaced(target: TreeTarget, place: Path, existing: str) -> None:
    (place / "file").write_bytes(b"old")
    (place / "directory").mkdir()
    if POSIX:
        (place / "link").symlink_to("file")
        (place / "dangling").symlink_to("nowhere")
    elif existing in ("link", "dangling"):
        pytest.skip("links need rights on Windows")
    write(target, b"new", b"new")
    name = existing.encode()
    attempts: list[Callable[[], object]] = [
        lambda: target.create(name),
        lambda: target.make_directory(name),
        lambda: target.adopt(target, b"new", name),
        lambda: target.move(target, b"new", name),
        lambda: target.make_link(name, b"new", 0),
    ]
    for attempt in attempts:
        with pytest.raises(FileExistsError):
            attempt()
    assert (place / "file").read_bytes() == b"old"
    assert (place / "new").read_bytes() == b"new"
    assert not (place / "nowhere").exists()


def test_a_file_is_adopted_from_another_directory_whole(target: TreeTarget, place: Path) -> None:
    target.make_directory(b"staging")
    staging = target.directory(b"staging")
    write(staging, b"1", b"content")
    target.adopt(staging, b"1", b"file")
    assert (place / "file").read_bytes() == b"content"
    assert os.listdir(place / "staging") == []
    assert (place / "file").stat().st_nlink == 1
    staging.close()
    target.remove_directory(b"staging")
    assert os.listdir(place) == ["file"]


@needs_posix
def test_where_no_hard_link_can_be_made_a_file_is_moved_and_still_replaces_nothing(
    target: TreeTarget, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "no hard links on this file system")

    monkeypatch.setattr(os, "link", refuse)
    write(target, b"1", b"content")
    (place / "old").write_bytes(b"old")
    with pytest.raises(FileExistsError):
        target.adopt(target, b"1", b"old")
    target.adopt(target, b"1", b"file")
    assert {path.name: path.read_bytes() for path in place.iterdir()} == {"file": b"content", "old": b"old"}


def test_a_directory_is_moved_with_all_that_is_in_it(target: TreeTarget, place: Path) -> None:
    (place / "tree" / "below").mkdir(parents=True)
    (place / "tree" / "below" / "file").write_bytes(b"content")
    tree = target.directory(b"tree")
    target.move(tree, b"below", b"moved")
    tree.close()
    assert (place / "moved" / "file").read_bytes() == b"content"


@needs_posix
@pytest.mark.parametrize("leads_to", ["elsewhere", "..", "/"])
def test_no_link_is_followed_on_the_way(target: TreeTarget, place: Path, leads_to: str) -> None:
    (place.parent / "elsewhere").mkdir()
    (place / "link").symlink_to(place.parent / leads_to)
    with pytest.raises(OSError, match=r".") as caught:
        target.directory(b"link")
    assert caught.value.errno in LINK_ERRORS


@needs_posix
def test_a_directory_swapped_for_a_link_is_not_written_through(target: TreeTarget, place: Path) -> None:
    elsewhere = place.parent / "elsewhere"
    elsewhere.mkdir()
    target.make_directory(b"below")
    below = target.directory(b"below")
    (place / "below").rename(place / "aside")
    (place / "below").symlink_to(elsewhere)
    with suppress(OSError):
        write(below, b"file", b"content")
    assert os.listdir(place / "aside") in ([], ["file"])
    assert os.listdir(elsewhere) == []
    below.close()


@needs_posix
def test_a_file_and_a_directory_get_their_mode_and_time_but_no_rights_of_others(
    target: TreeTarget, place: Path
) -> None:
    descriptor = target.create(b"file")
    target.finish_file(b"file", descriptor, 0o104751, 1_234_567_890_123_456_789)
    os.close(descriptor)
    target.make_directory(b"directory")
    below = target.directory(b"directory")
    below.finish(0o43555, -1_500_000_000)
    below.close()
    file, directory = (place / "file").stat(), (place / "directory").stat()
    assert (stat.S_IMODE(file.st_mode), file.st_mtime_ns) == (0o751, 1_234_567_890_123_456_789)
    assert (stat.S_IMODE(directory.st_mode), directory.st_mtime_ns) == (0o555, -1_500_000_000)


@needs_posix
def test_a_link_is_made_as_it_was_with_its_time(target: TreeTarget, place: Path) -> None:
    target.make_link(b"link", b"/nowhere/\xff at all", 1_700_000_000_000_000_001)
    assert os.readlink(os.fsencode(place / "link")) == b"/nowhere/\xff at all"
    assert (place / "link").lstat().st_mtime_ns == 1_700_000_000_000_000_001


def test_syncs_and_forgetting_reach_the_system(target: TreeTarget, place: Path) -> None:
    write(target, b"file", b"content")
    target.sync()
    descriptor = os.open(place / "file", os.O_RDONLY)
    forget_cached(descriptor)
    assert os.read(descriptor, 10) == b"content"
    os.close(descriptor)


@needs_posix
def test_a_target_given_as_a_link_is_opened(place: Path) -> None:
    link = place.parent / "link"
    link.symlink_to(place)
    opened = open_target(link)
    write(opened, b"file", b"content")
    opened.close()
    assert (place / "file").read_bytes() == b"content"


@needs_posix
def test_directories_of_two_kinds_are_not_mixed(place: Path) -> None:
    one, other = DescriptorTarget.at(place), PathTarget.at(place)
    write(one, b"file", b"content")
    for target, source in ((one, other), (other, one)):
        with pytest.raises(TypeError):
            target.adopt(source, b"file", b"new")
        with pytest.raises(TypeError):
            target.move(source, b"file", b"new")
    one.close()
    assert os.listdir(place) == ["file"]
