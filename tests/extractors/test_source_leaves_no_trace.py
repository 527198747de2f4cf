"""Reading a home leaves no trace in it, and no other module could leave one."""

import ast
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import extractors
from extractors.home.home import Home
from models.errors import LinkInTheWay, NotARegularFile, SourceError, Unreadable

if sys.platform == "win32":
    pytest.skip("the trees of these tests cannot be made on Windows", allow_module_level=True)

FORBIDDEN_IMPORTS = {"mmap", "shutil", "glob", "tempfile", "io", "fcntl", "msvcrt", "codecs", "fileinput", "linecache"}
PURE_OS_NAMES = {"fsencode", "fsdecode", "fspath", "PathLike", "path", "sep", "environ", "getpid", "cpu_count"}
OPENING_METHODS = {
    "read_bytes",
    "read_text",
    "write_bytes",
    "write_text",
    "iterdir",
    "glob",
    "rglob",
    "touch",
    "unlink",
}
AUDIT = """
import os, sys
from pathlib import Path
from extractors.home.home import Home
from models.errors import SourceError

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
READING = {"open", "os.scandir", "os.listdir", "object.__getattr__", "code.__new__", "import"}
seen = []
sys.addaudithook(lambda event, arguments: seen.append((event, arguments)))
with Home(Path(sys.argv[1])) as home:
    for found in home.walk():
        try:
            with home.open(found.path) as file:
                for _ in file.chunks(0, file.stat.size):
                    pass
                file.restat()
        except SourceError:
            pass
events = list(seen)
opened = [arguments for event, arguments in events if event == "open"]
print(len(opened))
for event, arguments in events:
    if event not in READING or event == "open" and arguments[2] & WRITING:
        print(event, arguments)
"""


def write(home: Path, name: str, content: bytes = b"content") -> Path:
    file = home / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def open_descriptors() -> int:
    return len(os.listdir("/dev/fd"))


def grow_a_home(home: Path) -> None:
    """Make a bit of everything, with times at which a plain reader would have the access times updated."""
    for name in ("history.jsonl", "projects/-home-me/a.jsonl", "projects/-home-me/b.jsonl", "debug/x.txt"):
        write(home, name, b"{}\n" * 1000)
    (home / "session-env/empty").mkdir(parents=True)
    (home / "debug/latest").symlink_to("x.txt")
    os.mkfifo(home / "fifo")
    for path in sorted(home.rglob("*"), reverse=True):
        if not path.is_symlink():
            os.utime(path, (1_000_000_000, 1_500_000_000))
    os.utime(home, (1_000_000_000, 1_500_000_000))


def read_all(home: Path) -> None:
    with Home(home) as opened:
        for found in opened.walk():
            if found.kind != "directory":
                try:
                    with opened.open(found.path) as file:
                        assert sum(map(len, file.chunks(0, file.stat.size, 100))) == found.stat.size
                except (NotARegularFile, LinkInTheWay):
                    pass


def times_of(home: Path) -> dict[str, tuple[int, ...]]:
    """Look at every path that ``grow_a_home`` made; to list them would be a trace of this test's own."""
    names = ["", "history.jsonl", "projects", "projects/-home-me", "projects/-home-me/a.jsonl"]
    names += ["projects/-home-me/b.jsonl", "debug", "debug/x.txt", "debug/latest", "session-env", "session-env/empty"]
    times: dict[str, tuple[int, ...]] = {}
    for name in [*names, "fifo"]:
        result = (home / name).lstat()
        # Nobody can read what a link holds without the system noting it in the link.
        accessed = 0 if stat.S_ISLNK(result.st_mode) else result.st_atime_ns
        times[name] = (accessed, result.st_mtime_ns, result.st_ctime_ns, result.st_size, result.st_mode)
    return times


def test_reading_everything_changes_no_time_stamp_of_any_file_or_directory(home: Path, tmp_path: Path) -> None:
    control = write(tmp_path, "control")
    os.utime(control, (1_000_000_000, 1_500_000_000))
    control.read_bytes()
    if control.stat().st_atime == 1_000_000_000:
        pytest.skip("this file system notes no access times")
    grow_a_home(home)
    os.listdir(home)  # a plain listing does leave a trace, or this test shows nothing
    assert home.stat().st_atime != 1_000_000_000
    os.utime(home, (1_000_000_000, 1_500_000_000))
    before = times_of(home)
    read_all(home)
    after = times_of(home)
    assert after == before
    with Home(home) as opened, opened.open(b"history.jsonl") as file:
        assert file.atime_kept


def test_nothing_is_ever_opened_for_writing_and_nothing_else_is_done(home: Path) -> None:
    grow_a_home(home)
    root = Path(extractors.__path__[0]).parent
    run = subprocess.run(
        [sys.executable, "-B", "-c", AUDIT, str(home)],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    opens, *forbidden = run.stdout.splitlines()
    assert int(opens) > 10
    assert forbidden == []


def test_no_descriptor_is_left_open_whatever_happens(home: Path) -> None:
    grow_a_home(home)
    before = open_descriptors()
    read_all(home)
    with Home(home) as opened:
        for path in (b"fifo", b"debug/latest", b"gone", b"debug/gone", b"history.jsonl/x", b"debug", b"../x", b"a/b/c"):
            with pytest.raises(SourceError):
                opened.open(path)
        steps = opened.walk()
        next(steps)
        file = opened.open(b"history.jsonl")
        file.close()
        file.close()
    with pytest.raises(Unreadable):
        file.read(0, 1)
    assert open_descriptors() == before


def openings(tree: ast.Module) -> Iterator[str]:
    """Yield every call or import of a module that opens, lists or changes files."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="open")):
                yield f"{node.lineno}: open()"
            case ast.Attribute(value=ast.Name(id="os"), attr=name) if name not in PURE_OS_NAMES:
                yield f"{node.lineno}: os.{name}"
            case (
                ast.Attribute(value=ast.Name(id="Path"), attr="open")
                | ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Name(id="Path")), attr="open"))
            ):
                yield f"{node.lineno}: Path.open"
            case ast.Call(func=ast.Attribute(attr=name)) if name in OPENING_METHODS:
                yield f"{node.lineno}: .{name}()"
            case ast.Import(names=names):
                yield from (f"{node.lineno}: import {each.name}" for each in names if each.name in FORBIDDEN_IMPORTS)
            case ast.ImportFrom(module=str(module)) if module in FORBIDDEN_IMPORTS | {"os"}:
                yield f"{node.lineno}: from {module} import"


MODULES = sorted(Path(extractors.__path__[0]).rglob("*.py"))


@pytest.mark.parametrize("module", MODULES, ids=lambda module: f"{module.parent.name}.{module.stem}")
def test_only_the_source_and_platform_modules_open_anything(module: Path) -> None:
    found = list(openings(ast.parse(module.read_text("utf-8"))))
    if module.parent.name == "home" and module.name in ("platform.py", "home.py", "found.py"):
        assert found != []
    else:
        assert found == []


def test_the_source_module_opens_through_the_platform_module_alone() -> None:
    source = next(module for module in MODULES if module.name == "home.py")
    calls = {each.split(": ")[1] for each in openings(ast.parse(source.read_text("utf-8")))}
    assert calls == {"os.fstat", "os.close"}
