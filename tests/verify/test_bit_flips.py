"""A flipped bit anywhere below the data directory is found, and nothing else is. The suite flips bits of files of every
second kind, each alone, and of all files on which no other depends at once; a soak flips SOAK_FLIPS bits (1,000), each
alone.
"""

import os
import re
from pathlib import Path
from random import Random

import pytest

from models.finding import Finding, Level
from models.findings.records import NO_RUN
from pipelines.archive.findings_file import Verification, keep_verification
from pipelines.verify.verify import check
from tests.archives import Archive

_RUN = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}")
_LEAF = re.compile(r"(tables|store)/.*\.parquet")
"""Files whose damage hides no damage of others: data that no record depends on."""


def make(made: Archive, place: Path) -> Archive:
    """Return an archive of two runs with a kept verification."""
    archive = made.copy(place)
    verified = Verification("2026-01-01T00:00:00+00:00", Level.DEFAULT, "1", [NO_RUN.at("runs")])
    keep_verification(archive.layout, archive.last.run_id, verified)
    return archive


def files_of(archive: Archive) -> dict[Path, bytes]:
    """Return every file below the data directory."""
    return {path: path.read_bytes() for path in sorted(archive.layout.root.rglob("*")) if path.is_file()}


def files_with_bits(archive: Archive) -> list[Path]:
    """Return the files that have a bit to flip; links lead to others of them."""
    found = [path for path in files_of(archive) if not path.is_symlink()]
    return [path for path in found if path.stat().st_size]


def flips(archive: Archive, count: int, seed: int) -> list[tuple[Path, int]]:
    """Return files and bits of them: each file at least once, the others by chance, half of them as often as they are
    long.
    """
    random = Random(seed)
    files = files_with_bits(archive)
    sizes = [path.stat().st_size for path in files]
    by_length = random.choices(files, sizes, k=(count - len(files)) // 2)
    chosen = [*files, *by_length, *random.choices(files, k=count - len(files) - len(by_length))]
    return [(path, random.randrange(path.stat().st_size * 8)) for path in chosen]


def found_after(archive: Archive, *bits: tuple[Path, int]) -> list[Finding]:
    """Return the findings while bits are flipped; they are flipped back afterwards."""
    for path, bit in bits:
        archive.flip(path, bit)
    found = check(archive.layout)
    for path, bit in bits:
        archive.flip(path, bit)
    return found


def test_a_flipped_bit_of_any_file_is_found(made_archive: Archive, tmp_path: Path) -> None:
    archive, random = make(made_archive, tmp_path), Random(1)
    before, root = files_of(archive), archive.layout
    files = files_with_bits(archive)
    leaves = [path for path in files if _LEAF.match(root.relative(path))]
    assert len(leaves) > 30
    bits = [(path, random.randrange(path.stat().st_size * 8)) for path in leaves]
    named = {one.address for one in found_after(archive, *bits)}
    assert [(path, bit) for path, bit in bits if root.relative(path) not in named] == []
    # One file of each kind: those of the two runs are alike.
    kinds = {_RUN.sub("RUN", root.relative(path)): path for path in files if path not in leaves}
    assert len(kinds) > 10
    alone = [(path, random.randrange(path.stat().st_size * 8)) for path in [*kinds.values()][::2]]
    assert [(root.relative(path), bit) for path, bit in alone if not found_after(archive, (path, bit))] == []
    assert check(archive.layout) == []
    assert files_of(archive) == before


@pytest.mark.soak
def test_every_flipped_bit_below_the_data_directory_is_found(made_archive: Archive, tmp_path: Path) -> None:
    count = int(os.environ.get("SOAK_FLIPS", "1000"))
    archive = make(made_archive, tmp_path)
    before = files_of(archive)
    chosen = flips(archive, count, seed=count)
    assert len(chosen) == count
    missed = [(archive.layout.relative(path), bit) for path, bit in chosen if not found_after(archive, (path, bit))]
    assert missed == []
    assert check(archive.layout) == []
    assert files_of(archive) == before
    print(f"did: {count:,} bits of {len(before)} files, all found")
