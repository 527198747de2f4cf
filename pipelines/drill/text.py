"""The result of a drill as a short text, for a terminal of 80 columns."""

from textwrap import wrap
from typing import Final

from models.amounts import count, duration, listed, plural, size
from models.text import safe
from pipelines.drill.result import DrillResult, HomeDrill
from pipelines.drill.resume import ResumeVerdict

_LABEL: Final = 14
_WIDTH: Final = 79
_SHOWN: Final = 20
_OUTCOMES: Final = {
    "intact": "the same",
    "appended": "grown since",
    "modified": "changed since",
    "missing": "gone since",
    "unreadable": "unreadable now",
    "corrupt": "different, though size and times are the same",
}
_VERDICTS: Final = {
    ResumeVerdict.WHOLE: "resume completely",
    ResumeVerdict.WITH_GAPS: "resume, with gaps that the home had",
    ResumeVerdict.CUT: "resume from a later message",
    ResumeVerdict.EMPTY: "have no message",
    ResumeVerdict.BROKEN: "BROKEN",
}


def drill_text(result: DrillResult) -> str:
    """Return the text. Control characters from paths are escaped, so a terminal executes none."""
    lines = [f"Drill of {result.started_at:%Y-%m-%d %H:%M} UTC, as of run {result.run_id}", ""]
    if result.holds:
        lines += ["PASSED: every archived file was restored byte for byte."]
    else:
        lines += [f"FAILED: {plural(len(result.findings), 'finding')}, listed below."]
    for home in result.homes:
        lines += ["", f"home {safe(home.home_id)}", *_home_lines(home)]
    lines += ["", *_finding_lines(result), f"It took {duration(result.seconds)}."]
    return "\n".join(lines) + "\n"


def _home_lines(home: HomeDrill) -> list[str]:
    right = home.restored.right
    wrong = home.expected_files - right["file"]
    files = f"{plural(home.expected_files, 'file')} with {size(home.expected_bytes)}"
    lines = [
        _line("restored", files + (f"; {count(wrong)} of them are missing or differ" if wrong else "")),
        _line("", f"{'the others have' if wrong else 'each has'} the SHA-256, time and mode of its manifest"),
        _line("", f"{plural(right['directory'], 'directory', 'directories')}, {plural(right['link'], 'link')}"),
        _line("", f"{count(home.expired_files)} of the files are no longer in the home"),
        *(
            [_line("", f"{count(home.erased_files)} lack bytes that were erased on request")]
            if home.erased_files
            else []
        ),
        _line("never kept", listed({str(why): number for why, number in sorted(home.never_kept.items())})),
        _line("the home now", safe(home.source.root) + (f" ({home.source.problem})" if home.source.problem else "")),
    ]
    if home.source.outcomes:
        outcomes = {
            _OUTCOMES.get(name, name): home.source.outcomes[name] for name in (*_OUTCOMES, *home.source.outcomes)
        }
        lines.append(_line("", listed(outcomes)))
    verdicts = home.verdicts()
    lines.append(_line("sessions", plural(len(home.sessions), "transcript")))
    lines += [
        _line("", f"{count(verdicts[verdict]):>7}  {text}") for verdict, text in _VERDICTS.items() if verdicts[verdict]
    ]
    gaps = home.gaps()
    if gaps:
        or_erased = " or erased since" if home.erased_files else ""
        lines.append(_line("gaps", f"missing in the home itself when it was read{or_erased}:"))
        lines += [_line("", f"{count(number):>7}  {name}") for name, number in sorted(gaps.items())]
    names = home.names()
    if home.sessions:
        lines.append(
            _line(
                "directories",
                f"named by Claude Code's rule: {count(names['right'] + names['cut'])} of {count(len(home.sessions))}",
            )
        )
        others = {
            "with another name in the home": names["other"],
            "without a record that has a cwd": names["unknown"],
        }
        if any(others.values()):
            lines.append(_line("", listed(others)))
    return lines


def _finding_lines(result: DrillResult) -> list[str]:
    lines = []
    for finding in result.findings[:_SHOWN]:
        lines.append(f"{finding.code} {finding.severity}  {safe(finding.address)}")
        lines += [*_wrapped(safe(finding.sentence)), *_wrapped(finding.what_to_do)]
    if len(result.findings) > _SHOWN:
        lines.append(f"and {count(len(result.findings) - _SHOWN)} more, in the record")
    return [*lines, ""] if lines else []


def _wrapped(text: str) -> list[str]:
    indent = "    "
    return wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False)


def _line(label: str, text: str) -> str:
    return f"  {label:<{_LABEL}}{text}".rstrip()
