"""Every macro that differs from engine to engine says the same on each that runs here."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from tests.targets.compiling import compile_for
from tests.targets.places import LITTLE_DATA, SHORT_LIVES
from tests.targets.postgres_server import Server

ROOT = Path(__file__).resolve().parents[2]
MACROS = ROOT / "dbt_project" / "macros"
BETWEEN = "\n-- next\n"


@dataclass(frozen=True)
class Case:
    """A macro within a query of one value, and that value as Python writes it."""

    macro: str
    query: str
    expected: str


def _of(macro: str, expression: str, expected: object) -> Case:
    return Case(macro, f"select {{{{ {expression} }}}} as answer", str(expected))


def _over(macro: str, expression: str, rows: str, expected: object) -> Case:
    return Case(macro, f"select {{{{ {expression} }}}} as answer from ({rows}) as example", str(expected))


def _texts(*texts: str | None) -> str:
    written = ("cast(null as {{ dbt.type_string() }})" if text is None else f"'{text}'" for text in texts)
    return " union all ".join(f"select {text} as name, {number} as number" for number, text in enumerate(written))


NO_ROWS = "select 'x' as name, 1 as number where 1 = 0"
THIRTY = " union all ".join(f"select '{number:02}' as name" for number in range(30, 0, -1))
CASES = (
    _of("regex_matches", r'''regex_matches("'a 12'", '\\s[0-9]{2}$')''', True),
    _of("regex_matches", r'''regex_matches("'a 1'", '^[0-9]')''', False),
    _of("regex_replace", r'''regex_replace("'a  b c'", '\\s+', ' ')''', "a b c"),
    _of("regex_replace", r'''regex_replace("'00A007B10'", '^0+|([^0-9])0+', '\\1')''', "A7B10"),
    _of("regex_replace", r'''regex_replace("'aab'", 'a', '')''', "b"),
    _of("letters_and_digits", r'''letters_and_digits("'Åse-Ö 12/Ψ日_3.'")''', "ÅseÖ12Ψ日3"),
    _of("upper_case", r'''upper_case("'blåbær é'")''', "BLÅBÆR É"),
    _of("lower_case", r'''lower_case("'BLÅBÆR É'")''', "blåbær é"),
    _over("first_ids", "first_ids('name')", _texts("b", "a", None, "a", "Å", "B"), "B, a, a, b, Å"),
    _over("first_ids", "first_ids('name', distinct=true)", _texts("b", "a", "a"), "a, b"),
    _over("first_ids", "first_ids('name')", THIRTY, ", ".join(f"{number:02}" for number in range(1, 21))),
    _over("first_ids", "first_ids('name')", NO_ROWS, None),
    _over("distinct_texts", "distinct_texts('name')", _texts("b", "a", None, "a", "Z", "Å"), "Z, a, b, Å"),
    _over("distinct_texts", "distinct_texts('name')", _texts(None), None),
    _over("distinct_texts", "distinct_texts('name')", _texts(""), ""),
    _over("ordered_texts", "ordered_texts('name', ['number'])", _texts("b", "a", "a"), "b, a, a"),
    Case(
        "words_of",
        "select count(distinct word) as answer from ({{ words_of('(select 1 as id, ' ~ \"'to be or to'\" ~ ' as line) as lines', "
        "['id'], 'line') }}) as words",
        "3",
    ),
    _of("whole_number_type", "whole_number('cast(1.2345 as decimal(19, 4))')", 12345),
    _of("whole_quotient", "whole_quotient(whole_number('7', 0), '2')", 3),
    _of("whole_quotient", "whole_quotient(whole_number('-7', 0), '2')", -3),
    _of(
        "whole_quotient",
        "whole_quotient(whole_number('99999999999999999', 0) ~ ' * 999999999999999999', '1000000000000000000')",
        99999999999999998,
    ),
    _of("date_plus", r'''date_plus("date '2024-02-29'", 1, 'year')''', "2025-02-28"),
    _of("date_plus", r'''date_plus("date '2024-01-31'", 1, 'month')''', "2024-02-29"),
    _of("date_plus", r'''date_plus("date '2024-03-01'", -1, 'day')''', "2024-02-29"),
    _of("days_between", r'''days_between("date '2024-02-28'", "date '2024-03-01'")''', 2),
    _of("days_between", r'''days_between("date '2024-03-01'", "date '2024-02-28'")''', -2),
    # What is made of them.
    _of("first_day_of", r'''first_day_of('month', "date '2024-02-29'")''', "2024-02-01"),
    _of("account_number", r'''account_number("' 4300A'")''', 4300),
    _of("account_number", r'''account_number("'430'")''', None),
    _of("ratio", "ratio('1', '3')", "0.333333"),
    _of("ratio", "ratio('-2', '3')", "-0.666667"),
    _of("ratio", "ratio('cast(0.0005 as decimal(19, 4))', '1000')", "0.000001"),
    _of("ratio", "ratio('1', '0')", None),
    _of("open_share", "open_share('cast(-7 as decimal(19, 4))', 'cast(1 as decimal(19, 4))', '3')", "-2.3333"),
    _of("name_key", r'''name_key("'Ærø Bygg & Çafé-Łåve A/S.'")''', "aerobyggcafeave"),
    _of("reference_key", r'''reference_key("'nr-æ1'")''', "NRÆ1"),
    _of("reference_key", r'''reference_key("'faktura'")''', None),
    _of("registration_key", r'''registration_key("'no 923 609 016 mva'")''', "NO923609016MVA"),
    _of("is_norwegian_organisation_number", r'''is_norwegian_organisation_number("'923609016'")''', True),
    _of("is_norwegian_organisation_number", r'''is_norwegian_organisation_number("'923609017'")''', False),
    _of("is_swedish_organisation_number", r'''is_swedish_organisation_number("'5560125790'")''', True),
    _of("is_swedish_organisation_number", r'''is_swedish_organisation_number("'5560125791'")''', False),
    _of("is_british_company_number", r'''is_british_company_number("'SC123456'")''', True),
    _of("as_text", "as_text('cast(1.50 as decimal(19, 4))')", "1.5000"),
    _of("as_text", r'''as_text("date '2024-01-01'")''', "2024-01-01"),
)  # fmt: skip


def _compiled(target: str, folder: Path, environment: dict[str, str]) -> list[str]:
    """The queries of all cases as dbt writes them for this engine; it asks no server, and reads no more than the macros."""
    project = folder / "project"
    shutil.copytree(MACROS, project / "macros")
    shutil.copy(ROOT / "dbt_project" / "dbt_project.yml", project)
    inline = BETWEEN.join(case.query for case in CASES)
    printed = compile_for(target, folder, "--inline", inline, "--quiet", environment=environment, project=project)
    queries = printed.strip().split(BETWEEN.strip())
    assert len(queries) == len(CASES)
    return queries


def _on_duckdb(queries: list[str]) -> list[str]:
    with duckdb.connect() as connection:
        return [str(connection.execute(query).fetchall()[0][0]) for query in queries]


def _on_postgres(queries: list[str], server: Server) -> list[str]:
    with server.session(server.new_database("macros")) as session, session.cursor() as cursor:
        answers = []
        for query in queries:
            cursor.execute(query)
            answers.append(str(cursor.fetchall()[0][0]))
    return answers


_SPARK = """
import json, sys
from pyspark.sql import SparkSession

asked = json.load(sys.stdin)
builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
session = builder.config(map=asked["settings"]).getOrCreate()
print(json.dumps([str(session.sql(query).collect()[0][0]) for query in asked["queries"]]))
"""


def _on_spark(queries: list[str], folder: Path) -> list[str]:
    """In a process of its own, which takes Spark along when it ends."""
    import json

    completed = subprocess.run(
        [sys.executable, "-c", _SPARK],
        input=json.dumps({"settings": LITTLE_DATA, "queries": queries}),
        cwd=folder,
        env=os.environ | {"SPARK_LOCAL_IP": "127.0.0.1", "PYTHONIOENCODING": "utf-8", "JAVA_TOOL_OPTIONS": SHORT_LIVES},
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr
    answers: list[str] = json.loads(completed.stdout)
    return answers


@pytest.fixture(scope="module", params=["duckdb", "postgres", "spark"])
def answers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[Case, str]]:
    """The engine, and what it answers to each case."""
    engine = str(request.param)
    folder = tmp_path_factory.mktemp(engine)
    environment = {f"TARGET_POSTGRES_{name}": "1" for name in ("HOST", "PORT", "USER", "PASSWORD", "DBNAME")}
    queries = _compiled("lint" if engine == "duckdb" else engine, folder, environment)
    ask: dict[str, Callable[[], list[str]]] = {
        "duckdb": lambda: _on_duckdb(queries),
        "postgres": lambda: _on_postgres(queries, request.getfixturevalue("server")),
        "spark": lambda: _on_spark(queries, folder),
    }
    return engine, dict(zip(CASES, ask[engine](), strict=True))


def test_an_engine_answers_as_the_others(answers: tuple[str, dict[Case, str]]) -> None:
    engine, answered = answers
    wrong = {case.query: answer for case, answer in answered.items() if answer != case.expected}

    assert not wrong, f"{engine}: {wrong}"


def test_every_macro_with_a_word_for_each_engine_is_tried() -> None:
    written = "\n".join(file.read_text(encoding="utf-8") for file in MACROS.glob("*.sql"))
    dispatched = set(re.findall(r"adapter\.dispatch\('(\w+)', 'xledger_spend'\)", written))

    assert dispatched
    assert dispatched - {case.macro for case in CASES} == set()
