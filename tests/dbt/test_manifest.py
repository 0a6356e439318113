"""The project against its own rules: everything described, layers read only the layer below, contracts on all marts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.dbt.conftest import Build

Node = dict[str, Any]
PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
READS = {
    "staging": {"source"},
    "intermediate": {"staging", "intermediate", "seed"},
    "marts": {"staging", "intermediate", "marts", "seed"},
    "findings": {"intermediate", "marts", "audit"},
    "audit": {"staging", "intermediate", "marts", "audit", "findings", "snapshot", "seed"},
}
# Tables of a row for each line or item: their keys are held by a test, as an index would be larger than the table.
FACTS = {"fct_ledger_line", "fct_spend", "fct_ap_invoice"}
PREFIXES = {
    "staging": "stg_xledger__",
    "intermediate": "int_",
    "marts": ("fct_", "dim_", "kpi_"),
    "findings": "finding__",
    "audit": "",
}


@pytest.fixture(scope="module")
def manifest(small: Build) -> Node:
    return small.manifest


def _nodes(manifest: Node, *kinds: str) -> list[Node]:
    return [node for node in (manifest["nodes"] | manifest["sources"]).values() if node["resource_type"] in kinds]


def _layer(node: Node) -> str:
    return str(node["fqn"][1]) if node["resource_type"] == "model" else str(node["resource_type"])


def test_everything_is_described(manifest: Node) -> None:
    tables = _nodes(manifest, "model", "seed", "source", "snapshot")
    bare = [node["name"] for node in tables if not node["description"].strip()]
    bare += [
        f"{node['name']}.{column['name']}"
        for node in _nodes(manifest, "model", "seed", "snapshot")
        for column in node["columns"].values()
        if not column["description"].strip()
    ]
    bare += [
        node["name"]
        for node in _nodes(manifest, "test")
        if node.get("test_metadata") and not node["description"].strip()
    ]
    bare += [test["name"] for test in manifest["unit_tests"].values() if not (test["description"] or "").strip()]
    bare += [
        macro["name"]
        for macro in manifest["macros"].values()
        if macro["package_name"] == "xledger_spend"
        and not (PROJECT / macro["original_file_path"]).read_text(encoding="utf-8").startswith("{#")
    ]

    assert bare == []


def test_every_column_that_a_model_has_is_in_its_description(small: Build) -> None:
    described = {
        (node["schema"], node["name"], column) for node in _nodes(small.manifest, "model") for column in node["columns"]
    }
    built = {
        (schema, table, column)
        for schema, table, column in small.query_all(
            "select schema_name, table_name, column_name from duckdb_columns() where not internal "
            "and schema_name in ('staging', 'intermediate', 'findings', 'marts', 'audit')"
        )
    }

    assert built == described


def test_a_singular_test_says_what_its_failure_means(manifest: Node) -> None:
    silent = [
        node["name"]
        for node in _nodes(manifest, "test")
        if not node.get("test_metadata") and not node["raw_code"].startswith("-- Fails ")
    ]

    assert silent == []


def test_a_layer_reads_only_what_it_may(manifest: Node) -> None:
    nodes = manifest["nodes"] | manifest["sources"]
    trespassing = [
        f"{node['name']} reads {nodes[parent]['name']}"
        for node in _nodes(manifest, "model")
        for parent in node["depends_on"]["nodes"]
        if _layer(nodes[parent]) not in READS[_layer(node)] and not _tells_what_changed(nodes[parent])
    ]

    assert trespassing == []


def _tells_what_changed(node: Node) -> bool:
    """What the last build left for the next one: not the ledger's, and read by whatever is built by voucher."""
    return bool(node["name"] == "int_vouchers_to_build" or node.get("source_name") == "last_build")


def test_staging_is_one_model_for_each_source(manifest: Node) -> None:
    sources = {f"stg_xledger__{node['name']}" for node in _nodes(manifest, "source") if not _tells_what_changed(node)}
    staging = {node["name"]: node for node in _nodes(manifest, "model") if _layer(node) == "staging"}

    assert set(staging) == sources
    assert all(len(node["depends_on"]["nodes"]) == 1 for node in staging.values())


def test_a_name_tells_the_layer(manifest: Node) -> None:
    misnamed = [
        node["name"] for node in _nodes(manifest, "model") if not node["name"].startswith(PREFIXES[_layer(node)])
    ]

    assert misnamed == []


def test_marts_and_audit_have_a_contract_a_key_and_an_example(manifest: Node) -> None:
    held_by_test = {
        manifest["nodes"][node["attached_node"]]["name"]
        for node in _nodes(manifest, "test")
        if node.get("test_metadata", {}).get("name") == "unique_key" and node["attached_node"] in manifest["nodes"]
    }
    assert held_by_test >= FACTS
    for node in _nodes(manifest, "model"):
        if _layer(node) not in ("marts", "audit"):
            continue
        constraints = [
            *node["constraints"],
            *(one for column in node["columns"].values() for one in column["constraints"]),
        ]
        assert node["config"]["contract"]["enforced"], node["name"]
        assert node["database"] == "spend", node["name"]
        held_by_index = "primary_key" in {constraint["type"] for constraint in constraints}
        assert held_by_index is (node["name"] not in FACTS), node["name"]
        assert "Example: `select" in node["description"], node["name"]


def test_every_mart_is_on_the_landing_page(manifest: Node) -> None:
    page = manifest["docs"]["doc.xledger_spend.__overview__"]["block_contents"]
    absent = [
        f"{node['schema']}.{node['name']}"
        for node in _nodes(manifest, "model")
        if _layer(node) in ("marts", "audit") and f"{node['schema']}.{node['name']}" not in page
    ]

    assert absent == []


def test_every_mart_has_a_known_use(manifest: Node) -> None:
    used = {parent for exposure in manifest["exposures"].values() for parent in exposure["depends_on"]["nodes"]}
    unused = [
        node["name"]
        for node in _nodes(manifest, "model")
        if _layer(node) in ("marts", "audit") and node["unique_id"] not in used
    ]

    assert unused == []


def test_every_finding_is_shown(manifest: Node) -> None:
    shown = set(manifest["nodes"]["model.xledger_spend.data_quality"]["depends_on"]["nodes"])
    hidden = [
        node["name"]
        for node in _nodes(manifest, "model")
        if _layer(node) == "findings" and node["unique_id"] not in shown
    ]

    assert hidden == []


def test_every_example_query_runs(small: Build) -> None:
    for node in _nodes(small.manifest, "model"):
        if "Example: `" in node["description"]:
            small.query(node["description"].split("Example: `")[1].split("`")[0])
