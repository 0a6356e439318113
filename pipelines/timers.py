"""What systemd knows of this program's timer."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from datetime import UTC, datetime

TIMER = "xledger-spend.timer"
_SECONDS_FOR_AN_ANSWER = 10


def manager_options() -> list[str]:
    """Whose systemd it is: the machine's for root, else the user's own."""
    return [] if os.geteuid() == 0 else ["--user"]


def next_run() -> datetime | None:
    """When the timer fires next, in UTC; None where there is no systemd, no timer, or no answer."""
    systemctl = shutil.which("systemctl")
    if systemctl is None:
        return None
    try:
        answer = subprocess.run(  # noqa: S603
            [systemctl, *manager_options(), "list-timers", "--all", "--output=json", TIMER],
            capture_output=True,
            text=True,
            timeout=_SECONDS_FOR_AN_ANSWER,
            check=True,
        )
        moments = [timer["next"] for timer in json.loads(answer.stdout) if timer["next"]]
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
        return None
    # Microseconds since 1970 (systemd 245 and later).
    return datetime.fromtimestamp(min(moments) / 1e6, UTC) if moments else None
