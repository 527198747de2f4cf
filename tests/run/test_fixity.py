"""Files judged together, in directories that are held and in processes beside, as each is judged by itself."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import overload

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xxhash import xxh3_128_digest

from extractors.home.home import Home
from models.erased import Erased
from models.manifest import Outcome
from pipelines.run import processes as spread
from pipelines.run.fixity import Claim, Judgement, judge, judge_all

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

DIRECTORIES = ("", "a/", "a/b/", "c/")
CHANGES = st.dictionaries(
    st.tuples(st.sampled_from(DIRECTORIES), st.sampled_from("xyz")).map("".join),
    st.sampled_from(["as it was", "changed", "longer", "shorter", "gone", "link", "directory"]),
    max_size=9,
)
CONTENT = b"content"


def claim(home: Path, path: str, content: bytes = CONTENT) -> Claim:
    times = (home / path).stat()
    return Claim(path.encode(), len(content), xxh3_128_digest(content), times.st_mtime_ns, times.st_ctime_ns)


def make(home: Path, changes: dict[str, str]) -> list[Claim]:
    """Make files, claim their content, and then change each as `changes` says."""
    for path in changes:
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_bytes(CONTENT)
    claims = [claim(home, path) for path in changes]
    for path, what in changes.items():
        file = home / path
        match what:
            case "changed":
                file.write_bytes(b"CONTENT")
            case "longer":
                file.write_bytes(CONTENT * 2)
            case "shorter":
                file.write_bytes(b"")
            case "gone" | "link" | "directory":
                file.unlink()
        if what == "link":
            file.symlink_to("/")
        if what == "directory":
            file.mkdir()
    return claims


@settings(max_examples=60, deadline=None)
@given(CHANGES, st.booleans(), st.booleans())
def test_files_judged_together_are_judged_as_each_by_itself(
    tmp_path_factory: pytest.TempPathFactory, changes: dict[str, str], deep: bool, is_barred: bool
) -> None:
    home = tmp_path_factory.mktemp("home")
    claims = make(home, changes)
    if is_barred and (home / "a").exists():
        (home / "a").rename(home / "moved")
        (home / "a").symlink_to("moved")
    with Home(home) as opened:
        alone = [judge(opened, one, deep=deep) for one in claims]
        assert judge_all(opened, claims, deep=deep) == alone
        assert judge_all(opened, claims[::-1], deep=deep) == alone[::-1]
    shutil.rmtree(home)


def test_files_judged_in_two_processes_are_judged_as_in_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = {f"{place}{name}": "changed" if name == "x" else "as it was" for place in DIRECTORIES for name in "xyz"}
    claims = make(tmp_path, changes)
    with Home(tmp_path) as opened:
        alone = judge_all(opened, claims)
        monkeypatch.setattr(spread, "_BYTES_PER_PROCESS", 1)
        assert judge_all(opened, claims, processes=2) == alone
    assert [one.outcome == Outcome.INTACT for one in alone] == [what == "as it was" for what in changes.values()]


class _Swap(Sequence[Erased]):
    """No spans; the first question whether there are any swaps a directory for another."""

    def __init__(self, place: Path, other: Path) -> None:
        self._place, self._other = place, other

    def __len__(self) -> int:
        if self._other.exists():
            self._place.rename(self._place.with_name("moved"))
            self._other.rename(self._place)
        return 0

    @overload
    def __getitem__(self, index: int) -> Erased: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Erased]: ...
    def __getitem__(self, index: int | slice) -> Erased | Sequence[Erased]:
        raise IndexError(index)

    def __iter__(self) -> Iterator[Erased]:
        return iter(())


def test_a_directory_that_is_swapped_while_its_files_are_judged_is_judged_anew(tmp_path: Path) -> None:
    home, other = tmp_path / "home", tmp_path / "other"
    claims = make(home, dict.fromkeys(["a/x", "a/y", "a/z"], "as it was"))
    shutil.copytree(home / "a", other)
    (other / "x").write_bytes(b"another")
    (other / "z").unlink()
    first = claims[0]
    times = (first.mtime_ns, first.ctime_ns)
    claims[0] = Claim(first.path, first.size, first.content_xxh3, *times, erased=_Swap(home / "a", other))
    with Home(home) as opened:
        outcomes = [one.outcome for one in judge_all(opened, claims)]
        assert outcomes == [Outcome.MODIFIED, Outcome.INTACT, Outcome.MISSING]
        assert judge_all(opened, claims[1:2]) == [Judgement(Outcome.INTACT, "xxh3", None, len(CONTENT))]
