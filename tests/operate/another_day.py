"""`python -m tests.operate.another_day DAYS MODULE ARGUMENTS`: a command so many days from now, as this machine's clock has it."""

from __future__ import annotations

import runpy
import sys
from datetime import UTC, datetime, timedelta

import time_machine

if __name__ == "__main__":
    days, module = int(sys.argv[1]), sys.argv[2]
    del sys.argv[1:3]
    with time_machine.travel(datetime.now(UTC) + timedelta(days=days)):
        runpy.run_module(module, run_name="__main__", alter_sys=True)
