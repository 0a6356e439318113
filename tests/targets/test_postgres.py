"""PostgreSQL: the hostile ledger, and the sandbox's own, whose pay is louder than all else."""

from tests.targets.engine_tests import GoesOn, SameAsOnDuckDB


class TestHostileLedger(SameAsOnDuckDB):
    kind = "postgres"
    ledger = "hostile"


class TestLoudLedger(GoesOn):
    kind = "postgres"
    ledger = "sandbox"
