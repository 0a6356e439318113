"""The settings, read through dlt's own configuration (`.dlt/*.toml` and environment variables) and checked at once."""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dlt
from dlt.common.configuration.exceptions import ConfigurationException

from pipelines.xledger.charts import DEFAULT_PAY_RANGES
from pipelines.xledger.errors import ConfigurationError

LARGEST_PAGE = 10_000
LONGEST_LIST = 25_000
_SECTION = "sources.xledger"
_ENVIRONMENT_PREFIX = "SOURCES__XLEDGER__"
_TEMPLATE = ".dlt/secrets.toml.template"
_FILES = ("config.toml", "secrets.toml")
_SECRETS = {"api_token", "tokens"}
_COMPANY = "COMPANY"
# What TOML takes as a name without quotes, and every file system as a folder.
_COMPANY_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,59}")


@dataclass
class _PayrollSection:
    none_expected: bool = False


@dataclass
class _XledgerSection:
    """The settings as they are written, with their defaults."""

    api_url: str = "https://www.xledger.net/graphql"
    api_token: str | None = None
    tokens: dict[str, Any] | None = None
    page_size: int = LARGEST_PAGE
    payroll_document_types: list[str] = field(default_factory=lambda: ["PR"])
    payroll_account_ranges: dict[str, Any] | None = None
    payroll: _PayrollSection = field(default_factory=_PayrollSection)
    max_ids_per_query: int = LONGEST_LIST
    requests_per_5_seconds: int = 18
    monthly_requests: int | None = None
    monthly_megabytes: int | None = None
    apart: bool = False
    companies_at_once: int | None = None


_KNOWN = tuple("payroll.none_expected" if name == "payroll" else name for name in _XledgerSection.__dataclass_fields__)


@dataclass(frozen=True)
class Token:
    """One API token; ``name`` is what the user calls the company, ``secret`` is never shown."""

    name: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Settings:
    """All settings of the source. ``page_size`` and ``max_ids_per_query`` count rows and ids.

    With ``apart`` each token is a company of its own; ``company`` is the one that was asked for, and ``tokens`` is then its
    token alone.
    """

    api_url: str
    tokens: tuple[Token, ...]
    page_size: int
    payroll_document_types: tuple[str, ...]
    payroll_account_ranges: Mapping[str, Sequence[Sequence[int]]]
    no_payroll_expected: bool
    max_ids_per_query: int
    requests_per_5_seconds: int
    monthly_requests: int | None = None
    monthly_megabytes: int | None = None
    apart: bool = False
    company: str | None = None
    companies_at_once: int | None = None

    @property
    def is_for_each_company(self) -> bool:
        """Whether there are companies that are kept apart, and none of them was asked for alone."""
        return self.apart and bool(self.tokens) and self.company is None


def data_dir() -> Path:
    """Everything the program writes lies below this folder (`DATA_DIR`, or `data_dir` in `.dlt/config.toml`)."""
    return Path(str(dlt.config.get("data_dir") or "data")).absolute()


def data_folder(settings: Settings) -> Path:
    """Where the data of these settings lie: of the group, of the company that was asked for, or of the sandbox.

    Raises:
        ConfigurationError: companies are kept apart, and none was asked for.
    """
    if not settings.tokens:
        return data_dir() / "sandbox"
    if settings.is_for_each_company:
        raise ConfigurationError(
            f"Each company has data of its own here: say which with {_COMPANY}=name, as in `make report "
            f"{_COMPANY}={settings.tokens[0].name}`; there are {_names(settings.tokens)}."
        )
    return data_dir() / "companies" / settings.company if settings.company else data_dir()


def company_asked_for() -> str | None:
    """The company of this process, whatever else is wrong with the settings; None where there is none."""
    return os.environ.get(_COMPANY) or None


def read_settings() -> Settings:
    """Read and check every setting.

    Raises:
        ConfigurationError: naming the setting and what it should hold.
    """
    refuse_unknown_settings(_SECTION, _KNOWN)
    _refuse_shared_tokens()
    default = _XledgerSection()
    apart = _given("apart", bool, default.apart)
    api_token = _secret("api_token", str)
    tokens = _tokens(api_token, _secret("tokens", dict))
    if apart:
        _refuse_to_mix(tokens, has_unnamed=bool(api_token))
    company = _checked_company(tokens, apart=apart)
    return Settings(
        api_url=_checked_url(_given("api_url", str, default.api_url)),
        tokens=tuple(token for token in tokens if company in (None, token.name)),
        page_size=_in_bounds("page_size", default.page_size, LARGEST_PAGE),
        payroll_document_types=_checked_document_types(
            _given("payroll_document_types", list, default.payroll_document_types)
        ),
        payroll_account_ranges=_checked_ranges(_given("payroll_account_ranges", dict, None)),
        no_payroll_expected=_given("payroll.none_expected", bool, default.payroll.none_expected),
        max_ids_per_query=_in_bounds("max_ids_per_query", default.max_ids_per_query, 1_000_000),
        requests_per_5_seconds=_in_bounds("requests_per_5_seconds", default.requests_per_5_seconds, 1_000_000),
        monthly_requests=_limit("monthly_requests"),
        monthly_megabytes=_limit("monthly_megabytes"),
        apart=apart,
        company=company,
        companies_at_once=_limit("companies_at_once"),
    )


def _given(name: str, kind: type, default: Any) -> Any:
    """A setting under exactly its name; resolving a whole section, dlt would also take API_URL, which is another tool's."""
    try:
        value: Any = dlt.config.get(f"{_SECTION}.{name}", kind)
    except (ConfigurationException, ValueError, TypeError):
        raise _wrong_form(name) from None
    if value is None:
        return default
    if not isinstance(value, kind):
        raise _wrong_form(name)
    return value


def _secret(name: str, kind: type) -> Any:
    try:
        return dlt.secrets.get(f"{_SECTION}.{name}", kind)
    except (ConfigurationException, ValueError, TypeError):
        raise _wrong_form(name) from None


def _wrong_form(name: str) -> ConfigurationError:
    return ConfigurationError(
        f"{_in_environment(name)} has the wrong form; compare it with {_TEMPLATE} and the table of settings in README.md."
    )


def _in_environment(name: str) -> str:
    return _ENVIRONMENT_PREFIX + name.upper().replace(".", "__")


def is_loopback(url: str) -> bool:
    """Whether the host of the address is this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refuse_unknown_settings(section: str, known: Sequence[str]) -> None:
    """An unknown name in a section is a typing error, and is never passed over.

    Raises:
        ConfigurationError: naming the unknown and the known.
    """
    prefix = section.upper().replace(".", "__") + "__"
    found = {key.removeprefix(prefix).lower().replace("__", ".") for key in os.environ if key.startswith(prefix)}
    found |= {name for file in _FILES for name in _names_in(file, section)}
    unknown = sorted(found - set(known))
    if unknown:
        raise ConfigurationError(
            f"Unknown setting under [{section}]: {', '.join(unknown)}. Known are {', '.join(known)}; correct or remove it."
        )


def _refuse_shared_tokens() -> None:
    if set(_names_in("config.toml", _SECTION)) & _SECRETS:
        raise ConfigurationError(
            "A token stands in .dlt/config.toml, which is meant to be shared: make a new token, put it into .dlt/secrets.toml, "
            "and take this one out."
        )


def _names_in(file: str, section_name: str) -> Iterator[str]:
    """The settings that a file names in a section, as ``page_size`` or ``payroll.none_expected``."""
    try:
        path = Path(dlt.current.run_context().settings_dir) / file
    except ConfigurationException:
        raise ConfigurationError(
            f".dlt/config.toml or .dlt/secrets.toml is no valid TOML; compare it with {_TEMPLATE} and mend it."
        ) from None
    if not path.exists():
        return
    try:
        section: Any = tomllib.loads(path.read_text(encoding="utf-8"))
        for step in section_name.split("."):
            section = section.get(step, {})
        for name, value in section.items():
            yield from (f"{name}.{inner}" for inner in value) if name == "payroll" else (name,)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, AttributeError, TypeError, OSError) as error:
        raise ConfigurationError(
            f".dlt/{file} cannot be read as settings ({type(error).__name__}); compare it with {_TEMPLATE}."
        ) from None


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0 and not any(character.isspace() for character in url)
    except ValueError:
        has_host = False
    if not has_host:
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


def _tokens(api_token: str | None, named: Mapping[str, Any] | None) -> tuple[Token, ...]:
    tokens = [Token(str(name), str(secret)) for name, secret in (named or {}).items()]
    if api_token:
        tokens.insert(0, Token("default", str(api_token)))
    for token in tokens:
        if not token.secret.strip() or any(character.isspace() for character in token.secret):
            raise ConfigurationError(
                f"The token {token.name!r} is empty or holds white space; paste it again, whole and alone."
            )
        if not token.secret.isascii():
            raise ConfigurationError(f"The token {token.name!r} holds characters no token has; paste it again.")
    return tuple(tokens)


def _refuse_to_mix(tokens: Sequence[Token], *, has_unnamed: bool) -> None:
    """Before anything is asked of Xledger: each company has a folder to itself, and no company is read twice."""
    if has_unnamed:
        raise ConfigurationError(
            "Companies that are kept apart have names: move the token of api_token to [sources.xledger.tokens], with the "
            "company's name before it."
        )
    by_folder: dict[str, str] = {}
    by_secret: dict[str, str] = {}
    for token in tokens:
        if not _COMPANY_NAME.fullmatch(token.name):
            raise ConfigurationError(
                f"The company {token.name[:80]!r} cannot have a folder of that name: use 1 to 60 letters a to z, digits, - and _, "
                "the first no -, under [sources.xledger.tokens]."
            )
        twin = by_folder.setdefault(token.name.lower(), token.name)
        if twin != token.name:
            raise ConfigurationError(
                f"The companies {twin!r} and {token.name!r} differ only in capitals, and would be one folder on some disks; "
                "rename one."
            )
        twin = by_secret.setdefault(token.secret, token.name)
        if twin != token.name:
            raise ConfigurationError(
                f"The companies {twin!r} and {token.name!r} have the same token, so one company would be read twice; "
                "give each its own."
            )


def _checked_company(tokens: Sequence[Token], *, apart: bool) -> str | None:
    company = company_asked_for()
    if company is None or (apart and company in {token.name for token in tokens}):
        return company
    if not apart:
        raise ConfigurationError(
            f"{_COMPANY} names one company, but all are read as one group here; leave it away, or set "
            f"{_in_environment('apart')}=true to keep each apart."
        )
    raise ConfigurationError(
        f"{_COMPANY} names no company of [sources.xledger.tokens]; there are {_names(tokens) or 'none'}. Correct it."
    )


def _names(tokens: Sequence[Token]) -> str:
    return ", ".join(token.name for token in tokens)


def _in_bounds(name: str, default: int, high: int) -> int:
    value = int(_given(name, int, default))
    if not 1 <= value <= high:
        raise ConfigurationError(f"{_in_environment(name)} must be from 1 to {high}; correct it.")
    return value


def _limit(name: str) -> int | None:
    return None if _given(name, int, None) is None else _in_bounds(name, 0, 1_000_000_000)


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
    checked = dict(DEFAULT_PAY_RANGES)
    for chart, pairs in ranges.items():
        try:
            checked[chart.upper()] = [(int(low), int(high)) for low, high in pairs]
        except (TypeError, ValueError):
            checked[chart.upper()] = ()
    # Ranges are read on four digits: one of five digits would find no account, and so no pay.
    is_well = (
        all(pairs and all(1000 <= low <= high <= 9999 for low, high in pairs) for pairs in checked.values())
        and checked.keys() == DEFAULT_PAY_RANGES.keys()
    )
    if not is_well:
        raise ConfigurationError(
            f"{_ENVIRONMENT_PREFIX}PAYROLL_ACCOUNT_RANGES must map a chart ({', '.join(sorted(DEFAULT_PAY_RANGES))}) to pairs "
            "of account numbers of four digits, as in {NS4102 = [[2910, 2949], [5000, 5999]]}; correct it."
        )
    return checked
