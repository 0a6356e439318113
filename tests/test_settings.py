from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from dlt.common.configuration.container import Container
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext

import pipelines
from pipelines.xledger.charts import DEFAULT_PAY_RANGES
from pipelines.xledger.errors import ConfigurationError
from pipelines.xledger.settings import Settings, Token, data_dir, is_loopback, read_settings

PREFIX = "SOURCES__XLEDGER__"
TOKEN = "SECRET-TOKEN-77"


class Given:
    """Settings as a user gives them, in an empty folder."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._monkeypatch = monkeypatch

    def environment(self, **values: str) -> None:
        for name, value in values.items():
            self._monkeypatch.setenv(PREFIX + name, value)

    def file(self, name: str, content: str | bytes) -> None:
        path = self._folder / ".dlt" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        Container()[PluggableRunContext].reload_providers()


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Given]:
    with monkeypatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(PREFIX) or name == "DATA_DIR":
                patch.delenv(name)
        patch.chdir(tmp_path)
        Container()[PluggableRunContext].reload_providers()
        yield Given(tmp_path, patch)
    Container()[PluggableRunContext].reload_providers()


def _refusal(caplog: pytest.LogCaptureFixture) -> str:
    with caplog.at_level(logging.DEBUG), pytest.raises(ConfigurationError) as raised:
        read_settings()
    assert raised.value.exit_code == 2
    for told in (str(raised.value), repr(raised.value), caplog.text):
        assert TOKEN not in told
    return str(raised.value)


def test_the_defaults_are_those_of_the_documentation(given: Given) -> None:
    assert read_settings() == Settings(
        api_url="https://www.xledger.net/graphql",
        tokens=(),
        page_size=10_000,
        payroll_document_types=("PR",),
        payroll_account_ranges=DEFAULT_PAY_RANGES,
        no_payroll_expected=False,
        max_ids_per_query=25_000,
        requests_per_5_seconds=18,
    )


def test_every_setting_can_stand_in_the_environment(given: Given) -> None:
    given.environment(
        API_URL="https://demo.xledger.net/graphql",
        API_TOKEN=TOKEN,
        TOKENS='{"north": "n1", "south": "s1"}',
        PAGE_SIZE="500",
        PAYROLL_DOCUMENT_TYPES='["PR", " LO "]',
        PAYROLL_ACCOUNT_RANGES='{"ns4102": [[5000, 5999]]}',
        PAYROLL__NONE_EXPECTED="true",
        MAX_IDS_PER_QUERY="250",
        REQUESTS_PER_5_SECONDS="10",
        MONTHLY_REQUESTS="5000",
        MONTHLY_MEGABYTES="200",
        COMPANIES_AT_ONCE="3",
    )
    assert read_settings() == Settings(
        api_url="https://demo.xledger.net/graphql",
        tokens=(Token("default", TOKEN), Token("north", "n1"), Token("south", "s1")),
        page_size=500,
        payroll_document_types=("PR", "LO"),
        payroll_account_ranges={"NS4102": [(5000, 5999)], "BAS": DEFAULT_PAY_RANGES["BAS"]},
        no_payroll_expected=True,
        max_ids_per_query=250,
        requests_per_5_seconds=10,
        monthly_requests=5000,
        monthly_megabytes=200,
        companies_at_once=3,
    )


def test_every_setting_can_stand_in_the_files(given: Given) -> None:
    given.file(
        "config.toml",
        """
        [sources.xledger]
        api_url = "https://demo.xledger.net/graphql"
        page_size = 500
        payroll_document_types = ["PR", "LO"]
        payroll_account_ranges = {BAS = [[7000, 7699]]}
        max_ids_per_query = 250
        requests_per_5_seconds = 10
        [sources.xledger.payroll]
        none_expected = true
        """,
    )
    given.file(
        "secrets.toml",
        f'[sources.xledger]\napi_token = "{TOKEN}"\n[sources.xledger.tokens]\nnorth = "n1"\n',
    )
    settings = read_settings()
    assert settings.tokens == (Token("default", TOKEN), Token("north", "n1"))
    assert (settings.page_size, settings.max_ids_per_query, settings.requests_per_5_seconds) == (500, 250, 10)
    assert settings.payroll_document_types == ("PR", "LO")
    assert [tuple(pair) for pair in settings.payroll_account_ranges["BAS"]] == [(7000, 7699)]
    assert settings.no_payroll_expected
    assert settings.api_url == "https://demo.xledger.net/graphql"


def test_the_environment_goes_before_the_files(given: Given) -> None:
    given.file("config.toml", "[sources.xledger]\npage_size = 500\n")
    given.environment(PAGE_SIZE="20")
    assert read_settings().page_size == 20


def test_the_committed_files_are_valid(given: Given) -> None:
    committed = Path(__file__).resolve().parent.parent / ".dlt"
    given.file("config.toml", (committed / "config.toml").read_bytes())
    given.file("secrets.toml", (committed / "secrets.toml.template").read_bytes())
    assert read_settings().tokens == ()


def test_another_programs_settings_are_not_taken(given: Given, monkeypatch: pytest.MonkeyPatch) -> None:
    """dlt, left to itself, takes API_URL where SOURCES__XLEDGER__API_URL is not set: our token would go there."""
    for name in ("API_URL", "SOURCES__API_URL", "XLEDGER__API_URL"):
        monkeypatch.setenv(name, "https://elsewhere.example/")
    for name in ("API_TOKEN", "SOURCES__API_TOKEN", "TOKENS"):
        monkeypatch.setenv(name, '{"other": "token"}')
    monkeypatch.setenv("PAGE_SIZE", "3")
    monkeypatch.setenv("PAYROLL__NONE_EXPECTED", "true")
    given.file("config.toml", 'api_url = "https://elsewhere.example/"\n[sources]\npage_size = 4\n')
    settings = read_settings()
    assert settings.api_url == "https://www.xledger.net/graphql"
    assert (settings.tokens, settings.page_size, settings.no_payroll_expected) == ((), 10_000, False)


@pytest.mark.parametrize("secret", ["", None], ids=["empty", "not given"])
def test_no_token_is_no_error_here(given: Given, secret: str | None) -> None:
    if secret is not None:
        given.environment(API_TOKEN=secret)
    assert read_settings().tokens == ()


def test_secrets_do_not_show(given: Given) -> None:
    given.environment(API_TOKEN=TOKEN)
    settings = read_settings()
    assert settings.tokens[0].secret == TOKEN
    for told in (repr(settings), str(settings), repr(settings.tokens[0]), f"{settings.tokens}"):
        assert TOKEN not in told


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        pytest.param("PAGE_SIZ", "5", "Unknown setting under [sources.xledger]: page_siz.", id="unknown"),
        pytest.param("PAYROLL__NONE_EXPECTD", "true", "payroll.none_expectd", id="unknown, below payroll"),
        pytest.param("TOKENS__NORTH", TOKEN, "tokens.north", id="unknown, below tokens"),
        pytest.param("PAGE_SIZE", "abc", "PAGE_SIZE has the wrong form", id="page size that is text"),
        pytest.param("PAGE_SIZE", "1.5", "PAGE_SIZE has the wrong form", id="page size with decimals"),
        pytest.param("PAGE_SIZE", "0", "PAGE_SIZE must be from 1 to 10000", id="page size of nothing"),
        pytest.param("PAGE_SIZE", "-5", "PAGE_SIZE must be from 1 to 10000", id="negative page size"),
        pytest.param("PAGE_SIZE", "10001", "PAGE_SIZE must be from 1 to 10000", id="page size too large"),
        pytest.param("MAX_IDS_PER_QUERY", "0", "MAX_IDS_PER_QUERY must be from 1", id="no ids in a query"),
        pytest.param("REQUESTS_PER_5_SECONDS", "0", "REQUESTS_PER_5_SECONDS must be from 1", id="no requests"),
        pytest.param("PAYROLL_DOCUMENT_TYPES", "PR", "PAYROLL_DOCUMENT_TYPES has the wrong form", id="types as text"),
        pytest.param("PAYROLL_DOCUMENT_TYPES", "[]", "must name at least one document type", id="no types"),
        pytest.param("PAYROLL_DOCUMENT_TYPES", '["", "  "]', "must name at least one document type", id="empty types"),
        pytest.param("PAYROLL__NONE_EXPECTED", "maybe", "PAYROLL__NONE_EXPECTED has the wrong form", id="maybe"),
        pytest.param("PAYROLL_ACCOUNT_RANGES", "5000-5999", "RANGES has the wrong form", id="ranges as text"),
        pytest.param("PAYROLL_ACCOUNT_RANGES", '{"NS4102": 5000}', "must map a chart", id="a number for a range"),
        pytest.param("PAYROLL_ACCOUNT_RANGES", '{"NS4102": []}', "must map a chart", id="a chart without ranges"),
        pytest.param(
            "PAYROLL_ACCOUNT_RANGES", '{"NS4102": [[5999, 5000]]}', "must map a chart", id="range turned round"
        ),
        pytest.param("PAYROLL_ACCOUNT_RANGES", '{"NS4102": [[5000]]}', "must map a chart", id="half a range"),
        pytest.param("PAYROLL_ACCOUNT_RANGES", '{"NS4102": [["a", "b"]]}', "must map a chart", id="range of letters"),
        pytest.param("PAYROLL_ACCOUNT_RANGES", '{"DK": [[5000, 5999]]}', "must map a chart (BAS, NS4102)", id="chart"),
        pytest.param("PAYROLL_ACCOUNT_RANGES", '{"BAS": [[70000, 76999]]}', "four digits", id="range of five digits"),
        pytest.param("PAYROLL_ACCOUNT_RANGES", '{"BAS": [[70, 76]]}', "four digits", id="range of two digits"),
        pytest.param("API_TOKEN", f"{TOKEN} x", "The token 'default' is empty or holds white space", id="token, blank"),
        pytest.param("API_TOKEN", f"{TOKEN}\n", "The token 'default' is empty or holds white space", id="token, line"),
        pytest.param("API_TOKEN", " ", "The token 'default' is empty or holds white space", id="token of blanks"),
        pytest.param("API_TOKEN", f"{TOKEN}é", "The token 'default' holds characters no token has", id="token, letter"),
        pytest.param("TOKENS", f'{{"north": "{TOKEN} "}}', "The token 'north' is empty or holds", id="named token"),
        pytest.param("TOKENS", '{"north": ""}', "The token 'north' is empty or holds", id="empty named token"),
        pytest.param("TOKENS", TOKEN, "TOKENS has the wrong form", id="tokens as text"),
        pytest.param("API_URL", "http://www.xledger.net/graphql", "must begin with https://", id="plain http"),
        pytest.param("API_URL", "http://127.0.0.1.example.com/", "must begin with https://", id="almost a loopback"),
        pytest.param("API_URL", "http://localhost.example.com/", "must begin with https://", id="almost localhost"),
        pytest.param("API_URL", "http://10.0.0.1/graphql", "must begin with https://", id="plain http nearby"),
        pytest.param("API_URL", "ftp://127.0.0.1/graphql", "must begin with https://", id="another scheme"),
        pytest.param("API_URL", f"https://me:{TOKEN}@www.xledger.net/", "must not hold a user or password", id="user"),
        pytest.param(
            "API_URL", f"https://{TOKEN}@www.xledger.net/", "must not hold a user or password", id="user only"
        ),
        pytest.param("API_URL", "www.xledger.net/graphql", "is no address", id="no scheme"),
        pytest.param("API_URL", "https://[::1", "is no address", id="half an address"),
        pytest.param("API_URL", "https://www.xledger.net:port/", "is no address", id="a port that is none"),
        pytest.param("API_URL", "https://www.xledger .net/", "is no address", id="address with a blank"),
        pytest.param("API_URL", "https://", "is no address", id="no host"),
    ],
)
def test_bad_input_is_named(given: Given, caplog: pytest.LogCaptureFixture, name: str, value: str, says: str) -> None:
    given.environment(**{name: value})
    assert says in _refusal(caplog)


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        pytest.param("config.toml", "[sources.xledger]\npage_siz = 5\n", ": page_siz.", id="unknown"),
        pytest.param("secrets.toml", "[sources.xledger]\napi_tokn = 'x'\n", ": api_tokn.", id="unknown secret"),
        pytest.param(
            "config.toml",
            "[sources.xledger.payroll]\nexpected = 1\n",
            ": payroll.expected.",
            id="unknown below payroll",
        ),
        pytest.param(
            "config.toml",
            f"[sources.xledger]\napi_token = '{TOKEN}'\n",
            "A token stands in .dlt/config.toml",
            id="token in the shared file",
        ),
        pytest.param("config.toml", "sources = 5\n", ".dlt/config.toml cannot be read", id="no section"),
        pytest.param(
            "config.toml", "[sources]\nxledger = 'x'\n", ".dlt/config.toml cannot be read", id="section is text"
        ),
        pytest.param(
            "config.toml",
            "[sources.xledger]\npayroll = 5\n",
            ".dlt/config.toml cannot be read",
            id="payroll is a number",
        ),
        pytest.param(
            "secrets.toml", "[sources.xledger]\npage_size = 'many'\n", "PAGE_SIZE has the wrong form", id="wrong form"
        ),
    ],
)
def test_bad_files_are_named(
    given: Given, caplog: pytest.LogCaptureFixture, file: str, content: str, says: str
) -> None:
    given.file(file, content)
    assert says in _refusal(caplog)


@pytest.mark.parametrize(
    "url",
    [
        "https://www.xledger.net/graphql",
        "https://xledger.example:8443/graphql?x=1",
        "http://127.0.0.1:8080/graphql",
        "http://127.9.9.9/graphql",
        "http://localhost:8080/graphql",
        "http://LOCALHOST/graphql",
        "http://[::1]:8080/graphql",
        "HTTPS://www.xledger.net/graphql",
    ],
)
def test_https_and_loopback_addresses_are_taken(given: Given, url: str) -> None:
    given.environment(API_URL=url)
    assert read_settings().api_url == url


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1/", True),
        ("http://[::1]/", True),
        ("http://localhost/", True),
        ("http://0.0.0.0/", False),
        ("http://192.168.0.1/", False),
        ("https://www.xledger.net/", False),
        ("http:///graphql", False),
    ],
)
def test_loopback_is_this_machine_alone(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected


def test_data_go_below_data(given: Given, tmp_path: Path) -> None:
    assert data_dir() == tmp_path / "data"


def test_data_go_where_the_user_says(given: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given.file("config.toml", 'data_dir = "elsewhere"\n')
    assert data_dir() == tmp_path / "elsewhere"
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "here"))
    assert data_dir() == tmp_path / "here"


@pytest.mark.parametrize("file", ["config.toml", "secrets.toml"])
def test_a_file_that_is_no_toml_is_named(tmp_path: Path, file: str) -> None:
    """In a process of its own: dlt reads the files once."""
    (tmp_path / ".dlt").mkdir()
    (tmp_path / ".dlt" / file).write_text(f"[sources.xledger\napi_token = '{TOKEN}'\n", encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    checked = subprocess.run(
        [sys.executable, "-m", "pipelines.check"],
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(Path(pipelines.__file__).parent.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 2
    assert checked.stderr.splitlines()[-1].startswith(".dlt/config.toml or .dlt/secrets.toml is no valid TOML")
    assert TOKEN not in checked.stdout + checked.stderr
