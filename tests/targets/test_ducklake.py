"""DuckLake, with its catalog on a server and in a file, which differ in little but their locks."""

from tests.targets.engine_tests import GoesOn, SameAsOnDuckDB


class TestCatalogOnAServer(GoesOn):
    kind = "ducklake_server"


class TestCatalogInAFile(SameAsOnDuckDB):
    kind = "ducklake_file"
