"""Laws of the project as a whole: builds and installs, tracked files, imports at start-up, names and docstrings."""

import ast
import gc
import importlib
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Collection, Iterator
from functools import cache
from itertools import chain
from pathlib import Path

import duckdb
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("models", "extractors", "pipelines")
ENGINES = ("duckdb", "fastapi", "pandas", "polars", "prefect", "pyarrow")
DECLARATION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module", autouse=True)
def _modules_are_parsed_once() -> Iterator[None]:
    """Forget the parsed modules at the end: they are millions of objects."""
    yield
    parsed.cache_clear()
    functions.cache_clear()


def run_python(*arguments: str, where: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run this Python elsewhere and return its output."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=where,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


@cache
def kept_by_git() -> list[Path]:
    """Return the tracked paths and those that would be: every path that git does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [Path(name) for name in sorted(set(listed.stdout.split("\0"))) if name]


def project_files() -> list[Path]:
    """Return the files that git tracks or would track: no links, and no deleted files."""
    return [path for path in kept_by_git() if (ROOT / path).is_file() and not (ROOT / path).is_symlink()]


def locked() -> dict[str, list[Version]]:
    """Return the versions that the lock has of each distribution; several where they depend on the platform."""
    versions: dict[str, list[Version]] = {}
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        requirement = Requirement(line)
        (pin,) = requirement.specifier
        assert pin.operator == "==", line
        versions.setdefault(canonicalize_name(requirement.name), []).append(Version(pin.version))
    return versions


@pytest.fixture(scope="module")
def lived_in_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project as it looks after use, with extracted data, notebooks and an environment in it."""
    copy = tmp_path_factory.mktemp("copy")
    left_by_use = ["data/store/part.parquet", "data/warehouse.duckdb", "notebooks/mine.ipynb", ".venv/pyvenv.cfg"]
    for path in project_files():
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        (copy / path).write_bytes((ROOT / path).read_bytes())
    for name in left_by_use:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text("a person's conversations", encoding="utf-8")
    return copy


def built(project: Path, target: str, into: Path) -> Path:
    """Build the sdist or the wheel of a project and return its path."""
    done = run_python("-m", "hatchling", "build", "--target", target, "--directory", str(into), where=project)
    assert done.returncode == 0, done.stderr
    (archive,) = into.iterdir()
    return archive


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_is_imported_from_this_checkout(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__file__ is not None
    assert Path(module.__file__).resolve() == ROOT / name / "__init__.py"


@pytest.mark.parametrize("name", ["models", "extractors"])
@pytest.mark.parametrize("shape", ["package", "namespace"])
def test_a_foreign_package_of_the_same_name_is_refused(name: str, shape: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    if shape == "package":
        (tmp_path / name / "__init__.py").write_text("", encoding="utf-8")
    bare = f"import sys; sys.path[:0] = [{str(tmp_path)!r}]; import {name}; sys.path[:1] = [{str(ROOT)!r}]"
    done = run_python("-I", "-S", "-c", f"{bare}; import pipelines", where=tmp_path)
    assert done.returncode == 1
    assert f"ImportError: another distribution provides '{name}'" in done.stderr
    assert str(tmp_path) in done.stderr


def test_the_wheel_holds_the_three_packages_and_nothing_else(lived_in_copy: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(built(lived_in_copy, "wheel", tmp_path)) as wheel:
        names = wheel.namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)
    modules = {path.as_posix() for path in project_files() if path.parts[0] in PACKAGES}
    assert {name for name in names if name.startswith(PACKAGES)} == modules


def test_the_sdist_holds_the_packages_and_the_tests_and_nothing_of_data(lived_in_copy: Path, tmp_path: Path) -> None:
    with tarfile.open(built(lived_in_copy, "sdist", tmp_path)) as sdist:
        names = [member.name.split("/", 1)[1] for member in sdist.getmembers()]
    assert {name.split("/")[0] for name in names if "/" in name} == {*PACKAGES, "tests"}
    assert {name for name in names if "/" not in name} <= {
        ".gitignore",
        "LICENSE",
        "PKG-INFO",
        "README.md",
        "pyproject.toml",
    }


def test_nothing_in_the_sdist_is_refused_when_it_is_unpacked(lived_in_copy: Path, tmp_path: Path) -> None:
    with tarfile.open(built(lived_in_copy, "sdist", tmp_path / "dist")) as sdist:
        sdist.extractall(tmp_path / "unpacked", filter="data")
        assert len(list((tmp_path / "unpacked").rglob("*.py"))) > 100


def test_nothing_extracted_is_tracked() -> None:
    assert [path.as_posix() for path in project_files() if path.parts[0] == "data"] == ["data/README.md"]


def test_git_keeps_every_file_and_folder_of_the_fixtures() -> None:
    kept = {ROOT / path for path in kept_by_git()}
    found = list((ROOT / "tests" / "fixtures").rglob("*"))
    assert found
    assert [path for path in found if path not in kept and (path.is_symlink() or not path.is_dir())] == []
    assert [path for path in found if path.is_dir() and not any(path.iterdir())] == []


def test_no_file_names_a_place_of_this_machine_or_of_a_registry() -> None:
    # Put together here, so that this file is not among those found.
    printed = [*("pypi." + "org", "python" + "hosted"), *(f"--{name}" + "-url" for name in ("index", "extra-index"))]
    for needle in [*printed, f"{ROOT}{os.sep}", f"{Path(sys.prefix)}{os.sep}"]:
        found = [path.as_posix() for path in project_files() if needle.encode() in (ROOT / path).read_bytes()]
        assert found == [], f"these files contain {needle}"


def test_the_lock_admits_no_url_and_pins_each_dependency_within_its_declared_range() -> None:
    project = DECLARATION["project"]
    declared = [*project["dependencies"], *DECLARATION["build-system"]["requires"]]
    extras = project["optional-dependencies"]
    unlocked = ("soak", "lab", "s3-server", "dask")
    loose = [line for name in unlocked for line in extras[name] if not line.startswith(project["name"])]
    assert all("==" in line for line in loose), "what is not in the lock is pinned where it is declared"
    declared += [line for name, group in extras.items() if name not in unlocked for line in group]
    versions = locked()
    assert versions["duckdb"] == [Version("1.5.5")]
    for requirement in map(Requirement, declared):
        if requirement.name != project["name"]:
            pinned = versions[canonicalize_name(requirement.name)]
            assert all(version in requirement.specifier for version in pinned), requirement


@pytest.mark.duckdb
def test_the_duckdb_in_use_is_a_supported_one() -> None:
    (declared,) = [one for one in map(Requirement, DECLARATION["project"]["dependencies"]) if one.name == "duckdb"]
    expected = os.environ.get("EXPECTED_DUCKDB")
    assert Version(duckdb.__version__) in declared.specifier
    assert [Version(duckdb.__version__)] == ([Version(expected)] if expected else locked()["duckdb"])


def test_the_changelog_keeps_its_format() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.*)$", text, flags=re.MULTILINE)
    assert text.startswith("# Changelog\n")
    assert headings[0] == "[Unreleased]"
    released = [re.fullmatch(r"\[(\d+\.\d+\.\d+)\] - \d{4}-\d{2}-\d{2}", heading) for heading in headings[1:]]
    versions = [Version(match[1]) if match else None for match in released]
    assert None not in versions, headings
    assert versions == sorted(filter(None, versions), reverse=True)
    kinds = set(re.findall(r"^### (.*)$", text, flags=re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


@cache
def parsed(path: Path) -> ast.Module:
    """Return a module of the project, parsed once for all tests."""
    # A third of the time: all nodes stay, and each collection of garbage would visit those of all modules.
    gc.disable()
    try:
        return ast.parse((ROOT / path).read_bytes())
    finally:
        gc.enable()


def imported_names(path: Path) -> set[str]:
    """Return every dotted name that a module imports, `from a import b` as both `a` and `a.b`."""
    names: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = f"{'extractors' if node.level else ''}.{node.module or ''}".strip(".")
            names |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return names


def test_sources_never_import_one_another() -> None:
    sources = {path.stem: path for path in (ROOT / "extractors").glob("*.py") if path.name != "__init__.py"}
    assert "history" in sources
    public = {f"extractors.{name}" for name in sources}
    breaches = {name: sorted(imported_names(path) & public) for name, path in sources.items()}
    assert {name: found for name, found in breaches.items() if found} == {}


MAY_IMPORT_LATE = (
    Path("pipelines/__main__.py"),
    Path("pipelines/cli/loader.py"),
    Path("pipelines/warehouse/__init__.py"),
    Path("pipelines/warehouse/notebook.py"),
)
"""The modules that import elsewhere than at their top: the program, which first sees to Ctrl-C, and the loader of
commands, in functions; the room of the warehouse imports what notebooks use when they do; the warehouse of notebooks
imports polars for a type alone, which takes longer than all else.
"""


def modules(packages: Collection[str] = PACKAGES) -> dict[Path, ast.Module]:
    """Return every module of packages, parsed."""
    found = {path for path in project_files() if path.parts[0] in packages and path.suffix == ".py"}
    return {path: parsed(path) for path in sorted(found)}


@cache
def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return every function of a module, those in classes and functions included."""
    return [node for node in ast.walk(parsed(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def is_platform_branch(node: ast.If) -> bool:
    """Whether a branch asks which system this is."""
    return ast.unparse(node.test).startswith("sys.platform ")


def late_imports(module: ast.AST) -> list[str]:
    """Return the imports that are neither at the top of a module nor in a branch that tests for the platform."""
    at_top: list[ast.stmt] = []
    for node in module.body if isinstance(module, ast.Module) else []:
        at_top += [*node.body, *node.orelse] if isinstance(node, ast.If) and is_platform_branch(node) else [node]
    found = [node for node in ast.walk(module) if isinstance(node, ast.Import | ast.ImportFrom)]
    return [f"{node.lineno}: {ast.unparse(node)}" for node in found if node not in at_top]


def test_modules_are_imported_at_the_top_of_a_module_but_by_the_program_and_the_loader_of_commands() -> None:
    late = {path: late_imports(module) for path, module in modules().items()}
    assert all(late.pop(path) != [] for path in MAY_IMPORT_LATE)
    assert {path: found for path, found in late.items() if found} == {}


def test_no_two_public_types_have_one_name() -> None:
    places: dict[str, list[str]] = {}
    for path, module in modules().items():
        for node in module.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(path.as_posix())
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


LONGEST_MODULE, LONGEST_FUNCTION = 400, 50
"""Lines of a module and of a function, docstrings and signatures included, beyond which each is taken apart."""


def test_no_module_and_no_function_is_too_long_to_be_read_at_once() -> None:
    every = modules((*PACKAGES, "tests"))
    long = [path.as_posix() for path in every if len((ROOT / path).read_bytes().splitlines()) > LONGEST_MODULE]
    for path in every:
        for node in functions(path):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            long += [f"{path.as_posix()}: {node.name}, {lines} lines"] if lines > LONGEST_FUNCTION else []
    assert long == []


def test_no_function_is_written_a_third_time() -> None:
    """Bodies of three lines at least count, by their code without docstrings."""
    # To write code out again takes long: that is done for functions of the same form, as far as it is seen at once.
    alike: dict[object, list[tuple[list[ast.stmt], str]]] = {}
    for path in modules((*PACKAGES, "tests")):
        for node in functions(path):
            code = node.body[ast.get_docstring(node) is not None :]
            form = [(type(one), *map(type, ast.iter_child_nodes(one))) for one in code]
            alike.setdefault(tuple(form), []).append((code, f"{path.as_posix()}: {node.name}"))
    found: dict[str, list[str]] = {}
    for code, place in chain.from_iterable(group for group in alike.values() if len(group) > 2):
        body = "\n".join(map(ast.unparse, code))
        if body.count("\n") > 1:
            found.setdefault(body, []).append(place)
    assert [places for places in found.values() if len(places) > 2] == []


def test_asking_for_help_imports_no_engine(tmp_path: Path) -> None:
    script = (
        "import atexit, sys; atexit.register(lambda: print(*filter(sys.modules.get, sys.modules), file=sys.stderr)); "
    )
    script += "from pipelines.cli.app import main; sys.argv = ['extract', '--help']; main()"
    done = run_python("-c", script, where=tmp_path, PYTHONPATH=str(ROOT))
    assert done.returncode == 0, done.stderr
    assert "Usage: extract" in done.stdout
    imported = set(done.stderr.split())
    assert "pipelines.cli.app" in imported
    assert sorted(imported.intersection(ENGINES)) == []
    assert list(tmp_path.iterdir()) == []


NAMED: re.Pattern[str] = re.compile(r"`((?:models|extractors|pipelines)(?:\.\w+)+)`")
"""A dotted name of the project in a docstring, in backticks."""
FILE_NAMED: re.Pattern[str] = re.compile(
    r"(?<![\w/.])((?:models|extractors|pipelines|tests|docs)/[\w/-]+\.(?:py|md|sql))\b"
)
"""A file of the project in a docstring."""


def documentation_of(module: ast.Module) -> list[str]:
    """Return every string of a module that is a statement by itself: docstrings, and those below constants."""
    expressions = (node.value for node in ast.walk(module) if isinstance(node, ast.Expr))
    return [node.value for node in expressions if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def resolves(name: str) -> bool:
    """Return whether a dotted name is a module of the project, or an attribute of one."""
    parts = name.split(".")
    for depth in range(len(parts), 0, -1):
        path = ROOT.joinpath(*parts[:depth])
        if path.with_suffix(".py").is_file() or (path / "__init__.py").is_file():
            found: object = importlib.import_module(".".join(parts[:depth]))
            for part in parts[depth:]:
                if not hasattr(found, part):
                    return False
                found = getattr(found, part)
            return True
    return False


def test_a_docstring_names_only_modules_names_and_files_that_exist() -> None:
    texts = {
        path: "\n".join(documentation_of(parsed(path)))
        for path in project_files()
        if path.suffix == ".py" and path.parts[0] in (*PACKAGES, "tests", "dev.py")
    }
    names = {(str(path), name) for path, text in texts.items() for name in NAMED.findall(text)}
    files = {(str(path), name) for path, text in texts.items() for name in FILE_NAMED.findall(text)}
    assert len(names) > 10
    assert len(files) > 5
    assert sorted(each for each in names if not resolves(each[1])) == []
    assert sorted(each for each in files if not (ROOT / each[1]).is_file()) == []
