"""A finding is made of a declared kind, an address and its values, and cannot be made in any other way."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.errors import ExitCode
from models.finding import KINDS, Finding, Kind, Level, Severity, exit_code
from models.findings import all_kinds, parts, records, runs

ROOT = Path(__file__).resolve().parents[2]
CODES = ROOT / "models" / "findings"


def calls() -> Iterator[tuple[str, str, frozenset[str]]]:
    """Yield where each finding is made: the place, the name of the kind, and the parameters that are given."""
    for path in (ROOT / "pipelines").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "at":
                kind = node.func.value
                names = [keyword.arg for keyword in node.keywords]
                if isinstance(kind, ast.Attribute) and kind.attr.isupper() and None not in names:
                    place = f"{path.relative_to(ROOT)}:{node.lineno}"
                    yield place, kind.attr, frozenset(name for name in names if name is not None)


def declared() -> dict[str, list[Kind]]:
    """Return every kind by the name under which a module declares it; several modules may use one name."""
    found: dict[str, list[Kind]] = {}
    for module in sorted(CODES.glob("[a-z]*.py")):
        package = __import__(f"models.findings.{module.stem}", fromlist=["*"])
        for name, value in vars(package).items():
            if isinstance(value, Kind):
                found.setdefault(name, []).append(value)
    return found


def test_every_place_that_makes_a_finding_gives_exactly_what_its_sentence_names() -> None:
    made = list(calls())
    kinds = declared()
    wrong = [
        (place, name, sorted(given))
        for place, name, given in made
        if not any(kind.parameters == given for kind in kinds.get(name, ()))
    ]
    assert wrong == []
    assert len(made) > 50


def test_every_kind_says_what_to_do_in_whole_sentences() -> None:
    for kind in all_kinds():
        for text in (kind.sentence, kind.what_to_do):
            assert text.endswith((".", "{problem}")), (kind.code, text)
            assert "\n" not in text


def test_codes_are_unique_and_in_order() -> None:
    codes = [kind.code for kind in all_kinds()]
    assert codes == sorted(set(codes)) == sorted(KINDS)
    with pytest.raises(TypeError, match="is already used"):
        Kind("P101", Severity.ERROR, Level.QUICK, "Again.", "Nothing.")
    with pytest.raises(TypeError, match="is not a valid code"):
        Kind("P1", Severity.ERROR, Level.QUICK, "Again.", "Nothing.")
    assert len(KINDS) == len(codes)


def test_a_finding_is_made_of_exactly_its_parameters() -> None:
    finding = parts.SIZE.at("tables/one.parquet", actual=1, expected=2)
    assert finding.sentence == "The part has 1 bytes, but 2 in the commit record of its run."
    assert (finding.code, finding.severity, finding.address) == ("P102", "error", "tables/one.parquet")
    for wrong in ({"actual": 1}, {"actual": 1, "expected": 2, "more": 3}, {}):
        with pytest.raises(TypeError, match="P102 takes"):
            parts.SIZE.at("tables/one.parquet", **wrong)


def test_a_sentence_may_hold_braces_that_came_from_elsewhere() -> None:
    assert "{hostile} {0}" in records.SETTINGS_REFUSED.at("settings.toml", problem="{hostile} {0}").sentence


def test_a_finding_is_the_same_again_from_its_json() -> None:
    finding = parts.SIZE.at("tables/one.parquet", actual=1, expected=2)
    assert Finding.from_json(finding.to_json()) == finding
    with pytest.raises(TypeError):
        Finding.from_json(["P102"])
    with pytest.raises(ValueError, match="terrible"):
        Finding.from_json({**finding.to_json(), "severity": "terrible"})


def test_the_exit_code_is_that_of_the_gravest() -> None:
    broken = parts.BROKEN.at("a", actual="1", expected="2")
    warning = records.COPY_GONE.at("b")
    information = runs.OPEN.at("c", phases=1)
    assert exit_code([]) is ExitCode.VERIFIED
    assert exit_code([information]) is ExitCode.VERIFIED
    assert exit_code([information, warning]) is ExitCode.UNEXPECTED
    assert exit_code([warning, broken]) is ExitCode.FIXITY
