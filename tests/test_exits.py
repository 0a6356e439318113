from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

import pytest

from pipelines.exits import exit_code_of
from pipelines.xledger.errors import (
    ApiFailed,
    ConfigurationError,
    LedgerChanged,
    MalformedResponse,
    PayrollStop,
    PermissionMissing,
    QueryTimedOut,
    RequestTooLarge,
    TokenRejected,
    Unreachable,
    UntrustedValue,
    XledgerError,
)


def _raising(error: BaseException) -> Callable[[], None]:
    def run() -> NoReturn:
        raise error

    return run


def test_a_run_that_ends_well_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(lambda: None) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("kind", "exit_code"),
    [
        (XledgerError, 1),
        (ApiFailed, 1),
        (RequestTooLarge, 1),
        (QueryTimedOut, 1),
        (MalformedResponse, 1),
        (LedgerChanged, 1),
        (UntrustedValue, 1),
        (ConfigurationError, 2),
        (TokenRejected, 2),
        (Unreachable, 2),
        (PayrollStop, 3),
    ],
)
def test_each_failure_has_its_exit_code_and_its_sentence_is_the_last_line(
    capsys: pytest.CaptureFixture[str], kind: type[XledgerError], exit_code: int
) -> None:
    assert exit_code_of(_raising(kind("Do this, then run again."))) == exit_code
    assert capsys.readouterr() == ("", "Do this, then run again.\n")


def test_missing_permissions_are_named_with_where_to_tick_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(_raising(PermissionMissing(("Supplier", "Contact")))) == 2
    told = capsys.readouterr().err
    assert "The token may not read Supplier, Contact." in told
    assert "Administration, System Access, GraphQL, API tokens" in told


def test_an_interrupted_run_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(_raising(KeyboardInterrupt())) == 1
    assert capsys.readouterr().err == "Interrupted; nothing was published. Run again.\n"


def test_an_error_nobody_foresaw_shows_its_place_and_nothing_of_the_data(capsys: pytest.CaptureFixture[str]) -> None:
    def run() -> None:
        amount = "SECRET-AMOUNT"
        int(amount)

    assert exit_code_of(run) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"An error nobody foresaw (ValueError in {__name__}:")
    assert err.count("\n") == 1
    assert "SECRET" not in err


def test_a_program_that_wants_to_exit_may(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        exit_code_of(_raising(SystemExit(5)))
