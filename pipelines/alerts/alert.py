"""An alert, and the rules by which one is raised."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Self

from models.json import JsonObject, JsonValue


class AlertRule(StrEnum):
    """The rules, the most urgent first, each with the sentence that documents it and the settings that limit it
    (docs/alerts.md).
    """

    sentence: str
    settings: Sequence[str]

    def __new__(cls, name: str, sentence: str = "", *settings: str) -> Self:
        """Return the rule with its sentence and the names of its settings."""
        made = str.__new__(cls, name)
        made._value_ = name
        made.sentence = sentence
        made.settings = settings
        return made

    FIXITY = "fixity", "Bytes differ from their digest, in the archive, in a copy or in a home; or a check failed."
    FAILED = "failed", "A scheduled run or the sync of a copy ended with an error."
    VANISHED = (
        "vanished",
        "More than a set share of a home vanished between two runs, before its age explains that; or the whole home.",
        "alert_vanished_percent",
        "cleanup_days",
    )
    EXPIRING = (
        "expiring",
        "Claude Code will soon delete files by their age that no run has read.",
        "alert_delete_days",
        "cleanup_days",
    )
    OVERDUE = (
        "overdue",
        "A home was not read, or a copy not synced, for longer than the schedule or the setting allows.",
        "alert_overdue_days",
    )
    DISK = (
        "disk",
        "The disk of the data directory is nearly full, or has no room for the next warehouse.",
        "alert_disk_percent",
    )
    NEW_TYPES = "new-types", "A home has record types that no extractor and no earlier run knew."
    GROWTH = (
        "growth",
        "A run found many times as much as is usual.",
        "alert_growth_times",
        "alert_growth_mb",
    )
    LARGE = (
        "large",
        "A transcript or another file of a home is larger than a limit.",
        "alert_transcript_mb",
        "alert_file_mb",
    )


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert: its rule, its subject (a home_id, an address `home_id:path`, a place), a sentence, the next step, and
    the figures that raised it, whose names end in their unit. `names` are addresses or names of record types, the first
    of them. `run_id` is set for an event: a problem that one run found and the next does not find again.
    """

    rule: AlertRule
    subject: str
    sentence: str
    what_to_do: str
    figures: Mapping[str, float] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    run_id: str = ""

    @property
    def key(self) -> str:
        """A digest of rule, subject and run, by which the same alert is recognised; it contains no name of a home."""
        return sha256(f"{self.rule}\0{self.subject}\0{self.run_id}".encode("utf-8", "surrogateescape")).hexdigest()[:16]

    def to_json(self) -> JsonObject:
        """Return the alert as JSON values."""
        made: JsonObject = asdict(self) | {"rule": str(self.rule), "names": list(self.names)}
        return made

    @classmethod
    def from_json(cls, value: JsonValue) -> "Alert":
        """Return the alert that `to_json` wrote. Raises KeyError, TypeError or ValueError for another value."""
        if not isinstance(value, dict):
            raise TypeError("an alert is an object")
        fields = dict(value)
        names = fields.pop("names", [])
        if not isinstance(names, list):
            raise TypeError("names is a list")
        return cls(AlertRule(str(fields.pop("rule"))), names=tuple(map(str, names)), **fields)  # type: ignore[arg-type]  # refuses other names


def by_urgency(alerts: Sequence[Alert]) -> list[Alert]:
    """Return alerts without duplicates, the most urgent first."""
    order = {rule: number for number, rule in enumerate(AlertRule)}
    return sorted({one.key: one for one in alerts}.values(), key=lambda one: (order[one.rule], one.subject))
