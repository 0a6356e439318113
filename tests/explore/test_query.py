"""The SQL shell reads, knows the README's questions, and cannot write."""

from __future__ import annotations

import csv

import pytest

from pipelines.query import examples
from tests.explore.conftest import Place


def ask(place: Place, sql: str) -> list[list[str]]:
    answer = place.data_dir / "answer.csv"
    answered = place.run("pipelines.query", "--sql", f"copy ({sql}) to '{answer}' (header)")
    assert answered.returncode == 0, answered.stdout + answered.stderr
    with answer.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_the_readmes_questions_are_at_hand(place: Place) -> None:
    listed = ask(place, "select question, sql from examples order by cast(split_part(name, '_', 2) as integer)")[1:]

    assert [(question, sql) for question, sql in listed] == [(one.question, one.sql) for one in examples()]
    assert listed[0][0] == "How much do we spend with each supplier?"


@pytest.mark.parametrize("number", range(1, len(examples()) + 1))
def test_an_example_answers_as_its_sql_does(place: Place, number: int) -> None:
    rows = ask(place, f"from example_{number}")

    assert len(rows) - 1 == len(place.query(examples()[number - 1].sql)) > 0


def test_nothing_can_be_written(place: Place) -> None:
    before = place.published.read_bytes()

    refused = place.run("pipelines.query", "--sql", "delete from marts.fct_spend")

    assert refused.returncode == 1
    assert "read-only" in refused.stderr
    assert place.published.read_bytes() == before
