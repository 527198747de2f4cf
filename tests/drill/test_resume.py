"""Whether a session could be resumed from restored files: its chain of records, and the files that it refers to."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from extractors.home.home import Home
from models.findings import restore as codes
from models.json import JsonObject
from pipelines.archive.session_paths import encoded_directory
from pipelines.drill.resume import ArchivedPaths, ResumeVerdict, SessionCheck, check_session, is_session
from tests.drilling import CWD, DIRECTORY, SESSION, WHOLE, drilled, path_of, record, write


def check(home: Path, tmp_path: Path, lost: Sequence[bytes] = ()) -> SessionCheck:
    """Check the one session of a directory that is taken for a restored home."""
    paths = [os.fsencode(path.relative_to(home)) for path in home.rglob("*")]
    with Home(home) as opened:
        return check_session(
            "home", opened, f"projects/{DIRECTORY}/{SESSION}.jsonl".encode(), ArchivedPaths(paths, set(lost))
        )


def transcript(home: Path, content: bytes) -> None:
    write(home / "projects" / DIRECTORY / f"{SESSION}.jsonl", content)


def test_a_session_whose_chain_reaches_its_beginning_resumes_whole(home: Path, tmp_path: Path) -> None:
    made = check(home, tmp_path)
    assert (made.verdict, made.chain, made.messages, made.lines) == (ResumeVerdict.WHOLE, 3, 3, 3)
    assert made.directory_name == "right"
    assert made.gaps == {}


CHAINS = {
    "a parent that is missing": (record("a", "gone") + record("b", "a"), ResumeVerdict.CUT, 2),
    "an old branch without its parent": (
        record("x", "gone") + record("a", None) + record("b", "a"),
        ResumeVerdict.WITH_GAPS,
        2,
    ),
    "a compaction": (
        record("a", None)
        + record("s", None, type="system", subtype="compact_boundary", logicalParentUuid="a")
        + record("b", "s", isCompactSummary=True),
        ResumeVerdict.WHOLE,
        2,
    ),
    "a sidechain that begins elsewhere": (
        record("a", None) + record("x", "elsewhere", isSidechain=True),
        ResumeVerdict.WHOLE,
        1,
    ),
    "records of other types on the way": (
        record("a", None) + record("p", "a", type="progress") + record("b", "p"),
        ResumeVerdict.WHOLE,
        3,
    ),
    "a parent that comes after": (record("b", "a") + record("a", None) + record("c", "b"), ResumeVerdict.WHOLE, 3),
    "a circle": (record("a", "b") + record("b", "a"), ResumeVerdict.CUT, 2),
    "no message": (b'{"type":"summary","summary":"s","leafUuid":"x"}\n', ResumeVerdict.EMPTY, 0),
    "nothing": (b"", ResumeVerdict.EMPTY, 0),
    "a line that does not parse": (record("a", None) + b'{"type":"us\n' + record("b", "a"), ResumeVerdict.WITH_GAPS, 2),
    "a line that is no object": (record("a", None) + b"42\n" + record("b", "a"), ResumeVerdict.WITH_GAPS, 2),
    "a lone surrogate": (
        record("a", None) + b'{"uuid":"b","parentUuid":"a","type":"user","x":"\\ud83d"}\n',
        ResumeVerdict.WHOLE,
        2,
    ),
    "no line end": (WHOLE.rstrip(b"\n"), ResumeVerdict.WHOLE, 3),
    "blank lines": (record("a", None) + b"\n\r\n" + record("b", "a"), ResumeVerdict.WHOLE, 2),
}


@pytest.mark.parametrize("case", CHAINS)
def test_the_chain_is_followed_as_claude_code_would(home: Path, tmp_path: Path, case: str) -> None:
    content, verdict, chain = CHAINS[case]
    transcript(home, content)
    made = check(home, tmp_path)
    assert (made.verdict, made.chain) == (verdict, chain)
    assert made.findings == []


REFERENCES: dict[str, tuple[JsonObject, str]] = {
    "file versions": (
        {
            "type": "file-history-snapshot",
            "snapshot": {"trackedFileBackups": {"f": {"backupFileName": "0123456789abcdef@v1"}}},
        },
        f"file-history/{SESSION}/0123456789abcdef@v1",
    ),
    "tool results": (
        {
            "toolUseResult": {
                "persistedOutputPath": f"C:\\u\\.claude\\projects\\{DIRECTORY}\\{SESSION}\\tool-results\\x.txt"
            }
        },
        f"projects/{DIRECTORY}/{SESSION}/tool-results/x.txt",
    ),
    "subagents": (
        {"toolUseResult": {"agentId": "abc1234"}},
        f"projects/{DIRECTORY}/{SESSION}/subagents/agent-abc1234.jsonl",
    ),
}


@pytest.mark.parametrize("what", REFERENCES)
def test_what_a_session_refers_to_is_there_lost_or_was_missing_already(home: Path, tmp_path: Path, what: str) -> None:
    fields, path = REFERENCES[what]
    transcript(home, WHOLE + record("d", "c", **fields))
    missing = check(home, tmp_path)
    assert (missing.verdict, missing.gaps) == (ResumeVerdict.WITH_GAPS, {f"{what} that are missing": 1})
    write(home / path, record("x", None))
    there = check(home, tmp_path)
    assert (there.verdict, there.references, there.findings) == (ResumeVerdict.WHOLE, 1, [])
    lost = check(home, tmp_path, [path.encode()])
    assert lost.verdict == ResumeVerdict.BROKEN
    assert [(finding.kind, path_of(finding)) for finding in lost.findings] == [(codes.REFERENCE_LOST, path)]


def test_lines_of_subagents_are_looked_at_too(home: Path, tmp_path: Path) -> None:
    write(home / "projects" / DIRECTORY / SESSION / "subagents" / "agent-abc1234.jsonl", record("x", None) + b"torn\n")
    assert check(home, tmp_path).gaps == {"lines that do not parse": 1}


@pytest.mark.parametrize(
    ("cwd", "directory"),
    [
        ("/home/u/code", "-home-u-code"),
        ("C:\\Users\\x", "C--Users-x"),
        ("/Users/u/Desktop/项目", "-Users-u-Desktop---"),
        ("/a/\U0001f600", "-a---"),
        ("/a_b.c", "-a-b-c"),
        ("/ü", "--"),
    ],
)
def test_the_directory_of_a_project_is_named_by_claude_codes_rule(cwd: str, directory: str) -> None:
    assert encoded_directory(cwd) == directory


@pytest.mark.parametrize(
    ("directory", "cwd", "printed"),
    [
        (DIRECTORY, CWD, "right"),
        ("my-own-name", CWD, "other"),
        ("-" + "a" * 199 + "-x1y2z3", "/" + "a" * 300, "cut"),
        ("-" + "b" * 199 + "-x1y2z3", "/" + "a" * 300, "other"),
        (DIRECTORY, None, "unknown"),
    ],
)
def test_the_name_of_a_directory_is_compared_with_the_rule(
    home: Path, tmp_path: Path, directory: str, cwd: str | None, printed: str
) -> None:
    write(home / "projects" / directory / f"{SESSION}.jsonl", record("a", None, cwd=cwd))
    made = drilled(tmp_path, home)
    assert made.holds
    path = f"projects/{directory}/{SESSION}.jsonl"
    assert [one.directory_name for one in made.homes[0].sessions if one.path == path] == [printed]


def test_only_a_sessions_own_transcript_is_one() -> None:
    assert is_session(f"projects/-p/{SESSION}.jsonl".encode())
    for other in ("projects/-p/agent-abc.jsonl", f"projects/-p/{SESSION}/subagents/agent-a.jsonl", "history.jsonl"):
        assert not is_session(other.encode())
