"""Suites that any implementation of a protocol subclasses."""

import pytest

pytest.register_assert_rewrite(
    *(f"{__name__}.{part}" for part in ("arrays", "kind", "sink", "sink_arrays", "sink_output", "sink_refusals"))
)
