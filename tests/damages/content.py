"""Damages of parts, manifests, entries, messages and the store (P, M, E, T, S)."""

from hashlib import sha256

import pyarrow as pa
import pyarrow.parquet as pq

from models.identity import file_id
from tests.archives import HOME, Archive
from tests.damages.registry import (
    DAMAGES,
    Damage,
    cell,
    count_more,
    damage,
    flip_in,
    more,
    record,
    remove,
    row_where,
    rows,
    set_to,
)

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
