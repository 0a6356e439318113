"""The README cannot drift: every target, setting, rule, sentence and number in it is held against the program."""

from __future__ import annotations

import ast
import dataclasses
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Protocol

import duckdb
import pytest
import yaml

from pipelines.alerts import DEFAULT_MAX_AGE_DAYS, AlertSettings
from pipelines.exits import exit_code_of
from pipelines.xledger import errors, settings
from pipelines.xledger.charts import DEFAULT_PAY_RANGES
from pipelines.xledger.tables import TABLES

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PREFIX = "SOURCES__XLEDGER__"


class Synced(Protocol):
    data_dir: Path

    @property
    def published(self) -> Path: ...


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def section(heading: str) -> str:
    """Text from a heading to the next one of the same or a higher level."""
    (start,) = re.finditer(rf"^(#+) {re.escape(heading)}$", README, flags=re.MULTILINE)
    end = re.compile(rf"^#{{1,{len(start[1])}}} ", re.MULTILINE).search(README, start.end())
    return README[start.end() : end.start() if end else len(README)]


def rows(text: str) -> list[list[str]]:
    """Cells of the tables in a text, headings left out."""
    cells = [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line.startswith("|")
    ]
    rules = [number for number, row in enumerate(cells) if set(row[0]) <= set("- ")]
    return [row for number, row in enumerate(cells) if number not in rules and number + 1 not in rules]


def first_cells(text: str) -> list[str]:
    return [row[0].strip("` ") for row in rows(text)]


def make_targets() -> dict[str, str]:
    found = re.findall(r"^([a-z][a-z-]*):(?!=)(.*)$", MAKEFILE, flags=re.MULTILINE)
    return {name: rest.partition("##")[2].strip() for name, rest in found}


def test_every_target_has_help() -> None:
    assert {name: text for name, text in make_targets().items() if not text} == {}


def test_the_targets_of_the_readme_are_those_of_the_makefile() -> None:
    assert first_cells(section("Commands"))[: len(make_targets())] == [f"make {name}" for name in make_targets()]


def test_every_target_the_readme_mentions_exists() -> None:
    assert set(re.findall(r"`make ([a-z-]+)", README)) <= make_targets().keys()


def test_every_variable_of_make_is_in_the_readme() -> None:
    variables = re.findall(r"^([A-Z_]+) \?=", MAKEFILE, flags=re.MULTILINE)
    assert variables
    assert [name for name in variables if f"`{name}" not in section("Commands")] == []


def shell_commands() -> list[str]:
    return list(dict.fromkeys(line for block in blocks("sh") for line in block.splitlines()))


@dataclasses.dataclass(frozen=True)
class Place:
    """A fresh clone, as a reader of the README has it, but with the packages that the tests already run on."""

    clone: Path
    synced: Synced

    def run(self, command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the README in the clone, with no settings but the given."""
        ours = ("SOURCES__", "MAKE", "MFLAGS")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        # The packages are those the tests run on: no recipe may rebuild the environment, whatever the age of its stamps.
        make = f"make VENV={sys.prefix} -o {sys.prefix}/.runtime -o {sys.prefix}/.explore -o {sys.prefix}/.dev"
        words = shlex.split(re.sub(r"^make\b", make, command).replace(".venv/bin/python", sys.executable))
        return subprocess.run(
            words,
            cwd=self.clone,
            env={**kept, "DATA_DIR": "data", **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, synced: Synced) -> Place:
    folder = tmp_path_factory.mktemp("reader")
    (clone_command,) = [command for command in shell_commands() if command.startswith("git clone")]
    subprocess.run(
        clone_command.replace("ADDRESS-OF-THIS-REPOSITORY", ROOT.as_uri()).split(),
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return Place(folder / "xledger-spend", synced)


def clones(place: Place) -> None:
    assert (place.clone / "Makefile").is_file()


def syncs(place: Place) -> None:
    dry = place.run("make --dry-run sync")
    assert f"{sys.prefix}/bin/python -m pipelines.sync" in dry.stdout
    assert place.synced.published.is_file()


def queries_the_sandbox_file(place: Place) -> None:
    (command,) = [command for command in shell_commands() if "duckdb.connect" in command]
    published = place.clone / "data/sandbox/spend.duckdb"
    published.parent.mkdir(parents=True)
    shutil.copy(place.synced.published, published)
    shown = place.run(command)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.count("\n") > 10
    assert "supplier_name" in shown.stdout


def makes_a_private_secrets_file(place: Place) -> None:
    for command in ("cp .dlt/secrets.toml.template .dlt/secrets.toml", "chmod 600 .dlt/secrets.toml"):
        assert place.run(command).returncode == 0
    secrets = place.clone / ".dlt/secrets.toml"
    assert secrets.stat().st_mode & 0o777 == 0o600
    assert 'api_token = ""' in secrets.read_text(encoding="utf-8")
    assert place.run("git status --porcelain").stdout == ""


def asks_for_a_token(place: Place) -> None:
    checked = place.run("make check")
    assert checked.returncode == 2
    assert "No token is set" in checked.stderr


def makes_the_docs_site(place: Place) -> None:
    made = place.run("make docs", DATA_DIR=str(place.synced.data_dir), SOURCES__XLEDGER__API_TOKEN="any")
    assert made.returncode == 0, made.stdout + made.stderr
    assert "fct_spend" in (place.synced.data_dir / "docs/index.html").read_text(encoding="utf-8")


def exports_tables(place: Place) -> None:
    for command in [command for command in shell_commands() if command.startswith("make export")]:
        written = place.run(command, DATA_DIR=str(place.synced.data_dir), SOURCES__XLEDGER__API_TOKEN="any")
        assert written.returncode == 0, written.stdout + written.stderr
    names = {path.name.split("_3")[0] for path in (place.synced.data_dir / "export").iterdir()}
    assert names == {"fct_spend.xlsx", "spend_bridge.csv", "leverantorsreskontra"}


def answers_questions(place: Place) -> None:
    answered = place.run(
        "make query SQL='from example_3'", DATA_DIR=str(place.synced.data_dir), SOURCES__XLEDGER__API_TOKEN="any"
    )
    assert answered.returncode == 0, answered.stdout + answered.stderr
    assert "running_share_percent" in answered.stdout
    assert "pipelines.query" in place.run("make --dry-run query").stdout


def explores(place: Place) -> None:
    dry = place.run("make --dry-run explore PORT=8099")
    assert "-m pipelines.explore --port 8099" in dry.stdout


def makes_the_report(place: Place) -> None:
    made = place.run("make report", DATA_DIR=str(place.synced.data_dir), SOURCES__XLEDGER__API_TOKEN="any")
    assert made.returncode == 0, made.stdout + made.stderr
    assert "<h1>Spend report</h1>" in (place.synced.data_dir / "report/spend.html").read_text(encoding="utf-8")


def takes_one_company(place: Place) -> None:
    folder = place.clone / "firm/companies/north"
    folder.mkdir(parents=True)
    shutil.copy(place.synced.published, folder)
    firm = {"DATA_DIR": "firm", f"{PREFIX}APART": "true", f"{PREFIX}TOKENS": '{"north": "any", "south": "other"}'}
    made = place.run("make report COMPANY=north", **firm)
    assert made.returncode == 0, made.stdout + made.stderr
    assert (folder / "report/spend.html").exists()
    unnamed = place.run("make report", **firm)
    assert "there are north, south" in unnamed.stderr
    refused = place.run("make sync COMPANY=east", **firm)
    assert "names no company" in refused.stderr


def reports_to_a_controller(place: Place) -> None:
    made = place.run("make audit", DATA_DIR=str(place.synced.data_dir), SOURCES__XLEDGER__API_TOKEN="any")
    assert made.returncode == 0, made.stdout + made.stderr
    assert "SEEN = RECEIVED + EXCLUDED" in made.stdout


def gives_the_exit_code(place: Place) -> None:
    direct = place.run(".venv/bin/python -m pipelines.sync", SOURCES__XLEDGER__PAGE_SIZE="0")
    assert direct.returncode == 2
    assert f"{PREFIX}PAGE_SIZE must be from 1 to 10000" in direct.stderr


def lets_it_run_by_itself(place: Place) -> None:
    assert "-m pipelines.schedule" in place.run("make --dry-run schedule").stdout
    shown = place.run("make schedule ARGS='--print --for systemd'")
    assert shown.returncode == 0, shown.stderr
    assert "OnCalendar=*-*-01/3 04:37:00" in shown.stdout


HOW_COMMANDS_ARE_TESTED: dict[str, Callable[[Place], None]] = {
    "git clone ADDRESS-OF-THIS-REPOSITORY xledger-spend": clones,
    "cd xledger-spend": clones,
    "make sync": syncs,
    next(command for command in shell_commands() if "duckdb.connect" in command): queries_the_sandbox_file,
    "cp .dlt/secrets.toml.template .dlt/secrets.toml": makes_a_private_secrets_file,
    "chmod 600 .dlt/secrets.toml": makes_a_private_secrets_file,
    "make check": asks_for_a_token,
    "make schedule": lets_it_run_by_itself,
    "make sync COMPANY=north": takes_one_company,
    "make report COMPANY=north": takes_one_company,
    "make docs": makes_the_docs_site,
    "make query": answers_questions,
    "make query SQL='from example_3'": answers_questions,
    "make explore": explores,
    "make report": makes_the_report,
    "make export": exports_tables,
    "make export TABLE=audit.spend_bridge FORMAT=csv": exports_tables,
    "make export FORMAT=open-data": exports_tables,
    ".venv/bin/python -m pipelines.sync": gives_the_exit_code,
}


def test_no_command_in_the_readme_is_untested() -> None:
    assert set(shell_commands()) == HOW_COMMANDS_ARE_TESTED.keys()


def test_no_shell_block_hides_under_another_name() -> None:
    assert set(re.findall(r"^```(.+)$", README, flags=re.MULTILINE)) == {"sh", "sql", "text"}


@pytest.mark.parametrize("check", dict.fromkeys(HOW_COMMANDS_ARE_TESTED.values()), ids=lambda check: check.__name__)
def test_commands(check: Callable[[Place], None], place: Place) -> None:
    check(place)


def test_make_hides_the_exit_code_as_said(place: Place) -> None:
    failed = place.run("make check", SOURCES__XLEDGER__PAGE_SIZE="0")
    assert failed.returncode == 2
    assert "Error 2" in failed.stderr


def documented_settings() -> dict[str, list[str]]:
    return {row[0].strip("` "): row[1:] for row in rows(section("Settings"))}


def section_fields() -> dict[str, object]:
    """Every setting of the source, by the name of its environment variable, with its default."""
    spec = settings._XledgerSection()
    names = [name for name in settings._XledgerSection.__dataclass_fields__ if not name.startswith("__")]
    flat = {f"{PREFIX}{name.upper()}": getattr(spec, name) for name in names if name != "payroll"}
    return flat | {f"{PREFIX}PAYROLL__NONE_EXPECTED": spec.payroll.none_expected}


def test_every_setting_is_in_the_readme_and_no_other() -> None:
    alerts = {f"ALERTS__{name.upper()}" for name in AlertSettings.__dataclass_fields__}
    assert documented_settings().keys() == section_fields().keys() | alerts | {
        "DATA_DIR",
        "TARGET",
        "DBT_THREADS",
        "DBT_MEMORY_LIMIT",
    }


@pytest.mark.parametrize("name", section_fields())
def test_defaults_of_settings(name: str) -> None:
    default = section_fields()[name]
    documented = documented_settings()[name][1].strip("`")
    if default is None:
        assert documented in ("none", "the table above")
    elif isinstance(default, str):
        assert documented == default
    else:
        assert json.loads(documented) == default


def test_default_of_the_age_of_data() -> None:
    assert float(documented_settings()["ALERTS__MAX_AGE_DAYS"][1].strip("`")) == DEFAULT_MAX_AGE_DAYS


@pytest.mark.parametrize("name", [name for name in documented_settings() if name.startswith(PREFIX)])
def test_names_of_settings_in_files(name: str) -> None:
    in_file = re.findall(r"`([a-z_0-9]+)`", documented_settings()[name][0])
    short = name.removeprefix(PREFIX).lower()
    assert in_file == [short.removeprefix("payroll__")] or (
        not in_file and f"[sources.xledger.{short}]" in documented_settings()[name][0]
    )


def test_examples_of_settings_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    (tokens,) = re.findall(r"`(\{\"north\".*?\})`", section("Settings"))
    (ranges,) = re.findall(r"`(\{\"NS4102\".*?\})`", section("Settings"))
    for name in section_fields():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(f"{PREFIX}TOKENS", tokens)
    monkeypatch.setenv(f"{PREFIX}PAYROLL_ACCOUNT_RANGES", ranges)
    read = settings.read_settings()
    assert {"north", "south"} <= {token.name for token in read.tokens}
    assert [list(pair) for pair in read.payroll_account_ranges["NS4102"]] == [[2910, 2949], [5000, 5999]]
    assert read.payroll_account_ranges["BAS"] == DEFAULT_PAY_RANGES["BAS"]


def test_dbt_vars_and_their_defaults() -> None:
    project = yaml.safe_load((ROOT / "dbt_project/dbt_project.yml").read_text(encoding="utf-8"))
    documented = {row[0].strip("`"): yaml.safe_load(row[1].strip("`")) for row in rows(section("What counts as spend"))}
    assert documented == project["vars"]


def test_the_permissions_are_the_seventeen_entities() -> None:
    entities = [entity for row in rows(section("1. Make a token")) for entity in row[1].split(", ")]
    assert sorted(entities) == sorted(table.entity for table in TABLES.values())


def test_the_pay_ranges_are_the_defaults() -> None:
    documented = {row[0].split(" ")[0]: row[1] for row in rows(section("Payroll")) if re.match(r"\d{4}-\d{4}", row[1])}
    assert documented == {
        chart: ", ".join(f"{low}-{high}" if low < high else f"{low}" for low, high in ranges)
        for chart, ranges in DEFAULT_PAY_RANGES.items()
    }


def test_the_rules_of_the_evidence_are_explained(synced: Synced) -> None:
    explained = set(first_cells(section("Payroll")))
    with duckdb.connect(str(synced.published), read_only=True) as published:
        used = {rule for (rule,) in published.execute("select distinct rule from audit.payroll_exclusions").fetchall()}
    assert {"type", "pay_account", "match_group", "employee"} <= used
    assert used <= explained


def test_the_reasons_of_left_out_lines_are_named(synced: Synced) -> None:
    reasons = answer(synced, "select distinct split_part(exclusion_reason, ':', 1) as name from marts.fct_ledger_line")
    names = {str(row["name"]) for row in reasons if row["name"]}
    assert names
    assert [name for name in names if f"`{name}" not in section("Questions and their SQL")] == []


def test_the_exit_codes_are_those_of_the_program() -> None:
    codes = {
        error.exit_code
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, errors.XledgerError)
    }
    assert {int(code) for code in first_cells(section("Exit codes"))} == codes | {exit_code_of(lambda: None)}


def said() -> list[str]:
    """Every text the program can say, docstrings left out; what is filled in at run time is an ellipsis."""
    texts = []
    for path in sorted((ROOT / "pipelines").rglob("*.py")):
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
        for node in nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                texts.append(node.value)
            elif isinstance(node, ast.JoinedStr):
                texts.append(
                    "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
                )
    return texts


@pytest.mark.parametrize("sentence", [cell.strip('"') for cell in first_cells(section("When it stops"))])
def test_quoted_sentences_are_what_the_program_says(sentence: str) -> None:
    assert [text for text in said() if sentence in text]


def answer(synced: Synced, sql: str) -> list[dict[str, object]]:
    with duckdb.connect(str(synced.published), read_only=True) as published:
        result = published.execute(sql)
        names = [column[0] for column in result.description or ()]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


@pytest.mark.parametrize("sql", blocks("sql"), ids=lambda sql: re.findall(r"from (\w+\.\w+)", sql)[0])
def test_queries_answer(sql: str, synced: Synced) -> None:
    assert answer(synced, sql)


def query(*words: str) -> str:
    (sql,) = [sql for sql in blocks("sql") if all(word in sql for word in words)]
    return sql


def test_spend_by_supplier_is_all_spend(synced: Synced) -> None:
    by_supplier = answer(synced, query("supplier_attribution_method"))
    (total,) = answer(synced, "select sum(amount_net) as spend from marts.fct_spend")
    assert sum((row["spend"] for row in by_supplier), Decimal(0)) == total["spend"]


def test_the_bridge_leads_to_spend(synced: Synced) -> None:
    steps = answer(synced, query("audit.spend_bridge"))
    moved = sum(
        row["amount"] for row in steps if row["step"] == "received" or str(row["step"]).startswith("removed by")
    )
    (total,) = answer(synced, "select sum(amount_net) as spend from marts.fct_spend")
    assert moved == total["spend"] == sum(row["amount"] for row in steps if row["step"] == "spend")


@pytest.mark.parametrize("line", blocks("text")[0].splitlines())
def test_paths_exist(line: str) -> None:
    assert (ROOT / line.split()[0]).exists()


def test_the_data_folder_is_as_described(synced: Synced, place: Place) -> None:
    makes_the_docs_site(place)
    exports_tables(place)
    makes_the_report(place)
    reports_to_a_controller(place)
    described = {line.split()[0].removeprefix("DATA_DIR/").rstrip("/") for line in blocks("text")[1].splitlines()}
    assert [name for name in described - {"sandbox", "companies"} if not (synced.data_dir / name).exists()] == []
    top = {path.name for path in synced.data_dir.iterdir() if not path.name.startswith(".")}
    assert top <= {name.split("/")[0] for name in described}


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)]+)\)", README))
def test_links_lead_somewhere(target: str) -> None:
    if target.startswith("#"):
        headings = re.findall(r"^#+ (.+)$", README, flags=re.MULTILINE)
        assert target[1:] in {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    else:
        assert (ROOT / target).exists()


def test_the_changelog_lists_the_published_tables(synced: Synced) -> None:
    tables = answer(synced, "select schema_name || '.' || table_name as name from duckdb_tables()")
    assert {str(row["name"]) for row in tables} == set(
        re.findall(r"^\| `((?:marts|audit)\.\w+)`", CHANGELOG, re.MULTILINE)
    )


def test_decisions_are_numbered_and_whole() -> None:
    text = (ROOT / "DECISIONS.md").read_text(encoding="utf-8")
    entries = re.split(r"^### ", text, flags=re.MULTILINE)[1:]
    assert [entry.split(".")[0] for entry in entries] == [str(number) for number in range(1, len(entries) + 1)]
    parts = ("- **Problem.**", "- **Choice.**", "- **Turned down.**", "- **Why.**")
    assert [entry.splitlines()[0] for entry in entries if not all(part in entry for part in parts)] == []
