"""The search for erased content in bytes, and its time."""

from pipelines.forget.matcher import pattern_matcher


def test_no_pattern_runs_for_longer_than_its_text() -> None:
    # A backtracking engine tries some 10**40 ways to divide this line: the test would not end.
    matcher = pattern_matcher("(.*a){25}b")
    assert not matcher.holds(b"a" * 20_000)
    assert matcher.holds(b"x\n" + b"a" * 20_000 + b"b\n")


def test_a_pattern_matches_lines_and_whatever_bytes_are_in_them() -> None:
    assert pattern_matcher("^tok.n$").holds(b"one\ntok\xffn\ntwo")
    assert pattern_matcher("^tok.n$").holds("one\ntok\u00e9n\ntwo".encode())
    assert not pattern_matcher("^tok.n$").holds(b"a tok-n")
    assert pattern_matcher("tok-[0-9]+").found(b"tok-1 tok-22 tok-1") == {b"tok-1", b"tok-22"}


def test_only_the_ends_of_an_entry_need_it_whole() -> None:
    assert pattern_matcher(r"\Atoken").looks_around
    assert pattern_matcher(r"token\z").looks_around
    assert not pattern_matcher("^token$").looks_around
