"""Two ragged arrays that several tests look at."""

from __future__ import annotations

import numpy as np
import pytest

from tf2numpy._ragged import RaggedArray

from .samples import splits


@pytest.fixture
def sample() -> RaggedArray:
    return RaggedArray(np.array([1, 2, 3, 4, 5, 6], np.int32), splits(2, 0, 3, 1))


@pytest.fixture
def nested() -> RaggedArray:
    return RaggedArray(RaggedArray(np.arange(6.0), splits(1, 0, 3, 2)), splits(2, 0, 2))
