"""Many homes, each in a unit of its own, joined by copying files; without Prefect, whose flow only hands them out."""

from pathlib import Path

import pytest

from models.observer import Observer
from pipelines.archive.archive import read_runs
from pipelines.disk.failpoints import FailPointError, arm
from pipelines.disk.layout import Layout
from pipelines.run.extraction import Request
from pipelines.run.pipeline import run_job
from pipelines.schedule.many_homes import extract_unit, join_units
from pipelines.warehouse.opened import open_warehouse
from tests.forgetting import ONE, TWO, put, record

SAME = {
    "messages": "SELECT message_id, text FROM messages",
    "occurrences": "SELECT split_part(home_id, '@', 1), message_id, byte_offset, place FROM occurrences",
    "records": "SELECT split_part(home_id, '@', 1), byte_offset, byte_length, record_type FROM records",
    "files": "SELECT split_part(home_id, '@', 1), path, size, sha256 FROM files",
}
"""Rows of a warehouse without the ids of runs, files and machines, which differ."""


def rows(layout: Layout) -> dict[str, list[tuple[object, ...]]]:
    with open_warehouse(layout) as connection:
        return {name: sorted(connection.execute(query).fetchall(), key=repr) for name, query in SAME.items()}


@pytest.fixture
def homes(tmp_path: Path) -> dict[str, Path]:
    found = {name: tmp_path / "homes" / name for name in ("anna", "berta")}
    for name, session in (("anna", ONE), ("berta", TWO)):
        put(found[name], f"projects/-p/{session}.jsonl", record("the same", 1, session) + record(name, 2, session))
        put(found[name], "plans/plan.md", f"# {name}\n")
    return found


def test_units_joined_have_the_rows_of_one_archive_and_a_killed_worker_costs_its_home_alone(
    homes: dict[str, Path], tmp_path: Path
) -> None:
    units = tmp_path / "units"
    extract_unit("anna", homes["anna"], units)
    arm("phase:before-commit", kind="raise")
    with pytest.raises(FailPointError):
        extract_unit("berta", homes["berta"], units)
    arm(None)
    done = extract_unit("berta", homes["berta"], units)
    assert (done.home_id, done.files_read, done.exit_code) == ("berta", 2, 0)
    assert [len(read_runs(Layout(units / "homes" / name))) for name in homes] == [1, 1]
    joint, alone = Layout(tmp_path / "joint"), Layout(tmp_path / "alone")
    assert join_units(joint, units).exit_code == 0
    run_job(alone, Request(list(homes.items())), Observer())
    assert rows(joint) == rows(alone)
