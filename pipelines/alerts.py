"""Calls a webhook or a command when a run fails or the published data are too old."""

from __future__ import annotations

import json
import shlex
import subprocess
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

import dlt
import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from pipelines.child_environment import without_secrets
from pipelines.console import Console
from pipelines.exits import Outcome
from pipelines.xledger.errors import ConfigurationError
from pipelines.xledger.settings import company_asked_for, is_loopback, refuse_unknown_settings

DEFAULT_MAX_AGE_DAYS = 4.0
_SECONDS_FOR_AN_ALERT = 30
_WEBHOOK_TRIES = Retry(total=2, backoff_factor=1, status_forcelist=(429, 500, 502, 503, 504), allowed_methods=None)


@dataclass(frozen=True)
class AlertSettings:
    """Whom to call; ``max_age_days`` is the age of published data, in days, beyond which they count as too old."""

    webhook: str | None = None
    command: tuple[str, ...] = ()
    max_age_days: float = DEFAULT_MAX_AGE_DAYS


@dataclass(frozen=True)
class Alert:
    """What is told: ``event`` is `run_failed` or `data_too_old`, ``text`` one sentence, after the name of
    the company where each is kept apart. No row and no secret is in it.
    """

    event: str
    run_id: str | None
    exit_code: int
    text: str


def read_alert_settings() -> AlertSettings:
    """Read and check the section `[alerts]`.

    Raises:
        ConfigurationError: naming the setting and what it should hold.
    """
    refuse_unknown_settings("alerts", tuple(AlertSettings.__dataclass_fields__))
    command = _setting("command")
    try:
        words = tuple(shlex.split(command)) if command else ()
        max_age_days = float(_setting("max_age_days") or DEFAULT_MAX_AGE_DAYS)
    except ValueError:
        raise ConfigurationError(
            "ALERTS__COMMAND must be a command as in a shell, its quotes closed, and ALERTS__MAX_AGE_DAYS a number of "
            "days; correct them."
        ) from None
    if not max_age_days > 0:
        raise ConfigurationError("ALERTS__MAX_AGE_DAYS must be more than 0 days; correct it.")
    return AlertSettings(_checked_webhook(_setting("webhook")), words, max_age_days)


def alert(event: str, run_id: str | None, outcome: Outcome, console: Console) -> None:
    """Tell how a run failed; without usable settings there is nobody to tell, which the run's own error says."""
    try:
        settings = read_alert_settings()
    except ConfigurationError:
        return
    company = company_asked_for()
    text = f"{company}: {outcome.sentence}" if company else outcome.sentence
    send(Alert(event, run_id, outcome.exit_code, text), settings, console)


def send(alert: Alert, settings: AlertSettings, console: Console) -> None:
    """Call whoever is set. A call that fails is said, without the address, and changes nothing else."""
    body = json.dumps(asdict(alert))
    if settings.webhook:
        try:
            _post(settings.webhook, body)
        except requests.exceptions.RequestException as error:
            console.say(
                f"Warning: the alert's webhook could not be called ({type(error).__name__}); see to ALERTS__WEBHOOK."
            )
    if settings.command:
        try:
            _call(settings.command, body)
        except (OSError, subprocess.SubprocessError) as error:
            console.say(f"Warning: the alert's command failed ({type(error).__name__}); see to ALERTS__COMMAND.")


def _setting(name: str) -> str | None:
    # By its full name alone: dlt's resolution by section would also take a variable that is just called COMMAND.
    value: object = dlt.secrets.get(f"alerts.{name}") or dlt.config.get(f"alerts.{name}")
    return str(value) if value is not None else None


def _checked_webhook(url: str | None) -> str | None:
    if not url:
        return None
    parts = urlsplit(url)
    if parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(url))):
        return url
    raise ConfigurationError(
        "ALERTS__WEBHOOK must begin with https:// (only a loopback address may do without); correct it."
    )


def _post(url: str, body: str) -> None:
    with requests.Session() as session:
        session.trust_env = not is_loopback(url)
        for scheme in ("https://", "http://"):
            session.mount(scheme, HTTPAdapter(max_retries=_WEBHOOK_TRIES))
        response = session.post(
            url,
            data=body.encode(),
            headers={"Content-Type": "application/json"},
            timeout=_SECONDS_FOR_AN_ALERT / 3,
            allow_redirects=False,
        )
    if response.status_code >= 300:
        raise requests.exceptions.HTTPError


def _call(command: tuple[str, ...], body: str) -> None:
    subprocess.run(  # noqa: S603
        command,
        input=body.encode(),
        env=without_secrets(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=_SECONDS_FOR_AN_ALERT,
        check=True,
    )
