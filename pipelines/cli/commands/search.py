"""`extract search`: full-text search over the archive."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Annotated, Final

import typer
from rich.text import Text

from models.amounts import plural
from models.errors import ConfigurationError
from models.json import JsonObject
from models.text import safe
from pipelines.cli.console import say, say_json, say_wrapped
from pipelines.cli.filtering import NO_FILTERS, filtered
from pipelines.cli.loader import semantic_search
from pipelines.cli.looking import Redact, masker_of
from pipelines.cli.options import AsJson, Data, layout_of
from pipelines.cli.shown import one_line, project_name, when
from pipelines.cli.terminal import terminal
from pipelines.look.filters import Filters
from pipelines.look.search import Hit, SearchQuery, search_terms
from pipelines.look.search import search as find
from pipelines.redact.masking import Masker

_ID: Final = 8
_NOTHING: Final = (
    "Nothing found. A word is found as a whole: begin* finds all that begin so, --literal any part of a text."
)


Kinds = Annotated[
    list[str] | None,
    typer.Option(
        "--kind",
        metavar="KIND",
        help="Only in: prompt, answer, thinking, input, result, plan, task, file, debug.",
    ),
]


@filtered
def search(
    words: Annotated[
        list[str],
        typer.Argument(metavar="WORDS", help='Words, "a phrase", -without, begin*; a hit has all of them.'),
    ],
    filters: Filters = NO_FILTERS,
    kind: Kinds = None,
    literal: Annotated[
        bool, typer.Option("--literal", help="Search the exact text, case-sensitive, also within words.")
    ] = False,
    semantic: Annotated[
        bool, typer.Option("--semantic", help="Also by meaning, of English prose: after `extract embed`.")
    ] = False,
    each: Annotated[bool, typer.Option("--each", help="Show every hit, not only the best of each session.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=0, help="At most so many; 0: all.")] = 20,
    redact: Redact = None,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Search the text of the whole archive.

    Searches prompts, answers, tool inputs and results, plans, tasks, file versions and debug logs, including those that
    are gone from the home. The first search after a run adds the new texts to the index, which is in the cache of the
    data directory.
    """
    text = " ".join(_quoted(word) for word in words) if not literal else " ".join(words)
    masker = masker_of(redact)
    if semantic and literal:
        raise ConfigurationError("--semantic and --literal: choose one")
    wanted = SearchQuery(text, filters, kind or (), literal, each, limit)
    layout, mask = layout_of(data), masker.mask if masker else str
    found = semantic_search(layout)(wanted, mask) if semantic else find(layout, wanted, mask)
    if masker:
        found = [_masked(hit, masker) for hit in found]
    if as_json:
        say_json([_json(hit) for hit in found])
        return
    _show_all(found, [text] if literal else search_terms(text), limit, is_literal=literal)


def _show_all(found: Sequence[Hit], terms: Sequence[str], limit: int, *, is_literal: bool) -> None:
    if not found:
        say_wrapped("Nothing found." if is_literal else _NOTHING)
        return
    for hit in found:
        _show(hit, terms)
    say(plural(len(found), "hit") + (f"; --limit {limit * 5} shows more" if len(found) == limit else ""))


def _masked(hit: Hit, masker: Masker) -> Hit:
    mask = masker.mask
    project, title = mask(hit.project or ""), mask(hit.title or "")
    return replace(hit, project=project, title=title, address=mask(hit.address))


def _json(hit: Hit) -> JsonObject:
    found_at = hit.found_at.isoformat() if hit.found_at else None
    return {**{name: value for name, value in asdict(hit).items() if name != "found_at"}, "found_at": found_at}


def _quoted(word: str) -> str:
    """Return an argument as a part of the query, with the quotes that the shell removed from a phrase."""
    if word.startswith("-") and any(map(str.isspace, word)):
        return f'-"{word[1:]}"'
    return f'"{word}"' if any(map(str.isspace, word)) and '"' not in word else word


def _show(hit: Hit, terms: Sequence[str]) -> None:
    console = terminal()
    head = Text()
    head.append(f"{when(hit.found_at)}  {(hit.session_id or '-')[:_ID]}  ", "bold")
    head.append(safe(f"{project_name(hit.project or '')}  {hit.kind}  "), "cyan")
    head.append(safe(one_line(hit.title or "")), "dim")
    console.print(head, no_wrap=True, overflow="ellipsis")
    body = Text(safe(hit.snippet))
    body.highlight_words([safe(term) for term in terms], "bold yellow", case_sensitive=False)
    console.print(body)
    console.print(Text(safe(hit.address), "dim"), soft_wrap=True)
    console.print()
