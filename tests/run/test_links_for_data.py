"""Links where data is expected: the run is incomplete and says so; with `follow_links` it reads what they lead to."""

from pathlib import Path

import pytest

from extractors.reading.registry import IN_THE_WAY, Classifier
from models.errors import ExitCode
from pipelines.archive.totals import in_the_way
from pipelines.run.pipeline import exit_code_of
from tests.support import extract

SESSION = "3fd192e1-4608-4d4e-a084-ebefc26337f3"
PROJECT = "projects/-home-mira-loom"
TRANSCRIPT = b'{"type":"user","uuid":"a","parentUuid":null,"message":{"role":"user","content":"hello"}}\n'


@pytest.mark.parametrize(
    "path",
    [
        "projects", PROJECT, f"{PROJECT}/{SESSION}.jsonl", f"{PROJECT}/{SESSION}", f"{PROJECT}/{SESSION}/subagents",
        "history.jsonl", "todos", "file-history", f"file-history/{SESSION}", "usage-data/facets", "teams/loom",
    ],
)  # fmt: skip
def test_a_link_hides_data_where_a_source_would_read_some(path: str) -> None:
    assert Classifier().place(path, "link").rule == "link for data"


@pytest.mark.parametrize(
    "path",
    [
        "skills",
        "agents/loom.md",
        "CLAUDE.md",
        f"{PROJECT}/memory",
        f"{PROJECT}/memory/MEMORY.md",
        "loom",
        f"{PROJECT}/x/y/z",
    ],
)
def test_a_link_elsewhere_is_listed_as_before(path: str) -> None:
    assert Classifier().place(path, "link").rule == "link"


def test_the_link_to_the_newest_log_is_data_itself() -> None:
    assert Classifier().place("debug/latest", "link").rule == "debug/latest"


def test_a_file_hides_data_where_a_source_has_its_directory() -> None:
    classifier = Classifier()
    assert classifier.place("projects", "file").rule == "file for directory"
    assert classifier.place("projects", "file").treatment == "archive"
    assert classifier.place("notes", "file").rule == "foreign"
    assert classifier.place("history.jsonl", "file").rule == "history.jsonl"


def test_a_run_over_a_link_for_data_is_incomplete_and_says_where(tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "dotfiles"
    (elsewhere / "-home-mira-loom").mkdir(parents=True)
    home.mkdir()
    (home / "projects").symlink_to(elsewhere)
    run = extract(tmp_path / "data", home)
    assert exit_code_of(run) == ExitCode.INCOMPLETE
    assert in_the_way(run) == {"home:projects": IN_THE_WAY["link for data"]}


def test_a_run_over_a_copy_that_lost_its_links_is_incomplete_and_keeps_the_file(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "projects").write_bytes(b"../dotfiles/projects")
    run = extract(tmp_path / "data", home)
    assert exit_code_of(run) == ExitCode.INCOMPLETE
    assert in_the_way(run) == {"home:projects": IN_THE_WAY["file for directory"]}
    assert sum(counts.bytes_kept_new for phase in run.phases for counts in phase.sources.values()) == 20


def test_a_run_over_a_shared_memory_is_complete(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / PROJECT).mkdir(parents=True)
    (home / PROJECT / f"{SESSION}.jsonl").write_bytes(TRANSCRIPT)
    (home / PROJECT / "memory").symlink_to("/shared/memory")
    assert exit_code_of(extract(tmp_path / "data", home)) == ExitCode.VERIFIED
