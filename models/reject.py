"""The stable codes of rejects: why an entry could not be parsed and is in quarantine."""

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
    RejectCode.NOT_JSON: "The bytes are not JSON, and no complete record could be recovered from them.",
    RejectCode.NOT_UTF8: "The bytes are not UTF-8.",
    RejectCode.NOT_AN_OBJECT: "The line is valid JSON, but not an object.",
    RejectCode.TRUNCATED_RECORD: "A part of a record: the rest was cut off or overwritten. "
    "The detail says whether the beginning or the end is missing.",
    RejectCode.TOO_DEEP: "The JSON is nested too deeply to be parsed.",
    RejectCode.TOO_LONG: "The entry is longer than the limit for parsing; its bytes are kept.",
    RejectCode.MISSING_FIELD: "A required field is missing.",
    RejectCode.WRONG_TYPE: "A required field has an unexpected type.",
    RejectCode.NOT_SQLITE: "The file is not an SQLite database, or a damaged one.",
    RejectCode.BAD_VALUE: "A required field has a value that cannot be parsed.",
}
