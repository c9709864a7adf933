"""Suites that any implementation of a protocol subclasses."""

import pytest

pytest.register_assert_rewrite(
    *(f"{__name__}.{part}" for part in ("arrays", "kind", "sink")),
    *(f"{__name__}.sink_{part}" for part in ("arrays", "dtypes", "output", "reading", "refusals", "resume", "witness")),
)
