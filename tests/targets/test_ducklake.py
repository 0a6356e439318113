"""DuckLake, with its catalog on a server and in a file, which differ in little but their locks."""

import json

from tests.targets.engine_tests import GoesOn, SameAsOnDuckDB
from tests.targets.landed import Landed


class TestCatalogOnAServer(GoesOn):
    kind = "ducklake_server"


class TestCatalogInAFile(SameAsOnDuckDB):
    kind = "ducklake_file"

    def test_dbt_reads_raw_tables_in_the_lake_and_keeps_the_history_there(self, landed: Landed) -> None:
        manifest = json.loads((landed.data_dir / "build" / "dbt" / "manifest.json").read_text(encoding="utf-8"))
        assert {source["database"] for source in manifest["sources"].values()} == {"lake"}
        assert manifest["nodes"]["snapshot.xledger_spend.supplier_snapshot"]["database"] == "lake"
