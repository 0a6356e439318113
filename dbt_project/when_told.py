"""dbt's command line, started ahead of its time.

Loads dbt and reads the project, then waits for its arguments: one line of JSON on the standard input. When the line never
comes, it ends without having done anything. Exit codes are dbt's: 0 done, 1 a model or a test failed, 2 anything else.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path


def main() -> int:
    # Ctrl-C reaches this process as well: until it is told what to do, ending is up to who started it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from dbt.artifacts.schemas.run import RunExecutionResult
    from dbt.cli.main import dbtRunner

    # Without a log: a disk that is full by now is for the run to tell.
    quietly = ("--quiet", "--log-level-file", "none")
    read_ahead = dbtRunner().invoke([*quietly, "parse", "--no-write-json", *sys.argv[1:]])
    # The project stays to the end: nothing of it is worth looking for over and over.
    gc.collect()
    gc.freeze()
    told = sys.stdin.readline()
    if not told:
        return 2
    signal.signal(signal.SIGINT, signal.default_int_handler)
    manifest = read_ahead.result if read_ahead.success else None
    done = dbtRunner(manifest=manifest).invoke(json.loads(told) + sys.argv[1:])
    # Where dbt is told to write no artifacts, this one is still read; on a full disk, what it would say is on the screen.
    if isinstance(done.result, RunExecutionResult):
        with suppress(OSError):
            done.result.write(str(Path(os.environ["DBT_TARGET_PATH"]) / "run_results.json"))
    return 2 if done.exception else int(not done.success)


if __name__ == "__main__":
    sys.exit(main())
