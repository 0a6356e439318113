"""Serves a company's own books: a Norwegian SAF-T Financial file, versions 1.10 to 1.30, read into the ledger's tables."""

from pipelines.sandbox.saft.books import read_saft
from pipelines.sandbox.saft.stream import SaftError

__all__ = ["SaftError", "read_saft"]
