from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import pipelines
from pipelines.lock import exclusive
from pipelines.xledger.errors import ConfigurationError
from tests.conftest import run_module

_ROOT = Path(pipelines.__file__).resolve().parent.parent
_HOLD = """
import sys
from pathlib import Path
from pipelines.lock import exclusive
with exclusive(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def _environment(**extra: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SOURCES__XLEDGER__")}
    return kept | {"PYTHONPATH": str(_ROOT)} | extra


@contextmanager
def _other_run(data_dir: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until its input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(data_dir)],
        env=_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process


def test_the_second_run_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    with _other_run(tmp_path) as other, pytest.raises(ConfigurationError) as raised, exclusive(tmp_path):
        pytest.fail("two runs at once")
    told = re.fullmatch(
        r"Another run is under way \(process (\d+), since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\); wait until it ends, "
        r"then run again\.",
        str(raised.value),
    )
    assert told is not None
    assert int(told[1]) == other.pid


def test_the_second_sync_exits_with_2_and_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "sandbox"
    folder.mkdir()
    with exclusive(folder):
        held = (folder / ".lock").read_text(encoding="ascii")
        second = run_module("pipelines.sync", {"DATA_DIR": str(tmp_path)})
        assert second.returncode == 2, second.stdout + second.stderr
        assert f"process {os.getpid()}, since " in second.stderr.splitlines()[-1]
        assert (folder / ".lock").read_text(encoding="ascii") == held
    assert not list(folder.glob("**/*.duckdb"))


def test_the_lock_is_free_when_the_run_has_ended(tmp_path: Path) -> None:
    for _ in range(2):
        with exclusive(tmp_path):
            assert f"process {os.getpid()}," in (tmp_path / ".lock").read_text(encoding="ascii")
    with _other_run(tmp_path) as other:
        assert f"process {other.pid}," in (tmp_path / ".lock").read_text(encoding="ascii")


def test_nothing_of_an_earlier_holder_is_told(tmp_path: Path) -> None:
    (tmp_path / ".lock").write_text("process 1, since long ago" * 9, encoding="ascii")
    with exclusive(tmp_path):
        assert "long ago" not in (tmp_path / ".lock").read_text(encoding="ascii")


def test_the_lock_is_free_when_the_run_has_failed(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), exclusive(tmp_path):
        raise ZeroDivisionError
    with exclusive(tmp_path):
        pass


def test_the_lock_is_free_when_the_run_was_killed(tmp_path: Path) -> None:
    with _other_run(tmp_path) as other:
        other.send_signal(signal.SIGKILL)
        other.wait()
        with exclusive(tmp_path):
            assert f"process {os.getpid()}," in (tmp_path / ".lock").read_text(encoding="ascii")


def test_two_data_folders_do_not_hinder_each_other(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    with exclusive(tmp_path / "one"), exclusive(tmp_path / "two"):
        pass


def test_a_program_started_by_the_run_does_not_keep_the_lock(tmp_path: Path) -> None:
    with exclusive(tmp_path):
        child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    with child:
        with exclusive(tmp_path):
            pass
        assert child.poll() is None
        child.communicate()


def test_the_lock_is_its_owners_alone(tmp_path: Path) -> None:
    with exclusive(tmp_path):
        assert stat.S_IMODE((tmp_path / ".lock").stat().st_mode) == 0o600


def test_a_lock_that_cannot_be_opened_is_a_matter_of_configuration(tmp_path: Path) -> None:
    (tmp_path / ".lock").mkdir()
    with pytest.raises(ConfigurationError, match=r"\.lock cannot be opened \(Is a directory\)"), exclusive(tmp_path):
        pytest.fail("locked a folder")
