"""Where a ledger lives: in a private folder that goes with the process, or in a folder kept by the user and used again."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path

from pipelines.sandbox.ledger import LedgerFiles, make_ledger
from pipelines.sandbox.options import SandboxOptions
from pipelines.sandbox.saft import SaftError, read_saft

_SHAPING = ("lines", "seed", "employees", "hostile", "large_ids")


def open_ledger(private: Path, options: SandboxOptions) -> LedgerFiles:
    """The ledger that the options ask for, made if it is not there yet.

    A kept ledger is changed by nobody: it is copied unless ``read_only``.
    """
    if options.saft is not None:
        own = LedgerFiles.within(private)
        try:
            read_saft(options.saft, own.ledger)
        except SaftError as problem:
            raise ValueError(f"{options.saft}: {problem}") from None
        return own
    if options.ledger_dir is None:
        return make_ledger(private, options)
    folder = options.ledger_dir / _fingerprint(options)
    if not folder.exists():
        options.ledger_dir.mkdir(parents=True, exist_ok=True)
        unfinished = Path(shutil.copytree(private, options.ledger_dir / f"unfinished-{private.name}"))
        make_ledger(unfinished, options)
        if folder.exists():
            shutil.rmtree(unfinished)
        else:
            unfinished.rename(folder)
    kept = LedgerFiles.within(folder)
    if options.read_only:
        return kept
    own = LedgerFiles.within(private)
    shutil.copyfile(kept.ledger, own.ledger)
    return LedgerFiles(own.ledger, kept.truth)


def _fingerprint(options: SandboxOptions) -> str:
    """Options that shape the ledger, and the code that makes it: a kept ledger of an older program is not used."""
    digest = hashlib.sha256(json.dumps({name: dataclasses.asdict(options)[name] for name in _SHAPING}).encode())
    here = Path(__file__).parent
    for source in sorted([*(here / "ledger").glob("*"), here / "schema.graphql", here / "tables.py"]):
        if source.is_file():
            digest.update(source.read_bytes())
    return digest.hexdigest()[:16]
