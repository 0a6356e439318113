"""From what a run raises to its exit code and its last line."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

import duckdb

from pipelines.xledger.errors import CompaniesFailed, XledgerError
from pipelines.xledger.waiting import Interrupted, is_asked_to_end


@dataclass(frozen=True)
class Outcome:
    """How a run ended; ``sentence`` says what to do next and is empty after a run that is done."""

    exit_code: int
    sentence: str


DONE = Outcome(0, "")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def exit_code_of(run: Callable[[], None]) -> int:
    """Run, and say in one sentence what to do when it fails."""
    outcome = outcome_of(run)
    if outcome.sentence:
        print(outcome.sentence, file=sys.stderr, flush=True)
    return outcome.exit_code


def outcome_of(run: Callable[[], None]) -> Outcome:
    """Run, and take whatever it raises."""
    try:
        run()
    except (Exception, KeyboardInterrupt) as error:
        return outcome_after(error)
    return DONE


def outcome_after(error: BaseException) -> Outcome:
    """Exit code and sentence of an error. No traceback: it could show a row."""
    if (isinstance(error, KeyboardInterrupt) or is_asked_to_end()) and not isinstance(error, CompaniesFailed):
        # Whatever else came out of what was under way; how other programs ended, they have said themselves.
        error = Interrupted()
    match error:
        case XledgerError():
            return Outcome(error.exit_code, str(error))
        case _ if _is_full_disk(error):
            return Outcome(
                1,
                "The disk took no more of what the run had to write; nothing was published. Make room in the data folder "
                "and the folder of temporary files, then run again.",
            )
        case _:
            return Outcome(
                1,
                f"An error nobody foresaw ({type(error).__name__} in {_innermost(error)}); nothing was published. "
                "Report this line.",
            )


def _is_full_disk(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in _FULL
    # DuckDB gives the system's words and no number.
    return isinstance(error, duckdb.Error) and any(os.strerror(number) in str(error) for number in _FULL)


def _innermost(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace else "unknown place"
