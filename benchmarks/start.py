"""How long the package and its command take to start, against NumPy and Python alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

from ._measure import Result, in_turns
from ._process import AS_INSTALLED


def results() -> Iterator[Result]:
    """Measure whole processes; the difference to a bare one is what the import costs."""
    ours, theirs, samples = in_turns(
        _python("import numpy, tf2numpy; tf2numpy.to_numpy"), _python("import numpy"), repeats=15
    )
    cost = (ours - theirs) * 1e3
    yield Result(
        "import tf2numpy, beyond NumPy", cost, "ms", "<= 100 ms", cost <= 100, ours, theirs, "import numpy", samples
    )
    ours, theirs, samples = in_turns(_python("-m", "tf2numpy", "--version"), _python("pass"), repeats=15)
    yield Result(
        "tf2numpy --version", ours * 1e3, "ms", "<= 150 ms", ours <= 0.15, ours, theirs, "python -c pass", samples
    )


def _python(*arguments: str) -> Callable[[], None]:
    words = arguments if len(arguments) > 1 else ("-c", *arguments)

    def run() -> None:
        subprocess.run([sys.executable, *words], check=True, capture_output=True, env=AS_INSTALLED)

    return run
