"""A home that contains secrets, and checks of an archive of it, for the tests of erasure and their crash driver."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from models.observer import Observer
from pipelines.disk.layout import Layout
from pipelines.forget.forget import ErasurePlan, ErasureTarget, forget, plan_forget
from pipelines.run.extraction import Request
from pipelines.run.pipeline import run_job
from pipelines.warehouse.opened import open_warehouse
from tests.command_line import call

ONE = "3fd192e1-4608-4d4e-a084-ebefc26337f3"
TWO = "7b1e2c3d-aaaa-4bbb-8ccc-1234567890ab"
SECRET = 'sk-"live"-é-\\key\n0123456789'
PLAIN = "tok-plain-0123456789"


def compact(value: object) -> str:
    """Return JSON as Claude Code writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def prompt(text: str, number: int, session: str = ONE, project: str = "/p") -> str:
    """Return a line of history.jsonl."""
    fields = {"display": text, "pastedContents": {}, "timestamp": 1768724500000 + number, "project": project}
    return compact({**fields, "sessionId": session}) + "\n"


def record(text: str, number: int, session: str = ONE, cwd: str = "/p", **more: object) -> str:
    """Return a line of a transcript."""
    fields = {"type": "user", "uuid": f"{number:08d}-0000-4000-8000-000000000000", "parentUuid": None}
    fields |= {"sessionId": session, "cwd": cwd, "version": "2.1.30", "timestamp": "2026-01-09T00:00:00.000Z"}
    return compact({**fields, "message": {"role": "user", "content": text}, **more}) + "\n"


def put(home: Path, path: str, text: str | bytes) -> None:
    """Write a file of a home with old times, so that a run trusts them."""
    (home / path).parent.mkdir(parents=True, exist_ok=True)
    (home / path).write_bytes(text.encode() if isinstance(text, str) else text)
    os.utime(home / path, ns=(10**18, 10**18))


def lines_of_history() -> list[str]:
    """Return the lines of history.jsonl: one with the secret, one with the harmless text."""
    texts = ["first", f"the key is {SECRET}", "zweitens", f"and {PLAIN}", "yes", "the last of them"]
    lines = [prompt(text, number) for number, text in enumerate(texts)]
    return [*lines, prompt("anderes Projekt", 20, TWO, "/q"), prompt("yes", 21, TWO, "/q")]


def work(data: Path, home: Path, name: str = "mine", *, full: bool = False) -> str:
    """Do a whole run; returns its run_id."""
    return run_job(Layout(data), Request([(name, home)], is_full=full), Observer()).run.run_id


def values(data: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the bytes of every file below the data directory, and every value of its Parquet files and warehouses."""
    for path in sorted(data.rglob("*")):
        yield f"{path}: name", os.fsencode(path.relative_to(data))
        if path.is_symlink() or path.is_dir():
            continue
        yield str(path), path.read_bytes()
        if path.suffix == ".parquet":
            for column in pq.ParquetFile(path).read(use_threads=False).columns:
                yield from ((str(path), raw(value)) for value in column.to_pylist() if isinstance(value, str | bytes))
        if path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as connection:
                for (table,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall():
                    for row in connection.execute(f'FROM "{table}"').fetchall():
                        yield from ((f"{path} {table}", raw(cell)) for cell in row if isinstance(cell, str | bytes))


def raw(value: str | bytes) -> bytes:
    """Return text as bytes."""
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")


def forms(text: str) -> set[bytes]:
    """Return the encodings to search for: UTF-8, JSON, JSON within JSON, UTF-16."""
    made = {text}
    for _ in range(3):
        made |= {json.dumps(one, ensure_ascii=ascii_only)[1:-1] for one in made for ascii_only in (True, False)}
    return {one.encode() for one in made} | {text.encode("utf-16-le"), text.encode("utf-16-be")}


def holders(data: Path, *texts: str) -> list[str]:
    """Return the places that contain any of the texts, by a search that shares no code with the program."""
    wanted = {form for text in texts for form in forms(text)}
    return [place for place, value in values(data) if any(form in value for form in wanted)]


def files_of(root: Path) -> dict[str, bytes]:
    """Return the bytes of every file below a directory, by path."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def without(content: bytes, *texts: str) -> bytes:
    """Return the lines of a file that contain none of the texts."""
    wanted = {form for text in texts for form in forms(text)}
    return b"".join(line for line in content.splitlines(keepends=True) if not any(form in line for form in wanted))


def erase(data: Path, kind: str, given: str) -> ErasurePlan:
    """Erase content, and check that the command reports it as gone."""
    layout = Layout(data)
    planned = plan_forget(layout, ErasureTarget(kind, given))  # type: ignore[arg-type]
    done = forget(layout, planned, Observer())
    assert done.remaining == []
    return planned


def restored(data: Path, target: Path, *options: str) -> Path:
    """Restore everything; returns where to."""
    ran = call("restore", "--to", target, "--expired", *options, "--data", data)
    assert ran.code == 0, ran.err
    return target


def verified(data: Path) -> str:
    """Return the errors and warnings of `extract verify --deep`."""
    ran = call("verify", "--deep", "--data", data)
    return "" if ran.code == 0 else ran.out + ran.err


def message_id(data: Path, text: str) -> str:
    """Return the id of a message."""
    with open_warehouse(Layout(data)) as connection:
        row = connection.execute("SELECT message_id FROM messages WHERE text = ?", [text]).fetchone()
    assert row is not None
    return str(row[0])
