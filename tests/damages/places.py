"""Damages of the warehouse, of places, homes, texts, known losses and pulled units (W, F, H, D, L, N)."""

import os
import shutil
from hashlib import sha256
from pathlib import Path

import duckdb

from models.run import RetiredRecord, WarehouseRecord
from pipelines.archive.audit import note_access
from pipelines.archive.machines import Unit, UnitHead, write_unit
from pipelines.verify import tables
from tests.archives import PROMPT, Archive
from tests.damages.content import in_manifest
from tests.damages.registry import (
    DAMAGES,
    Damage,
    cell,
    damage,
    fields_of_record,
    flip_in,
    more,
    remove,
    row_where,
    set_to,
)

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
    """Take a part out of its phase as `extract repair` does; with `keeps_part`, only the record names it as retired."""

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


# N: units of other machines, and the audit log


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
