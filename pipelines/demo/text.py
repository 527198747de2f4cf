"""Texts that read and compress like those of real sessions: prompts, prose, source code, images.

Prose and code are made once, into pools from which sessions draw: making them anew for each session is slow.
"""

from pipelines.demo import code, words
from pipelines.demo.rng import Rng

_PNG_HEAD = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x03\x20\x00\x00\x02\x58\x08\x06\x00\x00\x00"
_FOLDERS = ("src", "src/core", "app", "lib", "internal/store", "tests", "docs", "scripts", "config", "web/components")


class Blanks(dict[str, str]):
    """Words for the blanks of one template; a blank that occurs twice gets the same word."""

    def __init__(self, rng: Rng) -> None:
        super().__init__()
        self.rng = rng

    def __missing__(self, name: str) -> str:
        word = self._make(name.rstrip("23"))
        self[name] = word
        return word

    def _make(self, kind: str) -> str:
        rng = self.rng
        match kind:
            case "noun":
                return rng.pick(words.NOUNS)
            case "verb":
                return rng.pick(words.VERBS)
            case "adjective":
                return rng.pick(words.ADJECTIVES)
            case "number":
                return str(rng.by_quantiles(1, 9, 40, 200, 5000))
            case "ident":
                return f"{rng.pick(words.VERBS)}_{rng.pick(words.ADJECTIVES)}_{rng.pick(words.NOUNS)}"
            case "upper":
                return f"{rng.pick(words.ADJECTIVES)}_{rng.pick(words.NOUNS)}".upper()
            case "camel":
                return rng.pick(words.VERBS) + rng.pick(words.ADJECTIVES).title() + rng.pick(words.NOUNS).title()
            case "pascal":
                return rng.pick(words.NOUNS).title() + rng.pick(words.NOUNS).title()
            case "letter":
                return rng.pick("abcdfhkmprstw")
            case "path":
                return source_path(rng, rng.pick((".py", ".ts", ".go")))
            case "title" | "short":
                text = f"{rng.pick(words.VERBS)} {rng.pick(words.ADJECTIVES)} {rng.pick(words.NOUNS)}"
                return text.capitalize() if kind == "title" else text
            case "comment":
                return fill(rng, rng.pick(words.COMMENTS))
            case "error":
                return fill(rng, rng.pick(words.ERRORS))
            case "sentence":
                return fill(rng, rng.pick(words.SENTENCES))
        raise KeyError(kind)


def fill(rng: Rng, template: str, **given: str) -> str:
    """Return the template with words in its blanks: those of `given`, else random ones."""
    blanks = Blanks(rng)
    blanks.update(given)
    return template.format_map(blanks)


def source_path(rng: Rng, suffix: str) -> str:
    """Return a relative path of a source file, with `/` between its parts."""
    name = f"{rng.pick(words.VERBS)}_{rng.pick(words.NOUNS)}"
    return f"{rng.pick(_FOLDERS)}/{'test_' if rng.chance(0.2) else ''}{name}{suffix}"


def slug(rng: Rng) -> str:
    """Return the name of a plan, as adjective-verb-noun."""
    return f"{rng.pick(words.ADJECTIVES)}-{rng.pick(words.SLUG_VERBS)}-{rng.pick(words.SLUG_ENDINGS)}"


class Text:
    """Pools of prose and code, made once for a home.

    `size` is about how many bytes they hold. `scale` shortens source files and outputs, for very small homes.
    """

    def __init__(self, rng: Rng, size: int, scale: float = 1.0) -> None:
        self.scale = scale
        self._prose = [fill(rng, rng.pick(words.SENTENCES)) for _ in range(max(200, size // 300))]
        self._prose += [fill(rng, rng.pick(words.UNICODE_SENTENCES)) for _ in range(len(self._prose) // 25)]
        count = max(60, size // 600 // len(code.LANGUAGES))
        self._code = {
            suffix: [fill(rng, rng.pick(templates)) for _ in range(count)]
            for suffix, templates in code.LANGUAGES.items()
        }

    def sentences(self, rng: Rng, count: int) -> str:
        """Return that many sentences in one paragraph."""
        return " ".join([rng.pick(self._prose) for _ in range(count)])

    def prose(self, rng: Rng, paragraphs: int) -> str:
        """Return paragraphs, some of them lists, as models write them."""
        parts = []
        for _ in range(max(1, int(paragraphs * min(1.0, 2 * self.scale)))):
            if rng.chance(0.25):
                parts.append("\n".join(f"{n}. {rng.pick(self._prose)}" for n in range(1, rng.between(3, 6))))
            elif rng.chance(0.15):
                parts.append(f"```python\n{self.snippet(rng, '.py')}```")
            else:
                parts.append(self.sentences(rng, rng.between(1, 4)))
        return "\n\n".join(parts)

    def prompt(self, rng: Rng, path: str) -> str:
        """Return a prompt as a user types it."""
        templates = words.UNICODE_PROMPTS if rng.chance(0.12) else words.PROMPTS
        return fill(rng, rng.pick(templates), path=path)

    def snippet(self, rng: Rng, suffix: str) -> str:
        """Return one definition in the language of the suffix."""
        return rng.pick(self._code[suffix])

    def source(self, rng: Rng, suffix: str, lines: int = 0) -> str:
        """Return a source file of about `lines` lines; 0 means a random, typical length."""
        wanted = lines or max(8, int(rng.by_quantiles(12, 60, 140, 260, 700) * self.scale))
        parts: list[str] = []
        have = 0
        while have < wanted:
            part = self.snippet(rng, suffix)
            parts.append(part)
            have += part.count("\n") + 1
        return "\n".join(parts)

    def suffix(self, rng: Rng) -> str:
        """Return the file suffix of a random language."""
        return rng.pick((".py", ".py", ".ts", ".ts", ".tsx", ".go", ".yaml", ".toml", ".md", ".sh"))


def image(rng: Rng, size: int) -> bytes:
    """Return bytes that begin like a PNG and cannot be compressed."""
    return _PNG_HEAD + rng.octets(size)
