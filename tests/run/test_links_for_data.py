"""Links where data is expected: the run is incomplete and names them; with `follow_links` it reads their targets."""

from pathlib import Path

import pytest

from extractors.reading.registry import IN_THE_WAY, Classifier
from models.errors import ExitCode
from pipelines.archive.totals import in_the_way
from pipelines.disk.layout import Layout
from pipelines.drill.drill import DrillRequest, drill
from pipelines.run.pipeline import exit_code_of
from tests.support import extract, rows
from tests.trees import tree_of

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
        f"{PROJECT}/notes",
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
    for path in (PROJECT, f"{PROJECT}/{SESSION}", f"file-history/{SESSION}", "teams/loom"):
        assert classifier.place(path, "file").rule == "file for directory"
    for path in (f"{PROJECT}/memory", f"{PROJECT}/notes", "projects/.DS_Store", "projects/list.csv"):
        assert classifier.place(path, "file").rule == "foreign tree under projects"
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


def linked_home(tmp_path: Path) -> Path:
    home, elsewhere = tmp_path / "home", tmp_path / "dotfiles"
    (elsewhere / "-home-mira-loom" / "memory").mkdir(parents=True)
    (elsewhere / "-home-mira-loom" / f"{SESSION}.jsonl").write_bytes(TRANSCRIPT)
    (tmp_path / "prompts").write_bytes(b'{"display":"hello","timestamp":1768724512305,"project":"/w"}\n')
    home.mkdir()
    (home / "projects").symlink_to(elsewhere)
    (home / "history.jsonl").symlink_to(tmp_path / "prompts")
    (home / "skills").symlink_to(elsewhere)
    return home


def following(data: Path, follow: bool) -> None:
    data.mkdir(exist_ok=True)
    (data / "settings.toml").write_text(f"follow_links = {str(follow).lower()}\n")


def test_with_the_setting_what_links_lead_to_is_read_and_nothing_is_changed(tmp_path: Path) -> None:
    home, data = linked_home(tmp_path), tmp_path / "data"
    before = tree_of(tmp_path / "dotfiles"), tree_of(home)
    following(data, True)
    run = extract(data, home)
    assert (exit_code_of(run), in_the_way(run)) == (ExitCode.VERIFIED, {})
    assert [row["session_id"] for row in rows(data, "records")] == [SESSION]
    assert len(rows(data, "prompts")) == 1
    kinds = {row["path"]: (row["entry_type"], row["outcome"]) for row in rows(data, "manifest")}
    assert kinds["projects"] == ("directory", "unchecked")
    assert kinds["history.jsonl"] == ("file", "intact")
    assert kinds["skills"] == ("link", "unchecked")
    assert "skills/-home-mira-loom" not in kinds
    assert (tree_of(tmp_path / "dotfiles"), tree_of(home)) == before


def test_a_second_run_over_followed_links_reads_only_what_is_new(tmp_path: Path) -> None:
    home, data = linked_home(tmp_path), tmp_path / "data"
    following(data, True)
    extract(data, home)
    with (tmp_path / "dotfiles" / "-home-mira-loom" / f"{SESSION}.jsonl").open("ab") as file:
        file.write(TRANSCRIPT)
    run = extract(data, home)
    assert sum(counts.entries for phase in run.phases for counts in phase.sources.values()) == 1
    (drilled,) = drill(Layout(data), DrillRequest()).homes
    assert set(drilled.source.outcomes) == {"intact"}


def test_what_was_read_behind_a_link_expires_when_links_are_no_longer_followed(tmp_path: Path) -> None:
    home, data = linked_home(tmp_path), tmp_path / "data"
    following(data, True)
    extract(data, home)
    following(data, False)
    run = extract(data, home)
    assert exit_code_of(run) == ExitCode.INCOMPLETE
    assert sorted(in_the_way(run)) == ["home:history.jsonl", "home:projects"]
    outcomes = {row["path"]: row["outcome"] for row in rows(data, "manifest") if row["run_id"] == run.run_id}
    assert outcomes[f"{PROJECT}/{SESSION}.jsonl"] == "expired"
    assert drill(Layout(data), DrillRequest()).findings == []


def test_links_that_lead_in_circles_are_followed_once(tmp_path: Path) -> None:
    home, data = tmp_path / "home", tmp_path / "data"
    (home / PROJECT).mkdir(parents=True)
    (home / PROJECT / f"{SESSION}.jsonl").write_bytes(TRANSCRIPT)
    (home / "projects" / "-loop").symlink_to(home / "projects")
    (home / "todos").symlink_to(home)
    (home / "tasks").symlink_to("tasks")
    (home / "teams").symlink_to("/nowhere/at/all")
    (home / "debug").mkdir()
    (home / "debug" / f"{SESSION}.txt").write_bytes(b"[DEBUG] begun\n")
    (home / "debug" / "latest").symlink_to(home / "debug" / f"{SESSION}.txt")
    following(data, True)
    run = extract(data, home)
    kinds = {row["path"]: row["entry_type"] for row in rows(data, "manifest")}
    links = {"projects/-loop", "todos", "tasks", "teams", "debug/latest"}
    assert {path for path, kind in kinds.items() if kind == "link"} == links
    assert exit_code_of(run) == ExitCode.INCOMPLETE
    assert len(rows(data, "records")) == 1
