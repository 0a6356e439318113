"""Before the first data request: does the token work, what may it read, what does the API offer, what is left of its limits."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.xledger.asking import Access
from pipelines.xledger.capabilities import Capabilities
from pipelines.xledger.client import Client, Request, Traffic
from pipelines.xledger.documents import document
from pipelines.xledger.errors import (
    NO_DATA,
    ApiFailed,
    ConfigurationError,
    MalformedResponse,
    PermissionMissing,
    QueryRefused,
    TokenRejected,
    Unreachable,
)
from pipelines.xledger.pacing import Pace
from pipelines.xledger.payroll import LEDGER_ROOTS
from pipelines.xledger.settings import Settings

# What is asked for to see whether an entity may be read: ids alone, so that a payroll line shows nothing.
# GLDimension is never asked for: the ledger lines carry its five ids themselves.
_PROBES: Mapping[str, tuple[str, str]] = {
    "Transaction": ("transactions", "dbId"),
    "TransactionHeader": ("transactions", "header { dbId }"),
    "APTransaction": ("apTransactions", "dbId"),
    "Account": ("accounts", "dbId"),
    "Owner": ("accounts", "owner { dbId }"),
    "SystemValue": ("accounts", "chartOfAccount { dbId }"),
    "Supplier": ("suppliers", "dbId"),
    "Address": ("suppliers", "address { dbId }"),
    "Subledger": ("subledgers", "dbId"),
    "Company": ("companies", "dbId"),
    "Contact": ("contacts", "dbId"),
    "Country": ("countries", "dbId"),
    "Currency": ("currencies", "dbId"),
    "ObjectValue": ("objectValues", "dbId"),
    "RecentTransaction": ("transaction_deltas", "dbId"),
    "RecentTransaction_lines": ("recentTransactions", "dbId"),
}
_VIEWER = "query viewer { viewer { entity { dbId code description } } }"
_VIEWER_AND_LIMITS = "query viewer { viewer { entity { dbId code description } } rateLimit { remaining cost } }"
# Not among the rights that this program asks for; where it may be read, owners get their number and currency.
_ENTITY = {"Entity": ("entities", "dbId")}
_OPTIONAL_ROOTS = frozenset({"transaction_deltas", "recentTransactions"})
_ARGUMENTS = {"objectValues": "first: 5, filter: {objectKindDbId: 14}"}

_DATA_DOCUMENTS = (
    "transactions",
    "ap_transactions",
    "payroll_transactions",
    "payroll_ap_transactions",
    "accounts",
    "suppliers",
    "supplier_ids",
    "subledgers",
    "companies",
    "contacts",
    "countries",
    "currencies",
    "object_values",
    "setup",
)


@dataclass(frozen=True)
class Finding:
    """What the preflight saw for one token."""

    access: Access
    company: str
    credits_left: int | None
    notes: tuple[str, ...]


def open_access(
    name: str,
    secret: str,
    settings: Settings,
    traffic: Traffic,
    say: Callable[[str], None],
    countdown: Callable[[str], None] | None = None,
) -> Finding:
    """Try the token and look at the schema.

    Raises:
        ConfigurationError: the token, the address or a permission is wrong.
        ApiFailed: the API did not answer properly, or lacks something this program needs.
    """
    client = Client(settings.api_url, secret, Pace(settings.requests_per_5_seconds), traffic, say, countdown=countdown)
    company_db_id, company, credits_left = _viewer(client)
    capabilities = Capabilities.introspect(client)
    access = Access(name, client, capabilities, company_db_id)
    access.may_read_entities = _check_permissions(access)
    return Finding(access, company, credits_left, tuple(_notes(access)))


def _viewer(client: Client) -> tuple[int | None, str, int | None]:
    try:
        answer = _ask(client, "viewer", _VIEWER_AND_LIMITS)
    except QueryRefused:
        # What is left of the limits is good to know, and no reason to stop.
        answer = _ask(client, "viewer", _VIEWER)
    viewer = answer.get("viewer")
    if not isinstance(viewer, dict):
        raise TokenRejected(
            "Xledger does not say whose token this is, so it is not valid; make a new one and paste it whole."
        )
    entity = viewer.get("entity") or {}
    limit = answer.get("rateLimit") or {}
    company = f"{entity.get('code') or ''} {entity.get('description') or ''}".strip()
    return entity.get("dbId"), company, limit.get("remaining")


def _check_permissions(access: Access) -> bool:
    """See that everything needed may be read; gives whether entities may be as well."""
    probes = {
        entity: probe
        for entity, probe in _PROBES.items()
        if access.capabilities.has_root(probe[0]) or probe[0] not in _OPTIONAL_ROOTS
    }
    for _, (root, _) in probes.items():
        if not access.capabilities.has_root(root):
            raise ApiFailed(f"The API does not offer {root}, which this program needs; check API_URL.")
    if access.capabilities.has_root("entities") and not _refusal(access.client, "preflight", probes | _ENTITY):
        return True
    if not _refusal(access.client, "preflight", probes):
        return False
    failures = {entity: _refusal(access.client, f"probe{entity}", {entity: probe}) for entity, probe in probes.items()}
    missing = tuple(entity for entity, failure in failures.items() if failure)
    if len(missing) == len(probes):
        failure = next(failure for failure in failures.values() if failure)
        raise failure
    if missing:
        raise PermissionMissing(_entities(missing))
    # Each by itself is answered, so it is their number that the API refuses.
    access.takes_several = False
    return access.capabilities.has_root("entities") and not _refusal(access.client, "probeEntity", _ENTITY)


def _refusal(client: Client, operation: str, probes: Mapping[str, tuple[str, str]]) -> Exception | None:
    fields = "\n".join(
        f"  {entity}: {root}({_ARGUMENTS.get(root, 'first: 1')}) {{ edges {{ node {{ {selection} }} }} }}"
        for entity, (root, selection) in probes.items()
    )
    try:
        answer = _ask(client, operation, f"query {operation} {{\n{fields}\n}}")
    except (Unreachable, TokenRejected):
        raise
    except (ApiFailed, ConfigurationError) as error:
        return error
    refused = tuple(entity for entity in probes if answer.get(entity) is None or _is_hidden(entity, answer[entity]))
    return PermissionMissing(_entities(refused)) if refused else None


def _entities(probes: Sequence[str]) -> tuple[str, ...]:
    """The entities that probes stand for: what is before an underscore, each once."""
    return tuple(dict.fromkeys(probe.split("_")[0] for probe in probes))


def _is_hidden(entity: str, connection: dict[str, Any]) -> bool:
    """Every ledger line stands in a voucher: lines without any are lines whose vouchers may not be read."""
    nodes = [edge["node"] for edge in connection.get("edges") or [] if edge.get("node")]
    return entity == "TransactionHeader" and bool(nodes) and all(node["header"] is None for node in nodes)


def _notes(access: Access) -> list[str]:
    capabilities = access.capabilities
    dropped = sorted({field for name in _DATA_DOCUMENTS for field in capabilities.fit(document(name)).dropped})
    notes = []
    for root in LEDGER_ROOTS:
        id_filter = capabilities.id_filter(root)
        way = id_filter.id_not_in if id_filter.leaves_out_by_window else id_filter.id_in
        notes.append(f"{root}: the payroll exception is said with {way}")
        if way is None:
            raise ApiFailed(
                f"{root} can be filtered neither by dbId_in nor by a negative operator, so payroll cannot be left out."
            )
    if dropped:
        notes.append(f"not offered by this API, left empty: {', '.join(dropped)}")
    return notes


def _ask(client: Client, operation: str, query: str) -> dict[str, Any]:
    def accept(body: bytes) -> dict[str, Any]:
        try:
            answer = json.loads(body)
        except ValueError:
            raise MalformedResponse("the body is no JSON") from None
        if not isinstance(answer, dict) or "data" not in answer:
            raise MalformedResponse(NO_DATA)
        return answer["data"] or {}

    return client.execute(Request(operation, query), accept)
