"""The rules: kinds of secrets and of personal data, each a regular expression of RE2 over UTF-8.

Most keys of services begin with a prefix of their issuer, so that a rule can be exact. Secrets without one are found by
the name before them, such as `password=`. The group named `value` is masked; without such a group, the whole match. The
prefixes are documented by the issuers; gitleaks (MIT) and Kingfisher (Apache-2.0) collect them.
"""

import re
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum
from ipaddress import ip_address
from typing import Final


class PrivacyLevel(IntEnum):
    """The amount of masking: each level masks more than the one before it."""

    PRIVATE = 0
    """Secrets: for the user's own use."""
    TEAM = 1
    """Also numbers of cards, accounts, persons and phones: for colleagues."""
    PUBLIC = 2
    """Also e-mail and IP addresses, and the names of users in paths: for publication."""


@dataclass(frozen=True, slots=True)
class SecretRule:
    """A kind of secret or personal data: its name, its expression, the lowest level that masks it, a check of the match
    (without spaces and dashes), if the expression alone would match too much, and a short expression that is in every
    match, which is looked for first.
    """

    name: str
    pattern: str
    level: PrivacyLevel = PrivacyLevel.PRIVATE
    check: Callable[[str], bool] | None = None
    mark: str = ""


def luhn(text: str) -> bool:
    """Whether the digits of a card's number have the right check digit."""
    digits = [int(digit) for digit in reversed(text) if digit.isdigit()]
    doubled = (2 * digit - 9 * (digit > 4) if place % 2 else digit for place, digit in enumerate(digits))
    return 13 <= len(digits) <= 19 and len(set(digits)) > 1 and sum(doubled) % 10 == 0


def _digits(text: str) -> list[int]:
    return [int(one) for one in text if one.isdigit()]


def canadian(text: str) -> bool:
    """Whether a social insurance number of Canada has the right check digit (Luhn)."""
    digits = _digits(text)
    return sum(2 * one - 9 * (one > 4) if place % 2 else one for place, one in enumerate(reversed(digits))) % 10 == 0


def brazilian(text: str) -> bool:
    """Whether a CPF number of Brazil has the right check digits."""
    digits = _digits(text)
    sums = (sum(one * (first - place) for place, one in enumerate(digits[: first - 1])) for first in (10, 11))
    return len(set(digits)) > 1 and [10 * one % 11 % 10 for one in sums] == digits[9:]


def swiss(text: str) -> bool:
    """Whether an AHV number of Switzerland has the right check digit (EAN-13)."""
    return sum(one * (3 if place % 2 else 1) for place, one in enumerate(_digits(text))) % 10 == 0


def french(text: str) -> bool:
    """Whether a NIR of France (digits alone) has the right check digits."""
    return text.isdigit() and int(text[:13]) % 97 + int(text[13:]) == 97


def spanish(text: str) -> bool:
    """Whether a DNI of Spain has the right letter."""
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(text[:8]) % 23] == text[8]


def credentials(text: str) -> bool:
    """Whether Base64 has a name and a password, as the configuration of Docker keeps them."""
    try:
        name, colon, password = b64decode(text + "=" * (-len(text) % 4)).decode("ascii").partition(":")
    except ValueError:
        return False
    return bool(name and colon and password) and (name + password).isprintable()


def iban(text: str) -> bool:
    """Whether an account's number has the right check digits."""
    number = text.upper()
    return 15 <= len(number) <= 34 and int("".join(str(int(one, 36)) for one in number[4:] + number[:4])) % 97 == 1


def foreign_address(text: str) -> bool:
    """Whether an IP address identifies a machine: not loopback, not reserved for documentation, and valid."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified or address.is_multicast or address.is_reserved)


def varied(text: str) -> bool:
    """Whether a value after a name such as `password` can be a secret: no placeholder, word or name of a variable."""
    if _PLACEHOLDER.search(text) or _OF_A_PROGRAM.fullmatch(text) or len(set(text)) < 5:
        return False
    kinds = sum(any(map(test, text)) for test in (str.islower, str.isupper, str.isdigit))
    return kinds >= 2 or any(not one.isalnum() and one not in "_-./" for one in text)


def written_out(text: str) -> bool:
    """Whether a password in a URL is one, not the name of a variable in braces or after a dollar sign."""
    return not _PLACEHOLDER.search(text) and text[0] not in "{$<[%"


_OF_A_PROGRAM: Final = re.compile(
    r"[A-Za-z_$]+(?:[?!]?\.[A-Za-z_$]+)+|[A-Z]?[a-z]+|[A-Z0-9_]+=|\d{4}-\d\d-\d\dT[\d:.]+Z?|https?://[^@]*"
)
"""Values in programs and configurations that are no secret: dotted names, a word, an empty name, a time, a URL."""
_PLACEHOLDER: Final = re.compile(
    r"(?i)example|your[_-]|placeholder|changeme|xxxx|\*\*\*|redacted|process\.env|os\.environ|getenv|^[<${(\[]|\(\)|\.\.\."
)
_TEAM, _PUBLIC = PrivacyLevel.TEAM, PrivacyLevel.PUBLIC
_ESCAPES: Final = r"\\[nrtbf]|\\u[0-9A-Fa-f]{4}|%[0-9A-Fa-f]{2}|\[[0-9;]{0,8}m"
"""Escape sequences of JSON, URLs and terminals: they end in a letter that is not part of the word after them."""
_B: Final = rf"(?:{_ESCAPES}|^|[^A-Za-z0-9_])"
"""The text before a key: no character that could be part of it."""
_LINE: Final = r"(?m:^)[-+]|\\[nr][-+]"
"""The beginning of a line of a diff."""
_N: Final = rf"(?:{_ESCAPES}|{_LINE}|^|[^\w+.])"
"""The text before a number: no character that could be part of it."""


def _key(name: str, begin: str, rest: str, mark: str = "") -> SecretRule:
    return SecretRule(name, f"{_B}(?P<value>{begin}{rest})", mark=mark or begin)


def _named(name: str, names: str, value: str) -> SecretRule:
    return SecretRule(
        name,
        rf"(?i:{names})[\w.-]{{0,20}}[\"'\\]*\s{{0,3}}(?:=>|[:=])[ \t]{{0,3}}(?:\\{{0,4}}[\"']){{0,3}}"
        rf"(?P<value>{value})",
        check=varied,
    )


_MARKS: Final = {
    "aws-secret-key": "(?i)aws_?secret",
    "azure-storage-key": "(?i)AccountKey=",
    "azure-shared-access-signature": "[?&]sig=",
    "slack-webhook": r"hooks\.slack\.com/",
    "discord-webhook": "/api/webhooks/",
    "private-key": "PRIVATE KEY",
    "basic-authorization": r"(?i)basic\s",
    "docker-authorization": r"[\"']auth[\"'\\]",
    "password-in-option": r"\s-u[ =]|-user[ =]|--credentials[ =]",
    "bearer-token": r"(?i)bearer\s",
    "password-in-url": r"://[^\s:/@\"'\\]*:[^\s/@\"'\\]{3,}@",
    "session-cookie": "(?i)(?:session(?:id|_id)?|sid|auth)=",
    "named-secret": r"(?i)(?:key|token|secret|passwo?r?d|passphrase|pwd)[\w.-]{0,20}[\"'\\]*\s{0,3}(?:=>|[:=])",
    "card-number": "[3-6][0-9]{3}[ -]?[0-9]{2}",
    "account-number": "[A-Z]{2}[0-9]{2} ?[A-Z0-9]{4}",
    "us-social-security-number": "[0-9]-[0-9]{2}-[0-9]",
    "uk-insurance-number": "[0-9] ?[0-9]{2} ?[A-D]",
    "canadian-insurance-number": "[0-9]{3}[ -][0-9]{3}[ -][0-9]",
    "brazilian-taxpayer-number": r"\.[0-9]{3}-[0-9]{2}",
    "swiss-insurance-number": r"756\.[0-9]{4}\.",
    "french-insurance-number": "[0-9] ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}",
    "spanish-identity-number": "[0-9]{8}-?[A-HJ-NP-TV-Z]",
    "phone-number": r"\+[1-9]",
    "phone-number-us": "[2-9][0-9]{2}-[0-9]{4}",
    "e-mail": r"@[A-Za-z0-9-]+\.",
    "ip-address": r"\.[0-9]{1,3}\.[0-9]|[0-9A-Fa-f]:[0-9A-Fa-f]{1,4}:",
    "user-in-path": r"/home/|/Users/|\\Users\\|-home-|-Users-",
}
"""A pattern within every match of each rule that no issuer's prefix begins."""
_RULES: Final = (
    _key("anthropic-key", "sk-ant-", r"[\w-]{20,}"),
    _key("openai-key", "sk-(?:proj-|svcacct-|admin-)", r"[\w-]{20,}"),
    _key("openai-legacy-key", "sk-", r"[A-Za-z0-9]{32,64}", mark=r"sk-[A-Za-z0-9]{8}"),
    _key("openrouter-key", "sk-or-v1-", r"[0-9a-f]{32,}"),
    _key("huggingface-token", "hf_", r"[A-Za-z0-9]{30,50}"),
    _key("groq-key", "gsk_", r"[A-Za-z0-9]{40,}"),
    _key("perplexity-key", "pplx-", r"[A-Za-z0-9]{40,64}"),
    _key("replicate-token", "r8_", r"[A-Za-z0-9]{30,50}"),
    _key("xai-key", "xai-", r"[A-Za-z0-9]{60,}"),
    _key("github-token", "gh[opusr]_", r"[A-Za-z0-9]{30,}"),
    _key("github-fine-grained-token", "github_pat_", r"\w{40,}"),
    _key("gitlab-token", "gl(?:pat|dt|rt|ptt|cbt|soat|ft)-", r"[\w-]{18,}"),
    _key("bitbucket-token", "ATBB", r"[A-Za-z0-9]{28,40}"),
    _key("atlassian-token", "ATATT3", r"[\w=-]{60,}"),
    _key("aws-access-key-id", "(?:AKIA|ASIA|ABIA|ACCA)", r"[A-Z2-7]{16}"),
    _named("aws-secret-key", "aws_?secret_?(?:access_?)?key", r"[A-Za-z0-9/+]{40}"),
    _key("google-api-key", "AIza", r"[\w-]{35}"),
    _key("google-client-secret", "GOCSPX-", r"[\w-]{20,40}"),
    _key("google-access-token", r"ya29\.", r"[\w-]{20,}"),
    SecretRule("azure-storage-key", r"(?i)AccountKey=(?P<value>[A-Za-z0-9+/]{60,}={0,2})"),
    SecretRule("azure-shared-access-signature", r"[?&]sig=(?P<value>[A-Za-z0-9%+/=]{30,})"),
    _key("azure-client-secret", "", r"[\w~.-]{3}[78]Q~[\w~.-]{31,34}", mark=r"[78]Q~"),
    _key("slack-token", "xox[abeoprs]-", r"[A-Za-z0-9-]{10,}"),
    _key("slack-app-token", "xapp-", r"[0-9]-[A-Z0-9]+-[0-9]+-[0-9a-f]+"),
    SecretRule("slack-webhook", r"hooks\.slack\.com/(?:services|workflows)/(?P<value>[A-Za-z0-9/+]{20,})"),
    _key("discord-token", "", r"[MNO][A-Za-z\d]{23,27}\.[\w-]{6}\.[\w-]{27,40}", mark=r"\.[\w-]{6}\.[\w-]{27}"),
    SecretRule("discord-webhook", r"discord(?:app)?\.com/api/webhooks/(?P<value>[0-9]{15,20}/[\w-]{50,})"),
    _key("telegram-bot-token", "", r"[0-9]{8,10}:AA[\w-]{33}", mark=r":AA"),
    _key("twilio-key", "SK", r"[0-9a-f]{32}", mark=r"SK[0-9a-f]{8}"),
    _key("sendgrid-key", r"SG\.", r"[\w-]{16,32}\.[\w-]{30,64}"),
    _key("mailgun-key", "key-", r"[0-9a-f]{32}", mark=r"key-[0-9a-f]{8}"),
    _key("mailchimp-key", "", r"[0-9a-f]{32}-us[0-9]{1,2}", mark=r"-us[0-9]"),
    _key("brevo-key", "xkeysib-", r"[0-9a-f]{60,}-[A-Za-z0-9]{10,20}"),
    _key("stripe-key", "[sr]k_(?:live|test)_", r"[A-Za-z0-9]{10,}"),
    _key("stripe-webhook-secret", "whsec_", r"[A-Za-z0-9+/=]{24,}"),
    _key("square-token", "sq0(?:atp|csp|idp)-", r"[\w-]{20,60}"),
    _key("shopify-token", "shp(?:at|ca|pa|ss)_", r"[0-9a-fA-F]{32}"),
    _key("npm-token", "npm_", r"[A-Za-z0-9]{30,50}"),
    _key("pypi-token", "pypi-", r"AgE[\w-]{50,}"),
    _key("rubygems-key", "rubygems_", r"[0-9a-f]{48}"),
    _key("docker-token", "dckr_(?:pat|oat)_", r"[\w-]{20,60}"),
    _key("nuget-key", "oy2", r"[a-z0-9]{43}"),
    _key("databricks-token", "dapi", r"[0-9a-f]{32}(?:-[0-9])?", mark=r"dapi[0-9a-f]{8}"),
    _key("terraform-token", "", r"[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{60,}", mark=r"\.atlasv1\."),
    _key("vault-token", r"hv[sbr]\.", r"[\w-]{24,}"),
    _key("doppler-token", r"dp\.(?:pt|st|ct|sa|scim|audit)\.", r"[\w.-]{40,60}"),
    _key("linear-key", "lin_(?:api|oauth)_", r"[A-Za-z0-9]{32,64}"),
    _key("notion-token", "(?:ntn_|secret_)", r"[A-Za-z0-9]{40,50}"),
    _key("airtable-token", "pat", r"[A-Za-z0-9]{14}\.[0-9a-f]{64}", mark=r"pat[A-Za-z0-9]{14}\."),
    _key("figma-token", "fig[dou]r?_", r"[\w-]{38,60}"),
    _key("postman-key", "PMAK-", r"[0-9a-f]{24}-[0-9a-f]{34}"),
    _key("new-relic-key", "NR(?:AK|JS|II)-", r"[A-Za-z0-9-]{20,45}"),
    _key("sentry-token", "sntry[su]_", r"[\w=+/-]{40,}"),
    _key("grafana-token", "gl(?:sa|c)_", r"[\w=+/]{32,}"),
    _key("digitalocean-token", "do[oprs]_v1_", r"[0-9a-f]{64}"),
    _key("netlify-token", "nf[pcoub]_", r"[A-Za-z0-9]{36,50}"),
    _key("fly-token", "(?:FlyV1 |fo1_)", r"[\w=+/,-]{40,}"),
    _key("supabase-token", "sb(?:p|_secret)_", r"[\w-]{30,60}"),
    _key("planetscale-token", "pscale_(?:tkn|pw|oauth)_", r"[\w=.-]{32,64}"),
    _key("age-key", "AGE-SECRET-KEY-1", r"[A-Z0-9]{58}"),
    SecretRule(
        "private-key",
        r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----(?P<value>[\s\S]*?)"
        r"(?:-----END |\z)",
    ),
    _key("json-web-token", "eyJ", r"[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}", mark=r"eyJ[\w-]{10}"),
    SecretRule("basic-authorization", rf"(?i){_B}basic\s{{1,3}}(?P<value>[A-Za-z0-9+/]{{12,}}={{0,2}})", check=varied),
    SecretRule(
        "docker-authorization",
        r"[\"']auth[\"'\\]{1,4}\s{0,3}:\s{0,3}[\"'\\]{1,4}(?P<value>[A-Za-z0-9+/]{8,}={0,2})",
        check=credentials,
    ),
    SecretRule(
        "password-in-option",
        r"\s(?:-u|--user|--proxy-user|--credentials)[ =]{1,2}[\"'\\]{0,4}[\w.@-]{1,64}:(?P<value>[^\s\"'\\:]{6,})",
        check=varied,
    ),
    SecretRule("bearer-token", rf"(?i){_B}bearer\s{{1,3}}(?P<value>[\w.~+/-]{{16,}}={{0,2}})", check=varied),
    SecretRule(
        "password-in-url",
        r"[a-z][a-z0-9+.-]{1,20}://[^\s:/@\"'\\]{0,}:(?P<value>[^\s/@\"'\\]{3,})@",
        check=written_out,
    ),
    SecretRule(
        "session-cookie",
        rf"(?i){_B}(?:session(?:id|_id)?|sid|auth)=(?P<value>[\w%.+/-]{{20,}}={{0,2}})",
        check=varied,
    ),
    _named(
        "named-secret",
        r"(?:api|access|auth|secret|private|encryption|signing|client|app|account|service)[_.-]?(?:key|token|secret)"
        r"|passw(?:or)?d|passphrase|pwd|secret|token",
        r"[^\s\"'\\,;<>{}()\[\]|&]{8,}",
    ),
    SecretRule("card-number", rf"{_N}(?P<value>[3-6][0-9]{{3}}(?:[ -]?[0-9]{{2,6}}){{2,4}})\b", _TEAM, luhn),
    SecretRule(
        "account-number",
        rf"{_B}(?P<value>[A-Z]{{2}}[0-9]{{2}}(?: ?[A-Z0-9]{{4}}){{3,7}}(?: ?[A-Z0-9]{{1,3}})?)\b",
        _TEAM, iban,
    ),
    SecretRule("us-social-security-number", rf"{_B}(?P<value>[0-8][0-9]{{2}}-[0-9]{{2}}-[0-9]{{4}})\b", _TEAM),
    SecretRule(
        "uk-insurance-number",
        rf"{_B}(?P<value>[A-CEGHJ-PR-TW-Z]{{2}} ?[0-9]{{2}} ?[0-9]{{2}} ?[0-9]{{2}} ?[A-D])\b",
        _TEAM,
    ),
    SecretRule(
        "canadian-insurance-number",
        rf"{_B}(?P<value>[1-79][0-9]{{2}}[ -][0-9]{{3}}[ -][0-9]{{3}})\b",
        _TEAM,
        canadian,
    ),
    SecretRule(
        "brazilian-taxpayer-number",
        rf"{_B}(?P<value>[0-9]{{3}}\.[0-9]{{3}}\.[0-9]{{3}}-[0-9]{{2}})\b",
        _TEAM,
        brazilian,
    ),
    SecretRule("swiss-insurance-number", rf"{_B}(?P<value>756\.[0-9]{{4}}\.[0-9]{{4}}\.[0-9]{{2}})\b", _TEAM, swiss),
    SecretRule(
        "french-insurance-number",
        rf"{_B}(?P<value>[12] ?[0-9]{{2}} ?[01][0-9] ?[0-9]{{2}} ?[0-9]{{3}} ?[0-9]{{3}} ?[0-9]{{2}})\b",
        _TEAM,
        french,
    ),
    SecretRule("spanish-identity-number", rf"{_B}(?P<value>[0-9]{{8}}-?[A-HJ-NP-TV-Z])\b", _TEAM, spanish),
    SecretRule(
        "phone-number",
        rf"{_N}(?P<value>\+[1-9][0-9]{{0,2}}[ .()-]{{0,2}}[0-9](?:[ .()-]{{0,2}}[0-9]){{6,12}})\b",
        _TEAM,
    ),
    SecretRule("phone-number-us", rf"{_N}(?P<value>\(?[2-9][0-9]{{2}}\)?[ -][2-9][0-9]{{2}}-[0-9]{{4}})\b", _TEAM),
    SecretRule(
        "e-mail",
        rf"(?:{_ESCAPES}|^|[^\w.%+-])"
        r"(?P<value>[\w.%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24})\b",
        _PUBLIC,
    ),
    SecretRule(
        "ip-address",
        rf"(?:{_ESCAPES}|^|{_LINE}|[^\w.:-])"
        r"(?P<value>(?:[0-9]{1,3}\.){3}[0-9]{1,3}|(?:[0-9A-Fa-f]{1,4}:){2,7}:?[0-9A-Fa-f]{1,4})"
        r"(?:[^\w.:]|$|[.:]\s|:[0-9]{2,5}\b)",
        _PUBLIC,
        foreign_address,
    ),
    SecretRule(
        "user-in-path",
        r"(?:/home/|/Users/|[A-Za-z]:\\{1,4}Users\\{1,4}|-home-|-Users-)(?P<value>[\w.]{2,40})",
        _PUBLIC,
    ),
)  # fmt: skip
RULES: Final = tuple(replace(rule, mark=_MARKS.get(rule.name, rule.mark)) for rule in _RULES)
"""Every rule; if two match the same place, the earlier one counts."""
