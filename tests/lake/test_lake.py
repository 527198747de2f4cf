"""Lakes: two machines and a colleague share what they have committed, over a folder."""

import shutil
from dataclasses import replace
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.errors import DataDirectoryError, FixityError, LockedError
from models.seal import sealed, unsealed
from pipelines.archive.archive import read_runs
from pipelines.archive.audit import read_audit
from pipelines.archive.machines import read_units, this_machine
from pipelines.copies.destination import CopyContent
from pipelines.copies.directory import DirectoryDestination
from pipelines.disk.layout import Layout
from pipelines.forget.forget import ErasureTarget, forget, plan_forget
from pipelines.lake.keys import MachineHead, PushedRecord, digest_of, head_path, newest_head, record_path
from pipelines.lake.known import keep_lake, read_lakes
from pipelines.lake.push import push, waiting_for
from pipelines.lake.registry import registry, withdraw
from pipelines.run.extraction import Request
from pipelines.run.pipeline import run_job
from pipelines.verify.verify import verify
from tests.lake.machines import PROJECTS, QUIET, Made, everything_in, make_machine, mark, session_of, write_project

VIEWS = ("sessions", "messages", "conversation", "tool_calls", "token_usage", "projects", "user_prompts", "files")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two machines that have pushed to a lake and pulled from it; a third archive has read both homes."""
    place = tmp_path_factory.mktemp("lake")
    ada, bob = make_machine(place, "ada"), make_machine(place, "bob")
    for one in (ada, bob):
        one.join(str(place / "lake"))
        one.push()
    for one in (ada, bob):
        assert one.pull().findings == []
    run_job(Layout(place / "both"), Request([("ada", ada.home), ("bob", bob.home)]), QUIET)
    return place


@pytest.fixture
def place(shared: Path, tmp_path: Path) -> Path:
    """A copy of the two machines and their lake."""
    shutil.copytree(shared, tmp_path / "copy", symlinks=True)
    rejoin(tmp_path / "copy")
    return tmp_path / "copy"


def rejoin(place: Path) -> None:
    """Let the machines of a copy use the copy of the lake, which they know by its place."""
    for one in machines(place):
        (path,) = one.layout.lakes.glob("*.json")
        known = replace(read_lakes(one.layout)[0], place=str(place / "lake"))
        path.unlink()
        keep_lake(one.layout, known)


def machines(place: Path) -> tuple[Made, Made]:
    ada, bob = (Made(name, place / name / "home", Layout(place / name / "data")) for name in ("ada", "bob"))
    return ada, bob


def id_of(made: Made) -> str:
    machine = this_machine(made.layout)
    assert machine is not None
    return machine.machine_id


def test_each_machine_has_the_views_of_one_that_read_both_homes(shared: Path) -> None:
    both = Made("both", shared, Layout(shared / "both"))
    query = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM \"{name}\"" for name in VIEWS)
    sums = "SELECT sum(input_tokens), sum(output_tokens), round(sum(cost_usd), 9), sum(prompt_count) FROM sessions"
    expected = both.ask(query), both.ask(sums)
    for made in machines(shared):
        assert (made.ask(query), made.ask(sums)) == expected
    homes = machines(shared)[0].ask("SELECT home_id FROM homes ORDER BY 1")
    assert homes == [("claude",), ("claude@bob",)]


def test_a_push_and_a_pull_without_anything_new_put_nothing(place: Path) -> None:
    ada, bob = machines(place)
    before = everything_in(place / "lake")
    assert ada.push().files == 0
    pulled = bob.pull()
    assert (pulled.runs, pulled.files, pulled.findings) == (0, 0, [])
    assert everything_in(place / "lake") == before


def test_what_is_pulled_survives_verification_and_a_later_run(place: Path) -> None:
    ada, _ = machines(place)
    write_project(ada, "later")
    ada.run()
    assert verify(ada.layout, observer=QUIET).findings == []
    assert ada.ask("SELECT count(*) FROM sessions") == [(7,)]
    assert ada.push().runs == 1


def test_status_says_what_waits_and_since_when(place: Path) -> None:
    ada, _ = machines(place)
    ada.push()
    assert waiting_for(read_lakes(ada.layout)[0], read_runs(ada.layout)).runs == 0
    write_project(ada, "later")
    ada.run()
    run = read_runs(ada.layout)[-1]
    waiting = waiting_for(read_lakes(ada.layout)[0], read_runs(ada.layout))
    assert (waiting.runs, waiting.since) == (1, run.finished_at)
    assert waiting.size == sum(part.size for phase in run.phases for part in phase.parts)


def test_the_registry_names_machines_homes_and_projects(place: Path) -> None:
    ada, _ = machines(place)
    heads = registry(read_lakes(ada.layout)[0])
    assert [one.name for one in heads] == ["ada", "bob"]
    assert list(heads[0].homes) == ["claude"]
    assert heads[0].projects == tuple(f"/w/ada/{project}-project" for project in PROJECTS)


def test_a_lake_that_is_away_is_named_and_nothing_is_lost(place: Path) -> None:
    ada, bob = machines(place)
    (place / "lake").rename(place / "away")
    with pytest.raises(DataDirectoryError, match="cannot be reached"):
        ada.push()
    (place / "away").rename(place / "lake")
    write_project(ada, "later")
    ada.run()
    ada.push()
    assert bob.pull().runs == 1
    assert bob.ask("SELECT count(*) FROM sessions") == [(7,)]


def test_what_is_forgotten_on_one_machine_is_gone_everywhere_after_the_next_sync(place: Path) -> None:
    ada, bob = machines(place)
    marks = [mark(ada, "secret", kind).encode() for kind in ("prompt", "answer", "history", "todo", "log", "version")]
    assert all(one in everything_in(place / "lake") for one in marks)
    plan = plan_forget(ada.layout, ErasureTarget("session", session_of(ada, "secret")))
    forget(ada.layout, plan, QUIET)
    ada.push()
    assert bob.pull().findings == []
    for where in (place / "lake", bob.layout.root, ada.layout.root):
        found = everything_in(where)
        assert [one for one in marks if one in found] == []
    assert mark(ada, "open", "prompt").encode() in everything_in(bob.layout.root)
    assert bob.ask("SELECT count(*) FROM sessions WHERE record_count > 0") == [(5,)]


def test_a_machine_that_withdraws_leaves_nothing(place: Path) -> None:
    ada, bob = machines(place)
    withdraw(ada.layout, read_lakes(ada.layout)[0])
    assert b"MARK-ada" not in everything_in(place / "lake")
    bob.pull()
    assert b"MARK-ada" not in everything_in(bob.layout.root)
    assert bob.ask("SELECT count(*) FROM sessions") == [(3,)]


def test_a_copied_identity_is_refused_before_anything_is_written(place: Path) -> None:
    ada, _ = machines(place)
    shutil.copytree(place / "ada", place / "eve", symlinks=True)
    eve = Made("ada", place / "eve" / "home", Layout(place / "eve" / "data"))
    write_project(ada, "later")
    ada.run()
    ada.push()
    before = everything_in(place / "lake")
    write_project(eve, "other")
    eve.run()
    with pytest.raises(LockedError, match="in the name of this machine"):
        eve.push()
    assert everything_in(place / "lake") == before


def test_another_lake_at_the_same_place_is_refused(place: Path) -> None:
    ada, _ = machines(place)
    known = replace(read_lakes(ada.layout)[0], lake_id="0" * 16)
    with pytest.raises(FixityError, match="another lake"):
        push(ada.layout, known, QUIET)


def test_a_damaged_file_of_ones_own_is_put_again(place: Path) -> None:
    ada, bob = machines(place)
    path = next((place / "lake").glob(f"machines/{id_of(ada)}/tables/records/**/*.parquet"))
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert ada.push().files == 1
    assert path.read_bytes() == whole
    assert bob.pull().findings == []


class Liar:
    """Changes what ada has put into the lake, as who can write there but has not her machine."""

    def __init__(self, place: Path) -> None:
        self.ada, self.bob = machines(place)
        self.root = place / "lake" / "machines" / id_of(self.ada)
        number = newest_head([path.name for path in self.root.iterdir()])
        self.head = MachineHead.from_bytes((self.root / head_path(number)).read_bytes())
        self.run_id = max(self.head.records)

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
        self.put_head(replace(self.head, number=self.head.number + 1, records=records).to_bytes())

    def put_head(self, data: bytes) -> None:
        """Put a head."""
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
    liar.put_head(replace(liar.head, number=liar.head.number + 1, records=records).to_bytes())


def lie_head(liar: Liar) -> None:
    liar.put_head(b"{}")


def lie_other_machine(liar: Liar) -> None:
    liar.put_head(replace(liar.head, number=liar.head.number + 1, machine_id="f" * 16).to_bytes())


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


def test_an_older_state_of_a_lake_is_named_and_what_was_pulled_stays(place: Path) -> None:
    ada, bob = machines(place)
    older = place / "older"
    shutil.copytree(place / "lake", older)
    write_project(ada, "later")
    ada.run()
    ada.push()
    bob.pull()
    shutil.rmtree(place / "lake")
    older.rename(place / "lake")
    assert [one.code for one in bob.pull().findings] == ["N104"]
    assert bob.ask("SELECT count(*) FROM sessions WHERE home_id = 'claude@ada'") == [(4,)]


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


def test_the_audit_log_has_each_push_and_pull_without_content(place: Path) -> None:
    ada, _ = machines(place)
    entries, problems = read_audit(ada.layout)
    assert problems == []
    assert [one.what for one in entries] == ["push", "pull"]
    assert b"MARK" not in ada.layout.audit_file.read_bytes()
