"""Bad input: one clear sentence with what to do, the right exit code, no data request, and yesterday's file untouched."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from pipelines.sandbox import Sandbox, SandboxOptions, running
from tests.conftest import QUICK, run_module
from tests.wire import documents

_DATA_OPERATIONS = {"transactions", "apTransactions", "payrollTransactions", "payrollAPTransactions", "suppliers"}


@pytest.fixture(scope="module")
def xledger() -> Iterator[Sandbox]:
    with running(lines=1000) as sandbox:
        yield sandbox


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data folder with a file that was published yesterday."""
    folder = tmp_path / "data"
    folder.mkdir()
    with duckdb.connect(str(folder / "spend.duckdb")) as connection:
        connection.execute("create table yesterday as select 42 as answer")
    return folder


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _assert_refused(
    data_dir: Path, environment: Mapping[str, str], exit_code: int, *words: str, module: str = "pipelines.sync"
) -> str:
    completed = run_module(module, {"DATA_DIR": str(data_dir), **QUICK, **environment})
    last_line = (completed.stdout + completed.stderr).strip().splitlines()[-1]
    assert completed.returncode == exit_code, completed.stdout + completed.stderr
    for word in words:
        assert word in last_line
    assert "Traceback" not in completed.stdout + completed.stderr
    if (data_dir / "spend.duckdb").exists():
        with duckdb.connect(str(data_dir / "spend.duckdb"), read_only=True) as connection:
            assert connection.execute("select answer from yesterday").fetchall() == [(42,)]
    return completed.stdout + completed.stderr


def _token(xledger: Sandbox) -> dict[str, str]:
    return {"SOURCES__XLEDGER__API_URL": xledger.url, "SOURCES__XLEDGER__API_TOKEN": xledger.token}


def test_check_without_a_token(data_dir: Path) -> None:
    _assert_refused(data_dir, {}, 2, "No token is set", ".dlt/secrets.toml", module="pipelines.check")


@pytest.mark.parametrize("token", ["wrong", "x" * 43], ids=["malformed", "revoked"])
def test_token_that_is_not_accepted(data_dir: Path, xledger: Sandbox, token: str) -> None:
    said = _assert_refused(
        data_dir, _token(xledger) | {"SOURCES__XLEDGER__API_TOKEN": token}, 2, "does not accept the token"
    )
    assert token not in said


def test_token_with_white_space(data_dir: Path, xledger: Sandbox) -> None:
    _assert_refused(data_dir, _token(xledger) | {"SOURCES__XLEDGER__API_TOKEN": "two words"}, 2, "white space")


@pytest.mark.parametrize(
    ("entity", "form"),
    [
        ("Supplier", "errors"),
        ("Supplier", "null"),
        ("TransactionHeader", "errors"),
        ("TransactionHeader", "null"),
        ("Address", "errors"),
        ("RecentTransaction", "null"),
        ("ObjectValue", "errors"),
    ],
)
def test_missing_permission_is_named(data_dir: Path, entity: str, form: str) -> None:
    with running(SandboxOptions(lines=1000, denied=(entity,), denied_form=form)) as sandbox:
        _assert_refused(data_dir, _token(sandbox), 2, entity, "Administration, System Access, GraphQL, API tokens")
        assert not {sent["operation"] for sent in documents(sandbox.wire())} & _DATA_OPERATIONS


def test_unreachable_host(data_dir: Path) -> None:
    environment = {
        "SOURCES__XLEDGER__API_URL": f"http://127.0.0.1:{_closed_port()}/graphql",
        "SOURCES__XLEDGER__API_TOKEN": "token",
    }
    _assert_refused(data_dir, environment, 2, "cannot be reached", "API_URL")


def test_plain_http_address(data_dir: Path) -> None:
    environment = {
        "SOURCES__XLEDGER__API_URL": "http://xledger.example/graphql",
        "SOURCES__XLEDGER__API_TOKEN": "token",
    }
    _assert_refused(data_dir, environment, 2, "https://")


def test_unknown_setting(data_dir: Path, xledger: Sandbox) -> None:
    _assert_refused(data_dir, _token(xledger) | {"SOURCES__XLEDGER__PAGESIZE": "5"}, 2, "pagesize", "Known are")


def test_setting_out_of_bounds(data_dir: Path, xledger: Sandbox) -> None:
    _assert_refused(data_dir, _token(xledger) | {"SOURCES__XLEDGER__PAGE_SIZE": "10001"}, 2, "PAGE_SIZE", "10000")


def test_data_folder_that_is_a_file(tmp_path: Path, xledger: Sandbox) -> None:
    (tmp_path / "data").write_text("in the way")
    _assert_refused(tmp_path / "data", _token(xledger), 2, "cannot be written", "DATA_DIR")


def test_data_folder_that_cannot_be_written(xledger: Sandbox) -> None:
    # Nobody makes folders in /proc, not even the administrator, whom a mode would not stop.
    _assert_refused(Path("/proc/xledger-spend"), _token(xledger), 2, "cannot be written", "DATA_DIR")


def test_warehouse_held_open(data_dir: Path, xledger: Sandbox) -> None:
    (data_dir / "build").mkdir()
    with duckdb.connect(str(data_dir / "build" / "warehouse.duckdb")) as held:
        held.execute("create table held (x integer)")
        _assert_refused(data_dir, _token(xledger), 2, "warehouse.duckdb is held open", "close it there")


def test_nothing_is_asked_when_the_warehouse_is_held(data_dir: Path, tmp_path: Path) -> None:
    (data_dir / "build").mkdir()
    with (
        running(replace(SandboxOptions(lines=1000), wire_log=tmp_path / "wire.jsonl")) as sandbox,
        duckdb.connect(str(data_dir / "build" / "warehouse.duckdb")) as held,
    ):
        held.execute("create table held (x integer)")
        _assert_refused(data_dir, _token(sandbox), 2, "held open")
        assert not (tmp_path / "wire.jsonl").exists() or not [
            json.loads(line) for line in (tmp_path / "wire.jsonl").read_text().splitlines()
        ]
