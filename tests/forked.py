"""The program's commands, and dbt's, in processes forked from one that has loaded what they need.

Loading takes longer than most of what tests have them do. What has a limit from its first step on is started as a user starts it,
and so is all that the README's tests run.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from pipelines.child_environment import without_secrets
from pipelines.sandbox.options import SandboxOptions, command_line

_ROOT = Path(__file__).resolve().parent.parent
_WHEN_TOLD = _ROOT / "dbt_project" / "when_told.py"
# One such process, with one list, for all tests of a worker.
LOADED = multiprocessing.get_context("forkserver")
LOADED.set_forkserver_preload(["tests.preloaded"])
_INPUT, _OUTPUT, _ERRORS = 0, 1, 2
_LONGEST_SECONDS = 600
_SECONDS_BETWEEN_LOOKS = 0.01


def run_module(
    module: str, arguments: Sequence[str], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """`python -m module` in the project's folder, to its end."""
    with started(module, arguments, environment) as process:
        told, errors = process.communicate(_LONGEST_SECONDS)
        return subprocess.CompletedProcess([module, *arguments], process.wait(), told, errors)


@contextmanager
def started(
    module: str, arguments: Sequence[str], environment: Mapping[str, str], said: Path | None = None
) -> Iterator[Started]:
    """`python -m module` under way in a session of its own, which is killed in the end if it still runs.

    What it says, errors as well, goes into the file ``said`` where one is named.
    """
    with tempfile.TemporaryDirectory(prefix="told-") as folder:
        told = said or Path(folder) / "told.txt"
        errors = said or Path(folder) / "errors.txt"
        process = Started(
            LOADED.Process(target=_module, args=(module, arguments, environment, told, errors)), told, errors
        )
        try:
            yield process
        finally:
            process.kill_session()


def start_sandbox(options: SandboxOptions, output: Path) -> Any:
    """In place of `pipelines.sandbox.process.start`: a sandbox that is loaded already."""
    arguments = ("pipelines.sandbox", command_line(options), dict(os.environ), output, output)
    return Started(LOADED.Process(target=_module, args=arguments), output, output)


def run_dbt(arguments: Sequence[str], folder: Path, environment: Mapping[str, str], told: Path) -> int:
    """dbt's command line in ``folder``; what it says goes into the file ``told``. Gives its exit code."""
    process = Started(LOADED.Process(target=_dbt, args=(arguments, folder, environment, told)), told, told)
    try:
        return process.wait(_LONGEST_SECONDS)
    finally:
        process.kill()


class Started:
    """As much of a `subprocess.Popen` as tests and a sandbox are asked, with its output and errors in files."""

    def __init__(self, process: BaseProcess, told: Path, errors: Path) -> None:
        for file in (told, errors):
            file.touch()
        process.start()
        assert process.pid
        self._process, self._told, self._errors = process, told, errors
        self.pid = process.pid
        self.terminate, self.kill = process.terminate, process.kill

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(str(self._process), timeout or 0)
        return self._process.exitcode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """All that it said, and its errors, when it has ended."""
        self.wait(timeout)
        return self._told.read_text(encoding="utf-8"), self._errors.read_text(encoding="utf-8")

    def lines(self) -> Iterator[str]:
        """What it says, line by line as it says it."""
        with self._told.open(encoding="utf-8") as told:
            line = ""
            while True:
                is_over = self.poll() is not None
                while part := told.readline():
                    line += part
                    if line.endswith("\n"):
                        yield line
                        line = ""
                if is_over:
                    return
                time.sleep(_SECONDS_BETWEEN_LOOKS)

    def kill_session(self) -> None:
        """Kill it and all that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        # It may not have got as far as a session of its own.
        self.kill()
        self.wait()


class _Company(Started):
    """What `companies.started` gives, without the loading; for companies that are left alone until they end."""

    def __init__(self, module: str, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        (given, give), (hear, told), (hear_errors, errors) = (LOADED.Pipe(duplex=False) for _ in range(3))
        process = LOADED.Process(target=_company, args=(module, arguments, environment, given, told, errors))
        super().__init__(process, Path(os.devnull), Path(os.devnull))
        for end in (given, told, errors):
            end.close()
        self.stdin, self.stdout, self.stderr = (
            os.fdopen(os.dup(end.fileno()), mode, errors="replace")
            for end, mode in ((give, "w"), (hear, "r"), (hear_errors, "r"))
        )
        for end in (give, hear, hear_errors):
            end.close()

    def __enter__(self) -> _Company:
        return self

    def __exit__(self, *_: object) -> None:
        for file in (self.stdout, self.stderr, self.stdin):
            file.close()
        self.wait()


def _company(module: str, arguments: Sequence[str], environment: Mapping[str, str], *console: Connection) -> None:
    os.setpgid(0, 0)
    for descriptor, end in enumerate(console):
        os.dup2(end.fileno(), descriptor)
        end.close()
    _take_place(_ROOT, environment)
    _run(module, arguments)


def _module(module: str, arguments: Sequence[str], environment: Mapping[str, str], told: Path, errors: Path) -> None:
    os.setsid()
    _write_to(told, errors)
    _take_place(_ROOT, environment)
    _run(module, arguments)


def _is_running() -> None:
    """Nothing to do."""


def _run(module: str, arguments: Sequence[str]) -> None:
    from pipelines import companies, dbt_ahead

    sys.argv = [module, *arguments]
    dbt_ahead.started = _dbt_started
    companies.started = _Company  # type: ignore[assignment]
    # Companies are forked from what this was forked from; by itself a fork would load another such process.
    forkserver._forkserver.ensure_running = _is_running  # type: ignore[attr-defined]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _dbt(arguments: Sequence[str], folder: Path, environment: Mapping[str, str], told: Path) -> None:
    from dbt.cli.main import cli

    gc.disable()
    _write_to(told, told)
    _take_place(folder, environment)
    runpy.run_path(str(_WHEN_TOLD))["write_no_line_that_nobody_reads"]()
    sys.argv = ["dbt", *arguments]
    cli()


def _write_to(told: Path, errors: Path) -> None:
    for path, descriptor in ((told, _OUTPUT), (errors, _ERRORS)):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(opened, descriptor)
        os.close(opened)


def _take_place(folder: Path, environment: Mapping[str, str]) -> None:
    from tests.dbt_read_once import KNOWN

    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    if "TARGET" not in environment:
        os.environ["DBT_PARTIAL_PARSE_FILE_PATH"] = str(KNOWN)


@contextmanager
def _dbt_started(*, is_quiet: bool = False) -> Iterator[Any]:
    """What `dbt_ahead.started` gives, without the loading."""
    process = _Fork(partial(_when_told, is_quiet))
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _when_told(is_quiet: bool) -> None:
    if is_quiet:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, _OUTPUT)
        os.dup2(nowhere, _ERRORS)
    for secret in os.environ.keys() - without_secrets().keys():
        del os.environ[secret]
    runpy.run_path(str(_WHEN_TOLD), run_name="__main__")


class _Fork:
    """As much of a `subprocess.Popen` with a pipe to its standard input as a sync asks of it."""

    def __init__(self, program: partial[None]) -> None:
        self.returncode: int | None = None
        read, write = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            os.close(write)
            os.dup2(read, _INPUT)
            sys.stdin = os.fdopen(_INPUT, closefd=False)
            try:
                program()
            finally:
                os._exit(2)
        os.close(read)
        self.stdin = os.fdopen(write, "w")

    def wait(self) -> int:
        if self.returncode is None:
            _, status = os.waitpid(self.pid, 0)
            self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def kill(self) -> None:
        if self.returncode is None:
            os.kill(self.pid, signal.SIGKILL)
