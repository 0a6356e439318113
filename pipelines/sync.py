"""`make sync`: starts dbt, and then the rest of the program beside it."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from contextlib import suppress
from functools import partial

from pipelines.conducted import end_with_the_conductor
from pipelines.dbt_ahead import started
from pipelines.xledger.waiting import end_when_asked


def main() -> int:
    """Run once; the exit code is the design's: 0 done, 1 failed, 2 wrong configuration, 3 a payroll guard stopped it."""
    arguments = _parser().parse_args()
    with started(is_quiet=arguments.log_format == "json") as dbt:
        # What is loaded stays to the end: nothing of it is worth looking for over and over.
        gc.disable()
        from pipelines.alerts import alert
        from pipelines.console import console_for
        from pipelines.exits import outcome_of
        from pipelines.one_sync import run
        from pipelines.run_record import new_run_id

        gc.freeze()
        gc.enable()
        # A scheduler ends a run with SIGTERM: that, too, is to be journaled and told.
        end_when_asked()
        end_with_the_conductor()
        run_id = new_run_id()
        console = console_for(arguments.log_format, run_id)
        outcome = outcome_of(partial(run, run_id, console, arguments, dbt))
        if outcome.exit_code:
            console.fail(outcome.sentence, outcome.exit_code)
            alert("run_failed", run_id, outcome, console)
    return outcome.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Read Xledger, build the marts, publish them.")
    parser.add_argument(
        "--accept-shrink", action="store_true", help="take a read with far fewer rows than the last one"
    )
    parser.add_argument("--full", action="store_true", help="read everything, not only what changed")
    parser.add_argument(
        "--require-token", action="store_true", help="fail without a token instead of using the sandbox"
    )
    parser.add_argument("--log-format", choices=["text", "json"], default="text", help="json: one object a line")
    return parser


if __name__ == "__main__":
    exit_code = main()
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    # Everything is closed: taking down all that was loaded would only take time.
    os._exit(exit_code)
