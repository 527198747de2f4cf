"""Prefect flows: a run, in which each home is a flow and each step of `pipelines.run.pipeline` a task, a verification,
and a drill. Only this module and `many_homes_flow` import Prefect.

Prefect stores parameters, log lines, artifacts and error texts unencrypted in its database. So parameters are only
paths and ids, log lines and artifacts are only counts, and Prefect gets only the type of an error: its text, which may
quote a transcript, goes to standard error.
"""

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, ParamSpec
from uuid import UUID

from pipelines.disk.layout import Layout
from pipelines.schedule.prefect_settings import prepare_prefect

prepare_prefect(Layout.of(None))

# ruff: noqa: E402 (Prefect reads its settings on import, so they are set before)
from prefect import Flow, Task, flow, get_run_logger
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import (
    ConcurrencyLimitConfig,
    ConcurrencyLimitStrategy,
    State,
    StateType,
    TaskRun,
)
from prefect.runtime import deployment, flow_run
from prefect.states import Completed, Crashed, Failed
from prefect.types.entrypoint import EntrypointType

from extractors.reading.registry import PHASES
from models.amounts import count, listed
from models.errors import ExitCode
from models.finding import Severity, exit_code
from models.observer import Observer
from models.run import PhaseRecord
from models.text import safe
from pipelines.archive.archive import writing
from pipelines.archive.findings_file import Verification
from pipelines.archive.totals import added, by_source, outcomes, rejects
from pipelines.copies.every import CopyOutcome, sync_all_known
from pipelines.drill.drill import DrillRequest
from pipelines.drill.drill import drill as do_drill
from pipelines.drill.result import DrillResult
from pipelines.lake.every import PushOutcome, push_after_run
from pipelines.report.write import collect_facts, summary_markdown
from pipelines.run.extraction import Request, RunInProgress, begin_run, check_homes, name_homes
from pipelines.run.pipeline import RunResult, load_run, report_run
from pipelines.run.request import homes_to_read
from pipelines.schedule.step_errors import StepFailed, errors_reported
from pipelines.verify.verify import rotate, verify_share

P = ParamSpec("P")

NAME: Final = "weekly"
CRON: Final = "0 2 * * 0"
"""The deployment of the flow `extract` and its schedule (local time), here as in prefect.yaml."""
SERVED: Final = "weekly-served"
"""The name of the deployment that `extract flow serve` makes: if it were that of the one in prefect.yaml, each of the
two would take over the other's schedule and parameters.
"""
_HOURS: Final = 3600
_PASSES: Final = 2
"""A file that changed while it was read is read again, in a further run, once."""

_RETRY_DELAYS: Final = (60.0, 300.0, 900.0)


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


@flow(name="extract", persist_result=False, timeout_seconds=24 * _HOURS)
def extract(
    homes: list[str] | None = None, data: str | None = None, full: bool = False, push: bool = False
) -> State[None]:
    """Extract all homes, build the warehouse, write the report, check a share of the archive, sync its copies, push to
    its lakes.

    `homes` are `PATH` or `NAME=PATH` (without any, those of CLAUDE_CONFIG_DIR, else `~/.claude`), `data` is the data
    directory (EXTRACT_DATA, else ./data), `full` reads everything again, `push` pushes to every lake in use and makes
    the flow fail where one is away (without it, to those that the settings or `lake init --auto` name, and one that is
    away waits). Each home is a flow of its own: one that fails keeps no other from being read. The final state is named
    after the exit code.
    """
    try:
        with errors_reported():
            layout = Layout.of(Path(data) if data else None)
            found = homes_to_read(layout, homes or ())
            found.refuse_none()
            request = Request(found.homes, is_full=full, not_found=found.not_found)
            check_homes(request.homes, layout)
            failed: dict[str, StepFailed] = {}
            for _ in range(_PASSES):
                finished = _do_steps(layout, request, failed)
                if not outcomes(finished.run)["modified"]:
                    break
            _show(layout, finished)
            checked = _do_checks(layout, is_push_asked=push)
    except StepFailed as failure:
        return Failed(name=_name(failure.exit_code), message=str(failure))
    run, code = finished.run, finished.exit_code
    if code in (ExitCode.VERIFIED, ExitCode.REJECTS) and checked is not ExitCode.VERIFIED:
        code = checked
    message = f"run {run.run_id}: files {listed(outcomes(run))}; rejects {listed(rejects(run))} (exit code {code:d})"
    if failed:
        gravest = max(failed.values(), key=lambda one: one.exit_code != ExitCode.UNEXPECTED)
        names = ", ".join(f"{home_id}: {failure}" for home_id, failure in failed.items())
        return Failed(name=_name(gravest.exit_code), message=f"{message}; homes that failed: {names}")
    return _state(code, message)


@flow(name="verify", persist_result=False, timeout_seconds=24 * _HOURS)
def verify(data: str | None = None, percent: float = 10.0) -> State[None]:
    """Verify the archive in `data` deeply: every committed file by its digest, the counts of all runs, and the bytes of
    a random share of `percent` of the files, of all that is new since the last such check, and of those whose turn it
    is.
    """
    made: list[Verification] = []

    def share() -> None:
        seed = int(datetime.now(UTC).timestamp())
        made.append(verify_share(Layout.of(Path(data) if data else None), percent, seed))

    def turn() -> None:
        made.append(rotate(Layout.of(Path(data) if data else None), Observer()))

    try:
        _step("random share", share)()
        _step("files whose turn it is", turn)()
    except StepFailed as failure:
        return Failed(name=_name(failure.exit_code), message=str(failure))
    findings = [finding for one in made for finding in one.findings]
    rows = [{"code": code, "findings": number} for code, number in Counter(one.code for one in findings).items()]
    create_table_artifact(rows or [{"code": "none", "findings": 0}], key="extract-verify")
    found = listed(Counter(str(finding.severity) for finding in findings))
    code = exit_code(one for one in findings if one.severity is Severity.ERROR)
    return _state(
        code, f"{percent:g} % and {made[-1].percent:g} % of the files; findings: {found} (exit code {code:d})"
    )


@flow(name="drill", persist_result=False, timeout_seconds=24 * _HOURS)
def drill(data: str | None = None) -> State[None]:
    """Restore everything of the archive in `data` to a temporary directory, compare it, and delete it again."""
    made: list[DrillResult] = []

    def restore_all() -> None:
        made.append(do_drill(Layout.of(Path(data) if data else None), DrillRequest()))

    try:
        _step("restore and compare", restore_all)()
    except StepFailed as failure:
        return Failed(name=_name(failure.exit_code), message=str(failure))
    (result,) = made
    rows = [{"home": one.home_id, "files": one.restored.right["file"]} for one in result.homes]
    create_table_artifact(rows, key="extract-drill", description=result.run_id)
    code = exit_code(one for one in result.findings if one.severity is Severity.ERROR)
    return _state(code, f"restored as of run {result.run_id}; {len(result.findings)} findings (exit code {code:d})")


def _state(code: ExitCode, message: str) -> State[None]:
    """Return the final state of a flow, named after the exit code."""
    return (Completed if code in (ExitCode.VERIFIED, ExitCode.REJECTS) else Failed)(name=_name(code), message=message)


def _show(layout: Layout, finished: RunResult) -> None:
    """Write the artifacts of a run: its summary, a table of counts by source, a link to its report."""
    run = finished.run
    summary = summary_markdown(collect_facts(layout, run))
    create_markdown_artifact(summary, key="extract-run", description=run.run_id)
    rows = [
        {
            "source": source,
            "files read": one.files_read,
            "entries": one.entries,
            "rows": one.rows,
            "new messages": one.messages_new,
            "rejects": one.rejects,
        }
        for source, one in by_source(run).items()
    ]
    create_table_artifact(rows, key="extract-sources", description=run.run_id)
    create_link_artifact(layout.report(run.run_id, "html").as_uri(), key="extract-report", description=run.run_id)


def _do_steps(layout: Layout, request: Request, failed: dict[str, StepFailed]) -> RunResult:
    """Do a run, each home as a flow and each step as a task. Tasks share state through closures: Prefect would inspect
    and store parameters. A home that fails is added to `failed`, and a further run does the others: after a failed
    phase a run cannot go on, because it has recorded pieces as stored that are not.
    """
    observer = _Logged()
    begun: list[RunInProgress] = []
    ended: list[RunResult] = []
    homes = dict.fromkeys(home.home_id for home in name_homes(request, layout))
    done: set[str] = set()

    def begin() -> None:
        if not begun:
            held.enter_context(writing(layout, "starting"))
            _close_crashed_runs()
        rest = [home for home in name_homes(request, layout) if home.home_id not in (*done, *failed)]
        named = [(home.home_id, home.root) for home in rest]
        begun.append(begin_run(layout, replace(request, homes=named), observer))

    def load() -> None:
        load_run(layout, begun[-1].end_extraction(), begun[-1].earlier, observer)

    def report() -> None:
        ended.append(report_run(layout, begun[-1].record, begun[-1].earlier, observer))

    with ExitStack() as held:
        # Only a scheduled run retries, and only while another run holds the lock. A failed phase is never retried in
        # a run: it has recorded pieces as stored that are not; the next run reads the phase again.
        first = _step("begin", begin).with_options(
            retries=len(_RETRY_DELAYS) if deployment.id else 0,
            retry_delay_seconds=list(_RETRY_DELAYS),
            retry_condition_fn=_is_locked,
        )
        while not begun or len(done) + len(failed) < len(homes):
            first()
            for home_id in [home_id for home_id in homes if home_id not in (*done, *failed)]:
                failure = _do_home(begun[-1], home_id)
                if failure is not None:
                    failed[home_id] = failure
                    break
                done.add(home_id)
            if len(failed) == len(homes):
                raise failed[next(iter(failed))]
        _step("load", load)()
        _step("report", report)()
    return ended[0]


def _do_home(run: RunInProgress, home_id: str) -> StepFailed | None:
    """Do the phases of a home as tasks of a flow of its own, and return why it failed, or None."""

    failures: list[StepFailed] = []

    def phases() -> State[None]:
        try:
            for _, phase in [due for due in run.phases_due if due[0] == home_id]:
                source = PHASES[phase]
                step = _step(f"phase {phase}: {source}", extract_phase)
                step.with_options(tags=[f"phase-{phase}", source], task_run_name=f"{home_id}: {source}")(phase)
        except StepFailed as failure:
            failures.append(failure)
            # Prefect would write an exception to a file; a state is only a name and a message.
            return Failed(name=_name(failure.exit_code), message=str(failure))
        return Completed()

    def extract_phase(phase: int) -> None:
        run.do(home_id, phase)

    made = Flow(phases, name="home", flow_run_name=home_id, persist_result=False, timeout_seconds=12 * _HOURS)
    state = made(return_state=True)
    if state.is_failed() and not failures:  # a timeout, which no step noticed
        failures.append(StepFailed(state.name or "Failed", ExitCode.UNEXPECTED))
    return failures[0] if failures else None


def _close_crashed_runs() -> None:
    """Mark earlier runs of this deployment as crashed that Prefect believes to be running or about to: their worker
    died, since this run has the only place of the deployment and the writer lock.
    """
    if not deployment.id:
        return
    with get_client(sync_client=True) as client:
        running = client.read_flow_runs(
            flow_run_filter=FlowRunFilter(
                deployment_id=FlowRunFilterDeploymentId(any_=[UUID(str(deployment.id))]),
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.RUNNING, StateType.PENDING])),
            )
        )
        for one in running:
            if str(one.id) != str(flow_run.id):
                client.set_flow_run_state(one.id, Crashed(message="its worker died"), force=True)
                get_run_logger().warning("flow run %s had crashed: it is closed", one.name)


def _do_checks(layout: Layout, *, is_push_asked: bool) -> ExitCode:
    """Check the share of the archive whose turn it is, sync its copies and push to its lakes, each as a task; return
    the most serious exit code of them.
    """
    codes: list[ExitCode] = []

    def check_share() -> None:
        made = rotate(layout, Observer())
        found = Counter(str(finding.severity) for finding in made.findings)
        get_run_logger().info("%s %% of the files checked; %s", made.percent, listed(found) or "no finding")
        # A warning, such as one about permissions, is for the report: the run itself is whole.
        codes.append(exit_code(one for one in made.findings if one.severity is Severity.ERROR))

    def sync_copies() -> None:
        codes.extend(_noted("copy", "copied", sync_all_known(layout, Observer())))

    def push_to_lakes() -> None:
        ended = _noted("lake", "pushed", push_after_run(layout, Observer(), is_asked=is_push_asked))
        codes.extend(ended if is_push_asked else ())

    _step("check a share", check_share)()
    _step("sync copies", sync_copies)()
    _step("push to lakes", push_to_lakes)()
    return max(codes, default=ExitCode.VERIFIED)


def _noted(kind: str, done: str, outcomes: Sequence[CopyOutcome | PushOutcome]) -> list[ExitCode]:
    """Log how each sync or push ended, by its number; return the exit codes."""
    for number, one in enumerate(outcomes, 1):
        what = f"{one.result.files} files {done}" if one.result is not None else "not reached"
        get_run_logger().info("%s %s: %s (exit code %s)", kind, number, what, int(one.exit_code))
        if one.error is not None:
            sys.stderr.write(safe(f"extract: {one.error}") + "\n")
    return [one.exit_code for one in outcomes]


def _step(name: str, function: Callable[P, None]) -> Task[P, None]:
    return Task(errors_reported()(function), name=name, task_run_name=name, cache_policy=NO_CACHE, persist_result=False)


def _is_locked(step: Task[..., object], run: TaskRun, state: State) -> bool:
    failure = state.result(raise_on_failure=False)
    return isinstance(failure, StepFailed) and failure.exit_code == ExitCode.LOCKED


def _name(code: ExitCode) -> str:
    return "Fixity broken" if code is ExitCode.FIXITY else code.name.capitalize()


def run_weekly(homes: Sequence[str], data: Path, *, full: bool = False, push: bool = False) -> ExitCode:
    """Run the flow once in this process; return the exit code for the process. `homes` are `PATH` or `NAME=PATH`."""
    state = extract(homes=list(homes) or None, data=str(data), full=full, push=push, return_state=True)
    return next((code for code in ExitCode if _name(code) == state.name), ExitCode.UNEXPECTED)


def serve_weekly(homes: Sequence[str], data: Path, *, full: bool = False, push: bool = False, cron: str) -> None:
    """Run the flow on the schedule `cron` (UTC) until interrupted, one run at a time, each in a child process.

    PREFECT_API_URL must name a server: it keeps the schedule.
    """
    extract.serve(
        name=SERVED,
        cron=cron,
        parameters={"homes": list(homes) or None, "data": str(data), "full": full, "push": push},
        global_limit=ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE),
        # With a file path Prefect would load this module a second time, under another name.
        entrypoint_type=EntrypointType.MODULE_PATH,
    )


if __name__ == "__main__":
    sys.exit(run_weekly((), Layout.of(None).root))
