"""`make schedule`: install a systemd timer, or print the lines for cron, so that the sync runs every third day."""

from __future__ import annotations

import argparse
import os
import pwd
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

from pipelines.exits import exit_code_of
from pipelines.timers import TIMER, manager_options
from pipelines.xledger.errors import ConfigurationError
from pipelines.xledger.settings import data_dir

_ROOT = Path(__file__).resolve().parent.parent
_TEMPLATES = _ROOT / "deploy"
_SERVICES = ("xledger-spend.service", "xledger-spend-age.service")
_TIMERS = (TIMER, "xledger-spend-age.timer")
_SYSTEMD_IS_RUNNING = Path("/run/systemd/system")
_OF_THE_MACHINE = Path("/etc/systemd/system")


def main() -> int:
    parser = argparse.ArgumentParser(description="Let the sync run by itself.")
    parser.add_argument("--print", action="store_true", dest="only_print", help="show it, install nothing")
    parser.add_argument("--every-days", type=int, choices=(1, 2, 3), default=3, help="days between two runs at most")
    parser.add_argument("--for", choices=("systemd", "cron"), dest="scheduler", help="default: what this machine has")
    parser.add_argument("--user", help="who runs it when root installs it; default: the owner of this folder")
    arguments = parser.parse_args()
    return exit_code_of(partial(run, arguments))


def run(arguments: argparse.Namespace) -> None:
    """Print or install what fits this machine."""
    scheduler = arguments.scheduler or ("systemd" if _has_systemd() else "cron")
    if scheduler == "cron":
        print(_filled("cron/xledger-spend.crontab", arguments), end="")
        return
    files = units(arguments)
    if arguments.only_print:
        for name, text in files.items():
            print(f"# {_unit_folder() / name}\n{text}")
        return
    if not _has_systemd():
        raise ConfigurationError(
            "systemd does not run on this machine; run `make schedule ARGS='--for cron'`, or see deploy/ for containers."
        )
    _install(files, arguments)


def units(arguments: argparse.Namespace) -> dict[str, str]:
    """The unit files by name below the unit folder; root's services get a user and are shut in further."""
    files = {name: _filled(f"systemd/{name}", arguments) for name in (*_SERVICES, *_TIMERS)}
    if _is_root():
        files |= {f"{name}.d/machine.conf": _filled("systemd/machine.conf", arguments) for name in _SERVICES}
    return files


def _install(files: dict[str, str], arguments: argparse.Namespace) -> None:
    _make_data_dir(_owner(arguments))
    for name, text in files.items():
        path = _unit_folder() / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    _systemctl("daemon-reload")
    _systemctl("enable", "--now", *_TIMERS)
    print(f"Installed in {_unit_folder()}: {', '.join(files)}")
    print(
        "`make status` shows the next run; `journalctl -u xledger-spend` (a user: `journalctl --user -u ...`) the last."
    )
    if _is_root() and _owner(arguments) == "root":
        print(
            "Warning: it will run as root; give this folder and DATA_DIR to a user of their own, then run this again."
        )
    if not _is_root():
        print("It runs while you are logged in, and always after `loginctl enable-linger`.")


def _make_data_dir(owner: str) -> None:
    # The machine's services may write there alone, and do not start when the folder is missing.
    if not data_dir().exists():
        data_dir().mkdir(parents=True)
        if _is_root():
            shutil.chown(data_dir(), user=owner)


def _systemctl(*words: str) -> None:
    command = [shutil.which("systemctl") or "systemctl", *manager_options(), *words]
    try:
        subprocess.run(command, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        raise ConfigurationError(
            f"systemctl {' '.join(words)} failed; mend what it says above, then run again."
        ) from None


def _filled(template: str, arguments: argparse.Namespace) -> str:
    values = {
        "PROJECT": _plain(_ROOT),
        "DATA_DIR": _plain(data_dir()),
        "DAYS": str(arguments.every_days),
        "USER": _owner(arguments),
    }
    text = (_TEMPLATES / template).read_text(encoding="utf-8")
    return re.sub(r"@([A-Z_]+)@", lambda found: values[found[1]], text)


def _plain(path: Path) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._/+-]+", str(path)):
        raise ConfigurationError(
            f"{path} holds characters that mean something to systemd and cron; move it to a path of letters, digits and ._+-"
        )
    return str(path)


def _owner(arguments: argparse.Namespace) -> str:
    return str(arguments.user or pwd.getpwuid(_ROOT.stat().st_uid).pw_name)


def _is_root() -> bool:
    return os.geteuid() == 0


def _has_systemd() -> bool:
    return _SYSTEMD_IS_RUNNING.is_dir() and shutil.which("systemctl") is not None


def _unit_folder() -> Path:
    if _is_root():
        return _OF_THE_MACHINE
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd" / "user"


if __name__ == "__main__":
    sys.exit(main())
