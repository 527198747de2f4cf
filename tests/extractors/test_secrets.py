"""Content that looks like a private key or a file of tokens, and content that only mentions them."""

import pytest

from extractors.reading.secrets import looks_like_a_secret

_BEGIN = b"-----BEGIN "


@pytest.mark.parametrize(
    "head",
    [
        (_BEGIN + b"OPENSSH PRIVATE KEY-----\r\nb3BlbnNzaC1rZXk\r\n").decode().encode("utf-16"),
        _BEGIN + b"OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n",
        b"# mine\n\n" + _BEGIN + b"RSA PRIVATE KEY-----\nMIIE\n",
        _BEGIN + b"PGP PRIVATE KEY BLOCK-----\n",
        b"PuTTY-User-Key-File-3: ssh-ed25519\n",
        b"# created: 2026\n# public key: age1x\nAGE-SECRET-KEY-1QQQ\n",
        b'{"access_token": "0123456789abcdef0123", "expires": 3}',
        b'{\n  "installed": {"client_secret": "GOCSPX-0123456789abc"}}',
        b'{"claude": {"refreshToken":"0123456789abcdef0123"}}',
        b'{"type": "service_account", "private_key": "' + _BEGIN.replace(b" ", b"_") + b'PRIVATE"}',
        b"ghp_" + b"0123456789abcdefghijABCDEFGHIJ012345\n",
        b"sk-" + b"ant-0123456789abcdefghij",
        b"export A=1\nGITHUB_TOKEN=0123456789abcdef\n",
        b"# tokens\n[default]\naws_secret_access_key = 0123456789abcdefghij\n",
    ],
)
def test_a_key_or_a_file_of_tokens_is_recognised(head: bytes) -> None:
    assert looks_like_a_secret(head)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"# How to make a key\n\n    " + b"ssh-keygen -t ed25519\n",
        b"Paste it:\n" + _BEGIN + b"RSA PRIVATE KEY-----\n",
        _BEGIN + b"CERTIFICATE-----\n",
        b'{"tokens": 1234567, "input_tokens": "none", "name": "a token of thanks"}',
        b'{"access_token": "$TOKEN"}',
        b"#!/bin/sh\nTOKEN=0123456789abcdef\necho hello\n",
        b"GITHUB_TOKEN=$1\nSECRET=\n",
        b"A=1\nB=22222222222222222\n",
    ],
)
def test_what_only_speaks_of_keys_is_none(head: bytes) -> None:
    assert not looks_like_a_secret(head)
