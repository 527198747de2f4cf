"""The result of a publication."""

from dataclasses import dataclass, field

from models.json import JsonObject


@dataclass(slots=True)
class Publication:
    """The result: the number of relations and rows at the place, and how many chunks and rows were copied."""

    place: str
    relations: int = 0
    rows: int = 0
    chunks_copied: int = 0
    rows_copied: int = 0
    notes: list[str] = field(default_factory=list)

    def to_json(self) -> JsonObject:
        """Return it as JSON values."""
        return {
            "place": self.place,
            "relations": self.relations,
            "rows": self.rows,
            "chunks_copied": self.chunks_copied,
            "rows_copied": self.rows_copied,
            "notes": list(self.notes),
        }
