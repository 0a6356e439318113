"""TARGET=spark: raw tables and marts as Parquet in a folder that all workers reach; dbt runs in a Spark session.

FOLDER/raw_xledger_<id>/<table>/           what dlt landed last
FOLDER/build_<id>/                         what Spark builds, until it is tested
FOLDER/published_<id>/{marts,audit}/<table>/   and snapshots, the history that the next run goes on from
FOLDER/current -> published_<id>           replaced by one rename
"""

from __future__ import annotations

import json
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dlt
import duckdb

from pipelines import lock
from pipelines.console import Console
from pipelines.targets import copied
from pipelines.targets.shipping import ship
from pipelines.targets.target import BUILT, RAW, SNAPSHOTS, Target
from pipelines.warehouse import Warehouse
from pipelines.xledger.errors import ConfigurationError, XledgerError
from pipelines.xledger.settings import refuse_unknown_settings

_FOLDER_SETTING = "DESTINATION__FILESYSTEM__BUCKET_URL"
_BUILD, _PUBLISHED, _CURRENT = "build_", "published_", "current"
_SECONDS_FOR_READERS = 24 * 60 * 60
# Times are UTC without a zone, as they landed; a number that does not fit is an error, never a null.
_SESSION = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.ui.enabled": "false",
    # What fails comes back through dbt; Spark's own log is pages of traces, with values in them.
    "spark.log.level": "OFF",
    "spark.sql.sources.default": "parquet",
    # The catalog knows the tables of this run alone; what lasts is in the files.
    "spark.sql.catalogImplementation": "in-memory",
}


class Spark(Target):
    """A folder of its own: what lies in it under one of our names is replaced by each run."""

    name = "spark"
    packages = ("dbt-spark", "pyspark")
    keeps_its_catalog = False

    def __init__(self) -> None:
        refuse_unknown_settings("spark", ("master", "settings"))
        self._master = str(dlt.config.get("spark.master") or "local[*]")
        settings: Any = dlt.config.get("spark.settings") or {}
        if isinstance(settings, str):
            try:
                settings = json.loads(settings)
            except ValueError:
                settings = None
        if not isinstance(settings, Mapping):
            raise ConfigurationError(
                'SPARK__SETTINGS must be an object, as in {"spark.sql.shuffle.partitions": "8"}; correct it.'
            )
        self._settings = {str(name): str(value) for name, value in settings.items()}
        url = str(dlt.config.get("destination.filesystem.bucket_url") or "")
        folder = Path(url.removeprefix("file://"))
        if not folder.is_absolute():
            raise ConfigurationError(
                f"TARGET is spark: {_FOLDER_SETTING} must name a folder that this machine and all workers reach under the "
                "same absolute path, as in /mnt/spend; set it."
            )
        if shutil.which("java") is None:
            raise ConfigurationError(
                "TARGET is spark, and there is no Java on the PATH; install Java 17, then run again."
            )
        self._folder = folder
        self._id = secrets.token_hex(6)

    @property
    def _build(self) -> Path:
        return self._folder / f"{_BUILD}{self._id}"

    @property
    def _raw(self) -> Path:
        return self._folder / f"{RAW}_{self._id}"

    @contextmanager
    def held(self) -> Iterator[None]:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(
                f"The folder {self._folder} cannot be made ({error.strerror}); correct {_FOLDER_SETTING}."
            ) from None
        with lock.exclusive(self._folder):
            # What a killed run left.
            self._remove(_BUILD)
            yield

    def _remove(self, prefix: str, keep: Path | None = None, older_than: float = 0) -> None:
        for path in self._folder.glob(f"{prefix}*"):
            if path != keep and time.time() - path.stat().st_mtime >= older_than:
                shutil.rmtree(path)

    def land(self, warehouse: Warehouse, console: Console) -> None:
        console.say("Shipping the raw tables to the folder of Spark")
        destination = dlt.destinations.filesystem(
            bucket_url=self._folder.as_uri(), layout="{table_name}/{load_id}.{file_id}.{ext}"
        )
        ship(warehouse, destination, self._raw.name, as_files=True)
        self._remove(f"{RAW}_", keep=self._raw)

    def dbt_environment(self) -> Mapping[str, str]:
        parameters = {
            "spark.master": self._master,
            **_SESSION,
            **(
                {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
                if "local" in self._master
                else {}
            ),
            "spark.sql.warehouse.dir": str(self._build),
            **self._settings,
        }
        history = self._folder / _CURRENT / SNAPSHOTS
        return {
            "TARGET_SPARK_PARAMETERS": repr(parameters),
            "TARGET_SPARK_RAW": str(self._raw),
            "TARGET_SPARK_HISTORY": str(history.resolve()) if history.exists() else "",
        }

    def fetch_marts(self, warehouse: Warehouse) -> None:
        described = _descriptions(warehouse)
        with duckdb.connect(config={"memory_limit": "300MB", "threads": 1}) as connection:
            copied.write_copy(warehouse.marts, self._built(connection, described))

    def _built(
        self, connection: duckdb.DuckDBPyConnection, described: Mapping[tuple[str, str], Mapping[str, Any]]
    ) -> Iterator[copied.Table]:
        for published, built in BUILT.items():
            for folder in sorted((self._build / f"{built}.db").iterdir()):
                rows = f"read_parquet('{folder}/*.parquet')"
                node = described.get((built, folder.name), {"description": None, "columns": {}})
                columns = [
                    copied.Column(name, kind, node["columns"].get(name, {}).get("description"))
                    for name, kind, *_ in connection.execute(f"describe from {rows}").fetchall()
                ]
                reader = connection.execute(f"from {rows}").to_arrow_reader(50_000)
                yield copied.Table(published, folder.name, node["description"], columns, reader)

    def publish(self, warehouse: Warehouse, changes: Mapping[str, Any], console: Console) -> None:  # noqa: ARG002
        published = self._folder / f"{_PUBLISHED}{self._id}"
        published.mkdir()
        for name, built in {**BUILT, SNAPSHOTS: SNAPSHOTS}.items():
            source = self._build / f"{built}.db"
            if source.exists():
                source.rename(published / name)
        if not (published / "marts").exists():
            raise XledgerError(f"Spark left no marts in {self._build}; nothing was published. Report this line.")
        pointer = self._folder / f".{_CURRENT}-{self._id}"
        pointer.symlink_to(published.name)
        pointer.replace(self._folder / _CURRENT)
        has_rows_gone = bool(changes.get("received_gone") or changes.get("not_comparable"))
        self._remove(_PUBLISHED, keep=published, older_than=0 if has_rows_gone else _SECONDS_FOR_READERS)
        self._remove(_BUILD)
        console.say(f"Published to {self._folder / _CURRENT}: folders marts and audit")


def _descriptions(warehouse: Warehouse) -> Mapping[tuple[str, str], Mapping[str, Any]]:
    """What dbt says of each table and its columns: Parquet itself keeps no comments."""
    manifest = json.loads((warehouse.build / "dbt" / "manifest.json").read_text(encoding="utf-8"))
    return {
        (node["schema"], node["name"]): node for node in manifest["nodes"].values() if node["resource_type"] == "model"
    }
