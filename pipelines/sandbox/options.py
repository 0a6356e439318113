"""Everything that can be set on the sandbox, once: the same fields serve Python and the command line."""

# `_option` is dataclasses.field.
# ruff: noqa: RUF009

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NEGATIVE_OPERATORS = ("none", "dbId_not_in", "dbId_nin", "dbId_notIn")
DENIED_FORMS = ("errors", "null")
OWNER_SETS = ("CURRENT", "UPPER", "LOWER", "MINE", "ALL")
OBJECT_STATUSES = ("ALL", "OPEN", "CLOSED")


def _option(default: Any, help_text: str, choices: Sequence[Any] | None = None, kind: type = str) -> Any:
    return dataclasses.field(default=default, metadata={"help": help_text, "choices": choices, "kind": kind})


@dataclass(frozen=True)
class SandboxOptions:
    """Settings of one sandbox. Zero means "no limit" wherever a field is a limit."""

    # The ledger
    lines: int = _option(20_000, "general-ledger lines to generate: 0, or 1000 to 10000000", kind=int)
    seed: int = _option(1, "seed of the generated ledger", kind=int)
    employees: int = _option(8, "employees in each company; 0: a company without payroll", kind=int)
    hostile: bool = _option(False, "add a Swedish company and everything a ledger can hold to break a reader")
    large_ids: bool = _option(False, "ids of lines and vouchers above 2^53")
    saft: Path | None = _option(
        None, "serve this Norwegian SAF-T Financial file instead of a generated ledger", kind=Path
    )
    ledger_dir: Path | None = _option(None, "keep the generated ledger in this folder and use it again", kind=Path)
    read_only: bool = _option(False, "serve the kept ledger as it is; nothing can be changed")
    memory_limit: str = _option("1GiB", "memory DuckDB may use")

    # The process
    port: int = _option(0, "port on 127.0.0.1; 0: any free one", kind=int)
    announce: Path | None = _option(
        None, "write url, token and path of the truth to this file once listening", kind=Path
    )
    parent: int = _option(0, "exit when this process is gone", kind=int)
    wire_log: Path | None = _option(
        None, "append every request and its full response to this file, as JSON lines", kind=Path
    )
    scenario: Path | None = _option(None, "mutations to play, each after a given number of requests (JSON)", kind=Path)

    # What the API offers
    negative_operator: str = _option("dbId_not_in", "negative operator on dbId of both ledgers", NEGATIVE_OPERATORS)
    document_type_filter: bool = _option(True, "filter on document type on transactions")
    id_ranges: bool = _option(True, "dbId_gt, _gte, _lt and _lte on both ledgers")
    without: tuple[str, ...] = _option((), "take out a root (recentTransactions), field (Account.cost) or filter key")
    denied: tuple[str, ...] = _option((), "entity the token may not read (Supplier)")
    denied_form: str = _option("errors", "how a missing permission is answered", DENIED_FORMS)
    default_owner_set: str = _option("MINE", "what ownerSet means when it is left out", OWNER_SETS)
    default_object_status: str = _option("ALL", "what objectStatus means when it is left out", OBJECT_STATUSES)

    # Limits
    max_page: int = _option(10_000, "largest first or last", kind=int)
    most_roots: int = _option(0, "root fields that one query may ask for", kind=int)
    longest_list: int = _option(0, "longest list in a filter", kind=int)
    largest_body: int = _option(30_000_000, "largest request body in bytes", kind=int)
    burst: int = _option(0, "requests allowed in burst_seconds (Xledger: 20)", kind=int)
    burst_seconds: float = _option(5.0, "window of the burst limit", kind=float)
    concurrency: int = _option(0, "requests allowed at the same time", kind=int)
    credits: int = _option(0, "credits in each credit window (Xledger: 50000)", kind=int)
    credit_seconds: float = _option(3600.0, "length of a credit window", kind=float)
    limit_status: int = _option(200, "HTTP status of a limit: 200 with an error body, or 429", (200, 429), int)
    query_error_status: int = _option(200, "HTTP status of an invalid query", (200, 400), int)
    token_error_status: int = _option(200, "HTTP status of a bad token", (200, 401), int)
    timeout_above: int = _option(0, "answer `Your query timed out.` above this page size", kind=int)

    # Faults
    faults: tuple[str, ...] = _option((), "fault at a request: `7:reset`; kinds: see pipelines/sandbox/faults.py")
    fault_kinds: tuple[str, ...] = _option((), "kinds that fault_rate draws from")
    fault_rate: float = _option(0.0, "share of requests that fail, drawn by fault_seed", kind=float)
    fault_seed: int = _option(1, "seed of the random faults", kind=int)
    stall_seconds: float = _option(5.0, "how long a stalled response hangs", kind=float)


def parse_options(arguments: Sequence[str] | None = None) -> SandboxOptions:
    """Read the command line. Options that take several values may be repeated or given with commas."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.sandbox", description="A local Xledger.")
    for field in dataclasses.fields(SandboxOptions):
        flag, about = _flag(field.name), field.metadata["help"]
        if isinstance(field.default, bool):
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=field.default, help=about)
        elif isinstance(field.default, tuple):
            parser.add_argument(flag, action="append", default=[], metavar="NAME[,NAME]", help=about)
        else:
            kind, choices = field.metadata["kind"], field.metadata["choices"]
            parser.add_argument(flag, type=kind, default=field.default, choices=choices, help=about)
    values = vars(parser.parse_args(arguments))
    for field in dataclasses.fields(SandboxOptions):
        if isinstance(field.default, tuple):
            values[field.name] = tuple(part for value in values[field.name] for part in value.split(",") if part)
    return SandboxOptions(**values)


def command_line(options: SandboxOptions) -> list[str]:
    """The arguments that ``parse_options`` reads back into the same options."""
    arguments: list[str] = []
    for field in dataclasses.fields(SandboxOptions):
        value, flag = getattr(options, field.name), _flag(field.name)
        if value == field.default:
            continue
        if isinstance(value, bool):
            arguments.append(flag if value else f"--no-{flag[2:]}")
        elif isinstance(value, tuple):
            arguments += [part for item in value for part in (flag, item)]
        else:
            arguments += [flag, str(value)]
    return arguments


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
