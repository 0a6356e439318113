"""One run at a time: the second says who holds the lock."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pipelines.xledger.errors import ConfigurationError


@contextmanager
def exclusive(data_dir: Path, name: str = ".lock") -> Iterator[None]:
    """Hold the lock of a data folder; the kernel lets go of it when the process ends, however it ends.

    Raises:
        ConfigurationError: another run holds it, and the message names its process and since when; or it cannot be opened.
    """
    path = data_dir / name
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be opened ({error.strerror}); see that {data_dir} is a folder of your own, then run again."
        ) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 200, 0).decode(errors="replace").strip() or "another process"
            raise ConfigurationError(
                f"Another run is under way ({holder}); wait until it ends, then run again."
            ) from None
        os.ftruncate(descriptor, 0)
        started = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        os.pwrite(descriptor, f"process {os.getpid()}, since {started}".encode(), 0)
        yield
    finally:
        os.close(descriptor)
