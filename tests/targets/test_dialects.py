"""Engines that cannot run here: every model and test compiles for them, and what comes out parses in their dialect.

It says nothing of what such an engine answers.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import sqlglot
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlglot import exp

from tests.targets.compiling import compile_for

ROOT = Path(__file__).resolve().parents[2]
# Of an environment of its own (Makefile): these adapters hold packages back that the rest does not.
_DBT = Path(sys.prefix) / "dialects" / "bin" / "dbt"
DIALECTS = {"motherduck": "duckdb", "snowflake": "snowflake", "bigquery": "bigquery", "databricks": "databricks"}
# What sqlglot reads in a dialect though the engine has no such thing.
FOREIGN: dict[str, tuple[type[exp.Expression], ...]] = {
    "snowflake": (exp.Filter, exp.IntDiv),
    "bigquery": (exp.Filter,),
    "databricks": (),
    "motherduck": (),
}
# Functions that the engine has and sqlglot knows by name alone.
KNOWN_BY_NAME = {"snowflake": {"split_to_table"}}
# Digits of a declared number, and those of them before the point. BigQuery's NUMERIC has 29 before it, whatever comes behind.
WIDEST = {"motherduck": (38, 38), "snowflake": (38, 38), "bigquery": (38, 29), "databricks": (38, 38)}


class Compiled(NamedTuple):
    """An engine, the SQL of each model, snapshot and test for it, and the type of each column in the contracts."""

    engine: str
    statements: dict[str, str]
    column_types: dict[str, str]


def _profile_variables(folder: Path) -> dict[str, str]:
    """Something for every setting that the profiles of these engines ask for: nothing connects."""
    profiles = (ROOT / "profiles" / "profiles.yml").read_text(encoding="utf-8")
    names = re.findall(r"env_var\('(TARGET_(?:MOTHERDUCK|SNOWFLAKE|BIGQUERY|DATABRICKS)_\w+)'\)", profiles)
    assert names
    return dict.fromkeys(names, "nowhere.invalid") | {"TARGET_BIGQUERY_KEYFILE": str(_key_of_nobody(folder))}


def _key_of_nobody(folder: Path) -> Path:
    """BigQuery's adapter reads its key before anything is asked."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path = folder / "key.json"
    path.write_text(
        json.dumps(
            {
                "type": "service_account",
                "client_email": "nobody@nowhere.invalid",
                "token_uri": "https://nowhere.invalid",
                "private_key": key.private_bytes(
                    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
                ).decode("ascii"),
            }
        ),
        encoding="utf-8",
    )
    return path


@pytest.fixture(scope="module", params=DIALECTS)
def compiled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    engine = str(request.param)
    folder = tmp_path_factory.mktemp(engine)
    compile_for(engine, folder, environment=_profile_variables(folder), dbt=_DBT)
    nodes = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    statements = {
        name: node["compiled_code"]
        for name, node in nodes.items()
        if node["resource_type"] in ("model", "snapshot", "test")
    }
    assert sum(name.startswith("model.") for name in statements) > 70
    column_types = {
        f"{name}.{column['name']}": column["data_type"]
        for name, node in nodes.items()
        if node["config"].get("contract", {}).get("enforced")
        for column in node["columns"].values()
    }
    return Compiled(engine, statements, column_types)


def test_every_statement_parses_in_the_dialect(compiled: Compiled) -> None:
    engine, statements = compiled.engine, compiled.statements
    dialect = DIALECTS[engine]
    wrong = {}
    for name, sql in statements.items():
        try:
            [statement] = sqlglot.parse(sql, dialect=dialect, error_level=sqlglot.ErrorLevel.RAISE)
            assert isinstance(statement, exp.Query), "no query"
            foreign = list(statement.find_all(exp.Command, *FOREIGN[engine]))
            assert not foreign, f"foreign: {foreign[0].sql()}"
            unknown = {call.name.lower() for call in statement.find_all(exp.Anonymous)} - KNOWN_BY_NAME.get(
                engine, set()
            )
            assert not unknown, f"unknown functions: {unknown}"
            statement.sql(dialect=dialect, unsupported_level=sqlglot.ErrorLevel.RAISE)
        except (AssertionError, sqlglot.errors.SqlglotError) as error:
            wrong[name] = str(error)

    assert not wrong, f"{dialect}: {wrong}"


def test_the_engine_has_every_number_that_is_declared(compiled: Compiled) -> None:
    dialect = DIALECTS[compiled.engine]
    digits, before_the_point = WIDEST[compiled.engine]
    declared = {name: exp.DataType.build(kind, dialect=dialect) for name, kind in compiled.column_types.items()}
    cast = {
        f"{name}: {kind.sql()}": kind
        for name, sql in compiled.statements.items()
        for kind in sqlglot.parse_one(sql, dialect=dialect).find_all(exp.DataType)
    }
    numbers = {
        name: [int(size.name) for size in kind.expressions]
        for name, kind in {**declared, **cast}.items()
        if kind.is_type("decimal") and kind.expressions
    }
    too_wide = {
        name
        for name, (precision, scale) in numbers.items()
        if precision > digits or precision - scale > before_the_point
    }

    assert len(numbers) > 50
    assert too_wide == set()


def test_a_server_builds_beside_what_is_published(compiled: Compiled) -> None:
    reads_spend = compiled.statements["model.xledger_spend.finding__unattributed_spend"]

    assert ("marts_build" in reads_spend) is (compiled.engine != "motherduck")
