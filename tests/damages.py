"""A damage for each code of a finding: a function that does to an archive what the finding reports, without causing a
finding that would be reported earlier.
"""

import os
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from models.finding import Level
from models.findings import all_kinds
from models.identity import file_id
from models.run import RetiredRecord, RunRecord, WarehouseRecord
from pipelines.archive.archive import writing
from pipelines.archive.audit import note_access
from pipelines.archive.checks_file import note_checks
from pipelines.archive.evidence import list_again
from pipelines.archive.known_copies import KnownCopy, keep_known_copy
from pipelines.archive.machines import Unit, UnitHead, write_unit
from pipelines.verify import tables
from tests.archives import HOME, PROMPT, Archive

Damage = Callable[[Archive], object]
DAMAGES: dict[str, Damage] = {}
"""The damage for each code."""


def damage(code: str) -> Callable[[Damage], Damage]:
    """Register the decorated function as the damage for a code."""

    def register(function: Damage) -> Damage:
        assert code not in DAMAGES
        DAMAGES[code] = function
        return function

    return register


def level_of(code: str) -> Level:
    """Return the level of `extract verify` that looks for a code."""
    (level,) = [kind.level for kind in all_kinds() if kind.code == code]
    assert isinstance(level, Level)
    return level


def flip_in(name: str) -> Damage:
    """Flip a bit in a file below the data directory; `*` stands for one name."""

    def function(archive: Archive) -> None:
        archive.flip(max(archive.layout.root.glob(name)))

    return function


def remove(name: str) -> Damage:
    """Remove a file below the data directory."""

    def function(archive: Archive) -> None:
        max(archive.layout.root.glob(name)).unlink()

    return function


def reseal(name: str, **fields: str | int | None) -> Damage:
    """Change fields of a record and write it with a correct checksum."""

    def function(archive: Archive) -> None:
        archive.seal(archive.layout.root / name, dict(fields))

    return function


def record(change: Callable[[RunRecord], object], number: int = -1) -> Damage:
    """Change a commit record."""

    def function(archive: Archive) -> None:
        archive.edit(change, number)

    return function


def fields_of_record(**fields: str | None) -> Damage:
    """Change fields of the newest commit record."""

    def change(run: RunRecord) -> None:
        for name, value in fields.items():
            setattr(run, name, value)

    return record(change)


def cell(table: str, column: str, change: Callable[[object], object], *, part: int = 0, row: int = 0) -> Damage:
    """Change one value of a Parquet file, and its size and digest in the commit record."""

    def function(archive: Archive) -> None:
        archive.rewrite(table, lambda rows: rows[row].update({column: change(rows[row][column])}), part)

    return function


def rows(table: str, change: Callable[[list[dict[str, object]]], object], *, part: int = 0) -> Damage:
    """Change the rows of a Parquet file, and its size and digest in the commit record."""

    def function(archive: Archive) -> None:
        archive.rewrite(table, change, part)

    return function


def more(value: object) -> int:
    """Return one more than a number."""
    assert isinstance(value, int)
    return value + 1


def row_where(table: str, column: str, value: object, target: str, change: Callable[[object], object]) -> Damage:
    """Change the column `target` in the first row, in any Parquet file of a table, whose `column` has this value."""

    def function(archive: Archive) -> None:
        for number in range(20):
            found = [row for row, held in enumerate(archive.rows(table, number)) if held[column] == value]
            if found:
                cell(table, target, change, part=number, row=found[0])(archive)
                return

    return function


def set_to(value: object) -> Callable[[object], object]:
    """Return a function that returns `value` whatever its argument."""
    return lambda _: value


def sources_of(run: RunRecord) -> list[tuple[str, str]]:
    """Return home and source of all counts in a commit record."""
    return [(phase.home_id, source) for phase in run.phases for source in phase.sources]


def count_more(what: str) -> Damage:
    """Add one to a count of the source history in the newest commit record."""

    def change(run: RunRecord) -> None:
        counts = next(phase.sources["history"] for phase in run.phases if "history" in phase.sources)
        setattr(counts, what, getattr(counts, what) + 1)

    return record(change)


# R: records of the archive

DAMAGES |= {
    "R101": remove("archive.json"),
    "R102": flip_in("archive.json"),
    "R103": reseal("archive.json", format=1, archive_id="a", seed="no number"),
    "R104": reseal("archive.json", format=2, archive_id="a", seed="1"),
    "R105": remove("store/archive.json"),
    "R106": flip_in("store/archive.json"),
    "R111": remove("homes.json"),
    "R112": flip_in("homes.json"),
    "R113": reseal("homes.json", **{"no name!": "/home"}),
    "R114": reseal("homes.json", another="/home"),
    "R131": flip_in("writer.lock"),
    "R133": reseal("writer.lock", pid=1, run_id="rebuild", started_at="2026-01-01T00:00:00+00:00", ended_at=None),
    "R152": reseal("tombstones.json", format=1),
}


@damage("R121")
def settings_that_do_not_exist(archive: Archive) -> None:
    archive.layout.settings_file.write_text("nonsense = 1\n", encoding="utf-8")


@damage("R122")
def settings_that_changed(archive: Archive) -> None:
    archive.layout.settings_file.write_text("keep_warehouses = 2\n", encoding="utf-8")


DAMAGES |= {
    "R123": remove("settings.toml"),
    "R124": flip_in("evidence.json"),
    "R125": remove("runs/*/report.html"),
    "P111": remove("store/imported/*.parquet"),
}


@damage("R221")
def a_report_that_was_never_written(archive: Archive) -> None:
    path = max(archive.layout.root.glob("runs/*/report.md"))
    path.unlink()
    list_again(archive.layout, [path])


@damage("R126")
def an_older_version_of_a_report(archive: Archive) -> None:
    first, *_, last = sorted(archive.layout.root.glob("runs/*/report.json"))
    last.write_bytes(first.read_bytes())


@damage("R141")
def nothing_committed(archive: Archive) -> None:
    layout = archive.layout
    for directory in (layout.runs, layout.copies, layout.tables, layout.store / f"home={HOME}"):
        shutil.rmtree(directory)
    layout.head_file.unlink()
    archive.layout.runs.mkdir()


@damage("R142")
def a_run_at_work(archive: Archive) -> None:
    archive.held.enter_context(writing(archive.layout, "test"))


@damage("R151")
def tombstones_with_a_flipped_bit(archive: Archive) -> None:
    archive.seal(archive.layout.tombstones_file, {"format": 1, "key": "00", "tombstones": []})
    archive.flip(archive.layout.tombstones_file)


@damage("R153")
def an_erased_span_without_tombstone(archive: Archive) -> None:
    cell("pieces", "digest", set_to(bytes(16)))(archive)


@damage("R154")
def an_erasure_that_was_killed(archive: Archive) -> None:
    archive.seal(archive.layout.forget_file, {"number": 1})


# R2: commit records

DAMAGES |= {
    "R143": remove("store/home=*/run=*/phase-8-0.parquet"),
    "R201": flip_in("runs/*/run.json"),
    "R203": remove("runs/*/run.json"),
    "R206": record(lambda run: setattr(run, "epoch", 1)),
    "R207": record(lambda run: setattr(run, "epoch", 5)),
    "R208": record(lambda run: setattr(run, "format", 9)),
    "R209": fields_of_record(status="open", finished_at=None),
    "R210": record(lambda run: setattr(run, "finished_at", "2001-01-01T00:00:00+00:00")),
    "R211": record(lambda run: setattr(run, "warehouse", None)),
    "R212": record(lambda run: run.phases.append(run.phases[0])),
    "R213": record(lambda run: setattr(run.phases[0], "phase", 99)),
    "R214": record(lambda run: run.homes.clear()),
    "R219": count_more("entries"),
    "R220": count_more("rejects"),
    "R222": flip_in("runs/*/report.html"),
    "R223": remove("runs/*/manifest-sha256.txt"),
    "R225": flip_in("runs/*/manifest-sha256.txt"),
}


@damage("R202")
def a_record_without_its_fields(archive: Archive) -> None:
    archive.seal(archive.layout.commit_record(archive.last.run_id), {"format": 1, "run_id": archive.last.run_id})


@damage("R204")
def a_record_in_the_directory_of_another_run(archive: Archive) -> None:
    archive.layout.run(archive.last.run_id).rename(archive.layout.run("20300101T000000Z-abcdef"))


@damage("R205")
def a_run_of_another_name(archive: Archive) -> None:
    last = archive.last
    archive.layout.run(last.run_id).rename(archive.layout.run("tuesday"))
    last.run_id = "tuesday"
    archive.save(last)


@damage("R215")
def a_phase_without_manifest(archive: Archive) -> None:
    def change(run: RunRecord) -> None:
        run.phases[0].parts = [part for part in run.phases[0].parts if part.table != "manifest"]

    archive.edit(change)


@damage("R216")
def a_part_listed_twice(archive: Archive) -> None:
    archive.edit(lambda run: run.phases[0].parts.append(run.phases[0].parts[0]))


@damage("R217")
def a_part_in_another_place(archive: Archive) -> None:
    run, part = archive.part("prompts")
    outside = archive.layout.root.parent / "outside.parquet"
    (archive.layout.root / part.path).rename(outside)
    for phase in run.phases:
        phase.parts = [
            type(part)("../outside.parquet", part.table, part.rows, part.size, part.sha256) if one == part else one
            for one in phase.parts
        ]
    archive.save(run)


@damage("R218")
def a_part_of_a_table_of_tomorrow(archive: Archive) -> None:
    run, part = archive.part("prompts")
    path = part.path.replace("tables/prompts/", "tables/tomorrow/")
    (archive.layout.root / path).parent.mkdir(parents=True)
    (archive.layout.root / part.path).rename(archive.layout.root / path)
    for phase in run.phases:
        phase.parts = [
            type(part)(path, "tomorrow", part.rows, part.size, part.sha256) if one == part else one
            for one in phase.parts
        ]
    archive.save(run)


@damage("R224")
def a_longer_manifest(archive: Archive) -> None:
    with next(archive.layout.runs.glob("*/manifest-sha256.txt")).open("ab") as file:
        file.write(b"\n")


@damage("R227")
def a_rollback_to_a_run_that_is_gone(archive: Archive) -> None:
    fields_of_record(kind="rollback", back_to="20200101T000000Z-000000")(archive)


@damage("R228")
def a_drill_with_a_flipped_bit(archive: Archive) -> None:
    path = archive.layout.run(archive.last.run_id) / "drill-20300101T000000Z.json"
    archive.seal(path, {"holds": True})
    archive.flip(path)


@damage("R226")
def findings_with_a_flipped_bit(archive: Archive) -> None:
    path = archive.layout.run(archive.last.run_id) / "findings.json"
    archive.seal(path, {"findings": []})
    archive.flip(path)


# R3: second copies

DAMAGES |= {
    "R301": remove("copies/runs/*/run.json"),
    "R302": flip_in("copies/tables/manifest/*/*/*.parquet"),
    "R303": remove("head.json"),
    "R304": flip_in("head.json"),
}


@damage("R305")
def a_newest_run_that_is_gone(archive: Archive) -> None:
    last = archive.last
    for directory in (archive.layout.run(last.run_id), archive.layout.copy_of(archive.layout.run(last.run_id))):
        shutil.rmtree(directory)


@damage("R132")
def past_checks_that_are_not_what_was_written(archive: Archive) -> None:
    note_checks(archive.layout, ["quick"], has_passed=True)
    flip_in("checks.json")(archive)


def with_copy(archive: Archive, run_id: str) -> None:
    """Let the archive know of a copy at another place whose newest run is `run_id`."""
    known = KnownCopy("/mnt/copy", "2026-01-01T00:00:00+00:00", epoch=3, run_id=run_id)
    keep_known_copy(archive.layout, known)


@damage("R306")
def a_place_of_a_copy_that_is_not_what_was_written(archive: Archive) -> None:
    with_copy(archive, archive.last.run_id)
    flip_in("destinations/*.json")(archive)


@damage("R307")
def a_run_that_only_a_copy_has(archive: Archive) -> None:
    with_copy(archive, "20260101T000000Z-abcdef")


# P: parts

DAMAGES |= {
    "P101": remove("tables/prompts/*/*/*.parquet"),
    "P103": flip_in("tables/prompts/*/*/*.parquet"),
    "P106": record(
        lambda run: setattr(
            run.phases[0],
            "parts",
            [type(part)(part.path, part.table, part.rows + 1, part.size, part.sha256) for part in run.phases[0].parts],
        )
    ),
    "P109": flip_in("store/imported/*.parquet"),
}


@damage("P102")
def a_part_cut_short(archive: Archive) -> None:
    path = archive.path("prompts")
    path.write_bytes(path.read_bytes()[:-1])


@damage("P104")
def a_directory_in_place_of_a_part(archive: Archive) -> None:
    path = archive.path("prompts")
    path.unlink()
    path.mkdir(mode=0o700)


@damage("P105")
def a_part_that_is_no_parquet(archive: Archive) -> None:
    run, part = archive.part("prompts")
    (archive.layout.root / part.path).write_bytes(b"PAR1 no more PAR1")
    archive.vouch_for(run, part)


@damage("P107")
def a_part_with_a_column_of_another_type(archive: Archive) -> None:
    run, part = archive.part("prompts")
    path = archive.layout.root / part.path
    table = pq.ParquetFile(path).read()
    number = table.schema.get_field_index("byte_length")
    path.unlink()
    pq.write_table(table.set_column(number, "byte_length", table["byte_length"].cast(pa.int32())), path)
    archive.vouch_for(run, part)


@damage("P108")
def a_part_whose_pages_are_no_pages(archive: Archive) -> None:
    run, part = archive.part("entries")
    path = archive.layout.root / part.path
    with pq.ParquetFile(path) as file:
        column = file.metadata.row_group(0).column(4)
        start = min(column.data_page_offset, column.dictionary_page_offset or column.data_page_offset)
        size = column.total_compressed_size
    data = bytearray(path.read_bytes())
    data[start : start + size] = b"\xff" * size
    path.write_bytes(data)
    archive.vouch_for(run, part)


@damage("P110")
def an_import_with_other_columns(archive: Archive) -> None:
    path = next(archive.layout.imported.glob("*.parquet"))
    pq.write_table(pa.table({"message_id": [1]}), path)
    path.rename(path.with_name(f"{sha256(path.read_bytes()).hexdigest()}.parquet"))


# M: manifests

DAMAGES |= {
    "M101": cell("manifest", "home_id", set_to("another")),
    "M102": rows("manifest", lambda held: held.append(dict(held[0]))),
    "M103": cell("manifest", "outcome", set_to("splendid")),
    "M104": row_where("manifest", "path", "notes.md", "file_id", more),
    "M105": cell("manifest", "path", set_to("of another")),
    "M106": row_where("manifest", "path", "notes.md", "sha256", set_to(None)),
    "M107": row_where("manifest", "path", "notes.md", "watermark", set_to(9999)),
    "M108": row_where("manifest", "path", ".credentials.json", "sha256", set_to("0" * 64)),
    "M109": cell("manifest", "mtime_ns", lambda value: more(value) + 1_000_000),
    "M112": row_where("manifest", "path", "notes.md", "size", more),
    "M114": count_more("files_found"),
    "M115": row_where("manifest", "path", "notes.md", "first_run_id", set_to("20200101T000000Z-000000")),
}


def manifest_of(archive: Archive, path: str, epoch: int) -> int:
    """Return the number of the manifest in which a run has a path."""
    for number in range(20):
        run, _ = archive.part("manifest", number)
        if run.epoch == epoch and any(row["path"] == path for row in archive.rows("manifest", number)):
            return number
    raise LookupError(path)


def in_manifest(path: str, epoch: int, printed: dict[str, object] | None) -> Damage:
    """Change fields of a path in the manifest of a run, or with None remove its row."""

    def function(archive: Archive) -> None:
        def change(held: list[dict[str, object]]) -> None:
            row = next(row for row in held if row["path"] == path)
            if printed is None:
                held.remove(row)
            else:
                row.update(printed)

        archive.rewrite("manifest", change, manifest_of(archive, path, epoch))

    return function


LOG_PATH = "debug/3fd192e1-4608-4d4e-a084-ebefc26337f3.txt"
DAMAGES |= {
    "M110": in_manifest("rules.md", 2, None),
    "M111": in_manifest("notes.md", 1, {"generation": 77, "file_id": file_id(HOME, b"notes.md", 77)}),
    "M116": in_manifest(LOG_PATH, 2, {"sha256": "0" * 64}),
    "T102": in_manifest("notes.md", 1, None),
}


@damage("M113")
def outcomes_that_were_not_counted(archive: Archive) -> None:
    archive.edit(lambda run: run.phases[0].outcomes.update(appended=7))


# E: extractions, entries, rejects. T: rows and messages


@damage("E101")
def entries_that_do_not_balance(archive: Archive) -> None:
    cell("extractions", "reject_count", more)(archive)


DAMAGES |= {
    "E102": cell("extractions", "entry_count", more),
    "E103": cell("extractions", "padding_bytes", more),
    "E104": rows("entries", lambda held: held.pop(1)),
    "E105": cell("entries", "entry_kind", set_to("novel")),
    "E106": row_where("extractions", "from_offset", 509, "from_offset", more),
    "E107": cell("extractions", "watermark", set_to(9999)),
    "E108": rows("rejects", lambda held: held.append(dict(held[0]))),
    "E109": cell("rejects", "code", set_to("disliked")),
    "E110": cell("rejects", "byte_offset", more),
    "E111": cell("repairs", "byte_offset", more),
    "E112": cell("entries", "file_id", more),
    "E113": count_more("padding_bytes"),
    "E114": record(lambda run: setattr(run.phases[0], "rejects", {"not_json": 0, "too_deep": 1}), 0),
    "E115": cell("drift", "file_id", more),
    "E116": rows("extractions", lambda held: held.append(dict(held[0]))),
    "E117": cell("extractions", "home_id", set_to("another")),
    "T101": cell("prompts", "home_id", set_to("another")),
    "T103": cell("prompts", "byte_offset", more),
    "T104": rows("prompts", lambda held: held.pop(0)),
    "T105": cell("extractions", "row_count", more),
    "T111": rows("message_texts", lambda held: held.pop(0)),
    "T112": cell("extractions", "message_count", more),
    "T113": count_more("messages_new"),
    "T114": rows("message_texts", lambda held: held.append({"message_id": "0" * 64, "text": "x", "text_bytes": 1})),
}


# S: the store

DAMAGES |= {
    "S101": rows("pieces", lambda held: held.pop(0)),
    "S102": cell("extractions", "piece_count", more),
    "S103": rows("store", lambda held: held.pop(0)),
    "S104": cell("store", "piece_bytes", more),
    "S105": rows("store", lambda held: held.append(dict(held[0]))),
    "S106": cell("extractions", "new_piece_bytes", more),
    "S107": rows("store", lambda held: held.append({"digest": bytes(16), "piece_bytes": 1, "content": b"x"})),
}


# W: the warehouse


@damage("W101")
def no_link(archive: Archive) -> None:
    archive.layout.warehouse.unlink()


def link_to(archive: Archive, target: str) -> None:
    """Make the link to the warehouse point to `target`."""
    archive.layout.warehouse.unlink(missing_ok=True)
    archive.layout.warehouse.symlink_to(target)


@damage("W102")
def a_link_that_leads_elsewhere(archive: Archive) -> None:
    link_to(archive, "../elsewhere.duckdb")


@damage("W103")
def a_link_to_nothing(archive: Archive) -> None:
    link_to(archive, "warehouse/gone.duckdb")


@damage("W104")
def a_link_to_an_older_warehouse(archive: Archive) -> None:
    link_to(archive, f"warehouse/{archive.runs[0].run_id}.duckdb")


@damage("W105")
def a_warehouse_cut_short(archive: Archive) -> None:
    path = archive.warehouse
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1])
    path.chmod(0o400)


@damage("W106")
def a_warehouse_with_a_flipped_bit(archive: Archive) -> None:
    archive.flip(archive.warehouse)


@damage("W107")
def a_published_warehouse_that_no_record_knows(archive: Archive) -> None:
    shutil.copy(archive.layout.warehouse.resolve(), archive.layout.warehouses / "20300101T000000Z-abcdef.duckdb")
    link_to(archive, "warehouse/20300101T000000Z-abcdef.duckdb")


@damage("W108")
def a_write_ahead_log(archive: Archive) -> None:
    real = archive.layout.warehouse.resolve()
    real.with_name(real.name + ".wal").write_bytes(b"log")


@damage("W109")
def a_run_after_the_warehouse(archive: Archive) -> None:
    link_to(archive, f"warehouse/{archive.runs[0].run_id}.duckdb")
    fields_of_record(status="open", warehouse=None)(archive)


def vouch_for_warehouse(archive: Archive, path: Path) -> None:
    """Write the present size and digest of a warehouse into the newest commit record."""
    data = path.read_bytes()
    made = WarehouseRecord(archive.layout.relative(path), len(data), sha256(data).hexdigest())
    archive.edit(lambda run: setattr(run, "warehouse", made))


@damage("W110")
def a_warehouse_that_lacks_rows(archive: Archive) -> None:
    path = archive.warehouse
    path.chmod(0o600)
    with duckdb.connect(str(path)) as connection:
        connection.execute("DELETE FROM extractions")
        connection.execute("CHECKPOINT")
    path.chmod(0o400)
    vouch_for_warehouse(archive, path)


@damage("W111")
def a_warehouse_that_is_none(archive: Archive) -> None:
    path = archive.warehouse
    path.chmod(0o600)
    path.write_bytes(b"no database" * 1000)
    path.chmod(0o400)
    vouch_for_warehouse(archive, path)


@damage("W112")
def a_copy_that_is_another(archive: Archive) -> None:
    data = archive.layout.warehouse.resolve().read_bytes()
    archive.layout.warehouse.unlink()
    archive.layout.warehouse.write_bytes(data)
    archive.flip(archive.layout.warehouse)


@damage("W113")
def a_warehouse_that_can_be_written(archive: Archive) -> None:
    archive.warehouse.chmod(0o600)


@damage("W114")
def a_warehouse_left_over(archive: Archive) -> None:
    shutil.copy(archive.layout.warehouse.resolve(), archive.layout.warehouses / "20300101T000000Z-abcdef.duckdb")


# F: places


@damage("F101")
def a_directory_that_others_may_enter(archive: Archive) -> None:
    archive.layout.store.chmod(0o755)


@damage("F102")
def a_file_that_others_may_read(archive: Archive) -> None:
    archive.path("prompts").chmod(0o644)


@damage("F103")
def a_foreign_file(archive: Archive) -> None:
    (archive.layout.tables / "mine.txt").write_bytes(b"mine")


@damage("F104")
def a_link(archive: Archive) -> None:
    (archive.layout.tables / "elsewhere").symlink_to("/tmp")


@damage("F105")
def a_fifo(archive: Archive) -> None:
    os.mkfifo(archive.layout.tables / "fifo", 0o600)


@damage("F106")
def something_staged(archive: Archive) -> None:
    (archive.layout.staging / "20300101T000000Z-abcdef").mkdir()


@damage("F107")
def a_half_written_record(archive: Archive) -> None:
    (archive.layout.root / ".homes.json.tmp").write_bytes(b"{")


@damage("F108")
def a_part_of_a_run_that_died(archive: Archive) -> None:
    path = archive.path("prompts")
    target = path.parent.parent / "run=20300101T000000Z-abcdef" / path.name
    target.parent.mkdir()
    shutil.copy(path, target)


@damage("F109")
def a_part_that_its_record_does_not_list(archive: Archive) -> None:
    path = archive.path("prompts")
    shutil.copy(path, path.with_name("phase-1-9.parquet"))


@damage("F110")
def the_directory_of_a_run_that_died(archive: Archive) -> None:
    archive.layout.run("20300101T000000Z-abcdef").mkdir()


@damage("F112")
def a_directory_in_place_of_a_record(archive: Archive) -> None:
    archive.layout.archive_copy.unlink()
    archive.layout.archive_copy.mkdir()


DAMAGES["F111"] = flip_in("cache/*.idx")


# H: homes


@damage("H101")
def a_home_that_moved(archive: Archive) -> None:
    archive.home.rename(archive.home.with_name("moved"))


@damage("H103")
def a_file_that_grew(archive: Archive) -> None:
    with (archive.home / "history.jsonl").open("ab") as file:
        file.write(b"\n" + PROMPT % (9, 9))


@damage("H104")
def a_file_with_other_content(archive: Archive) -> None:
    (archive.home / "notes.md").write_bytes(b"# notes of another kind\n")


@damage("H105")
def a_history_that_was_rewritten(archive: Archive) -> None:
    path = archive.home / "history.jsonl"
    path.write_bytes(path.read_bytes().replace(b"do 1", b"do 7"))


@damage("H106")
def a_file_that_is_gone(archive: Archive) -> None:
    (archive.home / "notes.md").unlink()


@damage("H107")
def a_new_file(archive: Archive) -> None:
    (archive.home / "new.md").write_bytes(b"# new\n")


@damage("H108")
def a_link_in_place_of_a_file(archive: Archive) -> None:
    (archive.home / "notes.md").unlink()
    (archive.home / "notes.md").symlink_to("later.md")


@damage("H112")
def a_link_in_place_of_data(archive: Archive) -> None:
    (archive.home / "todos").symlink_to("elsewhere")


@damage("H110")
def a_file_that_the_disk_changed(archive: Archive) -> None:
    """Change the digest in the manifest instead of the file: no program can set a file's change time (ctime)."""
    stat = (archive.home / "notes.md").stat()
    printed = {"content_xxh3": bytes(16), "mtime_ns": stat.st_mtime_ns, "ctime_ns": stat.st_ctime_ns}
    in_manifest("notes.md", 2, printed)(archive)
    archive.edit(
        lambda run: setattr(run, "started_at", "2099-01-01T00:00:00+00:00")
    )  # so its times are old enough to prove a change


@damage("H111")
def a_home_that_nobody_read(archive: Archive) -> None:
    archive.names = ("nobody",)


# D: deep

DAMAGES |= {
    "D101": row_where("manifest", "path", "notes.md", "sha256", set_to("0" * 64)),
    "D102": DAMAGES["S103"],
    "D103": cell("store", "content", set_to(b"other")),
    "D104": DAMAGES["S104"],
    "D105": cell("message_texts", "text", set_to("other")),
    "D106": cell("message_texts", "text_bytes", more),
}


@damage("D107")
@damage("D108")
@damage("H102")
@damage("H109")
def nothing(archive: Archive) -> None:
    """Do nothing: every archive has this finding."""


@damage("R144")
def no_room(archive: Archive) -> None:
    """Limit DuckDB to less memory than one of its blocks."""
    archive.held.callback(setattr, tables, "MEMORY", tables.MEMORY)
    tables.MEMORY = "100KB"


# L: known losses


def retire(table: str, *, keeps_part: bool = False) -> Damage:
    """Take a part out of its phase as `extract repair` does; with `keeps_part`, only say so."""

    def function(archive: Archive) -> None:
        run, part = archive.part(table)
        said = RetiredRecord(part.path, part.table, part.rows, part.sha256, "is gone", "2026-01-01T00:00:00+00:00")
        for phase in run.phases:
            if part in phase.parts:
                phase.retired.append(said)
                phase.parts = [one for one in phase.parts if one != part or keeps_part]
        if not keeps_part:
            (archive.layout.root / part.path).unlink()
        archive.save(run)

    return function


DAMAGES |= {
    "F113": remove(".gitignore"),
    "L101": cell("pieces", "digest", set_to(b"\xff" * 16)),
    "L102": retire("entries"),
    "L103": retire("manifest", keeps_part=True),
    "L104": retire("message_texts"),
    "L105": fields_of_record(status="lost"),
}


# N: what came from other machines, and the audit log


@damage("N109")
def a_pulled_file_that_is_gone(archive: Archive) -> None:
    head = UnitHead("0123456789abcdef", "other", "fedcba9876543210", 1, "2026-12-01T00:00:00+00:00", is_whole=True)
    place = type(archive.layout)(archive.layout.machines / head.machine_id)
    record = place.commit_record(archive.last.run_id)
    record.parent.mkdir(parents=True, mode=0o700)
    shutil.copyfile(archive.layout.commit_record(archive.last.run_id), record)
    write_unit(Unit(head, place))


@damage("N201")
def an_audit_log_that_was_changed(archive: Archive) -> None:
    note_access(archive.layout, "export", "somewhere")
    flip_in("audit.jsonl")(archive)
