"""Of a program that was started for one of many companies: it ends with the one that started it, however that one went."""

from __future__ import annotations

import os
import signal
import threading

from pipelines.xledger.waiting import is_asked_to_end

ONE_OF_MANY = "ONE_OF_MANY"
TO_END = b"."
_INPUT, _OUTPUT, _ERRORS = 0, 1, 2


def end_with_the_conductor() -> None:
    """From now on this process ends, as by SIGTERM, when its standard input says so or closes: a killed conductor says nothing."""
    if os.environ.pop(ONE_OF_MANY, None):
        threading.Thread(target=_end_when_told, daemon=True).start()


def _end_when_told() -> None:
    if os.read(_INPUT, 1) != TO_END:
        # Nobody reads any more; a line that cannot be written must not keep the run from its journal and its alert.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for descriptor in (_OUTPUT, _ERRORS):
            os.dup2(nowhere, descriptor)
    # A scheduler may have signalled every process at once; a second signal would cut short how the first one ends the run.
    if not is_asked_to_end():
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
