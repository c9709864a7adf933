"""A folder of .npy files as `np.load` gives each of them. Only NumPy, and `json` for the list of files, may read it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .._witness import Show
from ._npy import shown


@contextmanager
def folder(path: Path) -> Iterator[Show]:
    """Show each array that `arrays.json` names a file of."""
    files = json.loads((path / "arrays.json").read_bytes())["arrays"]
    yield lambda name: shown(path / files[name])
