"""Reads damaged copies in a process of its own: a C library that reads them may crash, or never come back.

No format may enter. As a program it is given what `survives` hands on.
"""

from __future__ import annotations

import json
import mmap
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from hostile.limits import limited
from hostile.mutate import mutations
from hostile.reading import place, read_all

MOST_SECONDS = 60  # without another copy: of a machine that does other things besides
_POLL_SECONDS = 0.02


def survives(victim: Path, opened: Path, count: int, at_length: int = 0, **options: Any) -> int:
    """Damage a file as `mutations` does, and read what it belongs to; give how many copies could be opened.

    Fails the test for a copy that takes more than `limited` allows, that never ends, or that ends the process.
    """
    progress = victim.with_name("progress")
    progress.write_bytes(bytes(16))
    given = json.dumps([str(victim), str(opened), str(progress), count, at_length, options])
    with open(progress, "r+b") as file, mmap.mmap(file.fileno(), 16) as shared:
        child = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", __file__, given], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        last, since = b"", time.monotonic()
        while child.poll() is None:
            time.sleep(_POLL_SECONDS)
            if shared[:] != last:
                last, since = shared[:], time.monotonic()
            elif time.monotonic() - since > MOST_SECONDS:
                child.kill()
        assert child.stdout is not None
        said = child.stdout.read().decode(errors="replace")
        child.stdout.close()
        number, done = (int.from_bytes(part, "little") for part in (shared[:8], shared[8:]))
    assert child.returncode == 0, f"copy {number} ends with {child.returncode}: {said[-2000:]}"
    return done


def _main(victim: str, opened: str, progress: str, count: int, at_length: int, options: dict[str, Any]) -> None:
    path, done = Path(victim), 0
    with open(progress, "r+b") as file, mmap.mmap(file.fileno(), 16) as shared:
        size = sum(one.stat().st_size for one in path.parent.iterdir())
        for number, content in enumerate(mutations(path.read_bytes(), count, at_length=at_length)):
            shared[:] = number.to_bytes(8, "little") + done.to_bytes(8, "little")
            place(path, content)
            with limited(size, f"copy {number}"):
                done += read_all(Path(opened), pieces=False, **options) is not None
        shared[8:] = done.to_bytes(8, "little")


if __name__ == "__main__":
    _main(*json.loads(sys.argv[1]))
    os._exit(0)  # what HDF5 does on the way out is no reading
