"""The Prefect flow `team`: a task for each home, on workers of a task runner of Prefect that a parameter chooses.

As in `pipelines.schedule.flows`, Prefect gets paths, ids and counts alone.
"""

import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Literal

from models.errors import ConfigurationError, ExitCode
from pipelines.disk.layout import Layout
from pipelines.schedule.many_homes import TeamResult, UnitDone, extract_unit, join_units
from pipelines.schedule.prefect_settings import prepare_prefect
from pipelines.schedule.step_errors import StepFailed, errors_reported

prepare_prefect(Layout.of(None))

# ruff: noqa: E402 (Prefect reads its settings on import, so they are set before)
from prefect import Flow, task
from prefect.cache_policies import NO_CACHE
from prefect.task_runners import ProcessPoolTaskRunner, TaskRunner, ThreadPoolTaskRunner

# Prefect's futures are invariant in their result, so that no narrower type covers all three runners.
_Runner = TaskRunner[Any]
RunnerName = Literal["dask", "processes", "one-by-one"]
RUNNERS: Final[Sequence[RunnerName]] = ("dask", "processes", "one-by-one")


@task(name="home", task_run_name="{home_id}", retries=1, cache_policy=NO_CACHE, persist_result=False)
def _read_home(home_id: str, root: str, units: str) -> UnitDone:
    """Read a home into its unit. A worker that was killed, or a home that changed too fast, costs one more try."""
    with errors_reported():
        return extract_unit(home_id, Path(root), Path(units))


def task_runner(name: RunnerName, workers: int, cluster: str | None) -> _Runner:
    """Return the task runner of this name: Dask's on the cluster at an address or on one of `workers` local processes,
    a pool of processes, or a single thread. Raises ConfigurationError where the extra `dask` is missing.
    """
    if name == "processes":
        return ProcessPoolTaskRunner(max_workers=workers)
    if name == "one-by-one":
        return ThreadPoolTaskRunner(max_workers=1)
    try:
        dask = import_module("prefect_dask")
    except ImportError as error:
        raise ConfigurationError(
            "the runner dask needs the package prefect_dask: install claude-code-warehouse[dask]"
        ) from error
    if cluster is not None:
        made: _Runner = dask.DaskTaskRunner(address=cluster)
    else:
        # One thread each: a run is Python, and two of them in one process would wait for one another.
        local = {"n_workers": workers, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
        made = dask.DaskTaskRunner(cluster_kwargs=local)
    return made


def run_team(
    homes: Sequence[tuple[str, Path]],
    layout: Layout,
    units: Path,
    *,
    runner: RunnerName,
    workers: int,
    cluster: str | None = None,
) -> TeamResult:
    """Read each of `homes` (id and directory) into its unit below `units`, and join the units in the archive of
    `layout`. A home that fails keeps no other from being read. Raises ConfigurationError, StepFailed for the join.
    """
    done: list[UnitDone] = []
    failed: dict[str, str] = {}

    def team() -> None:
        futures = {home_id: _read_home.submit(home_id, str(root), str(units)) for home_id, root in homes}
        for home_id, future in futures.items():
            made = future.result(raise_on_failure=False)
            if isinstance(made, UnitDone):
                done.append(made)
            else:
                failed[home_id] = str(made) if isinstance(made, StepFailed) else type(made).__name__

    chosen = task_runner(runner, workers, cluster)
    started = time.monotonic()
    Flow(team, name="team", persist_result=False, task_runner=chosen)()
    seconds = time.monotonic() - started
    with errors_reported():
        joined = join_units(layout, units)
    codes = [joined.exit_code, *(ExitCode(one.exit_code) for one in done)]
    gravest = max((code for code in codes if code is not ExitCode.REJECTS), default=ExitCode.VERIFIED)
    code = ExitCode.INCOMPLETE if failed and not gravest else gravest or max(codes)
    return TeamResult(done, failed, code, sum(one.seconds for one in done), seconds)
