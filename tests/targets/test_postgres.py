"""PostgreSQL."""

from tests.targets.engine_tests import GoesOn


class TestPostgres(GoesOn):
    kind = "postgres"
