"""One run at a time in a PostgreSQL database, also from two machines: a lock of the session, gone with it however it ends."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2  # type: ignore[import-untyped, unused-ignore]

from pipelines.xledger.errors import ConfigurationError

# Any number; the same in every installation.
_KEY = 7_530_118_264_113
_HOLDER = """
    select activity.application_name, to_char(activity.backend_start at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"')
    from pg_locks as held
    inner join pg_stat_activity as activity on held.pid = activity.pid
    where held.locktype = 'advisory' and held.granted and held.objsubid = 1
        and held.database = (select oid from pg_database where datname = current_database())
        and (held.classid::bigint << 32) | held.objid::bigint = %s
"""


@contextmanager
def exclusive(session: psycopg2.extensions.connection, place: str) -> Iterator[None]:
    """Hold the lock for as long as the session lives.

    Raises:
        ConfigurationError: another run holds it, and the message names its machine and since when.
    """
    session.autocommit = True
    with session.cursor() as cursor:
        me = f"xledger-spend on {socket.gethostname()}, process {os.getpid()}"[:63]
        # A server may end sessions that are idle for long, as this one is while Xledger is read.
        cursor.execute("select set_config('application_name', %s, false)", [me])
        if session.server_version >= 140000:
            cursor.execute("set idle_session_timeout = 0")
        cursor.execute("select pg_try_advisory_lock(%s)", [_KEY])
        (is_taken,) = cursor.fetchone() or (False,)
        if not is_taken:
            cursor.execute(_HOLDER, [_KEY])
            name, since = cursor.fetchone() or (None, None)
            raise ConfigurationError(
                f"Another run is under way in {place} ({name or 'another session'}, since {since or 'an unknown time'}); "
                "wait until it ends, then run again."
            )
    yield
