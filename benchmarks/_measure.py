"""How things are measured here. What is measured may not enter.

The two sides of a comparison run in turns in one process, so that a noisy moment hits both; what is quoted is the
ratio of their medians. A call too short to time alone is repeated inside one measurement.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


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
    ours: Callable[[], Any], theirs: Callable[[], Any], *, repeats: int, inner: int = 1, inner_theirs: int | None = None
) -> tuple[float, float, dict[str, list[float]]]:
    """Time both sides in turns after one uncounted run each; give the medians in seconds per call, and all samples."""
    sides = {"ours": (ours, inner), "theirs": (theirs, inner if inner_theirs is None else inner_theirs)}
    samples: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(repeats + 1):
        for name, (run, count) in sides.items():
            gc.collect()
            begun = time.perf_counter()
            for _ in range(count):
                kept = run()
            took = (time.perf_counter() - begun) / count
            del kept
            if turn:
                samples[name].append(took)
    return statistics.median(samples["ours"]), statistics.median(samples["theirs"]), samples


def at_most(name: str, limit: float, against: str, ours: Any, theirs: Any, **how: Any) -> Result:
    """Measure ours / theirs, which must not exceed `limit`."""
    a, b, samples = in_turns(ours, theirs, **how)
    return Result(name, a / b, "x the time", f"<= {limit} x", a / b <= limit, a, b, against, samples)


def faster(name: str, factor: float, against: str, ours: Any, theirs: Any, **how: Any) -> Result:
    """Measure theirs / ours, which must reach `factor`."""
    a, b, samples = in_turns(ours, theirs, **how)
    return Result(name, b / a, "x faster", f">= {factor} x", b / a >= factor, a, b, against, samples)
