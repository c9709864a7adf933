"""How things are measured here. What is measured may not enter.

The two sides of a comparison run in turns in one process, so that a noisy moment hits both; what is quoted is the
ratio of their medians. A call too short to time alone is repeated inside one measurement.

Calls that take much memory each begin alike: what the other side freed goes back to the system first, which would
otherwise happen on the clock of whoever comes next; and as much as the call needs is touched and freed, since a virtual
machine may have given idle memory back to its host, and takes several times as long to get it again.
"""

from __future__ import annotations

import ctypes
import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class Result:
    """One line of the table: what was measured, the figures in seconds (or MiB), the bar and whether it is met.

    value: the figure the bar speaks of, a ratio of medians unless `unit` says otherwise.
    """

    name: str
    value: float
    unit: str
    bar: str
    met: bool
    ours: float | None = None
    theirs: float | None = None
    against: str = ""
    samples: dict[str, list[float]] = field(default_factory=dict)


def in_turns(
    ours: Callable[[], Any],
    theirs: Callable[[], Any],
    *,
    repeats: int,
    inner: int = 1,
    inner_theirs: int | None = None,
    memory_bytes: int = 0,
) -> tuple[float, float, dict[str, list[float]]]:
    """Time both sides in turns after one uncounted run each; give the medians in seconds per call, and all samples.

    memory_bytes: how much a call takes, of memory or of the system's cache, where that is much.
    """
    sides = {"ours": (ours, inner), "theirs": (theirs, inner if inner_theirs is None else inner_theirs)}
    samples: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(repeats + 1):
        for name, (run, count) in sides.items():
            _begin_alike(memory_bytes)
            begun = time.perf_counter()
            for _ in range(count):
                kept = run()
            took = (time.perf_counter() - begun) / count
            del kept
            if turn:
                samples[name].append(took)
    return statistics.median(samples["ours"]), statistics.median(samples["theirs"]), samples


def _begin_alike(memory_bytes: int) -> None:
    gc.collect()
    if memory_bytes:
        if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):  # glibc's own
            trim(0)
        np.ones(memory_bytes, np.uint8)


def at_most(name: str, limit: float, against: str, ours: Any, theirs: Any, **how: Any) -> Result:
    """Measure ours / theirs, which must not exceed `limit`."""
    a, b, samples = in_turns(ours, theirs, **how)
    return Result(name, a / b, "x the time", f"<= {limit} x", a / b <= limit, a, b, against, samples)


def faster(name: str, factor: float, against: str, ours: Any, theirs: Any, **how: Any) -> Result:
    """Measure theirs / ours, which must reach `factor`."""
    a, b, samples = in_turns(ours, theirs, **how)
    return Result(name, b / a, "x faster", f">= {factor} x", b / a >= factor, a, b, against, samples)
