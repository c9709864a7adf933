"""Two sparse arrays that several tests look at."""

from __future__ import annotations

import numpy as np
import pytest

from tf2numpy._sparse import SparseArray

from .samples import at


@pytest.fixture
def sample() -> SparseArray:
    return SparseArray(at((0, 1), (2, 0)), np.array([5, 6], np.int32), (3, 2))


@pytest.fixture
def slices() -> SparseArray:
    return SparseArray(at(2, 0, 2), np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), None)
