"""What a scheduler is given: units that systemd takes, cron lines, a container without rights, jobs of the declared shape.

Neither Docker nor Kubernetes nor a CI runner is started here: their files are held to the projects' own schemas, to hadolint,
and to the rules below.
"""

from __future__ import annotations

import argparse
import itertools
import re
import shlex
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from pipelines import one_sync, schedule, status, sync
from tests.conftest import ROOT, run_module

DEPLOY = ROOT / "deploy"
TOKEN = "SOURCES__XLEDGER__API_TOKEN"


def written_units(folder: Path, monkeypatch: pytest.MonkeyPatch, *, is_root: bool, days: int = 3) -> Path:
    monkeypatch.setenv("DATA_DIR", str(folder / "data"))
    monkeypatch.setattr(schedule, "_is_root", lambda: is_root)
    for name, text in schedule.units(argparse.Namespace(every_days=days, user="root")).items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")


@needs_systemd
@pytest.mark.parametrize("is_root", [True, False], ids=["machine", "user"])
def test_systemd_takes_the_units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_root: bool) -> None:
    folder = written_units(tmp_path, monkeypatch, is_root=is_root)
    units = sorted(str(path) for path in folder.iterdir() if path.is_file())
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    assert (verified.returncode, verified.stdout, verified.stderr) == (0, "", "")


@needs_systemd
def test_systemd_finds_the_service_shut_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = written_units(tmp_path, monkeypatch, is_root=True)
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=30", str(folder / "xledger-spend.service")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert judged.returncode == 0, judged.stdout


@needs_systemd
@pytest.mark.parametrize("days", [1, 2, 3])
def test_the_timer_never_waits_longer_than_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    timer = (written_units(tmp_path, monkeypatch, is_root=False, days=days) / "xledger-spend.timer").read_text("utf-8")
    (calendar,) = re.findall(r"^OnCalendar=(.+)$", timer, re.MULTILINE)
    told = subprocess.run(
        ["systemd-analyze", "calendar", "--iterations=200", calendar],
        capture_output=True,
        text=True,
        check=True,
        env={"TZ": "UTC", "PATH": "/usr/bin:/bin"},
    ).stdout
    moments = [
        (int(year), int(month), int(day), int(hour), int(minute))
        for year, month, day, hour, minute in re.findall(r"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):00 UTC", told)
    ]
    gaps = {(date(*after[:3]) - date(*before[:3])).days for before, after in itertools.pairwise(moments)} - {0}
    assert max(gaps) == days
    assert {minute for *_, minute in moments} == {37}


def test_a_missed_run_is_caught_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = written_units(tmp_path, monkeypatch, is_root=False)
    for name in ("xledger-spend.timer", "xledger-spend-age.timer"):
        assert "\nPersistent=yes\n" in (folder / name).read_text(encoding="utf-8")


def test_a_user_has_no_unit_that_only_the_machine_may_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = written_units(tmp_path, monkeypatch, is_root=False)
    assert sorted(path.name for path in folder.iterdir()) == [
        "xledger-spend-age.service",
        "xledger-spend-age.timer",
        "xledger-spend.service",
        "xledger-spend.timer",
    ]
    assert "User=" not in (folder / "xledger-spend.service").read_text(encoding="utf-8")


def accepted(module: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the program takes these arguments; it is stopped before it does anything."""
    programs: dict[str, tuple[Any, Any]] = {"pipelines.sync": (sync, one_sync), "pipelines.status": (status, status)}
    program, what_it_runs = programs[module]
    monkeypatch.setattr(sys, "argv", [module, *arguments])
    monkeypatch.setattr(what_it_runs, "run", lambda *_, **__: None)
    return bool(program.main() == 0)


def test_every_command_line_is_one_the_program_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = written_units(tmp_path, monkeypatch, is_root=False)
    lines = [
        *re.findall(
            r"^ExecStart=.*?-m (.+)$", "\n".join(p.read_text("utf-8") for p in folder.iterdir() if p.is_file()), re.M
        ),
        *re.findall(r"-m (pipelines\..+?) 2>&1", (DEPLOY / "cron/xledger-spend.crontab").read_text("utf-8")),
        *(" ".join(container["args"]) for container in containers()),
        " ".join(words("CMD")),
        *(f"pipelines.sync {given}" for given in re.findall(r'ARGS="(.+)"', workflow_text())),
    ]
    assert len(lines) == 8
    for line in lines:
        module, *arguments = line.split()
        assert accepted(module, arguments, monkeypatch), line
        assert ("--require-token" in arguments) == (module == "pipelines.sync"), line


def test_cron_lines(tmp_path: Path) -> None:
    printed = run_module("pipelines.schedule", {"DATA_DIR": str(tmp_path)}, "--for", "cron", "--every-days", "2")
    assert printed.returncode == 0
    sync_line, age_line = [line for line in printed.stdout.splitlines() if not line.startswith("#")]
    assert sync_line.split()[:5] == ["37", "4", "*/2", "*", "*"]
    assert age_line.split()[:5] == ["23", "8", "*", "*", "*"]
    for line in (sync_line, age_line):
        assert f"cd {ROOT} && DATA_DIR={tmp_path} " in line
        # cron takes a bare percent sign for the end of the command.
        assert "%" not in line
        assert "@" not in line
        assert subprocess.run(["sh", "-n", "-c", line.split(maxsplit=5)[5]], check=False).returncode == 0


def test_printing_installs_nothing(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "DATA_DIR": str(tmp_path / "data")}
    printed = run_module("pipelines.schedule", home, "--print", "--for", "systemd")
    assert printed.returncode == 0
    assert "ExecStart=" in printed.stdout
    assert list(tmp_path.iterdir()) == []


def test_installing_writes_the_units_and_starts_the_timers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called = tmp_path / "called"
    systemctl = tmp_path / "bin/systemctl"
    systemctl.parent.mkdir()
    systemctl.write_text(f'#!/bin/sh\necho "$@" >> {called}\n', encoding="utf-8")
    systemctl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{systemctl.parent}:/usr/bin:/bin")
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(schedule, "_SYSTEMD_IS_RUNNING", tmp_path)
    monkeypatch.setattr(schedule, "_OF_THE_MACHINE", tmp_path / "units")
    monkeypatch.setattr(schedule, "_is_root", lambda: True)
    schedule.run(argparse.Namespace(scheduler=None, only_print=False, every_days=3, user=None))
    assert (tmp_path / "units/xledger-spend.service.d/machine.conf").is_file()
    assert (tmp_path / "data").is_dir()
    told = called.read_text(encoding="utf-8").splitlines()
    assert [line.removeprefix("--user ") for line in told] == [
        "daemon-reload",
        "enable --now xledger-spend.timer xledger-spend-age.timer",
    ]


def test_a_path_that_a_unit_cannot_name_is_refused(tmp_path: Path) -> None:
    refused = run_module("pipelines.schedule", {"DATA_DIR": str(tmp_path / "100 % data")}, "--for", "cron")
    assert refused.returncode == 2
    assert "move it to a path" in refused.stderr


def instructions() -> list[tuple[str, str]]:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines]


def words(name: str) -> list[str]:
    (text,) = [rest for instruction, rest in instructions() if instruction == name]
    return list(yaml.safe_load(text))


def test_the_image_runs_as_nobody_special() -> None:
    (user,) = [rest for name, rest in instructions() if name == "USER"]
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    order = [name for name, _ in instructions()]
    assert order.index("USER") > max(number for number, name in enumerate(order) if name in ("COPY", "RUN"))
    assert words("ENTRYPOINT") == ["/opt/venv/bin/python", "-m"]


def test_the_image_holds_the_program_and_nothing_else() -> None:
    copied = {
        source
        for name, rest in instructions()
        if name == "COPY" and "--from" not in rest
        for source in shlex.split(rest)[:-1]
    }
    assert copied == {"requirements/runtime.txt", ".dlt/config.toml", "profiles/", "dbt_project/", "pipelines/"}
    assert all((ROOT / source).exists() for source in copied)
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in ignored if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert {line[1:] for line in rules if line.startswith("!")} == {source.rstrip("/") for source in copied}


def test_no_secret_goes_into_the_image() -> None:
    text = " ".join(f"{name} {rest}" for name, rest in instructions())
    assert "TOKEN" not in text.upper().replace("--REQUIRE-TOKEN", "")
    assert "SOURCES__" not in text
    assert "secrets.toml" not in text


def test_the_image_installs_with_hashes_what_the_runtime_needs() -> None:
    (install,) = [rest for name, rest in instructions() if name == "RUN" and "pip install" in rest]
    assert {"--require-hashes", "--only-binary", "--no-cache-dir"} <= set(install.split())


def strict(properties: dict[str, Any]) -> dict[str, Any]:
    """An object with exactly these properties."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def several(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item, "minItems": 1}


TEXT = {"type": "string", "minLength": 1}
WHOLE = {"type": "integer", "minimum": 0}
CONTAINER = strict(
    {
        "name": {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"},
        "image": {"type": "string", "pattern": r"^[a-z0-9./-]+:[\w.-]+$"},
        "args": several(TEXT),
        "env": {
            "const": [{"name": TOKEN, "valueFrom": {"secretKeyRef": {"name": "xledger-spend", "key": "api-token"}}}]
        },
        "securityContext": {
            "const": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
        },
        "resources": strict({"requests": strict({"cpu": TEXT, "memory": TEXT}), "limits": strict({"memory": TEXT})}),
        "volumeMounts": several(strict({"name": TEXT, "mountPath": {"type": "string", "pattern": "^/(data|tmp)$"}})),
    }
)
POD = strict(
    {
        "restartPolicy": {"const": "Never"},
        "automountServiceAccountToken": {"const": False},
        "enableServiceLinks": {"const": False},
        "securityContext": {
            "const": {
                "runAsNonRoot": True,
                "runAsUser": 10001,
                "runAsGroup": 10001,
                "fsGroup": 10001,
                "seccompProfile": {"type": "RuntimeDefault"},
            }
        },
        "containers": several(CONTAINER) | {"maxItems": 1},
        "volumes": {
            "const": [
                {"name": "data", "persistentVolumeClaim": {"claimName": "xledger-spend"}},
                {"name": "short-lived", "emptyDir": {"sizeLimit": "1Gi"}},
            ]
        },
    }
)
CRON_JOB = strict(
    {
        "apiVersion": {"const": "batch/v1"},
        "kind": {"const": "CronJob"},
        "metadata": strict({"name": TEXT}),
        "spec": strict(
            {
                "schedule": {"type": "string", "pattern": r"^([1-9]|[1-5]\d) \d+ (\*|\*/3) \* \*$"},
                "timeZone": {"const": "Etc/UTC"},
                "concurrencyPolicy": {"const": "Forbid"},
                "startingDeadlineSeconds": WHOLE,
                "successfulJobsHistoryLimit": WHOLE,
                "failedJobsHistoryLimit": WHOLE,
                "jobTemplate": strict(
                    {
                        "spec": strict(
                            {
                                "backoffLimit": {"const": 0},
                                "activeDeadlineSeconds": WHOLE,
                                "template": strict({"spec": POD}),
                            }
                        )
                    }
                ),
            }
        ),
    }
)


def documents() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text(encoding="utf-8")))


def containers() -> list[dict[str, Any]]:
    return [document["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0] for document in cron_jobs()]


def cron_jobs() -> list[dict[str, Any]]:
    return [document for document in documents() if document["kind"] == "CronJob"]


def test_the_cron_jobs_have_the_declared_shape() -> None:
    assert [job["metadata"]["name"] for job in cron_jobs()] == ["xledger-spend", "xledger-spend-age"]
    for job in cron_jobs():
        jsonschema.validate(job, CRON_JOB)
    assert cron_jobs()[0]["spec"]["schedule"] == "37 4 */3 * *"


def test_the_schema_notices_a_job_with_more_rights() -> None:
    job = cron_jobs()[0]
    del job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["securityContext"]
    with pytest.raises(jsonschema.ValidationError, match="securityContext"):
        jsonschema.validate(job, CRON_JOB)


def test_the_jobs_share_the_claimed_volume_and_the_user_of_the_image() -> None:
    (claim,) = [document for document in documents() if document["kind"] == "PersistentVolumeClaim"]
    for job in cron_jobs():
        pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        assert pod["volumes"][0]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
        assert (
            f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}"
            in dict(instructions())["USER"]
        )


def workflow_text() -> str:
    return (DEPLOY / "github-actions.yml").read_text(encoding="utf-8")


def test_the_ci_example() -> None:
    # YAML 1.1 reads the key `on` as true.
    workflow = yaml.safe_load(workflow_text())
    jsonschema.validate(
        {("on" if key is True else key): value for key, value in workflow.items()},
        strict(
            {
                "name": TEXT,
                "on": strict({"schedule": {"const": [{"cron": "37 4 */3 * *"}]}, "workflow_dispatch": {"const": None}}),
                "permissions": {"const": {"contents": "read"}},
                "concurrency": {"const": {"group": "spend", "cancel-in-progress": False}},
                "jobs": strict(
                    {
                        "sync": strict(
                            {
                                "runs-on": {"type": "array", "contains": {"const": "self-hosted"}},
                                "timeout-minutes": WHOLE,
                                "env": {"const": {"DATA_DIR": "${{ vars.XLEDGER_DATA_DIR }}"}},
                                "steps": several({"type": "object"}),
                            }
                        )
                    }
                ),
            }
        ),
    )
    for step in workflow["jobs"]["sync"]["steps"]:
        assert step.get("env", {}) in ({}, {TOKEN: "${{ secrets.XLEDGER_API_TOKEN }}"})


def judged(*command: str) -> subprocess.CompletedProcess[str]:
    """One of the judges of the development environment."""
    program = Path(sys.executable).with_name(command[0])
    return subprocess.run([program, *command[1:]], capture_output=True, text=True, check=False)


def test_hadolint_finds_nothing_in_the_dockerfile(tmp_path: Path) -> None:
    found = judged("hadolint", "--no-color", str(DEPLOY / "Dockerfile"))
    assert (found.returncode, found.stdout) == (0, "")
    worse = tmp_path / "Dockerfile"
    worse.write_text((DEPLOY / "Dockerfile").read_text("utf-8") + "USER root\n", "utf-8")
    assert {"DL3002"} <= set(re.findall(r"DL\d+", judged("hadolint", str(worse)).stdout))


def test_kubernetes_own_schema_takes_the_resources(tmp_path: Path) -> None:
    taken = judged("kubernetes-validate", "--strict", str(DEPLOY / "kubernetes.yaml"))
    assert taken.returncode == 0, taken.stdout + taken.stderr
    assert (taken.stdout + taken.stderr).count("passed for resource") == 3
    misspelt = tmp_path / "kubernetes.yaml"
    text = (DEPLOY / "kubernetes.yaml").read_text("utf-8")
    misspelt.write_text(text.replace("readOnlyRootFilesystem", "readOnlyRootFileSystem"), "utf-8")
    assert judged("kubernetes-validate", "--strict", str(misspelt)).returncode != 0


def test_the_workflow_schema_takes_the_ci_example(tmp_path: Path) -> None:
    check = ("check-jsonschema", "--builtin-schema", "vendor.github-workflows")
    taken = judged(*check, str(DEPLOY / "github-actions.yml"))
    assert taken.returncode == 0, taken.stdout
    misspelt = tmp_path / "workflow.yml"
    misspelt.write_text(workflow_text().replace("timeout-minutes", "timeout-minuets"), "utf-8")
    assert judged(*check, str(misspelt)).returncode == 1
