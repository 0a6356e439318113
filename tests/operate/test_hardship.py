"""The real program when the machine, the network or somebody at it is against it: what it says, what it leaves, how it recovers."""

from __future__ import annotations

import itertools
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from pipelines.lock import exclusive
from pipelines.run_journal import read_journal
from pipelines.sandbox import Sandbox, running
from tests.conftest import QUICK, ROOT, clean_environment, run_module, started
from tests.forked import Started

INTERRUPTED = "Interrupted; nothing was published. Run again."
MARTS = {
    "fct_spend": "_run_id, _loaded_at",
    "fct_ledger_line": "_run_id, _loaded_at",
    "fct_ap_invoice": "_run_id, _loaded_at, as_of_date, days_late, ageing_bucket",
    "dim_supplier": "",
}
# Faults that pass by themselves; the others are for the tests of paging and payroll.
PASSING = ("500", "502", "503", "reset", "reset_body", "truncated", "null_data", "burst", "concurrency")


@dataclass(frozen=True)
class Place:
    """A data folder and the Xledger that it is filled from."""

    data_dir: Path
    url: str
    token: str

    @property
    def published(self) -> Path:
        return self.data_dir / "spend.duckdb"

    def environment(self, settings: Mapping[str, str]) -> dict[str, str]:
        token = {"SOURCES__XLEDGER__API_URL": self.url, "SOURCES__XLEDGER__API_TOKEN": self.token}
        return clean_environment(QUICK | {"DATA_DIR": str(self.data_dir)} | token | dict(settings))

    def started(self, *arguments: str) -> AbstractContextManager[Started]:
        """A sync that is watched or ended."""
        return started("pipelines.sync", self.environment({}), *arguments)

    def run_limited(self, limit: Callable[[], None], *arguments: str) -> tuple[int, str, str]:
        """The same as ``run``; before it begins, its process is limited."""
        ended = subprocess.run(
            [sys.executable, "-m", "pipelines.sync", *arguments],
            cwd=ROOT,
            env=self.environment({}),
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=limit,
        )
        return ended.returncode, ended.stdout, ended.stderr

    def run(self, *arguments: str, module: str = "pipelines.sync", **settings: str) -> tuple[int, str, str]:
        """Exit code, output, errors."""
        ended = run_module(module, self.environment(settings), *arguments)
        return ended.returncode, ended.stdout, ended.stderr

    def run_on(self, days: int, module: str, *arguments: str) -> tuple[int, str, str]:
        """The same, so many days from now as this machine's clock has it."""
        return self.run(str(days), module, *arguments, module="tests.operate.another_day")

    def copied_to(self, folder: Path) -> Place:
        shutil.copytree(self.data_dir, folder, dirs_exist_ok=True)
        return Place(folder, self.url, self.token)


def marts_of(published: Path) -> dict[str, list[tuple[object, ...]]]:
    """What analysts see, without when it was read."""
    with duckdb.connect(str(published), read_only=True) as connection:
        return {
            table: connection.execute(
                f"select * {f'exclude ({moments})' if moments else ''} from marts.{table} order by all"
            ).fetchall()
            for table, moments in MARTS.items()
        }


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A finished sync, to be copied."""
    with running(lines=1000) as xledger:
        place = Place(tmp_path_factory.mktemp("done"), xledger.url, xledger.token)
        code, output, errors = place.run()
        assert code == 0, output + errors
        yield place


@dataclass(frozen=True)
class Failing:
    """A sync of an API that answers nothing but errors, under way while other tests run: most of it is waiting."""

    place: Place
    published: bytes
    process: Started


@pytest.fixture(scope="module", autouse=True)
def failing(done: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Failing]:
    with running(lines=1000, fault_kinds=("500",), fault_rate=1.0) as xledger:
        place = at(xledger, done.copied_to(tmp_path_factory.mktemp("failing")).data_dir)
        with place.started() as process:
            yield Failing(place, place.published.read_bytes(), process)


def at(xledger: Sandbox, folder: Path) -> Place:
    return Place(folder, xledger.url, xledger.token)


def wait_for(process: Started, words: str) -> str:
    """The first line with these words."""
    seen = []
    for line in process.lines():
        seen.append(line)
        if words in line:
            return line
    raise AssertionError("".join(seen) + process.communicate()[1])


@pytest.mark.parametrize("operation", ["viewer", "transactions"], ids=["main thread", "reading thread"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_wait_for_credits_ends_at_once(tmp_path: Path, operation: str, number: signal.Signals) -> None:
    """An hour was to be waited for; a second run is turned away meanwhile, and the folder is free afterwards."""
    with running(lines=1000, faults=(f"{operation}@1:credits",), burst_seconds=3600) as xledger:
        place = at(xledger, tmp_path)
        with place.started() as process:
            told = wait_for(process, "credits are used up")
            assert re.search(rf"{operation}: credits are used up: going on in (60 min [01]|59 min \d+) s", told)
            code, _, errors = place.run()
            assert code == 2
            assert f"Another run is under way (process {process.pid}, since " in errors
            os.kill(process.pid, number)
            _, errors = process.communicate(timeout=60)
            assert (process.wait(), errors) == (1, INTERRUPTED + "\n")
    run = read_journal(tmp_path)[0]
    assert (run.exit_code, run.sentence) == (1, INTERRUPTED)
    with exclusive(tmp_path):
        pass
    assert not place.published.exists()


def test_a_run_ended_while_dlt_loads_says_so(done: Place, tmp_path: Path) -> None:
    """dlt would take the signal for itself and report a failed load."""
    place = done.copied_to(tmp_path)
    before = place.published.read_bytes()
    with place.started("--full") as process:
        wait_for(process, "Reading")
        os.kill(process.pid, signal.SIGTERM)
        _, errors = process.communicate(timeout=120)
        assert (process.wait(), errors) == (1, INTERRUPTED + "\n")
    assert place.published.read_bytes() == before


def test_random_faults_and_limits_change_neither_the_marts_nor_what_a_reader_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """5 % of all requests fail and the burst limit is on; somebody has the published file open all the while."""
    size = {"SOURCES__XLEDGER__PAGE_SIZE": "200"}
    with running(lines=3000) as xledger:
        plain = at(xledger, tmp_path / "plain")
        code, output, errors = plain.run(**size)
        assert code == 0, output + errors
    fewest = sent_and_needed(output)
    assert fewest[0] == fewest[1]
    expected = marts_of(plain.published)
    with (
        running(
            lines=3000, burst=20, concurrency=1, fault_rate=0.05, fault_kinds=PASSING, fault_seed=7, burst_seconds=5
        ) as xledger,
        holding(plain.published) as reader,
    ):
        place = Place(plain.data_dir, xledger.url, xledger.token)
        code, output, errors = place.run("--full", SOURCES__XLEDGER__REQUESTS_PER_5_SECONDS="18", **size)
        assert code == 0, output + errors
        held = reader.communicate("\n", timeout=60)[0].split()
    sent, needed = sent_and_needed(output)
    with capsys.disabled():
        print(f"\n5 % faults: {sent} requests sent, {needed} needed; without faults {fewest[0]}")
    # A feed's head is asked for anew after a first run, which the plain run had not: a request or two.
    assert fewest[1] - 3 <= needed <= fewest[1] + 3
    assert needed < sent <= needed * 1.25
    assert marts_of(place.published) == expected
    assert held[0] == held[1]
    assert held[0] == str(len(expected["fct_spend"]))


def sent_and_needed(output: str) -> tuple[int, int]:
    found = re.search(r"(\d+) requests \((\d+) needed\)", output)
    assert found, output
    return int(found[1]), int(found[2])


@contextmanager
def holding(published: Path) -> Iterator[subprocess.Popen[str]]:
    """A reader that counts, waits for a line on its input, and counts once more on the same connection."""
    program = (
        "import duckdb, sys; connection = duckdb.connect(sys.argv[1], read_only=True)\n"
        "count = lambda: print(connection.sql('select count(*) from marts.fct_spend').fetchone()[0], flush=True)\n"
        "count(); sys.stdin.readline(); count()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(published)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as reader:
        yield reader


def test_an_api_that_takes_one_request_at_once_is_not_asked_more_than_it_takes(tmp_path: Path) -> None:
    with running(lines=3000, concurrency=1) as xledger:
        place = at(xledger, tmp_path)
        code, output, errors = place.run(SOURCES__XLEDGER__PAGE_SIZE="100")
    assert code == 0, output + errors
    sent, needed = sent_and_needed(output)
    assert needed > 60
    # The first refusal teaches it; one more try follows each longer row of answers.
    assert sent - needed <= 4


@pytest.mark.parametrize("most", [0, 100_000, 1_500_000, 4_000_000], ids=lambda most: f"{most:,} bytes a file")
def test_a_disk_that_takes_no_more_leaves_the_last_file(done: Place, tmp_path: Path, most: int) -> None:
    place = done.copied_to(tmp_path)
    before = place.published.read_bytes()

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    code, output, errors = place.run_limited(limit, "--full")
    assert code in (1, 2), output + errors
    assert_one_sentence(errors)
    assert "nobody foresaw" not in errors
    assert place.published.read_bytes() == before
    assert list(tmp_path.glob(".spend-*")) == []
    if most == 1_500_000:
        code, output, errors = place.run("--full")
        assert code == 0, output + errors
        assert marts_of(place.published) == marts_of(done.published)


def assert_one_sentence(errors: str) -> None:
    assert len(errors.splitlines()) == 1, errors
    assert "Traceback" not in errors


@contextmanager
def mounted(folder: Path, size: int) -> Iterator[None]:
    """A file system of its own for a folder, where this user may mount one."""
    folder.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)], capture_output=True, check=False
    )
    if mount.returncode:
        pytest.skip("no right to mount a file system")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_file_system_leaves_the_last_file(done: Place, tmp_path: Path) -> None:
    taken = sum(path.stat().st_size for path in done.data_dir.rglob("*") if path.is_file())
    with mounted(tmp_path / "small", taken + 3_000_000):
        place = done.copied_to(tmp_path / "small")
        before = place.published.read_bytes()
        code, output, errors = place.run("--full")
        assert code in (1, 2), output + errors
        assert_one_sentence(errors)
        assert "nobody foresaw" not in errors
        assert place.published.read_bytes() == before
        subprocess.run(["mount", "-o", "remount,size=1g", str(place.data_dir)], check=True)
        code, output, errors = place.run("--full")
        assert code == 0, output + errors
        assert marts_of(place.published) == marts_of(done.published)


def test_a_read_only_folder_can_be_looked_at_and_not_written(done: Place, tmp_path: Path) -> None:
    with mounted(tmp_path / "read-only", 1_000_000_000):
        place = done.copied_to(tmp_path / "read-only")
        subprocess.run(["mount", "-o", "remount,ro", str(place.data_dir)], check=True)
        for module in ("pipelines.sync", "pipelines.report", "pipelines.export", "pipelines.docs"):
            code, _, errors = place.run(module=module)
            assert code == 2, (module, errors)
            assert_one_sentence(errors)
            assert "Read-only file system" in errors, module
        code, output, _ = place.run(module="pipelines.status")
        assert code == 0
        assert "done in" in output


def test_a_clock_that_jumps_between_runs(done: Place, tmp_path: Path) -> None:
    """Runs under a date far back, one far ahead, and today's: all publish the same, and the journal keeps their order."""
    place = done.copied_to(tmp_path)
    days = (-400, 400, 0)
    for elsewhen in days:
        code, output, errors = place.run_on(elsewhen, "pipelines.sync")
        assert code == 0, output + errors
        # The age of the data is never said to be less than it is.
        assert place.run("--alert", module="pipelines.status")[::2] == (0, "")
        assert marts_of(place.published) == marts_of(done.published)
    # The watch takes down what changed, which is no sync.
    runs = [run for run in read_journal(tmp_path) if run.mode != "changes"]
    assert [run.exit_code for run in runs] == [0, 0, 0, 0]
    gaps = [(after.started - before.started).days for before, after in itertools.pairwise(runs)]
    jumps = [after - before for before, after in itertools.pairwise((0, *days))]
    assert [abs(gap - jump) <= 1 for gap, jump in zip(gaps, jumps, strict=True)] == [True, True, True]
    code, output, errors = place.run("--alert", module="pipelines.status")
    assert (code, errors) == (0, "")
    assert "0.0 days old" in output


def test_an_api_that_goes_on_failing_is_given_up_in_the_end(failing: Failing) -> None:
    _, errors = failing.process.communicate(timeout=300)
    assert failing.process.wait() == 1
    assert_one_sentence(errors)
    assert "HTTP 500" in errors
    assert "run again later" in errors
    assert failing.place.published.read_bytes() == failing.published
