"""Runs a program and watches it: seconds, when each line was printed, and the peak memory of every process it starts."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_SAMPLE_SECONDS = 0.05
# Of all processes together, at one moment: what they share counts once.
TOGETHER = "all processes at once"


@dataclass
class Watched:
    """A finished program. ``lines`` has the seconds since the start at which each was printed."""

    seconds: float = 0.0
    lines: list[tuple[float, str]] = field(default_factory=list)
    peak_mib: dict[str, float] = field(default_factory=dict)

    def printed_at(self, words: str) -> float:
        """Seconds until the first line with these words."""
        return next(seconds for seconds, line in self.lines if words in line)

    def printed(self, whole_line: str) -> float:
        """Seconds until the first line that says this and nothing else."""
        return next(seconds for seconds, line in self.lines if line == whole_line)


def watch(command: Sequence[str], environment: Mapping[str, str], *, looks_at_memory: bool = True) -> Watched:
    """Run to the end. Looking at memory takes a fifth of a core, which a run whose time counts should have for itself.

    Raises:
        RuntimeError: it failed; the message is what it printed last.
    """
    watched = Watched()
    begun = time.monotonic()
    process = subprocess.Popen(  # noqa: S603
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    is_over = threading.Event()
    sampler = threading.Thread(target=_sample, args=(process.pid, watched.peak_mib, is_over))
    if looks_at_memory:
        sampler.start()
    for line in process.stdout or ():
        watched.lines.append((time.monotonic() - begun, line.rstrip()))
    process.wait()
    watched.seconds = time.monotonic() - begun
    is_over.set()
    if looks_at_memory:
        sampler.join()
    if process.returncode:
        raise RuntimeError("\n".join(line for _, line in watched.lines[-20:]))
    return watched


def clean_environment(**more: str) -> dict[str, str]:
    """The environment without settings of the program, plus ``more``."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith("SOURCES__") and name != "DATA_DIR"
    }
    return kept | {"PYTHONPATH": str(ROOT)} | more


def peak_mib(pid: int) -> float:
    """The most memory that a running process has held so far."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def _sample(root: int, peaks: dict[str, float], is_over: threading.Event) -> None:
    while not is_over.wait(_SAMPLE_SECONDS):
        together = 0.0
        for pid in _family(root):
            try:
                name, peak, share = _name(pid), peak_mib(pid), _share_mib(pid)
            except (OSError, IndexError, StopIteration):
                continue
            together += share
            peaks[name] = max(peaks.get(name, 0.0), peak)
        peaks[TOGETHER] = max(peaks.get(TOGETHER, 0.0), together)


def _share_mib(pid: int) -> float:
    """What a process holds now; a page that others hold too counts by its part."""
    smaps = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return int(smaps.split("Pss:")[1].split()[0]) / 1024


def _family(root: int) -> list[int]:
    """The process and all it has started, directly or not."""
    family, unseen = [], [root]
    while unseen:
        pid = unseen.pop()
        family.append(pid)
        # A process that ends while it is looked at has no children any more.
        with suppress(OSError):
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                with suppress(OSError):
                    unseen += [int(child) for child in children.read_text(encoding="ascii").split()]
    return family


def _name(pid: int) -> str:
    """`pipelines.sync` for a module, `dbt` for a script or for dbt started ahead of its time."""
    words = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").split("\0")
    if "-m" in words:
        return words[words.index("-m") + 1]
    name = next(Path(word).name for word in [*words[1:2], *words] if word and not word.startswith("-"))
    return "dbt" if name == "when_told.py" else name
