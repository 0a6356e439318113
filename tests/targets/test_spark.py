"""Spark, with two workers of their own processes."""

from tests.targets.engine_tests import SameAsOnDuckDB


class TestSpark(SameAsOnDuckDB):
    kind = "spark"
