"""Laws of the seal."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.seal import SealError, sealed, unsealed

RECORD = b'{\n  "run_id": "r",\n  "epoch": 1\n}'
TEXTS = st.binary(max_size=300)
SUFFIXES = [".md", ".html", ".txt"]


def flipped(raw: bytes, bit: int) -> bytes:
    made = bytearray(raw)
    made[bit // 8] ^= 1 << bit % 8
    return bytes(made)


@given(TEXTS, st.sampled_from(SUFFIXES))
def test_what_is_unsealed_is_what_was_sealed(data: bytes, suffix: str) -> None:
    assert unsealed(sealed(data, suffix), suffix) == data


def test_a_sealed_record_is_json_with_its_digest_as_the_last_field() -> None:
    raw = sealed(RECORD, ".json")
    value = json.loads(raw)
    assert list(value) == ["run_id", "epoch", "sha256"]
    assert value["sha256"] == hashlib.sha256(raw[:-83]).hexdigest()
    assert unsealed(raw, ".json") == RECORD


@pytest.mark.parametrize("suffix", [".json", *SUFFIXES])
def test_every_flipped_bit_breaks_the_seal(suffix: str) -> None:
    raw = sealed(RECORD, suffix)
    for bit in range(len(raw) * 8):
        with pytest.raises(SealError):
            unsealed(flipped(raw, bit), suffix)


@pytest.mark.parametrize("suffix", [".json", *SUFFIXES])
def test_a_file_cut_short_or_made_longer_has_no_seal(suffix: str) -> None:
    raw = sealed(RECORD, suffix)
    for damaged in [*(raw[:size] for size in range(len(raw))), raw + b"\n", raw + raw, b"\n" + raw]:
        with pytest.raises(SealError):
            unsealed(damaged, suffix)


@pytest.mark.parametrize("data", [b"{}", b"[]", b'{"a":1}', b'{\n  "a": 1\n}\n', b""])
def test_only_an_object_in_lines_is_sealed_as_json(data: bytes) -> None:
    with pytest.raises(ValueError, match="only a JSON object"):
        sealed(data, ".json")
