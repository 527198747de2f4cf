"""The yardsticks: the times of the simplest programs on the same files. As a program: DuckDB's own JSON reader."""

import json
import sys
from functools import partial
from pathlib import Path
from typing import Final

from tests.bench.context import Bench, Candidate, Home, remove
from tests.bench.report import Section

_FIELDS: Final = (
    *("uuid", "parentUuid", "sessionId", "timestamp", "type", "cwd", "version", "gitBranch"),
    *("message.id", "message.role", "message.model", "message.usage.output_tokens"),
)
_OPTIONS: Final = "format = 'newline_delimited', ignore_errors = true"


def yardsticks(bench: Bench) -> Section:
    """Measure a first run, and programs that read the same bytes and do almost nothing with them."""
    section = Section(
        "yardsticks",
        "Yardsticks",
        "Over the same files, side by side. DuckDB reads the `.jsonl` alone, and leaves out what it cannot parse.",
    )
    for home in bench.homes(bench.mb):
        _measure(bench, section, home)
    return section


def _measure(bench: Bench, section: Section, home: Home) -> None:
    files = str(home.list_path)
    lines = f"{files}.jsonl"
    parquet, data = bench.place("yardsticks/fields.parquet"), bench.place("data/yardsticks")
    duckdb = [sys.executable, "-m", "tests.bench.yardsticks"]
    share = home.line_bytes / max(1, home.bytes)
    words = {
        "sha256sum": "digests, one core: S itself",
        "cat | wc -l": "reads, and counts line ends",
        "read_json_objects": f"DuckDB parses and counts the lines of .jsonl ({share:.0%} of the bytes)",
        "COPY": f"DuckDB writes {len(_FIELDS)} fields of each line to one Parquet file (zstd); no bytes kept",
        "extract run": "everything",
    }
    figures = {name: section.figure(f"{name}, {home.label}", does) for name, does in words.items()}
    bench.side_by_side(
        home,
        [
            Candidate(figures["sha256sum"], ["xargs", "-0", "-a", files, "sha256sum"]),
            Candidate(figures["cat | wc -l"], ["sh", "-c", 'xargs -0 -a "$1" cat | wc -l', "sh", files]),
            Candidate(figures["read_json_objects"], [*duckdb, "count", lines]),
            Candidate(figures["COPY"], [*duckdb, "copy", lines, str(parquet)], partial(remove, parquet)),
            Candidate(figures["extract run"], bench.run_command(home, data), partial(remove, data), fine=(0, 4)),
        ],
    )
    figures["COPY"].output = parquet.stat().st_size
    remove(data)


def main(what: str, listed: Path, target: str = "") -> None:
    """Count the lines of the listed files, or write some of their fields to a Parquet file."""
    import duckdb

    names = [name.decode() for name in listed.read_bytes().split(b"\0") if name]
    with duckdb.connect() as connection:
        if what == "count":
            query = f"SELECT count(*) FROM read_json_objects($names, {_OPTIONS})"
            found = connection.execute(query, {"names": names}).fetchone()
            print(json.dumps({"lines": found[0] if found else 0}))
            return
        fields = ", ".join(f"json ->> '$.{name}' AS \"{name}\"" for name in _FIELDS)
        source = "[" + ", ".join("'" + name.replace("'", "''") + "'" for name in names) + "]"
        connection.execute(
            f"COPY (SELECT {fields} FROM read_json_objects({source}, {_OPTIONS})) TO '{target}' "
            "(FORMAT parquet, COMPRESSION zstd)"
        )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
