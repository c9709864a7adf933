"""Measure every bar, print a table, write it, with every sample, and a plot into benchmarks/results.

`python -m benchmarks NAME ...` measures those alone, without writing: start, tensors, datasets, files, tables,
checkpoints, stores, examples, images, codecs, prediction, memory.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.metadata
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

from ._measure import Result

_PARTS = (
    "start",
    "tensors",
    "datasets",
    "files",
    "tables",
    "checkpoints",
    "stores",
    "examples",
    "images",
    "codecs",
    "prediction",
    "memory",
)
_RESULTS = Path(__file__).parent / "results"


def main(parts: list[str]) -> int:
    """Measure the given parts, or all; exit code 1 if a bar is missed."""
    results: list[Result] = []
    if unknown := set(parts) - set(_PARTS):
        print(f"there is no part {', '.join(unknown)}; there are {', '.join(_PARTS)}", file=sys.stderr)
        return 2
    for part in parts or _PARTS:
        for result in importlib.import_module(f"benchmarks.{part}").results():
            print(_line(result), flush=True)
            results.append(result)
    if not parts:
        _write(results)
    missed = [result.name for result in results if not result.met]
    print(f"{len(results) - len(missed)} of {len(results)} bars met" + "".join(f"\nmissed: {name}" for name in missed))
    return 1 if missed else 0


def _line(result: Result) -> str:
    times = (
        "" if result.ours is None else f"  {_seconds(result.ours)} against {_seconds(result.theirs)}, {result.against}"
    )
    mark = "met   " if result.met else "MISSED"
    return f"{mark} {result.name:<62} {result.value:12,.2f} {result.unit:<17} bar {result.bar:<12}{times}"


def _seconds(value: float | None) -> str:
    if value is None:
        return ""
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "us")):
        if value * factor >= 1:
            return f"{value * factor:.2f} {unit}"
    return f"{value * 1e9:.0f} ns"


def _write(results: list[Result]) -> None:
    _RESULTS.mkdir(exist_ok=True)
    facts: dict[str, Any] = {
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{_cpu_model()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}",
        "versions": {name: importlib.metadata.version(name) for name in ("tf2numpy", "numpy", "h5py")}
        | {"tensorflow": _tensorflow_version(), "python": platform.python_version()},
    }
    report = {**facts, "results": [dataclasses.asdict(result) for result in results]}
    (_RESULTS / "bars.json").write_text(json.dumps(report, indent=1) + "\n")
    (_RESULTS / "bars.md").write_text(_table(facts, results))
    _plot(results, _RESULTS / "bars.png")
    print(f"written to {_RESULTS}")


def _table(facts: dict[str, Any], results: list[Result]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    rows = [
        f"| `{r.name}` | {r.against} | {r.value:,.2f} {r.unit} | {r.bar}{'' if r.met else ' (missed)'} |"
        for r in results
    ]
    heading = f"Measured on {facts['date']} by `make bench`: {facts['machine']}; {versions}."
    return "\n".join([heading, "", "| what | against | measured | bar |", "|---|---|---|---|", *rows, ""])


def _plot(results: list[Result], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    timed = [result for result in results if result.ours is not None and result.theirs is not None][::-1]
    figure, axes = plt.subplots(figsize=(11, 0.5 * len(timed) + 1.5), layout="constrained")
    axes.barh([f"{r.name}\nagainst {r.against}" for r in timed], [(r.theirs or 0) / (r.ours or 1) for r in timed])
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.set_xlabel("times as fast (ratio of medians, log scale)")
    axes.tick_params(axis="y", labelsize=7)
    figure.savefig(path, dpi=100)
    plt.close(figure)


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def _tensorflow_version() -> str:
    import tensorflow as tf

    return str(tf.__version__)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
