"""dbt's command line, started ahead of its time.

Loads dbt, then waits on the standard input for a line of JSON: the ``folder`` to work in, ``environment`` and ``options`` of the
target. With these it reads the project, and waits for the arguments, another line. When a line never comes, it ends without
having done anything. Exit codes are dbt's: 0 done, 1 a model or a test failed, 2 anything else.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

_STEPS_BEHIND = 10


def main() -> int:
    # Ctrl-C reaches this process as well: until it is told what to do, ending is up to who started it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # While this loads, the run reads the ledger, which comes first; while this builds, the run waits for it.
    os.nice(_STEPS_BEHIND)
    # What is loaded and read stays to the end: nothing of it is worth looking for over and over.
    gc.disable()
    from dbt.artifacts.schemas.run import RunExecutionResult
    from dbt.cli.main import dbtRunner

    write_no_line_that_nobody_reads()
    target = told()
    os.chdir(target["folder"])
    os.environ.update(target["environment"])
    options = target["options"]
    # Without a log: a disk that is full by now is for the run to tell.
    quietly = ("--quiet", "--log-level-file", "none")
    read_ahead = dbtRunner().invoke([*quietly, "parse", "--no-write-json", *options])
    gc.collect()
    gc.freeze()
    gc.enable()
    arguments = told()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    manifest = read_ahead.result if read_ahead.success else None
    done = dbtRunner(manifest=manifest).invoke([*arguments, *options])
    # Where dbt is told to write no artifacts, this one is still read; on a full disk, what it would say is on the screen.
    if isinstance(done.result, RunExecutionResult):
        with suppress(OSError):
            done.result.write(str(Path(os.environ["DBT_TARGET_PATH"]) / "run_results.json"))
    return 2 if done.exception else int(not done.success)


def write_no_line_that_nobody_reads() -> None:
    """dbt writes a line of each event before it looks who reads it: at debug level nobody does, and it took a tenth of a build."""
    from dbt_common.events.base_types import BaseEvent, EventLevel
    from dbt_common.events.event_manager import EventManager
    from dbt_common.events.event_manager_client import ctx_set_event_manager

    class OnlyWhatIsRead(EventManager):
        def fire_event(self, e: BaseEvent, level: EventLevel | None = None, *more: Any, **more_by_name: Any) -> None:
            is_debug = (level or e.level_tag()) is EventLevel.DEBUG
            if not is_debug or any(logger.level is EventLevel.DEBUG for logger in self.loggers):
                super().fire_event(e, level, *more, **more_by_name)

    ctx_set_event_manager(OnlyWhatIsRead())


def told() -> Any:
    line = sys.stdin.readline()
    if not line:
        sys.exit(2)
    return json.loads(line)


if __name__ == "__main__":
    exit_code = main()
    # What is registered for the end closes the files; taking down all that was loaded would only take time.
    atexit._run_exitfuncs()
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(exit_code)
