"""A flipped bit anywhere below the data directory is found, and nothing else is: 200 of them, and for a soak as many as
SOAK_FLIPS says (1,000).
"""

import os
from pathlib import Path
from random import Random

import pytest

from models.finding import Finding, Level
from models.findings.records import NO_RUN
from pipelines.archive.findings_file import Verification, keep_verification
from pipelines.verify.verify import check
from tests.archives import Archive, make_archive


def flips(archive: Archive, count: int, seed: int) -> list[tuple[Path, int]]:
    """Return files and bits of them: each file at least once, the others by chance, half of them as often as they are
    long.
    """
    random = Random(seed)
    files = [path for path in sorted(archive.layout.root.rglob("*")) if path.is_file() and not path.is_symlink()]
    files = [path for path in files if path.stat().st_size]
    sizes = [path.stat().st_size for path in files]
    by_length = random.choices(files, sizes, k=(count - len(files)) // 2)
    chosen = [*files, *by_length, *random.choices(files, k=count - len(files) - len(by_length))]
    return [(path, random.randrange(path.stat().st_size * 8)) for path in chosen]


def found_after(archive: Archive, path: Path, bit: int) -> list[Finding]:
    """Return what is found while a bit is flipped; it is flipped back afterwards."""
    archive.flip(path, bit)
    found = check(archive.layout)
    archive.flip(path, bit)
    return found


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(200, id="some"),
        pytest.param(int(os.environ.get("SOAK_FLIPS", "1000")), id="many", marks=pytest.mark.soak),
    ],
)
def test_every_flipped_bit_below_the_data_directory_is_found(count: int, tmp_path: Path) -> None:
    archive = make_archive(tmp_path)
    made = Verification("2026-01-01T00:00:00+00:00", Level.DEFAULT, "1", [NO_RUN.at("runs")])
    keep_verification(archive.layout, archive.last.run_id, made)
    before = {path: path.read_bytes() for path in archive.layout.root.rglob("*") if path.is_file()}
    chosen = flips(archive, count, seed=count)
    assert len(chosen) == count
    missed = [(archive.layout.relative(path), bit) for path, bit in chosen if not found_after(archive, path, bit)]
    assert missed == []
    assert check(archive.layout) == []
    assert {path: path.read_bytes() for path in archive.layout.root.rglob("*") if path.is_file()} == before
    print(f"did: {count:,} bits of {len(before)} files, all found")
