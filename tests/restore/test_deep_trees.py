"""Trees of thousands of nested directories are restored and removed, with few directories open at a time."""

import os
from pathlib import Path
from random import Random

import pytest

from pipelines.disk.remove_tree import remove_tree
from pipelines.disk.tree_target import DescriptorTarget
from pipelines.restore.descent import Descent
from pipelines.restore.generations import Ancestors, NameParts

LEVELS = 1_500
"""More than Python calls itself, and more than a process may usually have files open."""


def nested(root: Path, levels: int) -> None:
    root.mkdir()
    here = os.open(root, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("d", 0o700, dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="only Linux says what a process has open")
def test_each_directory_of_a_deep_tree_is_entered_from_an_open_one_above_it(tmp_path: Path) -> None:
    nested(tmp_path / "tree", LEVELS)
    root = DescriptorTarget(os.open(tmp_path / "tree", os.O_RDONLY))
    before = len(os.listdir("/proc/self/fd"))
    descent = Descent(root)
    descent.enter((b"d",) * LEVELS)
    assert len(os.listdir("/proc/self/fd")) - before < 100
    chance = Random(3)
    for depth in (LEVELS - 1, 70, 64, 900, 0, *(chance.randrange(LEVELS) for _ in range(20))):
        names = [entry.name for entry in descent.enter((b"d",) * depth).scan()]
        assert [os.fsencode(name) for name in names] == [b"d"]
    with pytest.raises(FileNotFoundError):
        descent.enter((b"d", b"d", b"other", b"d"))
    assert [entry.name for entry in descent.enter((b"d", b"d")).scan()]
    descent.close()
    assert len(os.listdir("/proc/self/fd")) == before
    root.close()
    remove_tree(tmp_path / "tree")  # pytest's own removal of old directories fails below a thousand levels


def test_a_tree_of_any_depth_is_removed_and_no_link_is_followed(tmp_path: Path) -> None:
    nested(tmp_path / "tree", LEVELS)
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_bytes(b"")
    (tmp_path / "tree" / "link").symlink_to(kept)
    (tmp_path / "tree" / "d" / "file").write_bytes(b"")
    (tmp_path / "tree" / "d").chmod(0o500)
    remove_tree(tmp_path / "tree")
    assert not (tmp_path / "tree").exists()
    assert (kept / "file").exists()


def test_ancestors_are_those_above_a_path_nearest_first() -> None:
    among: set[NameParts] = {(b"a",), (b"a", b"b", b"c"), (b"x",)}
    ancestors = Ancestors(among)
    chance = Random(5)
    for _ in range(300):
        path = tuple(chance.choice((b"a", b"b", b"c", b"x")) for _ in range(chance.randrange(1, 6)))
        expected = [path[:depth] for depth in range(len(path) - 1, 0, -1) if path[:depth] in among]
        assert list(ancestors.of(path)) == expected
