"""From what a run raises to its exit code and its last line."""

from __future__ import annotations

import sys
from collections.abc import Callable

from pipelines.xledger.errors import XledgerError


def exit_code_of(run: Callable[[], None]) -> int:
    """Run, and say in one sentence what to do when it fails. No traceback: it could show a row."""
    try:
        run()
    except XledgerError as error:
        print(str(error), file=sys.stderr, flush=True)
        return error.exit_code
    except KeyboardInterrupt:
        print("Interrupted; nothing was published. Run again.", file=sys.stderr, flush=True)
        return 1
    except Exception as error:
        where = _innermost(error)
        print(
            f"An error nobody foresaw ({type(error).__name__} in {where}); nothing was published. Report this line.",
            file=sys.stderr,
            flush=True,
        )
        return 1
    return 0


def _innermost(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace else "unknown place"
