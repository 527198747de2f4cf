"""Tests of which the suite takes a part of the cases and `dev.py soak whole` takes all.

Such a test has the mark `sampled`, by `sampled(…)` for its parameters or by itself for a loop that asks `WHOLE`.
"""

import os
from collections.abc import Callable, Sequence
from typing import TypeVar

import pytest

_Test = TypeVar("_Test", bound=Callable[..., object])

WHOLE = "SOAK_WHOLE" in os.environ
"""Whether to take all cases."""


def sampled(names: str, cases: Sequence[object], suite: Sequence[object]) -> Callable[[_Test], _Test]:
    """Return a decorator that gives the parameters `names` the values in `suite`, in a soak all of `cases`."""
    assert all(one in cases for one in suite)

    def decorate(test: _Test) -> _Test:
        marked: _Test = pytest.mark.sampled(pytest.mark.parametrize(names, cases if WHOLE else suite)(test))
        return marked

    return decorate
