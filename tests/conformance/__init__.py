"""Suites that any implementation of a protocol subclasses."""

import pytest

pytest.register_assert_rewrite(f"{__name__}.sink", f"{__name__}.kind")
