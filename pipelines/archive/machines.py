"""This machine's identity in lakes, and the units: the files pulled from each other machine, in a data directory of its
own below machines/, as complete as that machine pushed it.

Every archive has its own seed, epochs and home_ids, and two machines mostly have the same home_id. Units are therefore
kept apart, and meet in the warehouse alone: there a home is named home_id@machine, a file_id is combined with a secret
of this archive, so that no other machine can name a file of a third, and messages join by their ids, which are digests
of their texts.
"""

import platform as system
import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from hashlib import blake2b
from typing import Final

import orjson

from models.errors import ConfigurationError, FixityError, StoreError
from models.json import JsonObject, JsonValue
from models.run import RunRecord
from pipelines.archive.archive import Archive, read_records
from pipelines.disk.atomic import make_directories, read_sealed, write_sealed
from pipelines.disk.layout import Layout

MACHINE_ID: Final = re.compile(r"[0-9a-f]{16}")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine: its id (16 hex digits, random), and its name, which people read."""

    machine_id: str
    name: str

    @property
    def shown(self) -> str:
        """Its name and the beginning of its id."""
        return f"{self.name} ({self.machine_id[:8]})"


@dataclass(frozen=True, slots=True)
class UnitHead:
    """The contents of unit.json: the unit's machine, from which lake, the number of the machine's newest head that was
    pulled and the time (ISO 8601, UTC), whether all its runs could be taken, those that could not, and the public key
    that signed the head: no head of another key is taken later.
    """

    machine_id: str
    name: str
    lake: str
    number: int
    pulled_at: str
    is_whole: bool
    problems: Sequence[str] = field(default_factory=list)
    signer: str = ""

    def to_bytes(self) -> bytes:
        """Return it as an indented JSON object."""
        return orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2)

    @classmethod
    def from_json(cls, value: JsonValue) -> "UnitHead":
        """Return the head that `to_bytes` wrote. Raises TypeError for another value."""
        if not isinstance(value, dict):
            raise TypeError("the head of a unit is an object")
        return cls(**value)  # type: ignore[arg-type]  # the dataclass refuses unknown and missing names


@dataclass(frozen=True, slots=True)
class Unit:
    """The data pulled from one machine."""

    head: UnitHead
    layout: Layout

    @property
    def machine(self) -> Machine:
        """The machine."""
        return Machine(self.head.machine_id, self.head.name)

    def to_json(self) -> JsonObject:
        """Return its head as JSON values."""
        made: JsonObject = asdict(self.head) | {"problems": list(self.head.problems)}
        return made


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of a Parquet file of a unit: the values that its rows get in the warehouse. The home_id and the run_id
    are those of the commit record, never those in the file. `salt` is combined with each file_id.
    """

    home_id: str
    run_id: str
    salt: int


def is_machine_name(name: str) -> bool:
    """Whether a name can be a machine's: 1 to 40 letters, digits, '.', '_' or '-', a letter or digit first."""
    return _NAME.fullmatch(name) is not None


def this_machine(layout: Layout) -> Machine | None:
    """Return the identity of this machine, None if it has none yet. Raises FixityError, StoreError."""
    try:
        held = orjson.loads(read_sealed(layout.machine_file))
        return Machine(held["machine_id"], held["name"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{layout.machine_file} cannot be read ({error}): put it back from a backup") from error


def make_machine(layout: Layout, name: str | None = None) -> Machine:
    """Return the identity of this machine, which is made if it has none; a given `name` replaces the one it had. Raises
    ConfigurationError for a name that cannot be one, OSError.
    """
    if name is not None and not is_machine_name(name):
        raise ConfigurationError(
            f"{name!r} cannot name a machine: use 1 to 40 letters, digits, '.', '_' or '-', a letter or digit first"
        )
    known = this_machine(layout)
    if known is not None and name in (None, known.name) and machine_key(layout):
        return known
    own = re.sub(r"[^A-Za-z0-9._-]+", "-", system.node().partition(".")[0]).strip("-._")[:40]
    made = Machine(known.machine_id if known else secrets.token_hex(8), name or own or "machine")
    fields = {**asdict(made), "key": machine_key(layout).hex() or secrets.token_hex(32)}
    write_sealed(layout.machine_file, orjson.dumps(fields, option=orjson.OPT_INDENT_2), "machine")
    return made


def machine_key(layout: Layout) -> bytes:
    """Return the secret key of this machine (32 bytes), by which other machines recognise its heads in a lake; empty if
    it has none yet. Raises FixityError, StoreError.
    """
    try:
        return bytes.fromhex(orjson.loads(read_sealed(layout.machine_file)).get("key", ""))
    except FileNotFoundError:
        return b""
    except (ValueError, TypeError, AttributeError) as error:
        raise StoreError(f"{layout.machine_file} cannot be read ({error}): put it back from a backup") from error


def unit_layout(layout: Layout, machine_id: str) -> Layout:
    """Return the layout of the unit of a machine. Raises ConfigurationError for an invalid id of a machine."""
    if MACHINE_ID.fullmatch(machine_id) is None:
        raise ConfigurationError(f"{machine_id!r} is no id of a machine")
    return Layout(layout.machines / machine_id)


def read_units(layout: Layout) -> list[Unit]:
    """Return the units, sorted by machine_id. A directory without a readable unit.json does not count: its pull was not
    finished.
    """
    if not layout.machines.is_dir():
        return []
    found = []
    for path in sorted(layout.machines.iterdir()):
        if MACHINE_ID.fullmatch(path.name) and not path.is_symlink():
            place = Layout(path)
            try:
                head = UnitHead.from_json(orjson.loads(read_sealed(place.unit_file)))
            except (OSError, FixityError, ValueError, TypeError):
                continue
            if head.machine_id == path.name and is_machine_name(head.name):
                found.append(Unit(head, place))
    return found


def write_unit(unit: Unit) -> None:
    """Write unit.json: from then on the unit counts. Raises OSError."""
    make_directories(unit.layout.root)
    write_sealed(unit.layout.unit_file, unit.head.to_bytes(), "unit")


def labels_of(units: Iterable[Unit]) -> dict[str, str]:
    """Return the name of each machine in home_ids of the warehouse, by machine_id: its own, with the beginning of its
    id if another has the same.
    """
    machines = [unit.machine for unit in units]
    names = [machine.name for machine in machines]
    return {
        one.machine_id: one.name if names.count(one.name) == 1 else f"{one.name}-{one.machine_id[:8]}"
        for one in machines
    }


def with_units(layout: Layout, own: Sequence[RunRecord], left_out: Iterable[str] = ()) -> list[RunRecord]:
    """Return the runs of all units, and then the runs `own` of this archive: with the paths of parts below this data
    directory, and homes named home_id@machine. Units of the machines `left_out` are not among them.

    A run whose id this archive or an earlier unit has already is skipped: its machine did not make it.
    """
    units = [unit for unit in read_units(layout) if unit.machine.machine_id not in set(left_out)]
    labels = labels_of(units)
    known = {run.run_id for run in own}
    found: list[RunRecord] = []
    for unit in units:
        label, base = labels[unit.machine.machine_id], layout.relative(unit.layout.root)
        for run in read_records(unit.layout)[0]:  # a machine pushes only runs that are in effect
            if run.run_id not in known:
                known.add(run.run_id)
                found.append(_as_foreign(run, label, base))
    return [*found, *own]


def useless_units(layout: Layout, can_load: Callable[[Layout, Sequence[RunRecord]], bool]) -> list[str]:
    """Return the machine_ids of the units whose runs cannot be loaded, each tried alone."""
    ids = [unit.machine.machine_id for unit in read_units(layout)]
    return [one for one in ids if not can_load(layout, with_units(layout, (), [two for two in ids if two != one]))]


def _as_foreign(run: RunRecord, label: str, base: str) -> RunRecord:
    phases = [
        replace(
            phase,
            home_id=f"{phase.home_id}@{label}",
            parts=[replace(part, path=f"{base}/{part.path}") for part in phase.parts],
        )
        for phase in run.phases
    ]
    homes = {f"{home_id}@{label}": root for home_id, root in run.homes.items()}
    return replace(run, phases=phases, homes=homes, homes_not_found={}, warehouse=None, damage=[], texts=[])


def machine_of(run: RunRecord) -> str | None:
    """Return the name of the machine of a run of `with_units`, None for a run of this archive."""
    names = [*run.homes, *(phase.home_id for phase in run.phases)]
    return next((name.partition("@")[2] for name in names if "@" in name), None)


def origins_of(layout: Layout, runs: Iterable[RunRecord]) -> Mapping[str, Origin]:
    """Return the origin of each Parquet file of a unit among the parts of `runs`, by path."""
    places = [
        (part.path, phase.home_id, run.run_id)
        for run in runs
        for phase in run.phases
        if "@" in phase.home_id
        for part in phase.parts
    ]
    if not places:
        return {}
    seed = Archive.open(layout).seed.to_bytes(8, "big")
    salts = {home_id: _salt(seed, home_id) for _, home_id, _ in places}
    return {path: Origin(home_id, run_id, salts[home_id]) for path, home_id, run_id in places}


def _salt(seed: bytes, home_id: str) -> int:
    """Return the salt that is combined with file_ids of a home of a unit: secret, because it depends on the seed of
    this archive.
    """
    made = blake2b(home_id.encode(), digest_size=8, key=seed)
    return int.from_bytes(made.digest(), "big", signed=True)


def to_json(machine: Machine) -> JsonObject:
    """Return a machine as JSON values."""
    made: JsonObject = asdict(machine)
    return made
