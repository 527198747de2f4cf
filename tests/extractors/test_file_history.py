"""Versions of files: every content is given back exactly, and a name tells all else."""

from hashlib import sha256

from hypothesis import example, given
from hypothesis import strategies as st

from tests.documents import MODIFIED_AT, OTHER_SESSION, SESSION, read, read_fixture, source_of

HASH = "0011223344556677"
PATH = f"file-history/{SESSION}/{HASH}@v1"


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
@example(b"")
@example(b"\0")
@example(b"one\r\ntwo\rthree")
@example("\ufeffBOM\n".encode())
def test_the_content_of_any_file_is_given_back_exactly(data: bytes) -> None:
    version = read(PATH, data).one("file_versions")
    text, other = version["content_text"], version["content_bytes"]
    assert (text is None) != (other is None)
    assert (text.encode() if isinstance(text, str) else other) == data
    assert version["is_text"] == (text is not None) == (version["line_count"] is not None)
    assert b"\0" not in data or not version["is_text"]
    assert (version["size"], version["content_sha256"]) == (len(data), sha256(data).hexdigest())


def test_a_name_tells_session_path_and_version() -> None:
    version = read(f"file-history/{SESSION}/{HASH}@v94", b"a\n").one("file_versions")
    assert (version["session_id"], version["path_hash"], version["version_number"]) == (SESSION, HASH, 94)
    assert version["kept_at"] == MODIFIED_AT


def test_the_last_line_counts_with_and_without_its_end() -> None:
    assert [read(PATH, data).one("file_versions")["line_count"] for data in (b"", b"a", b"a\n", b"a\nb", b"\n\n")] == [
        0,
        1,
        1,
        2,
        2,
    ]


def test_other_names_belong_to_other() -> None:
    for name in (
        f"file-history/{SESSION}/notes.txt",
        f"file-history/{SESSION}/{HASH}@v",
        f"file-history/{SESSION}/{HASH}@v1.bak",
        f"file-history/{SESSION}/{HASH.upper()}XX@v1",
        f"file-history/no-session/{HASH}@v1",
        f"file-history/{HASH}@v1",
    ):
        assert source_of(name) == "other", name
    assert source_of(PATH) == "file-history"


def test_a_path_is_found_by_its_hash() -> None:
    path_hash = sha256(b"/home/mira/work/old.txt").hexdigest()[:16]
    version = read_fixture("typical", f"file-history/{OTHER_SESSION}/{path_hash}@v1").one("file_versions")
    assert version["content_bytes"] == "Schöne Lampe\r\n".encode("latin-1")
