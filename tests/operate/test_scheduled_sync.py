"""A sync as a scheduler starts it: from the files of the image alone, with JSON logs, and ended from outside."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.run_journal import read_journal
from pipelines.sandbox import Sandbox, running
from tests.conftest import QUICK, ROOT, clean_environment

PROGRAM_FILES = ("pipelines", "dbt_project", "profiles", ".dlt/config.toml")


@pytest.fixture(scope="module")
def xledger() -> Iterator[Sandbox]:
    with running(lines=1000) as sandbox:
        yield sandbox


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """The program as the image has it."""
    folder = tmp_path / "app"
    for name in PROGRAM_FILES:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__", "target", "logs", ".user.yml")
            )
        else:
            shutil.copy(ROOT / name, target)
    return folder


def start(app: Path, xledger: Sandbox, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pipelines.sync", "--require-token", "--log-format", "json"],
        cwd=app,
        env=clean_environment(QUICK)
        | {
            "PYTHONPATH": str(app),
            "PYTHONDONTWRITEBYTECODE": "1",
            "HOME": str(app.parent / "home"),
            "DATA_DIR": str(app.parent / "data"),
            "SOURCES__XLEDGER__API_URL": xledger.url,
            "SOURCES__XLEDGER__API_TOKEN": xledger.token,
        }
        | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def test_a_whole_sync(app: Path, xledger: Sandbox) -> None:
    before = files(app)
    process = start(app, xledger)
    output, errors = process.communicate(timeout=500)
    assert process.returncode == 0, output + errors
    assert errors == ""
    told = [json.loads(line) for line in output.splitlines()]
    assert {line["level"] for line in told} == {"info"}
    assert [line["event"] for line in told if line["event"] not in ("note", "progress")] == [
        "dbt_build",
        "cost",
        "published",
    ]
    (run,) = read_journal(app.parent / "data")
    assert {line["run_id"] for line in told} == {run.run_id}
    assert xledger.token not in output
    assert next(line for line in told if line["event"] == "cost")["requests"] == run.requests
    assert run.published["lines"] == next(line for line in told if line["event"] == "published")["spend_lines"]
    # A read-only root file system is enough.
    assert files(app) == before


def test_a_run_that_is_ended_from_outside_is_journaled_and_told(app: Path, xledger: Sandbox) -> None:
    data_dir, called = app.parent / "data", app.parent / "called"
    process = start(app, xledger, ALERTS__COMMAND=f"tee {called}")
    deadline = time.monotonic() + 120
    while not (data_dir / "runs.jsonl").exists():
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    (run,) = read_journal(data_dir)
    assert (run.exit_code, run.sentence) == (1, "Interrupted; nothing was published. Run again.")
    assert json.loads(called.read_text(encoding="utf-8"))["text"] == run.sentence
    assert json.loads(errors)["message"] == run.sentence
    assert not (data_dir / "spend.duckdb").exists()


def test_without_a_token_a_scheduled_run_fails(app: Path, xledger: Sandbox) -> None:
    process = start(app, xledger, SOURCES__XLEDGER__API_TOKEN="")
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 2
    assert re.match("No token is set", json.loads(errors)["message"])
    assert not (app.parent / "data").exists()
