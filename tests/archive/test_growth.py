"""The growth of an archive by its commit records."""

import shutil
from pathlib import Path

from models.run import PartRecord, PhaseRecord, RunRecord, SourceCounts, WarehouseRecord
from pipelines.archive.growth import SourceGrowth, growth_of
from pipelines.disk.layout import Layout

MB = 1_000_000


def a_run(epoch: int, day: str, new: int, *, home: str = "mine", warehouse: int = 0) -> RunRecord:
    counts = {"projects": SourceCounts(bytes_kept_new=new, messages_new=epoch), "debug": SourceCounts()}
    part = PartRecord(f"tables/{epoch}", "entries", 1, new // 2, "00")
    phase = PhaseRecord(home, 7, f"{day}T02:00:05+00:00", 1.0, [part], counts, {}, {})
    run = RunRecord(f"r{epoch}", epoch, "complete", f"{day}T02:00:00+00:00", None, "1", False, {home: "/h"})
    run.phases = [phase]
    run.warehouse = WarehouseRecord("warehouse/w", warehouse, "00")
    return run


def test_growth_is_counted_by_month_and_source(tmp_path: Path) -> None:
    runs = [a_run(1, "2026-09-28", 100), a_run(2, "2026-09-30", 10), a_run(3, "2026-10-01", 6)]
    september, october = growth_of(Layout(tmp_path), runs, 1).months
    assert (september.month, september.runs, september.bytes_new, september.bytes_written) == ("2026-09", 2, 110, 55)
    assert (october.month, october.messages_new, october.sources) == ("2026-10", 3, {"projects": SourceGrowth(6, 3)})


def test_the_rate_leaves_out_what_had_piled_up_before_the_first_run_of_a_home(tmp_path: Path) -> None:
    runs = [a_run(1, "2026-09-01", 900 * MB, warehouse=10 * MB)]
    runs += [a_run(2, "2026-09-06", 20 * MB, warehouse=11 * MB), a_run(3, "2026-09-11", 20 * MB, warehouse=15 * MB)]
    grown = growth_of(Layout(tmp_path), runs, 1)
    # 20 MB of Parquet and two warehouses of 5 MB more, in ten days.
    assert (grown.since, grown.bytes_per_day) == ("2026-09-01T02:00:00+00:00", 3 * MB)
    free = shutil.disk_usage(tmp_path).free
    assert grown.days_left is not None
    assert abs(grown.days_left - free // (3 * MB)) <= 1_000
    later = [*runs, a_run(4, "2026-09-12", 700 * MB, home="other"), a_run(5, "2026-09-22", 2 * MB, warehouse=15 * MB)]
    assert growth_of(Layout(tmp_path), later, 1).since == "2026-09-12T02:00:00+00:00"


def test_a_rate_of_less_than_a_week_is_not_said(tmp_path: Path) -> None:
    runs = [a_run(1, "2026-09-01", MB), a_run(2, "2026-09-05", MB)]
    grown = growth_of(Layout(tmp_path), runs, 1)
    assert (grown.bytes_per_day, grown.days_left) == (None, None)
    assert growth_of(Layout(tmp_path), [], 1).months == []
