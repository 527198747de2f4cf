"""Does a run for the command line: draws its progress and prints a summary of the result."""

from dataclasses import replace
from pathlib import Path

import typer

from models.amounts import count, duration, listed, plural, size
from models.errors import ExitCode, ExtractError
from models.json import JsonObject
from models.run import RunRecord, SourceCounts
from models.text import safe
from pipelines.alerts.rules import failed
from pipelines.archive.totals import added, by_source, in_the_way, outcomes, rejects, seconds, stored_again, to_json
from pipelines.cli.alerting import Announcing, announce_alerts, say_alerts
from pipelines.cli.console import Heading, say, say_json, say_table, say_wrapped
from pipelines.cli.loader import follow_run, progress_shown, push_after_run
from pipelines.cli.options import command, shown_path
from pipelines.disk.layout import Layout
from pipelines.disk.settings import read_settings
from pipelines.run.extraction import Request
from pipelines.run.pipeline import RunResult, run_job

_SHOWN = 5
_SILENT = Announcing()


def run_and_show(
    layout: Layout,
    request: Request,
    data: Path | None,
    how: Announcing = _SILENT,
    *,
    as_json: bool,
    quiet: bool,
    is_sample: bool = False,
    is_pushed: bool = False,
) -> None:
    """Do a run, print its summary, announce its alerts, and raise typer.Exit if its exit code is not 0. `is_sample`
    means that all homes are sample homes, which have damaged entries on purpose: rejected entries alone then leave the
    exit code at 0. An unattended run is followed by the rotating check and the sync of all copies, and its failure is
    an alert. The run ends with a push if `is_pushed`, or the settings or a lake say so.
    """
    with progress_shown(shown=not (as_json or quiet)) as observer:
        try:
            finished = run_job(layout, request, observer)
            if how.is_unattended:
                finished, problems = follow_run(layout, finished, observer)
                for problem in problems:
                    say(problem, stderr=True)
        except ExtractError as error:
            if how.is_unattended and error.exit_code != ExitCode.LOCKED:  # the other run speaks for itself
                sentence = f"the run ended with an error (exit code {error.exit_code:d}): {error}"
                announce_alerts(layout, failed("run", sentence), how, are_all=False)
            raise
    due = announce_alerts(layout, finished.alerts, how, run_id=finished.run.run_id)
    code = finished.exit_code
    if due and how.sets_exit_code and code in (ExitCode.VERIFIED, ExitCode.REJECTS):
        code = ExitCode.ALERT
    show_summary(layout, replace(finished, exit_code=code), data, as_json=as_json, quiet=quiet)
    if not as_json:
        say_alerts(due if quiet else finished.alerts, stderr=quiet)
    pushed = ExitCode.VERIFIED
    if is_pushed or read_settings(layout).push or any(layout.lakes.glob("*.json")):
        pushed = push_after_run(layout, is_asked=is_pushed, is_silent=as_json or quiet)
    if is_sample and code == ExitCode.REJECTS and not pushed:
        if not (as_json or quiet):
            say_wrapped("The quarantined entries were damaged on purpose; with a home of yours the exit code is 4.")
        return
    if code := max(code, pushed):
        raise typer.Exit(code)


def show_summary(layout: Layout, finished: RunResult, data: Path | None, *, as_json: bool, quiet: bool) -> None:
    """Print the result of a run: counts by source, fixity, paths of the results, and the next commands. With `quiet`,
    print only problems, to standard error.
    """
    run = finished.run
    if as_json:
        say_json(to_json(layout, run, finished.exit_code) | _standing(finished))
        return
    if quiet:
        # The run that quarantined an entry reported it; later runs with --quiet do not repeat that.
        is_alert = finished.exit_code == ExitCode.ALERT
        if finished.exit_code and (finished.exit_code != ExitCode.REJECTS or rejects(run)) and not is_alert:
            say(f"run {run.run_id}: {'; '.join(_verdict(finished))}", stderr=True)
        return
    if _found_nothing_new(finished):
        say(f"Run {run.run_id}: {_nothing_new(finished)}", is_bold=True)
        return
    verdict, *more = _verdict(finished)
    say(f"Run {run.run_id}: {verdict}", is_bold=True)
    for line in more:
        say(line)
    _show_damage(run, data)
    _show_reparsed(run)
    for home_id, root in run.homes.items():
        say(f"home {home_id}: {safe(root)}")
    say()
    _show_sources(run)
    say()
    _show_fixity(finished)
    _show_places(layout, run)
    say()
    say(f"next: {command('verify' if run.damage else 'report', data)}")
    say(f"      {command('sql', data)} 'FROM sessions ORDER BY started_at DESC'")
    say(f"      {command('status', data)}")


def _standing(finished: RunResult) -> JsonObject:
    """Return those figures of the report that are not in the commit record, for `--json`."""
    facts = finished.facts
    return {
        "file_outcomes": {one.outcome: one.files for one in facts.fixity.outcomes},
        "files_gone": facts.standing.files_gone,
        "files_gone_now": facts.fixity.expired_now,
        "quarantined": facts.standing.quarantined,
        "alerts": [alert.to_json() for alert in finished.alerts],
    }


def _verdict(finished: RunResult) -> list[str]:
    """Return a first sentence on the end of the run, then one for each problem."""
    run = finished.run
    by_outcome, took = outcomes(run), duration(seconds(run))
    lines = [
        f"done in {took}"
        if finished.exit_code in (ExitCode.FIXITY, ExitCode.INCOMPLETE)
        else f"done and verified in {took}"
    ]
    if left := run.left_damaged:
        files = plural(len(left), "committed file is", "committed files are")
        lines.append(f"THE ARCHIVE IS DAMAGED: {files} changed or missing")
    if restored := len(run.damage) - len(left):
        lines.append(f"{plural(restored, 'damaged file', 'damaged files')} of the archive {_was(restored)} restored")
    if corrupt := by_outcome["corrupt"]:
        lines.append(f"FIXITY IS BROKEN: {plural(corrupt, 'file')} changed in content, but not in size and times")
    lines += [f"not read: {problem}" for problem in run.homes_not_found.values()]
    if unreadable := by_outcome["unreadable"]:
        lines.append(f"{plural(unreadable, 'file')} could not be read")
    if blocked := in_the_way(run):
        path, what = next(iter(blocked.items()))
        others = f"; the same at {plural(len(blocked) - 1, 'other path')}" if len(blocked) > 1 else ""
        lines.append(f"{safe(path)}: {what}{others}")
    if entries := rejects(run).total():
        lines.append(f"{plural(entries, 'entry', 'entries')} could not be parsed and went to quarantine")
    if before := finished.facts.standing.quarantined - entries:
        entries_before = plural(before, "entry of earlier runs is", "entries of earlier runs are")
        lines.append(f"{entries_before} in quarantine")
    return lines


def _was(number: int) -> str:
    return "was" if number == 1 else "were"


def _found_nothing_new(finished: RunResult) -> bool:
    """Whether a run read nothing new, missed nothing and had no problem, so that one line is enough as a summary."""
    run, facts = finished.run, finished.facts
    is_fine = finished.exit_code in (ExitCode.VERIFIED, ExitCode.REJECTS, ExitCode.ALERT) and not run.damage
    is_new = facts.total.files_read or facts.total.rows or facts.fixity.files.total or facts.fixity.appeared.total
    is_reparsed = any(one.files for one in run.reparsed.values())
    return is_fine and not is_new and not is_reparsed and not facts.not_done and facts.run.earlier_runs > 0


def _nothing_new(finished: RunResult) -> str:
    facts = finished.facts
    files, homes = plural(facts.fixity.kept.files, "file"), plural(len(facts.homes), "home")
    verified = f"nothing new; {files} of {homes} verified in {duration(facts.run.seconds)}"
    return "; ".join([verified, *_verdict(finished)[1:]])


def _show_damage(run: RunRecord, data: Path | None) -> None:
    if not run.damage:
        return
    for one in sorted(run.damage, key=lambda one: one.mended)[:_SHOWN]:
        say(f"  {one.path} {one.problem}")
    if len(run.damage) > _SHOWN:
        say(f"  and {len(run.damage) - _SHOWN} more; the report names them")
    if run.left_damaged:
        pieces = "piece was stored again from a home", "pieces were stored again from the homes"
        say_wrapped(
            f"New content was archived, and {plural(stored_again(run), *pieces)}. `extract repair` shows how the "
            f"archive can be mended; `extract verify` shows the lost bytes."
        )
    else:
        say_wrapped("Nothing of it is left to mend. Check the disk, and the archive with `extract verify`.")
    say()


def _show_reparsed(run: RunRecord) -> None:
    """Print the sources whose files were parsed again, because the parser changed or the record of it was lost, with
    their numbers of rows.
    """
    for source, one in run.reparsed.items():
        if one.files:
            rows = f"{count(one.rows_after)} rows, {count(one.rows_before)} before"
            files = plural(one.files, "archived file was", "archived files were")
            say_wrapped(f"{source}: the parser changed, or its record was lost, so {files} parsed again: {rows}")


def _show_sources(run: RunRecord) -> None:
    sources = by_source(run)
    names = ("files", "read", "entries", "rows", "messages", "duplicates", "rejects")
    say_table(
        [Heading("source"), *(Heading(name, "number") for name in names)],
        [[source, *numbers(counts)] for source, counts in sources.items()],
        total=["total", *numbers(added(sources.values()))],
    )


def numbers(counts: SourceCounts) -> list[str]:
    """Return the counts of a source as the cells of its row in the summary table."""
    shown = (
        counts.files_found,
        counts.files_read,
        counts.entries,
        counts.rows,
        counts.messages_new,
        counts.messages_duplicate,
        counts.rejects,
    )
    return [count(number) for number in shown]


def _show_fixity(finished: RunResult) -> None:
    run, facts = finished.run, finished.facts
    by_outcome = {one.outcome: one.files for one in facts.fixity.outcomes}
    listed_only, gone = by_outcome.pop("unchecked", 0), by_outcome.pop("expired", 0)
    say_wrapped(f"files: {listed(by_outcome)}" + (f"; {count(listed_only)} only listed" if listed_only else ""))
    if codes := rejects(run):
        say_wrapped(f"quarantine: {listed(codes)}")
    if gone:
        now = facts.fixity.expired_now
        say_wrapped(f"{plural(gone, 'file')} gone from the home and archived, {count(now)} since the last run")
    if appeared := facts.fixity.appeared.total:
        say_wrapped(f"{plural(appeared, 'path')} appeared during the run; the next run reads them")


def _show_places(layout: Layout, run: RunRecord) -> None:
    if run.warehouse is not None:
        say(f"warehouse: {shown_path(layout.warehouse)} ({size(run.warehouse.size)})")
    say(f"report: {shown_path(layout.report(run.run_id, 'md'))}")
