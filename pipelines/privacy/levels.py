"""The privacy level of each session and of each file, from the rules and the published warehouse.

A session has a level for each directory in which it worked, and the most private of these counts. A file has the most
private level of the sessions that it belongs to: by its path, by its rows, by the prompts and transcripts that refer to
it.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import duckdb

from extractors.reading.registry import source_tables, sources
from models.identity import UUID
from models.json import JsonObject
from pipelines.disk.layout import Layout
from pipelines.disk.settings import PRIVACY_LEVELS
from pipelines.privacy.rules import PRIVATE, PrivacyRule, rank, read_rules
from pipelines.warehouse.opened import open_warehouse

_IDS: Final = re.compile(UUID)
_PROJECT: Final = re.compile(r"projects/([^/]+)/")
_OWN: Final = "home_id NOT LIKE '%@%'"

SessionKey = tuple[str, str]
"""home_id and session_id."""


@dataclass(frozen=True, slots=True)
class SessionLevel:
    """The level of a session, and why: the rules that apply to each of its directories."""

    home_id: str
    session_id: str
    project: str | None
    level: str
    tags: Sequence[str]
    reasons: Sequence[str]

    def to_json(self) -> JsonObject:
        """Return it as JSON values."""
        return {
            "home_id": self.home_id,
            "session_id": self.session_id,
            "project": self.project,
            "level": self.level,
            "tags": list(self.tags),
            "reasons": list(self.reasons),
        }


@dataclass(slots=True)
class Levels:
    """The levels of everything in an archive. Ranks are those of `rules.rank`.

    `files` has the rank of each file_id; `lines` that of each entry of the files of prompts, by file_id and offset:
    such a file has the prompts of all projects. `directories` are the directories in which each session worked.
    """

    rules: Sequence[PrivacyRule]
    sessions: dict[SessionKey, SessionLevel] = field(default_factory=dict)
    directories: dict[SessionKey, set[str]] = field(default_factory=dict)
    files: dict[int, int] = field(default_factory=dict)
    lines: dict[int, dict[int, int]] = field(default_factory=dict)

    def below(self, least: int) -> list[SessionKey]:
        """Return the sessions whose rank is lower than `least`."""
        return [key for key, one in self.sessions.items() if rank(one.level) < least]

    @cached_property
    def has_rules(self) -> bool:
        """Whether there is any rule."""
        return bool(self.rules)


def session_levels(layout: Layout) -> Levels:
    """Return the level of each session of this archive; `files` and `lines` are left empty. Raises as `open_warehouse`
    and `read_rules` do.
    """
    made = Levels(read_rules(layout))
    with open_warehouse(layout) as connection:
        _fill_sessions(connection, made)
    return made


def all_levels(layout: Layout) -> Levels:
    """Return the level of each session, file and prompt of this archive. Raises as `session_levels` does."""
    made = Levels(read_rules(layout))
    with open_warehouse(layout) as connection:
        _fill_sessions(connection, made)
        _fill_lines(connection, made)
        _fill_files(connection, made)
    return made


def own_projects(layout: Layout) -> list[str]:
    """Return the projects of this archive's sessions, sorted; none if there is no warehouse."""
    if not layout.warehouse.exists():
        return []
    with open_warehouse(layout) as connection:
        query = f"SELECT DISTINCT project FROM sessions WHERE project IS NOT NULL AND {_OWN} ORDER BY project"
        return [project for (project,) in connection.execute(query).fetchall()]


def _fill_sessions(connection: duckdb.DuckDBPyConnection, made: Levels) -> None:
    tags: dict[SessionKey, set[str]] = defaultdict(set)
    query = f"SELECT home_id, session_id, value FROM session_states WHERE state_kind = 'tag' AND {_OWN}"
    for home_id, session_id, tag in connection.execute(query).fetchall():
        if tag is not None:
            tags[home_id, session_id].add(tag)
    directories: dict[SessionKey, set[str]] = defaultdict(set)
    query = f"""
        SELECT DISTINCT home_id, session_id, unnest([project, project_path]) FROM sessions WHERE {_OWN}
        UNION SELECT DISTINCT home_id, session_id, cwd FROM records WHERE {_OWN}
        UNION SELECT DISTINCT home_id, session_id, project_path FROM prompts WHERE {_OWN}
        UNION SELECT DISTINCT home_id, session_id, unnest([cwd, original_cwd, worktree_path]) FROM session_places WHERE
        {_OWN}
    """
    for home_id, session_id, directory in connection.execute(query).fetchall():
        if session_id is not None and directory:
            directories[home_id, session_id].add(directory)
    query = f"SELECT home_id, session_id, project FROM sessions WHERE {_OWN}"
    for home_id, session_id, project in connection.execute(query).fetchall():
        key = (home_id, session_id)
        level, reasons = _level(made.rules, key, directories[key], tags[key])
        made.sessions[key] = SessionLevel(home_id, session_id, project, level, sorted(tags[key]), reasons)
    made.directories = dict(directories)


def _level(
    rules: Sequence[PrivacyRule], key: SessionKey, directories: Iterable[str], tags: Iterable[str]
) -> tuple[str, list[str]]:
    """Return the level of a session and the reasons, the decisive ones first."""
    home_id, session_id = key
    found: list[tuple[int, str]] = []
    for directory in list[str | None](sorted(directories)) or [None]:
        said = [
            one
            for one in rules
            if one.path is None
            and one.applies_to(directory=directory, path=None, tags=tags, home=home_id, session=session_id)
        ]
        where = f" (for {directory})" if directory else ""
        found += [(rank(one.level), f"{one.shown}{where}, by {one.origin}") for one in said]
        if not said:
            found.append((rank(PRIVATE), f"{PRIVATE}: no rule applies{where}"))
    least = min(one for one, _ in found)
    return PRIVACY_LEVELS[least], [reason for _, reason in sorted(set(found))]


def _fill_lines(connection: duckdb.DuckDBPyConnection, made: Levels) -> None:
    """Give each prompt in a file of prompts its level: that of its session, and of its own directory."""
    query = f"SELECT home_id, session_id, project_path, file_id, byte_offset FROM prompts WHERE {_OWN}"
    known: dict[tuple[str, str | None, str | None], int] = {}
    for home_id, session_id, directory, file_id, offset in connection.execute(query).fetchall():
        key = (home_id, session_id, directory)
        if key not in known:
            level, _ = _level(made.rules, (home_id, session_id or ""), [directory] if directory else [], ())
            session = made.sessions.get((home_id, session_id))
            known[key] = min(rank(level), rank(session.level) if session is not None else rank(level))
        made.lines.setdefault(file_id, {})[offset] = known[key]


def _fill_files(connection: duckdb.DuckDBPyConnection, made: Levels) -> None:
    """Give each file the most private level of the sessions and rules that apply to it."""
    by_id: dict[str, int] = {}
    for (_, session_id), one in made.sessions.items():
        by_id[session_id] = min(rank(one.level), by_id.get(session_id, len(PRIVACY_LEVELS)))
    found: dict[int, set[int]] = defaultdict(set)
    for file_id, session_id in connection.execute(_sessions_of_files()).fetchall():
        found[file_id].add(by_id.get(session_id, rank(PRIVATE)))
    for query in _REFERRED:
        for file_id, user, line in connection.execute(query).fetchall():
            lines = made.lines.get(user, {})
            found[file_id].add(lines.get(line, made.files.get(user, min(found.get(user) or {rank(PRIVATE)}))))
    query = f"SELECT file_id, home_id, path FROM files WHERE file_id IS NOT NULL AND {_OWN}"
    files = connection.execute(query).fetchall()
    of_directory: dict[tuple[str, str], set[int]] = defaultdict(set)
    for file_id, home_id, path in files:
        if (match := _PROJECT.match(path)) and file_id in found:
            of_directory[home_id, match[1]] |= found[file_id]
    for file_id, home_id, path in files:
        ranks = {by_id[one] for one in _IDS.findall(path) if one in by_id} | found.get(file_id, set())
        match = _PROJECT.match(path)
        if match and not ranks:
            ranks = of_directory.get((home_id, match[1]), set())
        made.files[file_id] = _rank_of_file(made.rules, home_id, path, match[1] if match else None, ranks)


def _rank_of_file(rules: Sequence[PrivacyRule], home_id: str, path: str, directory: str | None, ranks: set[int]) -> int:
    """Return the rank of a file that belongs to sessions of `ranks`, by the rules of its path and home too."""
    for one in rules:
        is_general = one.session is None and one.tag is None
        if directory is not None and is_general and one.path is None and one.may_be_directory(directory):
            if not ranks or rank(one.level) < rank(PRIVATE):
                ranks = ranks | {rank(one.level)}
        elif (
            is_general
            and one.project is None
            and one.applies_to(directory=None, path=path, tags=(), home=home_id, session=None)
        ):
            ranks = ranks | {rank(one.level)}
    return min(ranks, default=rank(PRIVATE))


def _sessions_of_files() -> str:
    """Return the query of the sessions in the rows of each file, but for the files of prompts."""
    names = [
        table.name
        for table in source_tables(sources().values())
        if table.has_provenance and any(column.name == "session_id" for column in table.columns)
    ]
    return " UNION ".join(
        f"SELECT DISTINCT file_id, session_id FROM \"{name}\" WHERE session_id <> '' AND {_OWN} "
        f"AND file_id NOT IN (SELECT file_id FROM prompts)"
        for name in names
    )


_REFERRED: Final = (
    """
    SELECT DISTINCT p.file_id, q.file_id, q.byte_offset FROM pastes p JOIN prompt_pastes q USING (home_id, paste_hash)
    """,
    "SELECT DISTINCT p.file_id, r.file_id, NULL FROM plans p JOIN records r USING (home_id, slug)",
)
"""Queries of files to which others refer: the file, the file that refers to it, and the offset of the entry there."""
