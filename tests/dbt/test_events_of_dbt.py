"""Of what dbt says, the sync's dbt makes only what a log wants; nothing above debug level is left out."""

import runpy

import pytest
from dbt_common.events import event_manager_client
from dbt_common.events.base_types import EventLevel
from dbt_common.events.event_manager import EventManager
from dbt_common.events.functions import fire_event
from dbt_common.events.logger import LoggerConfig
from dbt_common.events.types import Note

from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("wanted", "made"),
    [(EventLevel.INFO, ["info", "warn", "error"]), (EventLevel.DEBUG, ["debug", "info", "warn", "error"])],
)
def test_only_what_a_log_wants_is_made(wanted: EventLevel, made: list[str]) -> None:
    seen: list[str] = []
    runpy.run_path(str(ROOT / "dbt_project" / "when_told.py"))["write_no_line_that_nobody_reads"]()
    try:
        event_manager_client.add_logger_to_manager(
            LoggerConfig(name="test", level=wanted, filter=lambda event: bool(seen.append(event.info.level)))
        )
        for level in (EventLevel.DEBUG, EventLevel.INFO, EventLevel.WARN, EventLevel.ERROR):
            fire_event(Note(msg="something"), level=level)
    finally:
        event_manager_client.ctx_set_event_manager(EventManager())
    assert seen == made
