"""Companies that are kept apart: each in a folder of its own, none in another's way, and none left behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import duckdb
import pytest
from dlt.common.configuration.container import Container
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext

from pipelines import audit, docs, export, query, report
from pipelines.explore import __main__ as explore
from pipelines.run_journal import read_journal
from pipelines.sandbox import Sandbox, running
from pipelines.targets.target import Target
from pipelines.xledger.errors import ConfigurationError
from pipelines.xledger.settings import data_folder, read_settings
from tests.conftest import QUICK, ROOT, clean_environment, run_module
from tests.operate.one_address import OneAddress, one_address
from tests.payroll_search import everything_below

PREFIX = "SOURCES__XLEDGER__"


@dataclass
class Firm:
    """A firm's data folder, its companies' tokens by name, and the address they all ask."""

    data_dir: Path
    address: OneAddress
    tokens: dict[str, str]
    ledgers: dict[str, Sandbox] = field(default_factory=dict)
    output: str = ""

    def folder(self, company: str) -> Path:
        return self.data_dir / "companies" / company

    def environment(self, **settings: str) -> dict[str, str]:
        return QUICK | {
            "DATA_DIR": str(self.data_dir),
            f"{PREFIX}API_URL": self.address.url,
            f"{PREFIX}TOKENS": json.dumps(self.tokens),
            f"{PREFIX}APART": "true",
            **settings,
        }

    def run(self, module: str, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return run_module(module, self.environment(**settings), *arguments)

    def copied_to(self, folder: Path) -> Firm:
        shutil.copytree(self.data_dir, folder, dirs_exist_ok=True)
        return Firm(folder, self.address, dict(self.tokens), self.ledgers)


@pytest.fixture(scope="module")
def address() -> Iterator[OneAddress]:
    with one_address() as address:
        yield address


@pytest.fixture(scope="module")
def firm(address: OneAddress, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firm]:
    """Two companies, read once; their ledgers give the same ids to different suppliers."""
    with running(lines=1000, seed=1) as north, running(lines=1000, seed=2) as south:
        ledgers = {"north": north, "south": south}
        tokens = {name: ledger.token for name, ledger in ledgers.items()}
        address.behind |= {ledger.token: ledger for ledger in ledgers.values()}
        firm = Firm(tmp_path_factory.mktemp("firm") / "data", address, tokens, ledgers)
        done = firm.run("pipelines.sync")
        firm.output = done.stdout + done.stderr
        assert done.returncode == 0, firm.output
        yield firm


def suppliers(ledger: Sandbox) -> set[str]:
    with duckdb.connect(str(ledger.truth_path), read_only=True) as truth:
        rows = truth.execute("select distinct supplier_name from line where supplier_name is not null").fetchall()
    return {name for (name,) in rows}


def test_each_company_has_its_own_rows_and_no_other(firm: Firm) -> None:
    ids = {}
    for name, ledger in firm.ledgers.items():
        with duckdb.connect() as connection:
            connection.execute(f"attach '{ledger.truth_path}' as truth (read_only)")
            connection.execute(f"attach '{firm.folder(name)}/build/warehouse.duckdb' as warehouse (read_only)")
            received = "select owner_db_id, db_id, amount from warehouse.raw_xledger.transaction"
            true = "select owner_db_id, db_id, amount from truth.line where not is_payroll"
            for difference in (f"{received} except {true}", f"{true} except {received}"):
                assert connection.execute(difference).fetchall() == [], name
            ids[name] = {row[:2] for row in connection.execute(true).fetchall()}
    assert len(ids["north"] & ids["south"]) > 400


def test_each_company_has_a_whole_folder_and_nothing_lies_beside(firm: Firm) -> None:
    assert {path.name for path in firm.data_dir.iterdir()} == {"companies"}
    assert {path.name for path in (firm.data_dir / "companies").iterdir()} == {"north", "south"}
    for name in firm.tokens:
        assert {path.name for path in firm.folder(name).iterdir()} == {
            "spend.duckdb", "build", "dlt", "salt", "runs.jsonl", ".lock",
        }  # fmt: skip
    assert firm.folder("north").joinpath("salt").read_text() != firm.folder("south").joinpath("salt").read_text()


@pytest.mark.parametrize(("company", "other"), [("north", "south"), ("south", "north")])
def test_nothing_of_one_is_in_the_folder_of_another(firm: Firm, company: str, other: str) -> None:
    ours, theirs = (suppliers(firm.ledgers[name]) for name in (company, other))
    received = json.dumps(firm.ledgers[company].wire(), ensure_ascii=False)
    foreign = {name for name in theirs - ours if name not in received}
    assert len(foreign) > 20
    found, own = set(), set()
    for _, text in everything_below(firm.folder(company)):
        found |= {word for word in foreign | set(firm.tokens.values()) if word in text}
        own |= {name for name in ours if name in text}
    assert found == set()
    assert own == ours


def test_they_are_read_side_by_side(firm: Firm) -> None:
    ((north,), (south,)) = (read_journal(firm.folder(name)) for name in ("north", "south"))
    assert north.started_at < str(south.ended_at)
    assert south.started_at < str(north.ended_at)
    assert north.run_id != south.run_id


def test_every_line_has_its_company_and_the_last_are_a_table(firm: Firm) -> None:
    *lines, heading, north, south = firm.output.splitlines()
    assert {line.split(" | ")[0].split(" ")[0] for line in lines} == {"north", "south"}
    assert all(line[5:8] == " | " for line in lines)
    assert heading.split() == ["company", "exit", "code", "last", "sentence"]
    for name, row in (("north", north), ("south", south)):
        assert row.split()[:4] == [name, "0", "Published", f"{firm.folder(name)}/spend.duckdb:"]
    assert not [token for token in firm.tokens.values() if token in firm.output]


def test_one_that_fails_stops_no_other(firm: Firm, tmp_path: Path) -> None:
    """A token that is refused, payroll that is gone, an address that is down; and one with whom all is well."""
    later, told = firm.copied_to(tmp_path / "later"), tmp_path / "told"
    for name in ("east", "west"):
        shutil.copytree(later.folder("north"), later.folder(name))
    with running(lines=1000, seed=1, employees=0) as without_pay:
        later.tokens = {
            "east": without_pay.token,
            "north": firm.tokens["north"],
            "south": "revoked",
            "west": "of-west",
        }
        later.address.behind |= {without_pay.token: without_pay, "revoked": firm.ledgers["south"], "of-west": 500}
        yesterday = {name: later.folder(name).joinpath("spend.duckdb").read_bytes() for name in later.tokens}
        done = later.run(
            "pipelines.sync",
            "--log-format",
            "json",
            "--full",
            ALERTS__COMMAND=f"tee -a {told}",
            **{f"{PREFIX}COMPANIES_AT_ONCE": "4"},
        )
    assert done.returncode == 3, done.stdout + done.stderr
    said = [json.loads(line) for line in (done.stdout + done.stderr).splitlines()]
    table = {line["company"]: line for line in said if line["event"] == "company_ended"}
    codes = {"east": 3, "north": 0, "south": 2, "west": 1}
    assert {name: row["exit_code"] for name, row in table.items()} == codes
    assert "found no payroll, although the last run had" in table["east"]["message"]
    assert table["south"]["message"].startswith("Xledger does not accept the token.")
    assert table["north"]["message"].startswith("Published ")
    (last,) = [line for line in said if line["event"] == "failed" and "company" not in line]
    assert last["message"].startswith("3 of 4 companies failed: east (3), south (2), west (1);")
    for name, code in codes.items():
        assert read_journal(later.folder(name))[-1].exit_code == code
        published = later.folder(name).joinpath("spend.duckdb").read_bytes()
        assert (published == yesterday[name]) is (code != 0), name
        assert {line["run_id"] for line in said if line.get("company") == name and "run_id" in line} >= {
            read_journal(later.folder(name))[-1].run_id
        }
    alerts = [json.loads(text) for text in told.read_text(encoding="utf-8").replace("}{", "}\n{").splitlines()]
    assert {alert["text"].split(":")[0]: alert["exit_code"] for alert in alerts} == {
        "east": 3, "south": 2, "west": 1, "3 of 4 companies failed": 3,
    }  # fmt: skip
    assert not [token for token in later.tokens.values() if token in done.stdout + done.stderr]


def children_of(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()] + [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            if task.name != str(pid)
            for child in (task / "children").read_text().split()
        ]
    except (FileNotFoundError, ProcessLookupError):
        return []


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def below(pid: int) -> set[int]:
    children = children_of(pid)
    return set(children).union(*(below(child) for child in children))


@contextmanager
def started(firm: Firm, **settings: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.sync"],
        cwd=ROOT,
        env=clean_environment(firm.environment(**settings)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    seen: set[int] = set()
    try:
        yield process
    finally:
        seen |= below(process.pid)
        for pid in [process.pid, *seen]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()


def wait_until(is_so: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("number", "all_at_once"),
    [
        pytest.param(signal.SIGTERM, False, id="SIGTERM"),
        pytest.param(signal.SIGTERM, True, id="SIGTERM to each process, as systemd does"),
        pytest.param(signal.SIGINT, False, id="SIGINT"),
        pytest.param(signal.SIGKILL, False, id="SIGKILL"),
    ],
)
def test_no_child_outlives_the_conductor(
    tmp_path: Path, address: OneAddress, number: signal.Signals, all_at_once: bool
) -> None:
    """Two wait for an answer that does not come, the third has not begun."""
    tokens = {name: f"token-of-{name}-{tmp_path.name}" for name in ("east", "north", "west")}
    address.behind |= dict.fromkeys(tokens.values())
    firm = Firm(tmp_path / "data", address, tokens)
    with started(firm, **{f"{PREFIX}COMPANIES_AT_ONCE": "2"}) as process:
        wait_until(lambda: address.requests[tokens["east"]] and address.requests[tokens["north"]])
        # Each with its dbt, which a little later has a process of its own that would complain of being left.
        wait_until(lambda: len(below(process.pid)) >= (6 if all_at_once else 4))
        ours = below(process.pid)
        for pid in ours:
            assert "token-of" not in Path(f"/proc/{pid}/cmdline").read_text()
            environment = Path(f"/proc/{pid}/environ").read_text()
            assert [token for token in tokens.values() if token in environment] in (
                [], [tokens["east"]], [tokens["north"]],
            )  # fmt: skip
        for pid in [process.pid, *(ours if all_at_once else ())]:
            os.kill(pid, number)
        _, errors = process.communicate(timeout=60)
        wait_until(lambda: not [pid for pid in ours if is_alive(pid)])
    for name in ("east", "north"):
        (run,) = read_journal(firm.folder(name))
        assert (run.exit_code, run.sentence) == (1, "Interrupted; nothing was published. Run again.")
    assert not firm.folder("west").exists()
    assert address.requests[tokens["west"]] == 0
    assert "Warning" not in errors
    if number is not signal.SIGKILL:
        assert process.returncode == 1
        assert errors.splitlines()[-1].startswith("3 of 3 companies failed: east (1), north (1), west (1);")


def test_no_more_at_once_than_was_said(tmp_path: Path, address: OneAddress, firm: Firm) -> None:
    tokens = {f"company-{number}": f"revoked-{number}" for number in range(8)}
    address.behind |= dict.fromkeys(tokens.values(), firm.ledgers["north"])
    many = Firm(tmp_path / "data", address, tokens)
    counts = set()
    with started(many, **{f"{PREFIX}COMPANIES_AT_ONCE": "2"}) as process:
        while process.poll() is None:
            counts.add(len([pid for pid in children_of(process.pid) if is_alive(pid)]))
            time.sleep(0.005)
        output, errors = process.communicate()
    assert max(counts) == 2
    assert process.returncode == 2
    assert errors.splitlines()[-1].startswith("8 of 8 companies failed: company-0 (2), ")
    rows = [line.split()[:2] for line in output.splitlines()[-8:]]
    assert rows == [[name, "2"] for name in tokens]


def test_one_company_is_looked_at_by_its_name(firm: Firm) -> None:
    shown = firm.run("pipelines.status", COMPANY="south")
    assert (shown.returncode, shown.stdout.splitlines()[0]) == (0, f"Data folder: {firm.folder('south')}")
    asked = firm.run(
        "pipelines.query", "--sql", "select any_value(supplier_name) from marts.dim_supplier", COMPANY="north"
    )
    assert asked.returncode == 0, asked.stderr


def test_check_and_status_go_over_all(firm: Firm, tmp_path: Path) -> None:
    checked = firm.run("pipelines.check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert [line.split()[:4] for line in checked.stdout.splitlines()[-2:]] == [
        [name, "0", "All", "is"] for name in firm.tokens
    ]
    later = firm.copied_to(tmp_path / "later")
    later.folder("south").joinpath("spend.duckdb").unlink()
    watched = later.run("pipelines.status", "--alert", ALERTS__COMMAND=f"tee -a {tmp_path / 'told'}")
    assert watched.returncode == 1
    north, south = watched.stdout.splitlines()[-2:]
    assert north.split()[:4] == ["north", "0", "Data", "of"]
    assert south.split(maxsplit=2) == ["south", "1", "Nothing has been published yet; run `make sync`."]
    assert "north | Noted 0 changed rows for the next sync" in watched.stdout
    assert '"text": "south: Nothing has been published yet' in (tmp_path / "told").read_text(encoding="utf-8")


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Settings in a folder without any."""

    def give(tokens: Mapping[str, str], **more: str) -> None:
        for name, value in {f"{PREFIX}TOKENS": json.dumps(tokens), f"{PREFIX}APART": "true", **more}.items():
            monkeypatch.setenv(name, value)

    with monkeypatch.context() as patch:
        for name in clean_environment({}).keys() ^ os.environ.keys():
            patch.delenv(name, raising=False)
        patch.chdir(tmp_path)
        Container()[PluggableRunContext].reload_providers()
        yield give
    Container()[PluggableRunContext].reload_providers()


TWO = {"north": "token-a", "south": "token-b"}


@pytest.mark.parametrize(
    ("tokens", "more", "says"),
    [
        pytest.param({"north/south": "token-a"}, {}, "'north/south' cannot have a folder", id="slash"),
        pytest.param({"..": "token-a"}, {}, "'..' cannot have a folder", id="dots"),
        pytest.param({"north.as": "token-a"}, {}, "'north.as' cannot have a folder", id="dot"),
        pytest.param({"": "token-a"}, {}, "'' cannot have a folder", id="empty"),
        pytest.param({"-north": "token-a"}, {}, "'-north' cannot have a folder", id="looks like an option"),
        pytest.param({"north\n": "token-a"}, {}, "cannot have a folder", id="line end"),
        pytest.param({"n" * 61: "token-a"}, {}, "cannot have a folder", id="too long"),
        pytest.param({"north": "token-a", "North": "token-b"}, {}, "'north' and 'North' differ only", id="capitals"),
        pytest.param({"north": "token-a", "south": "token-a"}, {}, "'north' and 'south' have the same", id="twice"),
        pytest.param(TWO, {f"{PREFIX}API_TOKEN": "token-c"}, "move the token of api_token", id="one without a name"),
        pytest.param(TWO, {"COMPANY": "east"}, "COMPANY names no company of", id="unknown company"),
        pytest.param(TWO, {"COMPANY": "../north"}, "there are north, south", id="company elsewhere"),
        pytest.param(TWO, {"COMPANY": "north", f"{PREFIX}APART": "false"}, "read as one group", id="no company apart"),
        pytest.param(TWO, {f"{PREFIX}COMPANIES_AT_ONCE": "0"}, "must be from 1", id="none at once"),
    ],
)
def test_what_would_mix_companies_is_refused(
    given: Callable[..., None], tokens: Mapping[str, str], more: Mapping[str, str], says: str
) -> None:
    given(tokens, **more)
    with pytest.raises(ConfigurationError) as refused:
        read_settings()
    assert says in str(refused.value)
    assert "token-" not in str(refused.value)


def test_it_is_refused_before_the_first_request(tmp_path: Path, address: OneAddress) -> None:
    address.behind["token-of-twins"] = 500
    twins = Firm(tmp_path / "data", address, {"north": "token-of-twins", "south": "token-of-twins"})
    done = twins.run("pipelines.sync")
    assert done.returncode == 2
    assert "'north' and 'south' have the same token" in done.stderr
    assert address.requests["token-of-twins"] == 0
    assert not twins.data_dir.exists()


@pytest.mark.parametrize("handed_over", [{"south": "token-b"}, TWO], ids=["by the conductor", "by a person"])
def test_a_company_has_its_own_token_alone_whatever_the_files_hold(
    given: Callable[..., None], tmp_path: Path, handed_over: Mapping[str, str]
) -> None:
    (tmp_path / ".dlt").mkdir()
    (tmp_path / ".dlt/secrets.toml").write_text(
        '[sources.xledger.tokens]\nnorth = "token-a"\nsouth = "token-b"\n', encoding="utf-8"
    )
    Container()[PluggableRunContext].reload_providers()
    given(handed_over, COMPANY="south")
    settings = read_settings()
    assert [token.name for token in settings.tokens] == ["south"]
    assert data_folder(settings) == tmp_path / "data/companies/south"


@pytest.mark.parametrize(
    "look",
    [
        pytest.param(audit.run, id="audit"),
        pytest.param(partial(docs.run, None), id="docs"),
        pytest.param(partial(export.run, "fct_spend", "csv"), id="export"),
        pytest.param(partial(explore.run, 0), id="explore"),
        pytest.param(partial(query.run, None), id="query"),
        pytest.param(report.run, id="report"),
    ],
)
def test_who_looks_at_one_has_to_say_at_which(given: Callable[..., None], look: Callable[[], None]) -> None:
    given(TWO)
    with pytest.raises(ConfigurationError, match=r"COMPANY=name, as in .*; there are north, south\."):
        look()


def test_companies_apart_are_refused_on_a_server(given: Callable[..., None]) -> None:
    class Server(Target):
        name = "postgres"

    given(TWO)
    with pytest.raises(ConfigurationError, match="would share the same schemas"):
        Server().refuse_companies_apart(read_settings())
    Target().refuse_companies_apart(read_settings())


def test_without_a_token_it_is_the_sandbox_as_ever(given: Callable[..., None], tmp_path: Path) -> None:
    given({})
    settings = read_settings()
    assert not settings.is_for_each_company
    assert data_folder(settings) == tmp_path / "data/sandbox"
