"""Why an entry could not be understood: the stable codes, and the quarantine in which those entries are listed."""

from enum import StrEnum


class RejectCode(StrEnum):
    """Stable codes of rejects. Each has a sentence in `REJECT_SENTENCES` and a fixture that provokes it."""

    NOT_JSON = "not_json"
    NOT_UTF8 = "not_utf8"
    NOT_AN_OBJECT = "not_an_object"
    TRUNCATED_RECORD = "truncated_record"
    TOO_DEEP = "too_deep"
    TOO_LONG = "too_long"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    BAD_VALUE = "bad_value"
    NOT_SQLITE = "not_sqlite"


REJECT_SENTENCES: dict[RejectCode, str] = {
    RejectCode.NOT_JSON: "The bytes are not JSON, and no whole record could be won from them.",
    RejectCode.NOT_UTF8: "The bytes are not UTF-8.",
    RejectCode.NOT_AN_OBJECT: "The line is valid JSON, but not an object.",
    RejectCode.TRUNCATED_RECORD: "A part of a record: the rest was cut off or overwritten. "
    "The detail says whether the beginning or the end is missing.",
    RejectCode.TOO_DEEP: "The JSON is nested more deeply than is read.",
    RejectCode.TOO_LONG: "The entry is longer than the limit for parsing; its bytes are kept.",
    RejectCode.MISSING_FIELD: "A field without which the entry has no meaning is missing.",
    RejectCode.WRONG_TYPE: "A field without which the entry has no meaning is of another type than known.",
    RejectCode.NOT_SQLITE: "The file is no SQLite database, or a damaged one.",
    RejectCode.BAD_VALUE: "A field without which the entry has no meaning holds a value that cannot be read.",
}
