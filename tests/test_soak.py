"""The soak has the whole of every check, under names that exist, and tests/README.md lists it."""

import re
from pathlib import Path

from tests.soak import CHECKS, Guided, Whole

ROOT = Path(__file__).resolve().parents[1]
TABLE = re.compile(r"(<!-- soak: [^\n]*-->\n)(.*?)(<!-- end of soak -->)", re.DOTALL)


def test_each_check_has_a_test_of_its_name_that_reads_its_variable() -> None:
    for name, check in CHECKS.items():
        path, wanted = check.test
        if isinstance(check, Guided | Whole):
            continue
        source = (ROOT / path).read_text(encoding="utf-8")
        assert re.search(rf"def test_\w*{wanted.split()[0]}", source), name
        assert check.variable in source, name


def test_each_test_of_the_soak_is_of_a_check() -> None:
    wanted = [(ROOT / path, words.split()[0]) for path, words in (one.test for one in CHECKS.values()) if words]
    for path in (ROOT / "tests").rglob("test_*.py"):
        marked = re.findall(
            r"^@pytest\.mark\.soak\n(?:@.*\n)*def (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE
        )
        assert [name for name in marked if not any(path == one and word in name for one, word in wanted)] == []


def test_the_readme_says_of_each_check_what_the_suite_and_the_soak_do(update_golden: bool) -> None:
    heads = ["| check | in the suite | whole soak |", "| --- | --- | --- |"]
    rows = [f"| {name}: {one.what} | {one.in_suite} | {one.figure:,} {one.unit} |" for name, one in CHECKS.items()]
    table = "\n" + "\n".join([*heads, *rows]) + "\n\n"
    readme = ROOT / "tests" / "README.md"
    text = readme.read_text(encoding="utf-8")
    if update_golden:
        readme.write_text(TABLE.sub(lambda found: f"{found[1]}{table}{found[3]}", text), encoding="utf-8")
    else:
        assert [held for _, held, _ in TABLE.findall(text)] == [table]
