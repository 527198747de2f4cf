"""The program of the terminal browser: its layout, keys, and the queries that it runs in the background."""

from collections.abc import Callable, Sequence
from typing import ClassVar, Final, TypeVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.events import Resize
from textual.timer import Timer
from textual.widgets import Footer, Input
from textual.worker import get_current_worker

from models.amounts import plural
from models.errors import ExtractError
from models.text import safe
from pipelines.cli.browser.dialogs import CopyWindow, EntryWindow, FilterDialog, Help
from pipelines.cli.browser.reader import Reader
from pipelines.cli.browser.session_list import SessionList
from pipelines.cli.browser.source import MOST_HITS, BrowserSource, Conversation, ListEntry, RawEntry
from pipelines.look.conversation import Turn
from pipelines.look.filters import Filters

T = TypeVar("T")

DARK: Final = "textual-dark"
LIGHT: Final = "textual-light"
_PAUSE: Final = 0.12
"""Seconds that the cursor rests on a session before its conversation is read."""
_CSS: Final = """
#search { display: none; height: 1; border: none; padding: 0 1; background: $boost; }
#search.on { display: block; }
#panes { height: 1fr; }
Rows { border: round $panel; background: $background; }
Rows { border-title-color: $text-muted; border-subtitle-color: $text-muted; }
Rows:focus { border: round $primary; border-title-color: $text; }
Rows > .rows--current { color: $primary; }
Rows > .rows--cursor { background: $panel; }
SessionList { width: 38%; min-width: 26; max-width: 64; }
SessionList > .list--about { text-style: dim; }
SessionList > .list--hit { color: $warning; text-style: bold; }
Reader { width: 1fr; }
.alone SessionList { display: none; }
Window, FilterDialog { align: center middle; }
.window { width: 76; max-width: 96%; height: auto; max-height: 96%; padding: 0 1; }
.window { border: round $primary; background: $surface; }
.window.large { width: 96%; height: 96%; }
.heading { text-style: bold; width: 1fr; }
.hint { color: $text-muted; width: 1fr; }
#fields { grid-size: 2; grid-columns: 9 1fr; grid-rows: 1; height: auto; margin: 1 0; }
#problem { color: $error; height: auto; }
#copied { margin: 1 0; }
#bytes { height: 1fr; border: none; }
"""


class Browser(App[None]):
    """Sessions on the left, the chosen conversation on the right."""

    CSS = _CSS
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "search", key_display="/"),
        Binding("f", "filter", "filter"),
        Binding("r", "entry", "raw entry"),
        Binding("c", "resume", "copy resume"),
        Binding("question_mark", "help", "help", key_display="?"),
        Binding("q", "quit", "quit"),
        Binding("e", "open_all", show=False),
        Binding("n", "prompt(1)", show=False),
        Binding("p", "prompt(-1)", show=False),
        Binding("a", "address", show=False),
        Binding("z", "alone", show=False),
        Binding("t", "colours", show=False),
        Binding("escape", "leave", show=False),
        Binding("ctrl+c", "quit", show=False, priority=True),
        Binding("ctrl+z", "suspend_process", show=False, priority=True),
    ]

    def __init__(self, source: BrowserSource, filters: Filters, theme: str, *, pause: float = _PAUSE) -> None:
        """Make the program; `pause` is how many seconds the cursor rests on a session before it is read."""
        super().__init__()
        self._pause = pause
        self._source, self._chosen_filters, self._words = source, filters, ""
        self._chosen: ListEntry | None = None
        self._shown: Conversation | None = None
        self._waiting: Timer | None = None
        self.theme = theme

    def compose(self) -> ComposeResult:
        """Yield the search line, the two panes and the line of keys."""
        hint = 'words, "a phrase", -without, begin*'
        yield Input(placeholder=f"search: {hint}", id="search", compact=True)
        with Horizontal(id="panes"):
            yield SessionList(id="sessions")
            yield Reader(id="reader")
        yield Footer()

    @property
    def _list(self) -> SessionList:
        return self.query_one(SessionList)

    @property
    def _reader(self) -> Reader:
        return self.query_one(Reader)

    def on_mount(self) -> None:
        """Read the list of sessions."""
        self._list.focus()
        self._load()

    def on_resize(self, _: Resize) -> None:
        """Keep what is visible in place."""
        self._list.go(self._list.cursor)

    def _load(self) -> None:
        """Read the sessions, or the hits of the search, in the background."""
        filters, words = self._chosen_filters, self._words
        self._list.border_title = "searching…" if words else "sessions…"
        if words:
            self._in_background("list", lambda: self._source.search(words, filters), self._show_hits)
        else:
            self._in_background("list", lambda: self._source.sessions(filters), self._show_sessions)

    def _show_sessions(self, entries: list[ListEntry]) -> None:
        self._list.border_title = plural(len(entries), "session")
        self._show_entries(entries, [])

    def _show_hits(self, found: tuple[list[ListEntry], list[str]]) -> None:
        entries, terms = found
        first = "the best " if len(entries) == MOST_HITS else ""
        self._list.border_title = f"{first}{plural(len(entries), 'hit')}: {safe(self._words)}".replace("[", "\\[")
        self._show_entries(entries, terms)

    def _show_entries(self, entries: list[ListEntry], terms: list[str]) -> None:
        named = {name: value for name in Filters.__slots__ if (value := getattr(self._chosen_filters, name))}
        shown = ", ".join(f"{name} {safe(value)}" for name, value in named.items())
        self._list.border_subtitle = shown.replace("[", "\\[")
        self._list.show(entries, terms)
        if not entries:
            self._chosen = None
            self._show(None)

    def on_session_list_chosen(self, message: SessionList.Chosen) -> None:
        """Read the conversation, once the cursor rests."""
        self._chosen = message.entry
        if self._waiting is not None:
            self._waiting.stop()
        if self._pause:
            self._waiting = self.set_timer(self._pause, self._read)
        else:
            self._read()

    def on_session_list_opened(self, _: SessionList.Opened) -> None:
        """Go into the conversation."""
        self._reader.focus()

    def _read(self) -> None:
        entry = self._chosen
        if entry is None:
            return
        if self._shown is not None and entry.place is None and self._shown.session_id == entry.session_id:
            return
        self._shown = None
        self._reader.show(None)
        self._reader.border_title = "reading…"
        self._in_background(
            "conversation", lambda: self._source.conversation(entry.session_id, entry.home_id), self._show
        )

    def _show(self, conversation: Conversation | None) -> None:
        self._shown = conversation
        at = None
        if conversation is not None and self._chosen is not None and self._chosen.place is not None:
            at = turn_of_place(conversation.turns, *self._chosen.place[:2])
        self._reader.border_title = plural(len(conversation.turns), "turn") if conversation else ""
        self._reader.show(conversation, at)
        if conversation is None and self._chosen is not None:
            self._say("This hit belongs to no session: `r` shows its entry.")

    def action_search(self) -> None:
        """Open the search line."""
        line = self.query_one("#search", Input)
        line.add_class("on")
        line.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Search for the words; without any, list the sessions again."""
        if event.input.id == "search":
            self._words = event.value.strip()
            if not self._words:
                event.input.remove_class("on")
            self._list.focus()
            self._load()

    def action_leave(self) -> None:
        """End the search, else go back to the list."""
        line = self.query_one("#search", Input)
        if line.has_class("on"):
            line.value = ""
            line.remove_class("on")
            self._list.focus()
            if self._words:
                self._words = ""
                self._load()
        elif self.screen.has_class("alone"):
            self.action_alone()
        else:
            self._list.focus()

    def action_filter(self) -> None:
        """Ask for filters."""

        def apply(filters: Filters | None) -> None:
            if filters is not None and filters != self._chosen_filters:
                self._chosen_filters = filters
                self._load()

        self.push_screen(FilterDialog(self._chosen_filters), apply)

    def action_entry(self) -> None:
        """Show the bytes of the entry at the cursor."""
        if (place := self._place()) is None:
            return

        def show(entry: RawEntry) -> None:
            self.push_screen(EntryWindow(entry))

        self._in_background("entry", lambda: self._source.entry(*place), show)

    def _place(self) -> tuple[int, int, int] | None:
        """Return the place of the entry at the cursor, or of a hit without a session; if there is none, say so."""
        turn = self._reader.turn()
        place = turn.utterance.place if turn is not None else None
        if place is None and self._shown is None and self._chosen is not None:
            place = self._chosen.place
        if place is None:
            self._say("This line has no entry of its own.")
        return place

    def action_address(self) -> None:
        """Copy the address of the entry at the cursor."""
        if (place := self._place()) is None:
            return
        self._in_background(
            "entry",
            lambda: self._source.entry(*place),
            lambda entry: self._copy("The address, for `extract show`:", entry.address),
        )

    def action_resume(self) -> None:
        """Copy the line that resumes the session, and show it."""
        if self._shown is None:
            self._say("No session is shown.")
            return
        if self._shown.resume is None:
            self._say(f"Claude Code cannot resume it. {self._shown.head[-1].plain}")
            return
        self._copy("This line resumes the session:", self._shown.resume)

    def _copy(self, heading: str, line: str) -> None:
        self.copy_to_clipboard(line)
        self.push_screen(CopyWindow(heading, line))

    def action_open_all(self) -> None:
        """Open or close all turns."""
        self._reader.open_all()

    def action_prompt(self, by: int) -> None:
        """Go to the next or the previous prompt."""
        self._reader.focus()
        self._reader.go_to_prompt(by)

    def action_alone(self) -> None:
        """Show the conversation alone, or both again."""
        self.screen.toggle_class("alone")
        (self._reader if self.screen.has_class("alone") else self._list).focus()

    def action_colours(self) -> None:
        """Change between light and dark."""
        self.theme = LIGHT if self.theme == DARK else DARK
        self._reader.recolour()

    def action_help(self) -> None:
        """Show the keys."""
        self.push_screen(Help())

    def _say(self, text: str, *, is_error: bool = False) -> None:
        self.notify(safe(text), severity="error" if is_error else "information", markup=False)

    def _in_background(self, group: str, work: Callable[[], T], then: Callable[[T], None]) -> None:
        """Call `work` in a thread and `then` with its result, unless the group has other work by then. An ExtractError
        is shown.
        """

        def run() -> None:
            worker = get_current_worker()
            try:
                result = work()
            except ExtractError as error:
                if not worker.is_cancelled:
                    self.call_from_thread(self._say, str(error), is_error=True)
                return
            if not worker.is_cancelled:
                self.call_from_thread(then, result)

        self.run_worker(run, group=group, exclusive=True, thread=True)

    def _fatal_error(self) -> None:
        """End without Textual's traceback, which prints the texts of a transcript: the command line reports errors."""
        self._close_messages_no_wait()

    def problem(self) -> BaseException | None:
        """Return the error that ended the program, if one did."""
        return self._exception


def turn_of_place(turns: Sequence[Turn], file_id: int, offset: int) -> int:
    """Return the number of the turn with a hit: the last one of its file that begins at or before it (the result of a
    call is a later entry than the call); 0 if there is none.
    """
    best, found = -1, 0
    for number, turn in enumerate(turns):
        place = turn.utterance.place
        if place is not None and place[0] == file_id and best < place[1] <= offset:
            best, found = place[1], number
    return found
