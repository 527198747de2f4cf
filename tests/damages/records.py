"""Damages of the records of an archive: its identity, its settings, commit records, second copies (R)."""

import shutil

from models.run import RunRecord
from pipelines.archive.archive import writing
from pipelines.archive.checks_file import note_checks
from pipelines.archive.evidence import list_again
from pipelines.archive.known_copies import KnownCopy, keep_known_copy
from tests.archives import HOME, Archive
from tests.damages.registry import (
    DAMAGES,
    cell,
    count_more,
    damage,
    fields_of_record,
    flip_in,
    record,
    remove,
    reseal,
    set_to,
)

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
