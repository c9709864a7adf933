"""Programs that are measured as whole processes. What they do may not enter."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

# An installed package has its bytecode beside it; so a source tree that is measured may keep its own.
AS_INSTALLED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

_PEAK = """
with open("/proc/self/status") as status:
    print(int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024)
"""


def output_of(program: str, *arguments: str | Path) -> str:
    """Run a program in a process of its own; give what it prints."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=AS_INSTALLED).stdout


def peak_of(program: str, *arguments: str | Path) -> float:
    """Run a program in a process of its own; give the most memory it had at once, in MiB."""
    return float(output_of(program + _PEAK, *arguments).split()[-1])
