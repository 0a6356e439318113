"""The settings, read through dlt's own configuration (`.dlt/*.toml` and environment variables) and checked at once."""

from __future__ import annotations

import ipaddress
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dlt
from dlt.common.configuration import configspec, resolve_configuration
from dlt.common.configuration.exceptions import ConfigurationException
from dlt.common.configuration.specs import BaseConfiguration
from dlt.common.typing import TSecretStrValue

from pipelines.xledger.charts import CHART_NAMES, DEFAULT_PAY_RANGES
from pipelines.xledger.errors import ConfigurationError

LARGEST_PAGE = 10_000
_ENVIRONMENT_PREFIX = "SOURCES__XLEDGER__"
_TEMPLATE = ".dlt/secrets.toml.template"


@configspec
class _PayrollSection(BaseConfiguration):
    none_expected: bool = False


@configspec
class _XledgerSection(BaseConfiguration):
    api_url: str = "https://www.xledger.net/graphql"
    api_token: TSecretStrValue | None = None
    tokens: dict[str, Any] | None = None
    page_size: int = LARGEST_PAGE
    payroll_document_types: list[str] = field(default_factory=lambda: ["PR"])
    payroll_account_ranges: dict[str, Any] | None = None
    payroll: _PayrollSection = field(default_factory=_PayrollSection)
    max_ids_per_query: int = LARGEST_PAGE
    requests_per_5_seconds: int = 18
    monthly_requests: int | None = None
    monthly_megabytes: int | None = None


@dataclass(frozen=True)
class Token:
    """One API token; ``name`` is what the user calls the company, ``secret`` is never shown."""

    name: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Settings:
    """All settings of the source. ``page_size`` and ``max_ids_per_query`` count rows and ids."""

    api_url: str
    tokens: tuple[Token, ...]
    page_size: int
    payroll_document_types: tuple[str, ...]
    payroll_account_ranges: Mapping[str, Sequence[Sequence[int]]]
    no_payroll_expected: bool
    max_ids_per_query: int
    requests_per_5_seconds: int
    monthly_requests: int | None
    monthly_megabytes: int | None


def data_dir() -> Path:
    """Everything the program writes lies below this folder (`DATA_DIR`, or `data_dir` in `.dlt/config.toml`)."""
    return Path(str(dlt.config.get("data_dir") or "data")).absolute()


def read_settings() -> Settings:
    """Read and check every setting.

    Raises:
        ConfigurationError: naming the setting and what it should hold.
    """
    known = {name for name in _XledgerSection.__dataclass_fields__ if not name.startswith("__")}
    refuse_unknown_settings(("sources", "xledger"), known)
    try:
        section = resolve_configuration(_XledgerSection(), sections=("sources", "xledger"))
    except (ConfigurationException, ValueError, TypeError) as error:
        raise ConfigurationError(
            f"A setting under [sources.xledger] has the wrong form ({type(error).__name__}); compare it with {_TEMPLATE} "
            "and the table of settings in README.md."
        ) from None
    return Settings(
        api_url=_checked_url(section.api_url),
        tokens=_tokens(section),
        page_size=_in_bounds("PAGE_SIZE", section.page_size, 1, LARGEST_PAGE),
        payroll_document_types=_checked_document_types(section.payroll_document_types),
        payroll_account_ranges=_checked_ranges(section.payroll_account_ranges),
        no_payroll_expected=section.payroll.none_expected,
        max_ids_per_query=_in_bounds("MAX_IDS_PER_QUERY", section.max_ids_per_query, 1, 1_000_000),
        requests_per_5_seconds=_in_bounds("REQUESTS_PER_5_SECONDS", section.requests_per_5_seconds, 1, 1_000_000),
        monthly_requests=_limit("MONTHLY_REQUESTS", section.monthly_requests),
        monthly_megabytes=_limit("MONTHLY_MEGABYTES", section.monthly_megabytes),
    )


def is_loopback(url: str) -> bool:
    """Whether the host of the address is this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refuse_unknown_settings(section: Sequence[str], known: set[str]) -> None:
    """An unknown name in a section is a typing error, and is never passed over.

    Raises:
        ConfigurationError: naming the unknown and the known.
    """
    prefix = "".join(f"{name.upper()}__" for name in section)
    found = {key.removeprefix(prefix).split("__")[0].lower() for key in os.environ if key.startswith(prefix)}
    settings_dir = Path(dlt.current.run_context().settings_dir)
    for name in ("config.toml", "secrets.toml"):
        path = settings_dir / name
        if not path.exists():
            continue
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigurationError(f".dlt/{name} is no valid TOML ({error.__class__.__name__}); mend it.") from None
        for part in section:
            document = document.get(part, {})
        found |= set(document)
    unknown = sorted(found - known)
    if unknown:
        raise ConfigurationError(
            f"Unknown setting under [{'.'.join(section)}]: {', '.join(unknown)}. Known are {', '.join(sorted(known))}; "
            "correct or remove it."
        )


def _checked_url(url: str) -> str:
    parts = urlsplit(url)
    if not parts.hostname:
        raise ConfigurationError(
            f"{_ENVIRONMENT_PREFIX}API_URL is no address; use the form https://www.xledger.net/graphql."
        )
    if parts.username or parts.password:
        raise ConfigurationError(f"{_ENVIRONMENT_PREFIX}API_URL must not hold a user or password; remove it.")
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(url)):
        return url
    raise ConfigurationError(
        f"{_ENVIRONMENT_PREFIX}API_URL must begin with https:// (plain http would send the token in the clear; "
        "only a loopback address may use it); correct the address."
    )


def _tokens(section: _XledgerSection) -> tuple[Token, ...]:
    tokens = [Token(str(name), str(secret)) for name, secret in (section.tokens or {}).items()]
    if section.api_token:
        tokens.insert(0, Token("default", str(section.api_token)))
    for token in tokens:
        if not token.secret.strip() or any(character.isspace() for character in token.secret):
            raise ConfigurationError(
                f"The token {token.name!r} is empty or holds white space; paste it again, whole and alone."
            )
        if not token.secret.isascii():
            raise ConfigurationError(f"The token {token.name!r} holds characters no token has; paste it again.")
    return tuple(tokens)


def _in_bounds(name: str, value: int, low: int, high: int) -> int:
    if not low <= value <= high:
        raise ConfigurationError(f"{_ENVIRONMENT_PREFIX}{name} must be from {low} to {high}; correct it.")
    return value


def _limit(name: str, value: int | None) -> int | None:
    return None if value is None else _in_bounds(name, value, 1, 1_000_000_000)


def _checked_document_types(codes: list[str]) -> tuple[str, ...]:
    cleaned = tuple(str(code).strip() for code in codes if str(code).strip())
    if not cleaned:
        raise ConfigurationError(
            f"{_ENVIRONMENT_PREFIX}PAYROLL_DOCUMENT_TYPES must name at least one document type; "
            'the default is ["PR"]. A company without payroll sets payroll.none_expected = true instead.'
        )
    return cleaned


def _checked_ranges(ranges: Mapping[str, Any] | None) -> Mapping[str, Sequence[Sequence[int]]]:
    if ranges is None:
        return DEFAULT_PAY_RANGES
    charts = set(CHART_NAMES.values())
    checked: dict[str, Sequence[Sequence[int]]] = dict(DEFAULT_PAY_RANGES)
    for given, pairs in ranges.items():
        chart = given.upper()
        try:
            checked[chart] = [(int(low), int(high)) for low, high in pairs]
        except (TypeError, ValueError):
            checked[chart] = ()
        if chart not in charts or not checked[chart] or any(low > high for low, high in checked[chart]):
            raise ConfigurationError(
                f"{_ENVIRONMENT_PREFIX}PAYROLL_ACCOUNT_RANGES must map a chart ({', '.join(sorted(charts))}) to pairs of "
                "account numbers, as in {NS4102 = [[2910, 2949], [5000, 5999]]}; correct it."
            )
    return checked
