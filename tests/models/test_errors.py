"""The exceptions keep their fields when they are sent between processes."""

import errno
import pickle
import re

import pytest

from models import errors
from models.errors import ExitCode, ExtractError, LinkInTheWay, NotARegularFile, SourceError, Unreadable, Vanished

ALL = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ExtractError)]


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_every_exception_has_an_exit_code_and_a_docstring_of_its_own(kind: type[ExtractError]) -> None:
    assert kind.exit_code in set(ExitCode) - {ExitCode.VERIFIED}
    assert kind.__dict__["__doc__"]


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_every_exception_is_drawn_in_the_tree_with_its_exit_code(kind: type[ExtractError]) -> None:
    drawn = re.search(rf"(?m)^\W*{kind.__name__} +(\d+)", errors.__doc__ or "")
    assert drawn is not None
    assert int(drawn[1]) == kind.exit_code


def test_the_exit_codes_never_change() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "VERIFIED": 0,
        "UNEXPECTED": 1,
        "USAGE": 2,
        "FIXITY": 3,
        "REJECTS": 4,
        "INCOMPLETE": 5,
        "ALERT": 6,
        "LOCKED": 11,
        "DISK": 12,
        "INTERRUPTED": 130,
    }


@pytest.mark.parametrize(
    "error",
    [Vanished(b"a"), NotARegularFile(b"a"), LinkInTheWay(b"a"), Unreadable(b"a", errno.EACCES)],
    ids=lambda error: type(error).__name__,
)
def test_a_source_error_survives_the_way_between_processes(error: SourceError) -> None:
    again: SourceError = pickle.loads(pickle.dumps(error))
    assert (type(again), again.path, str(again), vars(again)) == (type(error), error.path, str(error), vars(error))


def test_the_text_of_a_source_error_is_safe_to_print() -> None:
    assert str(Unreadable(b"a\x1b\xff\n", errno.EACCES)) == r"a\x1b\xff\x0a: cannot be read (EACCES)"
    assert str(Vanished(b"")) == "the home: no longer there"
