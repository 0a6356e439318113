"""Waits that end at once when the run is to end, in whichever thread they are."""

from __future__ import annotations

import signal
import threading
from types import FrameType

from pipelines.xledger.errors import XledgerError

_asked_to_end = threading.Event()


class Interrupted(XledgerError):
    """Somebody, or a scheduler, ended the run."""

    def __init__(self) -> None:
        super().__init__("Interrupted; nothing was published. Run again.")


def end_when_asked() -> None:
    """From now on SIGINT and SIGTERM end the run: the main thread where it is, others at their next wait."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)


def is_asked_to_end() -> bool:
    """Whether the run is to end, whatever error comes out of it."""
    return _asked_to_end.is_set()


def sleep(seconds: float) -> None:
    """Wait.

    Raises:
        Interrupted: the run is to end.
    """
    if _asked_to_end.wait(max(0.0, seconds)):
        raise Interrupted


def _end(_number: int, _frame: FrameType | None) -> None:
    _asked_to_end.set()
    raise KeyboardInterrupt
