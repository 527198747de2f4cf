"""The environments of Jinja: their common settings, and compiled templates, kept as Python keeps compiled modules."""

import os
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha1
from importlib.util import cache_from_source
from io import BytesIO
from pathlib import Path
from pickle import UnpicklingError

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket, BytecodeCache


def template_environment(
    module: str, directory: str, form: str = "html", finalize: Callable[[object], object] | None = None
) -> Environment:
    """Return an environment for the templates of a `directory` beside a module, given by its `__file__`. It escapes
    every value, and raises UndefinedError for a name that a template does not get. `finalize` is applied to each value
    before the escaping; the module has it, since the compiled templates hold its results. `form` tells environments
    of one module apart.
    """
    return Environment(
        loader=FileSystemLoader(Path(module).with_name(directory)),
        autoescape=True,
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
        bytecode_cache=CompiledTemplates(module, directory, form),
    )


class CompiledTemplates(BytecodeCache):
    """Keeps compiled templates in the `__pycache__` beside them: to compile them takes longer than to render most
    documents. Where that directory cannot be written, each process compiles them.
    """

    def __init__(self, module: str, directory: str, form: str) -> None:
        """Keep the templates of a `directory` beside a module, the one with the `finalize` of their environment, given
        by its `__file__`. `form` is part of the keys: each form escapes differently, even constant text of a template.
        """
        self._module, self._form = Path(module), form
        self._directory = self._module.with_name(directory)

    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        """Return the key of a template: a digest of its name, its form, and the two modules with the settings."""
        settings = sha1(self._module.read_bytes() + Path(__file__).read_bytes(), usedforsecurity=False).hexdigest()
        return sha1("|".join([name, self._form, settings]).encode(), usedforsecurity=False).hexdigest()

    def load_bytecode(self, bucket: Bucket) -> None:
        """Read a compiled template, unless there is none for this version of the template, Jinja and Python."""
        try:
            bucket.load_bytecode(BytesIO(self._compiled(bucket).read_bytes()))
        except (OSError, EOFError, ValueError, TypeError, UnpicklingError):
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Write a compiled template; concurrent processes write the same bytes."""
        made = BytesIO()
        bucket.write_bytecode(made)
        place = self._compiled(bucket)
        new = place.with_suffix(f".{os.getpid()}")
        try:
            place.parent.mkdir(exist_ok=True)
            new.write_bytes(made.getvalue())
            new.replace(place)
        except OSError:
            with suppress(OSError):  # on a read-only file system this fails even where there is no such file
                new.unlink()

    def _compiled(self, bucket: Bucket) -> Path:
        return Path(cache_from_source(str(self._directory / f"{bucket.key}.jinja")))
