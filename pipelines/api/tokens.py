"""Tokens of the API: JWTs signed with the key of the archive's servers, which keeps their names and times only."""

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from threading import Lock
from typing import Final

import jwt
import orjson

from models.errors import ConfigurationError, DataDirectoryError
from pipelines.context.keys import server_key
from pipelines.disk.atomic import disk_errors, read_regular, write_atomically
from pipelines.disk.layout import Layout
from pipelines.disk.lock import writing

AUDIENCE: Final = "claude-code-archive"
LEVELS: Final = ("none", "private", "team", "public")
"""The levels to which answers are masked: none gives exact texts."""
_ALGORITHM: Final = "HS256"
_CLAIMS: Final = ("exp", "iat", "sub", "jti", "aud")


class Refused(Exception):
    """A token that is invalid, has expired, or was revoked. Its text says which; the client gets nothing else."""


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token: its holder (`name`), the holder's `machine`, the `level` to which its answers are masked, and its times
    in ISO 8601, UTC; `revoked_at` is None while it is valid.
    """

    token_id: str
    name: str
    machine: str
    level: str
    created_at: str
    expires_at: str
    revoked_at: str | None = None

    @property
    def is_valid(self) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and datetime.fromisoformat(self.expires_at) > datetime.now(UTC)


def create_token(layout: Layout, name: str, machine: str, level: str, days: int) -> tuple[ApiToken, str]:
    """Make a token and return it with its text, which is kept nowhere.

    Raises ConfigurationError for an unknown level and for a name that a valid token has, LockedError, and as
    `server_key` does.
    """
    if level not in LEVELS:
        raise ConfigurationError(f"there is no level {level!r}; there are {', '.join(LEVELS)}")
    now = datetime.now(UTC).replace(microsecond=0)
    until = now + timedelta(days=days)
    made = ApiToken(secrets.token_hex(8), name, machine, level, now.isoformat(), until.isoformat())
    claims = {"sub": name, "jti": made.token_id, "aud": AUDIENCE, "iat": now, "exp": until}
    text = jwt.encode({**claims, "machine": machine, "level": level}, _key(layout), algorithm=_ALGORITHM)
    with writing(layout, "token"):
        tokens = read_tokens(layout)
        if any(one.name == name and one.is_valid for one in tokens):
            raise ConfigurationError(f"there is a token {name!r} already: revoke it, or give another name")
        _write(layout, [*tokens, made])
    return made, text


def read_tokens(layout: Layout) -> list[ApiToken]:
    """Return the tokens that were made, the oldest first. Raises DataDirectoryError if their file is damaged."""
    try:
        return [ApiToken(**one) for one in orjson.loads(read_regular(layout.tokens_file))]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError) as error:
        raise DataDirectoryError(f"{layout.tokens_file} is damaged: delete it; all tokens are void then") from error


def revoke_token(layout: Layout, which: str) -> ApiToken:
    """Revoke the valid token with this name or id, and return it. Raises ConfigurationError if there is none."""
    with writing(layout, "token"):
        tokens = read_tokens(layout)
        for place, one in enumerate(tokens):
            if which in (one.name, one.token_id) and one.revoked_at is None:
                now = datetime.now(UTC).replace(microsecond=0)
                tokens[place] = replace(one, revoked_at=now.isoformat())
                _write(layout, tokens)
                return tokens[place]
    raise ConfigurationError(f"there is no valid token {which!r}; `extract token list` lists them")


class TokenCheck:
    """Checks the tokens of requests. Sees a revocation at the next request, because it reads the file again then."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._key = _key(layout)
        self._lock = Lock()
        self._read_at: tuple[int, int] | None = None
        self._valid: dict[str, ApiToken] = {}

    def of(self, authorization: str | None) -> ApiToken:
        """Return the token of an Authorization header. Raises Refused."""
        scheme, _, text = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not text:
            raise Refused("send a token: Authorization: Bearer TOKEN; `extract token create` makes one")
        try:
            claims = jwt.decode(
                text.strip(), self._key, algorithms=[_ALGORITHM], audience=AUDIENCE, options={"require": list(_CLAIMS)}
            )
        except jwt.ExpiredSignatureError:
            raise Refused("the token has expired") from None
        except jwt.InvalidTokenError:
            raise Refused("that is no token of this archive") from None
        found = self._known().get(str(claims["jti"]))
        if found is None or not found.is_valid or (claims.get("level"), claims["sub"]) != (found.level, found.name):
            raise Refused("the token was revoked")
        return found

    def _known(self) -> dict[str, ApiToken]:
        with self._lock:
            try:
                status = self._layout.tokens_file.stat()
                read_at = (status.st_ino, status.st_mtime_ns)
            except OSError:
                read_at = None
            if read_at is None or read_at != self._read_at:
                self._valid = {one.token_id: one for one in read_tokens(self._layout)}
                self._read_at = read_at
            return self._valid


def _key(layout: Layout) -> bytes:
    return hmac.new(server_key(layout), b"api", sha256).digest()


def _write(layout: Layout, tokens: Sequence[ApiToken]) -> None:
    with disk_errors():
        write_atomically(
            layout.tokens_file, orjson.dumps([asdict(one) for one in tokens], option=orjson.OPT_INDENT_2), "tokens"
        )
