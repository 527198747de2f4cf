"""Finds the sources of this package, and assigns every path of a home to a source, shape or rule."""

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from hashlib import blake2b

import extractors
from extractors.reading.contract import Reading, Shape, Source, inner_path
from extractors.reading.rules import (
    INVENTORY_ONLY,
    KNOWN_TOP,
    WITHHELD,
    Rule,
    first_match,
    folded,
    may_be_withheld,
    user_rules,
    without_mark_of_copy,
)
from models.schema import Table, unique_tables
from models.text import printable_path

OTHER = "other"
"""The source of all files that no other source matches."""

PHASES: Mapping[int, str] = {
    1: "history",
    2: "debug",
    3: "file-history",
    4: "todos",
    5: "shell-snapshots",
    6: "session-env",
    7: "projects",
    8: "other",
}
"""The phases in the order of extraction, each named after its main source."""


class Treatment(StrEnum):
    """The treatment of a file."""

    EXTRACT = "extract"
    ARCHIVE = "archive"
    INVENTORY = "inventory"
    WITHHOLD = "withhold"


@dataclass(frozen=True, slots=True)
class Placement:
    """The assignment of a path: its source, phase, treatment and the rule that decided; with EXTRACT and ARCHIVE its
    shape.
    """

    source: str
    phase: int
    treatment: Treatment
    rule: str
    shape: int = -1


@cache
def sources() -> Mapping[str, Source]:
    """Return all sources by name, found by importing the modules of this package. An ImportError is not caught."""
    found: dict[str, Source] = {}
    for module in pkgutil.iter_modules(extractors.__path__):
        if not module.ispkg:
            source = importlib.import_module(f"extractors.{module.name}").SOURCE
            if found.setdefault(source.name, source) is not source:
                raise TypeError(f"two sources are called {source.name}")
    unique_tables(source_tables(found.values()))
    return dict(sorted(found.items(), key=lambda item: (item[1].phase, item[0])))


@cache
def parser_digests() -> Mapping[str, str]:
    """Return a digest of the parser of each source: with another digest the same bytes would give other rows.

    It covers the source's declared `version`, its path shapes, and the columns of its tables.
    """
    return {name: _parser_digest(source) for name, source in sources().items()}


def _parser_digest(source: Source) -> str:
    shapes = [(shape.pattern, str(shape.reading), sorted(shape.where.items())) for shape in source.shapes]
    tables = [(table.name, [(column.name, column.type.name) for column in table.columns]) for table in source.tables]
    return blake2b(repr((source.name, source.version, shapes, tables)).encode(), digest_size=8).hexdigest()


def source_tables(of: Iterable[Source]) -> list[Table]:
    """Return the tables of sources, each once, in the order of the sources."""
    # By identity: hashing a table hashes the text of every column.
    return list({id(table): table for source in of for table in source.tables}.values())


def phase_number(text: str) -> int | None:
    """Return the phase with this number or name, None if there is none."""
    if text.isdigit():
        return int(text) if int(text) in PHASES else None
    name = text.replace("_", "-")
    return next((source.phase for source in sources().values() if source.name == name), None)


IN_THE_WAY: Mapping[str, str] = {
    "link for data": "a link is where data is expected, and was not followed; with follow_links = true in "
    "settings.toml a run reads it",
    "file for directory": "a file is where a directory of data is expected: copying a home can turn links into files",
}
"""Rules for an entry of another kind in the place of data, each with its sentence; the run is then incomplete."""

_SHARED_BY_LINK = re.compile(r"projects/[^/]+/memory(?:/.*)?", re.DOTALL)
"""Memory directories, which people link to share them between projects: such a link hides no session."""
_ENTRY_TYPES = {Reading.DIRECTORY: "directory", Reading.LINK: "link"}


def followed_links(*, follow_links: bool) -> Callable[[bytes], bool] | None:
    """Return a predicate of links' paths that are followed: those in the place of data. None if no link is followed. It
    can be pickled.
    """
    return _is_followed if follow_links else None


def _is_followed(path: bytes) -> bool:
    return _usual_classifier().expects_data(inner_path(printable_path(path)))


@cache
def _usual_classifier() -> "Classifier":
    return Classifier()


class Classifier:
    """Assigns each path to a source. The rules are applied before the shapes, so no shape can match a withheld path."""

    def __init__(self, withhold: Iterable[str] = (), *, archive_trees: bool = False) -> None:
        self._user_rules = user_rules(withhold)
        self._withheld = (*WITHHELD, *self._user_rules)
        self._listed: tuple[Rule, ...] = () if archive_trees else INVENTORY_ONLY
        self._directory = ""
        self._rule_of_directory: Rule | None = None
        self._shapes: dict[tuple[str, str], list[tuple[Shape, Placement]]] = {}
        self._above_data: dict[str, list[re.Pattern[str]]] = {}
        for source in sources().values():
            for number, shape in enumerate(source.shapes if source.name != OTHER else ()):
                entry_type = _ENTRY_TYPES.get(shape.reading, "file")
                top = shape.pattern.split("/", 1)[0]
                key = ("" if "{" in top else top, entry_type)
                treatment = Treatment.ARCHIVE if shape.reading is Reading.OPAQUE else Treatment.EXTRACT
                place = Placement(source.name, source.phase, treatment, shape.pattern, number)
                self._shapes.setdefault(key, []).append((shape, place))
                if "{" not in top:
                    self._above_data.setdefault(top, []).extend(shape.directories)

    def place(self, path: str, entry_type: str) -> Placement:
        """Return the assignment of a path (printable form, with `/`) of an entry of type `entry_type`.

        A path in a home inside the home is treated as relative to the inner one (`inner_path`).
        """
        whole, path = path, inner_path(path)
        top = path.split("/", 1)[0]
        rule = None if entry_type == "directory" else self._withholding_rule(path)
        if rule is None and whole != path and entry_type != "directory":
            rule = self._withholding_rule(whole)
        if rule is not None:
            return Placement(*self._phase_of_top(top), Treatment.WITHHOLD, rule.name)
        rule = self._listed_rule(path + "/" if entry_type == "directory" else path)
        if rule is not None:
            return Placement(OTHER, 8, Treatment.INVENTORY, rule.name)
        for key in ((top, entry_type), ("", entry_type)):
            for shape, place in self._shapes.get(key, ()):
                if shape.regex.fullmatch(path):
                    return place
        if entry_type == "link" and self.expects_data(path) and _SHARED_BY_LINK.fullmatch(path) is None:
            return Placement(*self._phase_of_top(top), Treatment.INVENTORY, "link for data")
        if entry_type != "file":
            return Placement(*self._phase_of_top(top), Treatment.INVENTORY, entry_type)
        if self._is_file_for_directory(path):
            return Placement(OTHER, 8, Treatment.ARCHIVE, "file for directory", 0)
        return Placement(OTHER, 8, Treatment.ARCHIVE, self._other_rule(top), 0)

    def expects_data(self, path: str) -> bool:
        """Return whether a file at this path would be parsed by a source; False where the link itself is the data."""
        top = path.split("/", 1)[0]
        if any(shape.regex.fullmatch(path) for shape, _ in self._shapes.get((top, "link"), ())):
            return False
        if self._is_above_data(path):
            return True
        shapes = (*self._shapes.get((top, "file"), ()), *self._shapes.get((top, "directory"), ()))
        return any(shape.regex.fullmatch(path) for shape, _ in shapes)

    def _is_file_for_directory(self, path: str) -> bool:
        """Whether a regular file is in the place of a directory of data: copying a home can turn a link into a file."""
        has_extension = "." in path.rpartition("/")[2]
        return not has_extension and self._is_above_data(path) and _SHARED_BY_LINK.fullmatch(path) is None

    def _is_above_data(self, path: str) -> bool:
        """Whether a source reads files below a path."""
        top = path.split("/", 1)[0]
        return any(pattern.fullmatch(path) for pattern in self._above_data.get(top, ()))

    def _withholding_rule(self, path: str) -> Rule | None:
        is_likely = may_be_withheld(path)
        rules = self._withheld if is_likely else self._user_rules
        rule = first_match(rules, path)
        if rule is None and rules and (seen := folded(path)) != path:
            rule = first_match(rules, seen)
        if rule is None and is_likely and (original := without_mark_of_copy(folded(path))) != path:
            rule = first_match(rules, original)
        return rule

    def _listed_rule(self, path: str) -> Rule | None:
        """Return the rule by which a path is only listed: such a rule matches a directory and everything below it."""
        directory = path[: path.rfind("/") + 1]
        if directory != self._directory:
            self._directory, self._rule_of_directory = directory, first_match(self._listed, directory)
        return self._rule_of_directory

    def _phase_of_top(self, top: str) -> tuple[str, int]:
        for entry_type in ("file", "directory", "link"):
            shapes = self._shapes.get((top, entry_type))
            if shapes:
                return shapes[0][1].source, shapes[0][1].phase
        return OTHER, 8

    @staticmethod
    def _other_rule(top: str) -> str:
        if top == "projects":
            return "foreign tree under projects"
        return "known to Claude Code" if top in KNOWN_TOP else "foreign"
