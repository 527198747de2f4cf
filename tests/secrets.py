"""Measures the rules for secrets: `python3 dev.py secrets HOME...` prints the matches per MB of homes by kind, the
recall of planted values, and the speed beside `grep -c`. It never prints a value.
"""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import Final

from pipelines.redact.masking import Masker, find
from pipelines.redact.rules import RULES, PrivacyLevel
from tests.planted import sample_of, value_of

_LARGEST: Final = 64_000_000
_TEXTS: Final = frozenset({".json", ".jsonl", ".txt", ".md", ".log", ".sh", ".py", ""})


def texts_of(home: Path) -> list[Path]:
    """Return the files of a home that hold text, by their names."""
    return [
        path
        for path in sorted(home.rglob("*"))
        if path.is_file() and not path.is_symlink() and path.suffix in _TEXTS and 0 < path.stat().st_size < _LARGEST
    ]


def forms_of(text: str) -> Iterator[str]:
    """Yield a text as it goes out: in prose, in JSON, in JSON within JSON, in a diff, in a URL, on a terminal."""
    yield f"it is {text} there"
    yield json.dumps({"v": f"\n{text}\n"})
    yield json.dumps({"v": json.dumps({"v": f" {text} "})})
    yield f"@@ -1 +1 @@\n-{text}\n+{text}\n"
    yield f"https://example.org/?a=%20{text}&b=1"
    yield f"\x1b[31m{text}\x1b[0m"


def recall() -> dict[str, float]:
    """Return the share of forms in which the value of each kind is masked."""
    masker = Masker(PrivacyLevel.PUBLIC)
    made = {}
    for rule in RULES:
        forms = [*forms_of(sample_of(rule))]
        made[rule.name] = sum(value_of(rule) not in masker.mask(form) for form in forms) / len(forms)
    return made


def _grep_seconds(paths: list[Path]) -> float:
    before = getrusage(RUSAGE_CHILDREN)
    subprocess.run(["grep", "-c", "password", *map(str, paths)], stdout=subprocess.DEVNULL, check=False)
    after = getrusage(RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


def main(homes: list[str]) -> int:
    """Print the tables; returns 1 where a planted value was not masked."""
    missed = {kind: share for kind, share in recall().items() if share < 1}
    print(f"recall of {len(RULES)} kinds in 6 forms: {missed or '100 % of each'}")
    find(b"", PrivacyLevel.PUBLIC)
    times, total, spent, files = Counter[str](), 0, 0.0, list[Path]()
    for home in homes:
        paths = texts_of(Path(home))
        for data in (path.read_bytes() for path in paths):
            begun = time.process_time()
            found = find(data, PrivacyLevel.PUBLIC)
            spent += time.process_time() - begun
            total += len(data)
            times.update(one.rule.name for one in found)
        files += paths
    if not total:
        return 1 if missed else 0
    megabytes = total / 1e6
    levels = {rule.name: rule.level.name.lower() for rule in RULES}
    print(f"\n{len(files):,} files with {megabytes:,.1f} MB\n\n{'kind':<28}{'level':<9}{'found':>8}{'per MB':>9}")
    for kind, number in times.most_common():
        print(f"{kind:<28}{levels[kind]:<9}{number:>8,}{number / megabytes:>9.2f}")
    for level in PrivacyLevel:
        number = sum(times[kind] for kind, name in levels.items() if name == level.name.lower())
        print(f"{f'all of {level.name.lower()}':<37}{number:>8,}{number / megabytes:>9.2f}")
    grep = megabytes / max(_grep_seconds(files), 0.001)
    print(f"\nspeed: {megabytes / spent:,.1f} MB/s of CPU, grep -c {grep:,.0f} MB/s")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
