"""A damage for each code of a finding: a function that makes the damage in an archive, without causing a finding that
would be reported earlier.
"""

from tests.damages import content, places, records
from tests.damages.content import in_manifest
from tests.damages.registry import DAMAGES, Damage, level_of

REGISTERING = (records, content, places)
"""The modules that fill `DAMAGES` when they are imported."""
__all__ = ["DAMAGES", "REGISTERING", "Damage", "in_manifest", "level_of"]
