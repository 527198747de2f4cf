"""The tokenizer of BERT (uncased): texts become the numbers of word pieces that the model reads."""

import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Final

LONGEST: Final = 128
"""The most tokens of a text, with those that mark its beginning and end; the rest is not read."""
_LONGEST_WORD: Final = 100
_MOST_CHARACTERS: Final = 4_000
"""No text of so many characters has fewer tokens than `LONGEST`, but for endless words, which are one unknown token."""
_IDEOGRAPHS: Final = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2FA1F))
_UNKNOWN, _BEGIN, _END = "[UNK]", "[CLS]", "[SEP]"


@cache
def vocabulary() -> Mapping[str, int]:
    """Return the number of each word piece."""
    text = (files("pipelines.semantic") / "vocab.txt").read_text(encoding="utf-8")
    return {piece: number for number, piece in enumerate(text.split("\n")) if piece}


def tokens(text: str) -> list[int]:
    """Return the numbers of the first pieces of a text, at most `LONGEST`."""
    known = vocabulary()
    made = [known[_BEGIN]]
    for word in _words(text[:_MOST_CHARACTERS]):
        made += _pieces(word, known)
        if len(made) >= LONGEST - 1:
            break
    return [*made[: LONGEST - 1], known[_END]]


def _words(text: str) -> Iterator[str]:
    """Yield words in lower case without accents; marks, and each character of Chinese and Japanese, are words."""
    word = ""
    for character in unicodedata.normalize("NFD", _spaced(text).lower()):
        if unicodedata.category(character) == "Mn":
            continue
        if character.isspace():
            if word:
                yield word
            word = ""
        elif _is_mark(character):
            if word:
                yield word
            yield character
            word = ""
        else:
            word += character
    if word:
        yield word


def _spaced(text: str) -> str:
    """Return a text without control characters, and with spaces around each ideograph."""
    if text.isascii() and text.isprintable():
        return text
    made = []
    for character in text:
        if character in "\t\n\r":
            made.append(" ")
        elif character in "\0\ufffd" or unicodedata.category(character)[0] == "C":
            continue
        else:
            made.append(f" {character} " if _is_ideograph(character) else character)
    return "".join(made)


def _is_mark(character: str) -> bool:
    """Whether BERT takes a character for punctuation: all of ASCII that is neither a letter nor a digit, too."""
    if character.isascii():
        return not character.isalnum()
    return unicodedata.category(character).startswith("P")


def _is_ideograph(character: str) -> bool:
    code = ord(character)
    return any(first <= code <= last for first, last in _IDEOGRAPHS)


def _pieces(word: str, known: Mapping[str, int]) -> list[int]:
    """Return the longest pieces that a word begins with, one after another; one unknown token if that fails."""
    if len(word) > _LONGEST_WORD:
        return [known[_UNKNOWN]]
    made, start = list[int](), 0
    while start < len(word):
        for end in range(len(word), start, -1):
            piece = ("##" if start else "") + word[start:end]
            if piece in known:
                made.append(known[piece])
                start = end
                break
        else:
            return [known[_UNKNOWN]]
    return made
