"""Places in files: collected by file_id while Parquet is read, shown by address once the manifest has been."""

from dataclasses import dataclass, field

from models.text import safe


@dataclass(frozen=True, slots=True)
class PathPlace:
    """A span of a file, its source, and what was found there."""

    file_id: int
    offset: int
    length: int
    source: str
    detail: str = ""


@dataclass(slots=True)
class Paths:
    """The addresses of the files that are asked for by `want` and told by `tell`."""

    wanted: set[int] = field(default_factory=set)
    known: dict[int, str] = field(default_factory=dict)

    def want(self, file_id: int) -> None:
        """Ask for a file's address."""
        self.wanted.add(file_id)

    def tell(self, file_id: int, home_id: str, path: str, generation: int | None) -> None:
        """Note a file's address."""
        self.known[file_id] = file_address(home_id, path, generation)

    def address(self, place: PathPlace) -> str:
        """Return `HOME:PATH[#GENERATION]@OFFSET+LENGTH`, with the file_id for a file that no manifest names."""
        return f"{self.known.get(place.file_id, place.file_id)}@{place.offset}+{place.length}"


def file_address(home_id: str, path: str, generation: int | None) -> str:
    """Return `HOME:PATH[#GENERATION]`, as the warehouse's macro `address` does."""
    return safe(f"{home_id}:{path}" + (f"#{generation}" if (generation or 1) > 1 else ""))
