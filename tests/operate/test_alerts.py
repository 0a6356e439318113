"""Who is called when a sync fails, with what, and that the call changes nothing else."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pipelines.alerts import Alert, AlertSettings, read_alert_settings, send
from pipelines.console import Console
from pipelines.xledger.errors import ConfigurationError
from tests.conftest import run_module

FAILED = Alert("run_failed", "run-1", 3, "A payroll guard stopped the run.")
SECRET = "token-that-must-not-travel"


@dataclass
class Hook:
    """A webhook on this machine."""

    url: str = ""
    bodies: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    location: str | None = None


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hook.bodies.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(hook.statuses.pop(0) if hook.statuses else 204)
            if hook.location:
                self.send_header("Location", hook.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        hook.url = f"http://127.0.0.1:{server.server_port}/hook/its-secret-path"
        yield hook
        server.shutdown()


def keeps_what_it_gets(folder: Path) -> tuple[str, ...]:
    """A command that writes its input and its environment into a folder."""
    program = "import os, sys; open(sys.argv[1], 'w').write(sys.stdin.read() + '\\n' + repr(dict(os.environ)))"
    return (sys.executable, "-c", program, str(folder / "called"))


def test_the_webhook_gets_four_fields(hook: Hook) -> None:
    send(FAILED, AlertSettings(webhook=hook.url), Console())
    (body,) = hook.bodies
    assert json.loads(body) == {
        "event": "run_failed",
        "run_id": "run-1",
        "exit_code": 3,
        "text": "A payroll guard stopped the run.",
    }


def test_the_command_gets_the_same_and_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__XLEDGER__API_TOKEN", SECRET)
    monkeypatch.setenv("ALERTS__WEBHOOK", "https://hooks.example/secret-path")
    send(FAILED, AlertSettings(command=keeps_what_it_gets(tmp_path)), Console())
    body, environment = (tmp_path / "called").read_text(encoding="utf-8").split("\n")
    assert json.loads(body)["run_id"] == "run-1"
    assert "PATH" in environment
    assert SECRET not in environment
    assert "secret-path" not in environment


def test_a_passing_fault_of_the_webhook_is_tried_again(hook: Hook) -> None:
    hook.statuses = [503]
    send(FAILED, AlertSettings(webhook=hook.url), Console())
    assert len(hook.bodies) == 2


@pytest.mark.parametrize(
    ("status", "location"),
    [pytest.param(404, None, id="refused"), pytest.param(307, "http://127.0.0.1:9/elsewhere", id="redirect")],
)
def test_a_call_that_fails_is_said_without_the_address(
    hook: Hook, status: int, location: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    hook.statuses, hook.location = [status], location
    send(FAILED, AlertSettings(webhook=hook.url), Console())
    said = "".join(capsys.readouterr())
    assert "the alert's webhook could not be called (HTTPError)" in said
    assert "its-secret-path" not in said
    assert len(hook.bodies) == 1


@pytest.mark.parametrize("command", [("false",), ("no-such-command-anywhere",)], ids=["fails", "missing"])
def test_a_command_that_fails_is_said(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    send(FAILED, AlertSettings(command=command), Console())
    assert "the alert's command failed" in capsys.readouterr().out


def test_a_failing_sync_calls_both_and_keeps_its_exit_code(hook: Hook, tmp_path: Path) -> None:
    command = keeps_what_it_gets(tmp_path)
    environment = {
        "DATA_DIR": str(tmp_path / "data"),
        "SOURCES__XLEDGER__API_TOKEN": SECRET,
        "SOURCES__XLEDGER__PAGE_SIZE": "0",
        "ALERTS__WEBHOOK": hook.url,
        "ALERTS__COMMAND": " ".join(f"'{word}'" if "'" not in word else f'"{word}"' for word in command),
    }
    completed = run_module("pipelines.sync", environment)
    assert completed.returncode == 2
    (body,) = hook.bodies
    told = json.loads(body)
    assert told["text"] == completed.stderr.strip()
    assert (told["event"], told["exit_code"]) == ("run_failed", 2)
    assert SECRET not in body
    assert (tmp_path / "called").read_text(encoding="utf-8").split("\n")[0] == body
    hook.statuses = [500] * 3
    assert run_module("pipelines.sync", environment).returncode == 2


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        pytest.param("WEBHOOK", "http://hooks.example/a", "must begin with https://", id="plain http"),
        pytest.param("WEBHOOK", "hooks.example", "must begin with https://", id="no address"),
        pytest.param("COMMAND", "tell 'finance", "its quotes closed", id="open quote"),
        pytest.param("MAX_AGE_DAYS", "soon", "a number of", id="no number"),
        pytest.param("MAX_AGE_DAYS", "0", "more than 0", id="no time at all"),
        pytest.param("WEBHOK", "https://hooks.example", r"Unknown setting under \[alerts\]: webhok", id="typing error"),
    ],
)
def test_wrong_settings_are_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str) -> None:
    monkeypatch.setenv(f"ALERTS__{name}", value)
    with pytest.raises(ConfigurationError, match=message):
        read_alert_settings()


def test_settings_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_alert_settings() == AlertSettings()
    monkeypatch.setenv("ALERTS__WEBHOOK", "https://hooks.example/a")
    monkeypatch.setenv("ALERTS__COMMAND", "/usr/bin/tell --to 'the finance team'")
    monkeypatch.setenv("ALERTS__MAX_AGE_DAYS", "2.5")
    assert read_alert_settings() == AlertSettings(
        "https://hooks.example/a", ("/usr/bin/tell", "--to", "the finance team"), 2.5
    )


def test_a_variable_that_is_just_called_command_is_none_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMMAND", "rm")
    monkeypatch.setenv("WEBHOOK", "https://elsewhere.example")
    assert read_alert_settings() == AlertSettings()
