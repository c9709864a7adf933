"""Files that other people's software wrote, not in the repository: tests of them are skipped where they are absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def real(name: str) -> Path:
    """Find a real file or folder: in TF2NUMPY_REAL, or in shared/real beside the repository."""
    root = Path(os.environ.get("TF2NUMPY_REAL") or Path(__file__).parents[2] / "shared" / "real")
    if not (root / name).exists():
        pytest.skip(f"{root / name} is not there; TF2NUMPY_REAL may say where real files are")
    return root / name
