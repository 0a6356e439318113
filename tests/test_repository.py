"""Rules of the repository that no other tool looks after: what may be named, what may be imported, how packages are pinned."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

from pipelines.xledger.charts import BALANCING_RANGE

ROOT = Path(__file__).resolve().parent.parent

# Put together from pieces, so that this file passes its own test.
REGISTRY_HOSTS = [
    "pypi" + ".org",
    "python" + "hosted.org",
    "npm" + "js.org",
    "npm" + "js.com",
    "crates" + ".io",
    "ruby" + "gems.org",
    "ana" + "conda.org",
    "golang" + ".org",
    "maven" + ".org",
    "docker" + ".io",
]
MACHINE_PATHS = ["/" + "work/", "/" + "home/", "/" + "root/", "/" + "Users/", ".." + "/shared"]
INDEX_OPTIONS = ["--index" + "-url", "--extra" + "-index-url", "--find" + "-links", "--trusted" + "-host"]
LOCK_FILES = [
    "uv.lock",
    "poetry.lock",
    "pdm.lock",
    "pylock.toml",
    "Pipfile.lock",
    "conda-lock.yml",
    "package-lock.json",
    "yarn.lock",
]
ENGINES = ["postgres", "ducklake", "spark", "motherduck", "snowflake", "bigquery", "databricks"]
REQUIREMENTS = ["runtime", "explore", "dev", "dialects", *ENGINES]


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def tracked_texts() -> Iterator[tuple[str, str]]:
    for path in tracked_files():
        try:
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def lines_with(words: list[str], texts: Iterator[tuple[str, str]]) -> list[str]:
    return [
        f"{name}:{number}: {word}"
        for name, text in texts
        for number, line in enumerate(text.splitlines(), 1)
        for word in words
        if word in line
    ]


def test_no_registry_host_and_no_path_of_a_machine() -> None:
    own_folder = f"{ROOT}/"
    assert lines_with([*REGISTRY_HOSTS, *MACHINE_PATHS, own_folder], tracked_texts()) == []


def test_no_lock_file_that_writes_addresses() -> None:
    names = {path.name for path in tracked_files()}
    assert names.isdisjoint(LOCK_FILES)


def test_no_secret_and_no_data_is_tracked() -> None:
    names = {str(path.relative_to(ROOT)) for path in tracked_files()}
    assert ".dlt/secrets.toml" not in names
    assert not [name for name in names if name.endswith((".duckdb", ".parquet", ".wal"))]


def pinned(which: str) -> dict[str, tuple[Version, str]]:
    """Version and text of each package of a requirements file, by normalised name."""
    text = (ROOT / "requirements" / f"{which}.txt").read_text(encoding="utf-8").replace("\\\n", " ")
    entries = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    packages = {}
    for entry in entries:
        requirement = Requirement(entry.split("--hash")[0].strip())
        (specifier,) = requirement.specifier
        assert specifier.operator == "==", entry
        packages[requirement.name.lower().replace("_", "-")] = Version(specifier.version), entry
    return packages


@pytest.mark.parametrize("which", REQUIREMENTS)
def test_every_requirement_is_pinned_with_hashes(which: str) -> None:
    packages = pinned(which)
    assert packages
    without_hash = [
        name for name, (_, entry) in packages.items() if not re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry)
    ]
    assert without_hash == []


@pytest.mark.parametrize("which", REQUIREMENTS)
def test_requirements_name_no_address(which: str) -> None:
    text = (ROOT / "requirements" / f"{which}.txt").read_text(encoding="utf-8")
    assert "://" not in text
    assert [option for option in INDEX_OPTIONS if option in text] == []


def declared(which: str) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    texts = {
        "runtime": project["project"]["dependencies"],
        **project["project"]["optional-dependencies"],
        **project["dependency-groups"],
    }
    return [Requirement(text) for text in texts[which]]


@pytest.mark.parametrize("which", REQUIREMENTS)
def test_requirements_are_those_of_pyproject(which: str) -> None:
    packages = pinned(which)
    for requirement in declared(which):
        version, _ = packages[requirement.name]
        assert requirement.specifier.contains(version), f"{requirement} is pinned to {version}: run make requirements"


@pytest.mark.parametrize("which", ["runtime", "explore", "postgres", "ducklake", "spark"])
def test_tests_run_on_the_versions_that_users_get(which: str) -> None:
    used, dev = pinned(which), pinned("dev")
    assert used.keys() <= dev.keys()
    differing = {name: (used[name][0], dev[name][0]) for name in used if used[name][0] != dev[name][0]}
    assert differing == {}


def test_every_pin_in_pyproject_says_why() -> None:
    lines = [line.strip() for line in (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()]
    project = tomllib.loads("\n".join(lines))
    optional = [text for group in project["project"]["optional-dependencies"].values() for text in group]
    texts = (
        project["project"]["dependencies"]
        + optional
        + [text for group in project["dependency-groups"].values() for text in group]
    )
    pins = [
        text for text in texts if {"==", "~=", "<", "<="} & {bound.operator for bound in Requirement(text).specifier}
    ]
    assert pins
    assert [text for text in pins if not lines[lines.index(f'"{text}",') - 1].startswith("#")] == []


def imports(path: Path) -> set[str]:
    """Full names of the modules that a file imports, relative ones resolved."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            names |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return names


def importers(folder: str, module: str) -> list[str]:
    paths = sorted((ROOT / folder).rglob("*.py"))
    assert paths, f"no code in {folder}"
    return [
        str(path.relative_to(ROOT))
        for path in paths
        if any(name == module or name.startswith(f"{module}.") for name in imports(path))
    ]


@pytest.mark.parametrize(
    ("folder", "module"),
    [
        pytest.param("pipelines", "dbt", id="the pipeline calls dbt's command line, never its code"),
        pytest.param("pipelines/sandbox", "pipelines.xledger", id="the sandbox shares no code with the source"),
        pytest.param("pipelines/xledger", "pipelines.sandbox", id="the source shares no code with the sandbox"),
        pytest.param("pipelines", "tests", id="the program knows nothing of its tests"),
    ],
)
def test_walls(folder: str, module: str) -> None:
    assert importers(folder, module) == []


def test_the_walls_are_looked_at() -> None:
    assert importers("pipelines", "pipelines.xledger")
    assert importers("pipelines", "dlt")


def test_only_the_client_talks_http() -> None:
    assert importers("pipelines/xledger", "requests") == ["pipelines/xledger/client.py"]


def test_telemetry_is_off() -> None:
    configuration = tomllib.loads((ROOT / ".dlt/config.toml").read_text(encoding="utf-8"))
    project = yaml.safe_load((ROOT / "dbt_project/dbt_project.yml").read_text(encoding="utf-8"))
    assert configuration["runtime"]["dlthub_telemetry"] is False
    assert project["flags"]["send_anonymous_usage_stats"] is False


def test_the_fence_hides_the_lines_that_the_models_remove() -> None:
    project = yaml.safe_load((ROOT / "dbt_project/dbt_project.yml").read_text(encoding="utf-8"))
    assert [list(BALANCING_RANGE)] == project["vars"]["excluded_account_ranges"]


def test_ci_runs_what_a_person_runs() -> None:
    ci = ROOT / ".ci/run"
    assert ci.stat().st_mode & 0o111
    assert [line for line in ci.read_text(encoding="utf-8").splitlines() if "make" in line and line[0] != "#"] == [
        "exec make test"
    ]


def test_the_licence_is_apache_2_0() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert "Copyright 2026 The xledger-spend authors" in text
