"""The schemas in PostgreSQL: which are ours, how raw tables and marts take the place of the last ones, each in one step."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psycopg2
from psycopg2.extensions import connection as Session
from psycopg2.extensions import cursor as Cursor

from pipelines.console import Console
from pipelines.targets.copied import Column
from pipelines.targets.target import BUILT, INCOMING, MADE_ANEW, PUBLISHED, RAW, SNAPSHOTS
from pipelines.xledger.errors import ConfigurationError, XledgerError
from pipelines.xledger.waiting import sleep

# On every schema this program made; one without it is somebody else's and is never touched.
_MARK = "Made by xledger-spend; replaced by each run."
_OURS = (RAW, INCOMING, SNAPSHOTS, *MADE_ANEW, *PUBLISHED, *BUILT.values())
_OLDEST = 150_000
# New readers wait behind us while we wait for a lock, so each try is short.
_LOCK_TRY = "2s"
_SECONDS_BETWEEN_TRIES = 5.0
_SECONDS_FOR_READERS = 600.0

_FOREIGN_VIEWS = """
    select distinct view_schema.nspname || '.' || view.relname
    from pg_depend
    inner join pg_rewrite on pg_depend.objid = pg_rewrite.oid and pg_depend.classid = 'pg_rewrite'::regclass
    inner join pg_class as view on pg_rewrite.ev_class = view.oid
    inner join pg_namespace as view_schema on view.relnamespace = view_schema.oid
    inner join pg_class as used on pg_depend.refobjid = used.oid and pg_depend.refclassid = 'pg_class'::regclass
    inner join pg_namespace as used_schema on used.relnamespace = used_schema.oid
    where used_schema.nspname = any(%(ours)s) and view_schema.nspname <> all(%(ours)s)
    order by 1
"""
# Whoever could read a published table can read the one that takes its place.
_GRANTS = """
    select format('grant usage on schema %%I to %%s', %(built)s, grantee)
    from (
        select case acl.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end as grantee
        from pg_namespace, aclexplode(pg_namespace.nspacl) as acl
        where nspname = %(published)s and acl.privilege_type = 'USAGE' and acl.grantee <> nspowner
    ) as of_schema
    union all
    select format('grant select on %%I.%%I to %%s', %(built)s, table_name, grantee)
    from (
        select
            built.relname as table_name,
            case acl.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end as grantee
        from pg_class as published
        inner join pg_class as built on published.relname = built.relname
        cross join aclexplode(published.relacl) as acl
        where published.relnamespace = %(published)s::regnamespace and built.relnamespace = %(built)s::regnamespace
            and acl.privilege_type = 'SELECT' and acl.grantee <> published.relowner
    ) as of_tables
"""


@dataclass(frozen=True)
class BuiltTable:
    """A table as dbt made it, its columns in order."""

    name: str
    comment: str | None
    columns: Sequence[Column]


def refuse_what_is_not_ours(session: Session) -> None:
    """See that nothing of anybody else would be touched, and that we may make what we need.

    Raises:
        ConfigurationError: naming the schema, the view or the right.
    """
    with session, session.cursor() as cursor:
        cursor.execute("select current_database(), current_user")
        database, user = cursor.fetchone() or ("", "")
        if session.server_version < _OLDEST:
            raise ConfigurationError(
                f"The server of the database {database} is older than PostgreSQL {_OLDEST // 10_000}; use a newer one."
            )
        _refuse_another_order_of_texts(cursor, database)
        cursor.execute("select has_database_privilege(current_database(), 'CREATE')")
        if cursor.fetchone() != (True,):
            raise ConfigurationError(
                f"{user} may not make schemas in the database {database}; let its owner run "
                f'`grant create on database "{database}" to "{user}"`.'
            )
        cursor.execute(
            "select nspname from pg_namespace where nspname = any(%s) "
            "and (obj_description(oid, 'pg_namespace') is distinct from %s or not pg_has_role(nspowner, 'usage')) order by 1",
            [list(_OURS), _MARK],
        )
        foreign = [schema for (schema,) in cursor.fetchall()]
        if foreign:
            raise ConfigurationError(
                f"The database {database} already has schemas of these names that are not this program's, or not "
                f"{user}'s: {', '.join(foreign)}. Give the spend cube a database of its own."
            )
        _refuse_foreign_views(cursor)


def _refuse_another_order_of_texts(cursor: Cursor, database: str) -> None:
    """The models take the first and the last of some texts; by another order that would be another."""
    cursor.execute(
        "select pg_encoding_to_char(encoding) = 'UTF8' "
        "and datcollate in ('C', 'POSIX', 'C.UTF-8', 'C.utf8', 'C.UTF8') and datlocprovider <> 'i' "
        "from pg_database where datname = current_database()"
    )
    if cursor.fetchone() != (True,):
        raise ConfigurationError(
            f"The database {database} does not sort texts by their bytes, or is not in UTF-8; make another, by "
            "`create database spend template template0 encoding 'UTF8' locale 'C'`, and name it in "
            "DESTINATION__POSTGRES__CREDENTIALS."
        )


def _refuse_foreign_views(cursor: Cursor) -> None:
    cursor.execute(_FOREIGN_VIEWS, {"ours": list(_OURS)})
    views = [view for (view,) in cursor.fetchall()]
    if views:
        raise ConfigurationError(
            f"Views stand on tables that each run replaces, and would go with them: {', '.join(views)}. Drop them, and "
            "make tables of them or models of the dbt project instead."
        )


def make_room(session: Session) -> None:
    """An empty schema for the raw tables that are about to arrive."""

    def steps(cursor: Cursor) -> None:
        cursor.execute(f"drop schema if exists {INCOMING} cascade")
        _make(cursor, INCOMING)

    _in_one_step(session, steps)


def take_incoming(session: Session) -> None:
    """The raw tables that arrived take the place of the last ones; what was built on those goes, the marts stay.

    Of the suppliers' history stays what belongs to suppliers that were received now, in a new table: the file of the old
    one goes with it.
    """

    def steps(cursor: Cursor) -> None:
        _refuse_foreign_views(cursor)
        _make(cursor, SNAPSHOTS)
        cursor.execute(
            "select relname from pg_class where relnamespace = %s::regnamespace and relkind = 'r'", [SNAPSHOTS]
        )
        for (table,) in cursor.fetchall():
            cursor.execute(
                f'create table {SNAPSHOTS}.kept as select kept.* from {SNAPSHOTS}."{table}" as kept where exists ('
                f"select from {INCOMING}.supplier as supplier where supplier.owner_db_id = kept.owner_db_id "
                f'and supplier.db_id = kept.supplier_db_id); drop table {SNAPSHOTS}."{table}" cascade; '
                f'alter table {SNAPSHOTS}.kept rename to "{table}"'
            )
        for schema in (RAW, *MADE_ANEW, *BUILT.values()):
            cursor.execute(f"drop schema if exists {schema} cascade")
        cursor.execute(f"alter schema {INCOMING} rename to {RAW}")
        for schema in (*MADE_ANEW, *BUILT.values()):
            _make(cursor, schema)

    _in_one_step(session, steps)
    # The planner knows nothing of new tables, and autovacuum may come too late for the build.
    with session, session.cursor() as cursor:
        cursor.execute("select relname from pg_class where relnamespace = %s::regnamespace and relkind = 'r'", [RAW])
        for (table,) in cursor.fetchall():
            cursor.execute(f'analyze {RAW}."{table}"')


def tables_of(session: Session, schema: str) -> list[BuiltTable]:
    """The tables of a schema with their types and comments."""
    with session, session.cursor() as cursor:
        cursor.execute(
            "select relname, obj_description(oid, 'pg_class') from pg_class "
            "where relnamespace = %s::regnamespace and relkind = 'r' order by 1",
            [schema],
        )
        found = cursor.fetchall()
        tables = []
        for name, comment in found:
            cursor.execute(
                "select attname, format_type(atttypid, atttypmod), col_description(attrelid, attnum) from pg_attribute "
                "where attrelid = format('%%I.%%I', %s::text, %s::text)::regclass and attnum > 0 and not attisdropped "
                "order by attnum",
                [schema, name],
            )
            tables.append(BuiltTable(name, comment, [Column(*column) for column in cursor.fetchall()]))
        return tables


def publish(session: Session, console: Console | None = None) -> None:
    """The built schemas take the names of the published ones, which are dropped: all of it, or nothing.

    A transaction that reads the old tables is waited for, as it could not read on without them.
    """

    def steps(cursor: Cursor) -> None:
        _refuse_foreign_views(cursor)
        cursor.execute(
            "select string_agg(format('%%I.%%I', schemaname, tablename), ', ') from pg_tables where schemaname = any(%s)",
            [list(PUBLISHED)],
        )
        (old_tables,) = cursor.fetchone() or (None,)
        if old_tables:
            cursor.execute(f"lock table {old_tables} in access exclusive mode")
        for published, built in BUILT.items():
            cursor.execute("select 1 from pg_namespace where nspname = %s", [published])
            if cursor.fetchone():
                cursor.execute(_GRANTS, {"published": published, "built": built})
                for (grant,) in cursor.fetchall():
                    cursor.execute(grant)
            cursor.execute(f"drop schema if exists {published} cascade")
            cursor.execute(f"alter schema {built} rename to {published}")

    _in_one_step(session, steps, console)


def _make(cursor: Cursor, schema: str) -> None:
    cursor.execute(f"create schema if not exists {schema}")
    cursor.execute(f"comment on schema {schema} is %s", [_MARK])


def _in_one_step(session: Session, steps: Callable[[Cursor], None], console: Console | None = None) -> None:
    """One transaction, tried again while somebody's transaction reads what is to go.

    Raises:
        XledgerError: readers did not end in time, or the server refused; everything is as it was.
    """
    give_up_at = time.monotonic() + _SECONDS_FOR_READERS
    while True:
        try:
            with session, session.cursor() as cursor:
                cursor.execute(f"set local lock_timeout = '{_LOCK_TRY}'")
                steps(cursor)
            return
        except psycopg2.errors.LockNotAvailable:
            if time.monotonic() > give_up_at:
                raise XledgerError(
                    "Somebody's transaction has been reading the published tables for ten minutes, so they could not be "
                    "replaced; nothing was published. End it (pg_stat_activity shows it), then run again."
                ) from None
            if console is not None:
                console.countdown("Waiting for a transaction that reads the published tables")
            sleep(_SECONDS_BETWEEN_TRIES)
        except psycopg2.Error as error:
            raise XledgerError(
                f"PostgreSQL refused a step ({type(error).__name__}); nothing was published. See its log, then run again."
            ) from None
