"""Encrypted copies: nothing readable lies at the place, the key file gives everything back, damage is found."""

import shutil
import subprocess
import sys
from pathlib import Path

import pyrage
import pytest

from models.errors import ConfigurationError
from models.observer import Observer
from pipelines.archive.known_copies import read_known_copies
from pipelines.copies.check import verify_copy
from pipelines.copies.opened import is_for_restore, is_for_sql, make_warehouse_of_copy, opened_copy, opened_on_demand
from pipelines.copies.places import add_copy, open_copy
from pipelines.copies.sync import sync_copy
from pipelines.restore.restore import RestoreRequest, restore
from tests.archives import Archive
from tests.trees import tree_of

QUIET = Observer()
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def made(made_archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """An archive with an encrypted copy in `place`, whose key is in `key`."""
    where = tmp_path_factory.mktemp("encrypted")
    archive = made_archive.copy(where)
    known = add_copy(archive.layout, str(where / "place"), where / "key")
    result = sync_copy(archive.layout, known, QUIET)
    assert result.findings == []
    assert sync_copy(archive.layout, result.known, QUIET).files == 0
    return archive


def place_of(archive: Archive) -> Path:
    return Path(read_known_copies(archive.layout)[0].place)


def test_every_file_is_encrypted_and_any_program_for_age_decrypts_it(made: Archive) -> None:
    place, key = place_of(made), place_of(made).with_name("key")
    assert key.stat().st_mode & 0o777 == 0o600
    secret = next(line for line in key.read_text().splitlines() if line.startswith("AGE-SECRET-KEY-"))
    identity = pyrage.x25519.Identity.from_str(secret)
    files = [path for path in place.rglob("*") if path.is_file()]
    assert len(files) > 40
    for path in files:
        assert path.suffix == ".age"
        plain = pyrage.decrypt(path.read_bytes(), [identity])
        original = made.layout.root / path.relative_to(place).with_suffix("")
        assert path.name == "copy.json.age" or plain == original.read_bytes()


def test_the_copy_and_its_key_alone_give_everything_back(made: Archive, tmp_path: Path) -> None:
    place, key = place_of(made), place_of(made).with_name("key")
    restore(made.layout, RestoreRequest(tmp_path / "original", expired=True, links=True))
    with opened_on_demand(str(place), key, is_for_restore) as (layout, bring):
        assert not (layout.tables / "entries").exists()
        restore(layout, RestoreRequest(tmp_path / "restored", expired=True, links=True), bring=bring)
    with opened_copy(str(place), key, is_for_sql) as layout:
        assert not list(layout.store.glob("home=*"))
        assert make_warehouse_of_copy(layout) == []
    assert tree_of(tmp_path / "restored") == tree_of(tmp_path / "original")
    with pytest.raises(ConfigurationError, match="--key"), opened_copy(str(place)):
        pass
    other = tmp_path / "other"
    other.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    with pytest.raises(ConfigurationError, match="key"), opened_copy(str(place), other):
        pass
    with (
        pytest.raises(ConfigurationError, match="without it nobody can read"),
        opened_copy(str(place), tmp_path / "no"),
    ):
        pass


def test_what_is_damaged_in_an_encrypted_copy_is_found_and_replaced(made: Archive) -> None:
    (known,) = read_known_copies(made.layout)
    place = Path(known.place)
    broken, gone = min(place.glob("store/home=*/*/*.age")), min(place.glob("tables/entries/*/*/*.age"))
    record = max(place.glob("runs/*/run.json.age"))
    held = {path: path.read_bytes() for path in (broken, record)}
    for path, cipher in held.items():
        path.write_bytes(cipher[:-1] + bytes([cipher[-1] ^ 1]))
    gone.unlink()
    (place / "plain.txt").write_text("not ours")
    findings = verify_copy(made.layout, known, open_copy(known), QUIET).findings
    names = {path.relative_to(place).as_posix().removesuffix(".age") for path in (broken, gone, record)}
    assert names | {"plain.txt"} <= {finding.address for finding in findings}
    (known,) = read_known_copies(made.layout)
    assert set(sync_copy(made.layout, known, QUIET).healed) == names
    (place / "plain.txt").unlink()
    (known,) = read_known_copies(made.layout)
    assert verify_copy(made.layout, known, open_copy(known), QUIET).findings == []


def test_a_key_file_is_kept_away_from_the_archive_and_from_the_copy(made: Archive, tmp_path: Path) -> None:
    for key in (made.layout.root / "key", tmp_path / "place" / "key"):
        with pytest.raises(ConfigurationError, match="keep the key file elsewhere"):
            add_copy(made.layout, str(tmp_path / "place"), key)
        assert not key.exists()
    shutil.rmtree(tmp_path / "place", ignore_errors=True)


def test_a_run_and_a_copy_on_a_disk_import_none_of_the_libraries_of_the_extra() -> None:
    script = "import sys, pipelines.cli.commands.run, pipelines.cli.commands.copy, pipelines.cli.commands.restore; "
    script += "sys.exit(bool({'obstore', 'pyrage'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 0
