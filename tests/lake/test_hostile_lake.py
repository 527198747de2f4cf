"""Hostile entries in a lake: each is named, and nothing that was pulled before is lost."""

import shutil
from dataclasses import replace
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.seal import sealed, unsealed
from pipelines.archive.archive import read_runs
from pipelines.archive.machines import machine_key, read_units
from pipelines.copies.destination import CopyContent
from pipelines.copies.directory import DirectoryDestination
from pipelines.lake.keys import MachineHead, PushedRecord, digest_of, head_path, newest_head, record_path
from pipelines.lake.known import read_lakes
from pipelines.lake.signing import signed
from tests.lake.machines import (
    id_of,
    machines,
    rejoin,
    write_project,
)


class Liar:
    """Changes ada's files in the lake. Its heads are signed with her key, as if her own machine lied: a person who can
    write to the lake alone has no key, and the last lies are those of such a person.
    """

    def __init__(self, place: Path) -> None:
        self.ada, self.bob = machines(place)
        self.root = place / "lake" / "machines" / id_of(self.ada)
        number = newest_head([path.name for path in self.root.iterdir()])
        self.head = MachineHead.from_bytes((self.root / head_path(number)).read_bytes())
        self.run_id = max(self.head.records)
        self.lake_id = read_lakes(self.bob.layout)[0].lake_id

    def record(self) -> dict[str, object]:
        """Return the commit record of her newest run."""
        path = self.root / record_path(self.run_id, self.head.records[self.run_id].number)
        fields: dict[str, object] = orjson.loads(unsealed(path.read_bytes(), ".json"))
        return fields

    def put(self, record: object) -> None:
        """Put another commit record for that run, and a head that lists it."""
        self.put_raw(sealed(orjson.dumps(record, option=orjson.OPT_INDENT_2), ".json"))

    def put_raw(self, data: bytes) -> None:
        """Put other bytes as the commit record of that run, and a head that lists them."""
        (self.root / record_path(self.run_id, 77)).write_bytes(data)
        records = {**self.head.records, self.run_id: PushedRecord(77, digest_of(data))}
        self.put_head(records=records)

    def put_head(self, **more: object) -> None:
        """Put a head that differs from the newest one, signed with ada's key."""
        self.put_raw_head(signed(self.changed(**more), machine_key(self.ada.layout), self.lake_id).to_bytes())

    def changed(self, **more: object) -> MachineHead:
        """Return the next head, without a new signature."""
        return replace(self.head, **{"number": self.head.number + 1, **more})  # type: ignore[arg-type]

    def put_raw_head(self, data: bytes) -> None:
        """Put bytes as the next head."""
        (self.root / head_path(self.head.number + 1)).write_bytes(data)

    def part(self, table: str) -> dict[str, object]:
        """Return a file of a table in her newest run, as its record lists it."""
        record = self.record()
        return next(one for phase in record["phases"] for one in phase["parts"] if one["table"] == table)  # type: ignore[attr-defined]

    def put_part(self, table: str, data: bytes, **more: object) -> None:
        """Put another file of a table, which its record lists with its real size and digest, but for `more`."""
        wanted = self.part(table)
        (self.root / str(wanted["path"])).write_bytes(data)
        record = self.record()
        for phase in record["phases"]:  # type: ignore[attr-defined]
            for one in phase["parts"]:
                if one["path"] == wanted["path"]:
                    one |= {"size": len(data), "sha256": digest_of(data), **more}
        self.put(record)


def changed(record: dict[str, object], **more: object) -> dict[str, object]:
    """Return a record with its first file changed."""
    record["phases"][0]["parts"][0] |= more  # type: ignore[index]
    return record


def lie_paths(liar: Liar) -> None:
    liar.put(changed(liar.record(), path="store/home=claude/run=x/../../../../../../evil.parquet"))


def lie_absolute(liar: Liar) -> None:
    liar.put(changed(liar.record(), path="/tmp/evil.parquet"))


def lie_other_home(liar: Liar) -> None:
    path = str(liar.part("records")["path"]).replace("home=claude", "home=other")
    liar.put(changed(liar.record(), path=path))


def lie_oversize(liar: Liar) -> None:
    path = liar.root / str(liar.part("records")["path"])
    path.write_bytes(path.read_bytes() + b"\0" * 100_000)


def lie_short(liar: Liar) -> None:
    path = liar.root / str(liar.part("records")["path"])
    path.write_bytes(path.read_bytes()[:-9])


def lie_flipped(liar: Liar) -> None:
    path = liar.root / str(liar.part("records")["path"])
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def lie_missing(liar: Liar) -> None:
    (liar.root / str(liar.part("records")["path"])).unlink()


def lie_linked(liar: Liar) -> None:
    path = liar.root / str(liar.part("records")["path"])
    path.unlink()
    path.symlink_to("/etc/hostname")


def lie_no_parquet(liar: Liar) -> None:
    liar.put_part("records", b"PAR1 no parquet PAR1")


def lie_columns(liar: Liar) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"evil": [1]}), sink)
    liar.put_part("records", sink.getvalue().to_pybytes(), rows=1)


def lie_messages(liar: Liar) -> None:
    table = pq.read_table(liar.root / str(liar.part("message_texts")["path"]), partitioning=None)
    sink = pa.BufferOutputStream()
    pq.write_table(table.set_column(1, table.schema.field(1), pa.array(["evil"] * table.num_rows)), sink)
    liar.put_part("message_texts", sink.getvalue().to_pybytes())


def lie_rows(liar: Liar) -> None:
    liar.put(changed(liar.record(), rows=10**13))


def lie_cut_record(liar: Liar) -> None:
    liar.put_raw(b'{\n  "run_id": "2026')


def lie_time(liar: Liar) -> None:
    liar.put({**liar.record(), "started_at": "'; DROP TABLE sessions; --"})


def lie_rollback(liar: Liar) -> None:
    liar.put({**liar.record(), "kind": "rollback", "back_to": liar.run_id})


def lie_taken_run(liar: Liar) -> None:
    own = read_runs(liar.bob.layout)[0].run_id
    records = {**liar.head.records, own: PushedRecord(1, "0" * 64)}
    del records[liar.run_id]
    liar.put_head(records=records)


def lie_head(liar: Liar) -> None:
    liar.put_raw_head(b"{}")


def lie_other_machine(liar: Liar) -> None:
    liar.put_head(machine_id="f" * 16)


def lie_unsigned(liar: Liar) -> None:
    liar.put_raw_head(liar.changed(records={}, signer="", signature="").to_bytes())


def lie_old_signature(liar: Liar) -> None:
    liar.put_raw_head(liar.changed(records={}, erasures=9).to_bytes())


def lie_other_lake(liar: Liar) -> None:
    liar.put_raw_head(signed(liar.changed(), machine_key(liar.ada.layout), "f" * 16).to_bytes())


def lie_other_key(liar: Liar) -> None:
    liar.put_raw_head(signed(liar.changed(records={}, erasures=9), b"k" * 32, liar.lake_id).to_bytes())


def lie_no_key(liar: Liar) -> None:
    liar.put_raw_head(liar.changed(signer="no key", signature="0" * 128).to_bytes())


LIES = {
    "paths": (lie_paths, "N102"),
    "absolute": (lie_absolute, "N102"),
    "other-home": (lie_other_home, "N102"),
    "oversize": (lie_oversize, "N103"),
    "short": (lie_short, "N103"),
    "flipped": (lie_flipped, "N103"),
    "missing": (lie_missing, "N103"),
    "linked": (lie_linked, "N103"),
    "no-parquet": (lie_no_parquet, "N103"),
    "columns": (lie_columns, "N103"),
    "messages": (lie_messages, "N103"),
    "rows": (lie_rows, "N102"),
    "cut-record": (lie_cut_record, "N102"),
    "time": (lie_time, "N102"),
    "rollback": (lie_rollback, "N102"),
    "taken-run": (lie_taken_run, "N107"),
    "head": (lie_head, "N101"),
    "other-machine": (lie_other_machine, "N101"),
    "unsigned": (lie_unsigned, "N101"),
    "old-signature": (lie_old_signature, "N101"),
    "other-lake": (lie_other_lake, "N101"),
    "other-key": (lie_other_key, "N110"),
    "no-key": (lie_no_key, "N101"),
}


@pytest.fixture(scope="module")
def deceived(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the two machines, in which ada has pushed a run that bob has not pulled."""
    place = tmp_path_factory.mktemp("deceived") / "copy"
    shutil.copytree(shared, place, symlinks=True)
    rejoin(place)
    ada, _ = machines(place)
    write_project(ada, "later")
    ada.run()
    ada.push()
    return place


@pytest.mark.parametrize("name", LIES)
def test_a_lie_in_a_lake_is_named_and_nothing_is_lost(deceived: Path, tmp_path: Path, name: str) -> None:
    liar = Liar(deceived)
    unit = read_units(liar.bob.layout)[0].layout
    whole, head = tmp_path / "whole", unit.unit_file.read_bytes()
    shutil.copytree(liar.root, whole)
    before = {path: path.read_bytes() for path in unit.root.rglob("*.parquet")}
    lie, code = LIES[name]
    try:
        lie(liar)
        assert [one.code for one in liar.bob.pull().findings] == [code]
        assert all(path.read_bytes() == data for path, data in before.items())
        assert len(read_runs(unit)) == 1
        assert not list(deceived.rglob("evil*"))
        assert liar.bob.ask("SELECT count(*) FROM sessions WHERE home_id = 'claude@ada'") == [(3,)]
    finally:
        shutil.rmtree(liar.root)
        whole.rename(liar.root)
        unit.unit_file.write_bytes(head)


def test_a_unit_that_cannot_be_loaded_is_left_out_and_the_others_stay(place: Path) -> None:
    liar = Liar(place)
    (liar.bob.layout.machines / id_of(liar.ada) / "unit.json").unlink()
    path = liar.root / str(liar.part("records")["path"])
    table = pq.read_table(path, partitioning=None)
    number = table.schema.get_field_index("usage_iterations")
    sink = pa.BufferOutputStream()
    bad = pa.array(["{no json"] * table.num_rows, table.schema.field(number).type)
    pq.write_table(table.set_column(number, table.schema.field(number), bad), sink)
    liar.put_part("records", sink.getvalue().to_pybytes())
    found = liar.bob.pull()
    assert found.left_out == [f"machines/{id_of(liar.ada)}"]
    assert liar.bob.ask("SELECT DISTINCT home_id FROM sessions") == [("claude",)]


def test_a_foreign_file_in_a_lake_is_named_and_not_read(place: Path) -> None:
    _, bob = machines(place)
    DirectoryDestination(place / "lake").put("machines/../x".replace("../", "xx/"), CopyContent.of(b"evil"))
    assert [one.code for one in bob.pull().findings] == ["N105"]
    assert len(read_units(bob.layout)) == 1
