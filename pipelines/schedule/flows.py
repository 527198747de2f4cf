"""The weekly run as a Prefect flow: each step of `pipelines.run.pipeline` is a task. The only module that imports
Prefect.

Prefect stores parameters, log lines, artifacts and error texts unencrypted in its database. So parameters are only
paths and ids, log lines and artifacts are only counts, and Prefect gets only the type of an error: its text, which may
quote a transcript, goes to standard error.
"""

import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, ParamSpec

from pipelines.disk.layout import Layout
from pipelines.schedule.prefect_settings import prepare_prefect

prepare_prefect(Layout.of(None))

# ruff: noqa: E402 (Prefect reads its settings on import, so they are set before)
from prefect import Task, flow, get_run_logger
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy, State, TaskRun
from prefect.runtime import deployment
from prefect.states import Completed, Failed
from prefect.types.entrypoint import EntrypointType

from extractors.reading.registry import PHASES
from models.amounts import count, listed
from models.errors import ConfigurationError, DataDirectoryError, ExitCode, ExtractError, LockedError
from models.finding import Severity, exit_code
from models.observer import Observer
from models.run import PhaseRecord
from models.text import safe
from pipelines.archive.archive import writing
from pipelines.archive.totals import added, outcomes, rejects
from pipelines.copies.every import sync_all_known
from pipelines.report.write import collect_facts, summary_markdown
from pipelines.run.extraction import Request, RunInProgress, begin_run, check_homes
from pipelines.run.pipeline import RunResult, load_run, report_run
from pipelines.run.request import homes_to_read
from pipelines.verify.verify import rotate

P = ParamSpec("P")

NAME: Final = "weekly"
CRON: Final = "30 3 * * 0"
"""The deployment's name and schedule (UTC), here as in prefect.yaml."""
SERVED: Final = "weekly-served"
"""The name of the deployment that `extract flow serve` makes: if it were that of the one in prefect.yaml, each of the
two would take over the other's schedule and parameters.
"""

_SAFE_TO_QUOTE: Final = (ConfigurationError, DataDirectoryError, LockedError)
_RETRY_DELAYS: Final = (60.0, 300.0, 900.0)


class StepFailed(Exception):
    """A step failed. The text of the error was written to standard error; Prefect gets only this exception."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message, exit_code)
        self.exit_code = ExitCode(exit_code)

    def __str__(self) -> str:
        return f"{self.args[0]} (exit code {self.exit_code})"


@contextmanager
def _errors_reported() -> Iterator[None]:
    """Write an error of the block to standard error, and raise StepFailed with only its type for Prefect."""
    try:
        yield
    except StepFailed:
        raise
    except ExtractError as error:
        sys.stderr.write(safe(f"extract: {error}") + "\n")
        kind = type(error).__name__
        message = f"{kind}: {error}" if isinstance(error, _SAFE_TO_QUOTE) else kind
        raise StepFailed(message, error.exit_code) from None
    except Exception as error:  # noqa: BLE001 (the text of any error may quote a transcript, so none reaches Prefect)
        sys.stderr.write(safe(traceback.format_exc(), keep_newlines=True))
        raise StepFailed(type(error).__name__, ExitCode.UNEXPECTED) from None


class _Logged(Observer):
    def phase_committed(self, record: PhaseRecord) -> None:
        total = added(record.sources.values())
        get_run_logger().info(
            "%s of %s: %s files read, %s entries, %s rows, %s rejects; %s",
            PHASES[record.phase],
            record.home_id,
            *map(count, (total.files_read, total.entries, total.rows, total.rejects)),
            listed(record.outcomes),
        )


@flow(name="extract", persist_result=False)
def weekly(homes: list[str] | None = None, data: str | None = None, full: bool = False) -> State[None]:
    """Extract all homes, build the warehouse, write the report, check a share of the archive, sync its copies.

    `homes` are `PATH` or `NAME=PATH` (without any, those of CLAUDE_CONFIG_DIR, else `~/.claude`), `data` is the data
    directory (EXTRACT_DATA, else ./data), `full` reads everything again. The final state is named after the exit code.
    """
    try:
        with _errors_reported():
            layout = Layout.of(Path(data) if data else None)
            found = homes_to_read(layout, homes or ())
            found.refuse_none()
            finished = _do_steps(layout, Request(found.homes, is_full=full, not_found=found.not_found))
            summary = summary_markdown(collect_facts(layout, finished.run))
            create_markdown_artifact(summary, key="extract-run", description=finished.run.run_id)
            checked = _do_checks(layout)
    except StepFailed as failure:
        return Failed(name=_name(failure.exit_code), message=str(failure))
    run, code = finished.run, finished.exit_code
    if code in (ExitCode.VERIFIED, ExitCode.REJECTS) and checked is not ExitCode.VERIFIED:
        code = checked
    message = f"run {run.run_id}: files {listed(outcomes(run))}; rejects {listed(rejects(run))} (exit code {code})"
    make = Completed if code in (ExitCode.VERIFIED, ExitCode.REJECTS) else Failed
    return make(name=_name(code), message=message)


def _do_steps(layout: Layout, request: Request) -> RunResult:
    """Do a run, each step as a task. Tasks share state through closures: Prefect would inspect and store parameters."""
    check_homes(request.homes, layout)
    observer = _Logged()
    begun: list[RunInProgress] = []
    ended: list[RunResult] = []

    def begin() -> None:
        held.enter_context(writing(layout, "starting"))
        begun.append(begin_run(layout, request, observer))

    def extract_phase(home_id: str, phase: int) -> None:
        begun[0].do(home_id, phase)

    def load() -> None:
        load_run(layout, begun[0].end_extraction(), begun[0].earlier, observer)

    def report() -> None:
        ended.append(report_run(layout, begun[0].record, begun[0].earlier, observer))

    with ExitStack() as held:
        # Only a scheduled run retries, and only while another run holds the lock. A failed phase is never retried in
        # a run: it has recorded pieces as stored that are not; the next run reads the phase again.
        _step("begin", begin).with_options(
            retries=len(_RETRY_DELAYS) if deployment.id else 0,
            retry_delay_seconds=list(_RETRY_DELAYS),
            retry_condition_fn=_is_locked,
        )()
        for home_id, phase in begun[0].phases_due:
            source = PHASES[phase]
            step = _step(f"phase {phase}: {source}", extract_phase)
            step.with_options(tags=[f"phase-{phase}", source], task_run_name=f"{home_id}: {source}")(home_id, phase)
        _step("load", load)()
        _step("report", report)()
    return ended[0]


def _do_checks(layout: Layout) -> ExitCode:
    """Check the share of the archive whose turn it is, and sync its copies, each as a task; return the most serious
    exit code of them.
    """
    codes: list[ExitCode] = []

    def check_share() -> None:
        made = rotate(layout, Observer())
        found = Counter(str(finding.severity) for finding in made.findings)
        get_run_logger().info("%s %% of the files checked; %s", made.percent, listed(found) or "no finding")
        # A warning, such as one about permissions, is for the report: the run itself is whole.
        codes.append(exit_code(one for one in made.findings if one.severity is Severity.ERROR))

    def sync_copies() -> None:
        for number, one in enumerate(sync_all_known(layout, Observer()), 1):
            done = f"{one.result.files} files copied" if one.result is not None else "not reached"
            get_run_logger().info("copy %s: %s (exit code %s)", number, done, int(one.exit_code))
            if one.error is not None:
                sys.stderr.write(safe(f"extract: {one.error}") + "\n")
            codes.append(one.exit_code)

    _step("check a share", check_share)()
    _step("sync copies", sync_copies)()
    return max(codes, default=ExitCode.VERIFIED)


def _step(name: str, function: Callable[P, None]) -> Task[P, None]:
    return Task(
        _errors_reported()(function), name=name, task_run_name=name, cache_policy=NO_CACHE, persist_result=False
    )


def _is_locked(step: Task[..., object], run: TaskRun, state: State) -> bool:
    failure = state.result(raise_on_failure=False)
    return isinstance(failure, StepFailed) and failure.exit_code == ExitCode.LOCKED


def _name(code: ExitCode) -> str:
    return code.name.capitalize()


def run_weekly(homes: Sequence[str], data: Path, *, full: bool = False) -> ExitCode:
    """Run the flow once in this process; return the exit code for the process. `homes` are `PATH` or `NAME=PATH`."""
    state = weekly(homes=list(homes) or None, data=str(data), full=full, return_state=True)
    return next((code for code in ExitCode if _name(code) == state.name), ExitCode.UNEXPECTED)


def serve_weekly(homes: Sequence[str], data: Path, *, full: bool = False, cron: str) -> None:
    """Run the flow on the schedule `cron` (UTC) until interrupted, one run at a time, each in a child process.

    PREFECT_API_URL must name a server: it keeps the schedule.
    """
    weekly.serve(
        name=SERVED,
        cron=cron,
        parameters={"homes": list(homes) or None, "data": str(data), "full": full},
        global_limit=ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE),
        # With a file path Prefect would load this module a second time, under another name.
        entrypoint_type=EntrypointType.MODULE_PATH,
    )


if __name__ == "__main__":
    sys.exit(run_weekly((), Layout.of(None).root))
