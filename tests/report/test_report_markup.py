"""Hostile text in a report is shown and obeyed in nothing: by the parsers that people's programs use."""

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from models.text import safe
from pipelines.report.document import (
    Bar,
    Bars,
    Block,
    Chart,
    Code,
    ColumnChart,
    Document,
    Item,
    Items,
    Noted,
    Point,
    ReportColumn,
    ReportHeading,
    ReportTable,
    Section,
    Shares,
    Tile,
    paragraph,
)
from pipelines.report.markdown import code, escaped
from pipelines.report.render import html_of, markdown_of

HOSTILE = st.text(
    st.one_of(
        st.sampled_from("<>&\"'`|*_[](){}#!~$\\@:/.-+=^1 \t\n\x1b\u202e\u2066\u200b"), st.characters(codec="utf-8")
    ),
    max_size=60,
) | st.sampled_from(
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "![x](//evil.example/x.png)",
        "https://evil.example/x",
        "www.evil.example",
        "<https://evil.example>",
        "&lt;b&gt; &#60;b",
        "1. one",
        "# head",
        "> quote",
        "- item",
        "    indented",
        "  # head",
        "+ item",
        "1) one",
        "===",
        "* * *",
        "~~~",
        "---",
        "a\\|b`c|",
        "\x1b]8;;https://evil.example\x07x",
        "x" * 10_000,
    ]
)
PARSER = MarkdownIt("gfm-like", {"html": True, "linkify": False}).enable("table")
HARMLESS = {"text", "code_inline", "softbreak", "hardbreak", "strong_open", "strong_close"}


def document(text: str) -> Document:
    blocks: list[Block] = [
        paragraph(text),
        paragraph("Before ", Code(text), " after ", text),
        paragraph(Code(text), text),
        Items([Item(Code(text), text)]),
        ReportTable(
            [ReportColumn(text or "x"), ReportColumn("b")], [[Noted(text, text), Code(text)]], [text or "x", ""]
        ),
        ReportHeading(Code(text), text),
    ]
    bars = [Bar(text, 3, text), Bar(text, 2, text)]
    charts: list[Chart] = [Bars(text, bars), ColumnChart(text, bars, text, text), Shares(text, bars)]
    return Document(
        run_id=text,
        level="verified",
        headline=text,
        claim=text,
        subtitle=text,
        tiles=[Tile(text, text, text)],
        points=[Point(text, (text, Code(text)))],
        charts=charts,
        notices=[text],
        sections=[Section("one", text, [*blocks, *charts])],
        footer=[text],
    )


CALM = [token.type for token in PARSER.parse(markdown_of(document("calm")))]


@given(HOSTILE.filter(lambda text: text.strip() != ""))
def test_markdown_shows_hostile_text_and_obeys_nothing_in_it(text: str) -> None:
    tokens = PARSER.parse(markdown_of(document(text)))
    assert [token.type for token in tokens] == CALM
    for token in tokens:
        for child in token.children or ():
            assert child.type in HARMLESS, (child.type, child.content)


@given(HOSTILE)
def test_a_markdown_table_keeps_its_columns_whatever_its_cells(text: str) -> None:
    rows, cells = 0, 0
    for token in PARSER.parse(markdown_of(document(text))):
        rows += token.type == "tr_open"
        cells += token.type in ("td_open", "th_open")
    assert (rows, cells) == (3, 6)


@given(HOSTILE)
def test_markdown_gives_the_text_back(text: str) -> None:
    for made in (escaped(text), code(text)):
        (inline,) = [token for token in PARSER.parse(f"Before {made} after") if token.type == "inline"]
        said = "".join(child.content for child in inline.children or ())
        assert said.split() == f"Before {safe(text)} after".split()


class _Reader(HTMLParser):
    """Collects tags, attributes and text, and checks that tags close."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.said: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def check_page(page: str) -> _Reader:
    """Parse a page and refuse it when it could run, load or open anything."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    assert not reader.tags & {"script", "img", "iframe", "object", "embed", "link", "base", "form", "input", "use"}
    for name, value in reader.attributes:
        assert not name.startswith("on")
        assert name not in ("src", "srcset", "style", "action", "formaction", "data", "poster", "xlink:href")
        assert name != "href" or (value or "").startswith("#")
    policy = dict(reader.attributes)
    assert "default-src 'none'; style-src 'unsafe-inline'" in str(policy) or any(
        value and value.startswith("default-src 'none'; style-src 'unsafe-inline'") for _, value in reader.attributes
    )
    style = page[page.index("<style>") : page.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    return reader


@given(HOSTILE)
def test_html_shows_hostile_text_and_obeys_nothing_in_it(text: str) -> None:
    page = html_of(document(text))
    reader = check_page(page)
    assert safe(text).strip() in "".join(reader.said) or len(text) > 400
    assert reader.tags == check_page(html_of(document("calm"))).tags
    assert "\x1b" not in page
    assert "\u202e" not in page
