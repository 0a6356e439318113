"""Companies that are kept apart: a program for each, so many at once, and at the end one table of how they went.

Each is a process of its own, with its company's token alone, and a data folder, lock, journal, budget and alert of its own: rows
of one have no way to another, and one that fails stops nobody else.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, TextIO

from pipelines.conducted import ONE_OF_MANY, TO_END
from pipelines.console import Console
from pipelines.xledger.errors import CompaniesFailed
from pipelines.xledger.settings import Settings, Token, data_dir

_TOKENS = ("SOURCES__XLEDGER__API_TOKEN", "SOURCES__XLEDGER__TOKENS")
_GRACE_SECONDS = 60.0
_GRAVEST_FIRST = (3, 1, 2)


@dataclass(frozen=True)
class Ending:
    """How one company's program ended; ``sentence`` is the last that it said."""

    company: str
    exit_code: int
    sentence: str


def run_each(
    module: str, arguments: Sequence[str], settings: Settings, console: Console, at_once: int | None = None
) -> None:
    """Run the program for every company, and say how each ended.

    Raises:
        CompaniesFailed: with the gravest of their exit codes; what the others did stands.
    """
    companies = [token.name for token in settings.tokens]
    children = _Children(module, arguments, _Voices(companies, console.is_structured))
    with ThreadPoolExecutor(at_once or settings.companies_at_once or os.cpu_count()) as pool:
        try:
            wait([pool.submit(children.run, token) for token in settings.tokens])
        except KeyboardInterrupt:
            children.end()
    endings = [children.endings.get(name) or Ending(name, 1, "Not begun; run again.") for name in companies]
    _tell(endings, console)
    failed = [ending for ending in endings if ending.exit_code]
    if failed:
        codes = {ending.exit_code for ending in failed}
        raise CompaniesFailed(
            next((code for code in _GRAVEST_FIRST if code in codes), 1),
            f"{len(failed)} of {len(endings)} companies failed: "
            f"{', '.join(f'{ending.company} ({ending.exit_code})' for ending in failed)}; the lines above say what each needs, "
            "and what the others did stands.",
        )


def _tell(endings: Sequence[Ending], console: Console) -> None:
    width = max(len("company"), *(len(ending.company) for ending in endings))
    if not console.is_structured:
        console.say(f"{'company':<{width}}  exit code  last sentence")
    for ending in endings:
        row = f"{ending.company:<{width}}  {ending.exit_code:>9}  {ending.sentence}"
        console.say(
            ending.sentence if console.is_structured else row,
            "company_ended",
            company=ending.company,
            exit_code=ending.exit_code,
        )


def started(module: str, arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[str]:
    """One company's program. Ctrl-C comes to its group from here alone; its input stays open as long as we live."""
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", module, *arguments],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        process_group=0,
    )


class _Children:
    """The programs that are under way. Once they are to end, none is begun any more."""

    def __init__(self, module: str, arguments: Sequence[str], voices: _Voices) -> None:
        self.endings: dict[str, Ending] = {}
        self._module = module
        self._arguments = arguments
        self._voices = voices
        self._lock = threading.Lock()
        self._running: list[subprocess.Popen[str]] = []
        self._are_to_end = False

    def run(self, token: Token) -> None:
        """Run one to its end."""
        with self._lock:
            if self._are_to_end:
                return
            process = started(self._module, self._arguments, _environment(token))
            self._running.append(process)
        with process, ThreadPoolExecutor(1) as reader:
            complaint = reader.submit(self._voices.pass_on, token.name, process.stderr, sys.stderr)
            sentence = self._voices.pass_on(token.name, process.stdout, sys.stdout)
            code = process.wait()
            self.endings[token.name] = _ending(token.name, code, (complaint.result() if code else "") or sentence)
        with self._lock:
            self._running.remove(process)

    def end(self) -> None:
        """Ask all to end and wait; one that does not hear is killed, with all that it started."""
        with self._lock:
            self._are_to_end = True
            running = list(self._running)
        for process in running:
            with suppress(OSError, ValueError):
                if process.stdin:
                    os.write(process.stdin.fileno(), TO_END)
        deadline = time.monotonic() + _GRACE_SECONDS
        try:
            for process in running:
                process.wait(max(0.0, deadline - time.monotonic()))
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            pass
        finally:
            for process in running:
                if process.poll() is None:
                    with suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)


def _ending(company: str, code: int, sentence: str) -> Ending:
    if code < 0:
        return Ending(company, 1, f"Ended from outside (signal {-code}); run again.")
    return Ending(company, code, sentence)


def _environment(token: Token) -> dict[str, str]:
    """This process's environment with one token instead of all. A token's way is the environment, never a command line."""
    ours = {name: value for name, value in os.environ.items() if name not in _TOKENS}
    return ours | {
        "SOURCES__XLEDGER__TOKENS": json.dumps({token.name: token.secret}),
        "COMPANY": token.name,
        "DATA_DIR": str(data_dir()),
        ONE_OF_MANY: "yes",
    }


class _Voices:
    """What the programs say, passed on line by line under the company's name."""

    def __init__(self, companies: Sequence[str], is_structured: bool) -> None:
        self._width = max(map(len, companies))
        self._is_structured = is_structured
        self._lock = threading.Lock()

    def pass_on(self, company: str, source: IO[str] | None, to: TextIO) -> str:
        """All lines until the last, which is the answer."""
        last = ""
        for line in source or ():
            text, sentence = self._under(company, line.rstrip())
            last = sentence or last
            # When our own reader is gone the programs go on: they must not wait for us to read.
            with self._lock, suppress(OSError, ValueError):
                to.write(f"{text}\n")
                to.flush()
        return last

    def _under(self, company: str, line: str) -> tuple[str, str]:
        if not self._is_structured:
            return f"{company:<{self._width}} | {line}", line.strip()
        try:
            told = json.loads(line)
            return json.dumps({**told, "company": company}, ensure_ascii=False), str(told["message"])
        except (ValueError, TypeError, KeyError):
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            told = {"time": now, "level": "info", "company": company, "event": "note", "message": line}
            return json.dumps(told, ensure_ascii=False), line
