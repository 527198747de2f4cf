"""Places in files: collected by file_id while Parquet is read, shown by address after the manifest was read."""

from dataclasses import dataclass, field

from models.text import safe


@dataclass(frozen=True, slots=True)
class PathPlace:
    """A span of a file, its source, and a detail."""

    file_id: int
    offset: int
    length: int
    source: str
    detail: str = ""


@dataclass(slots=True)
class Paths:
    """The addresses of the files that were requested with `want`; `tell` provides them."""

    wanted: set[int] = field(default_factory=set)
    known: dict[int, str] = field(default_factory=dict)

    def want(self, file_id: int) -> None:
        """Request a file's address."""
        self.wanted.add(file_id)

    def tell(self, file_id: int, home_id: str, path: str, generation: int | None) -> None:
        """Provide a file's address; ignored unless it was requested."""
        self.known[file_id] = file_address(home_id, path, generation)

    def address(self, place: PathPlace) -> str:
        """Return `HOME:PATH[#GENERATION]@OFFSET+LENGTH`, with the file_id for a file that no manifest names."""
        return f"{self.known.get(place.file_id, place.file_id)}@{place.offset}+{place.length}"


def file_address(home_id: str, path: str, generation: int | None) -> str:
    """Return `HOME:PATH[#GENERATION]`, as the warehouse's macro `address` does."""
    return safe(f"{home_id}:{path}" + (f"#{generation}" if (generation or 1) > 1 else ""))
