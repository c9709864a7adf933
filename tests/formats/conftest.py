"""Fixtures that tests of several readers share."""

import pytest

import tf2numpy as t2n

from .event_logs import FIRST, record


@pytest.fixture
def log(tmp_path):
    """Write events to a file and open it."""

    def log(*events, tail=b"", **options):
        path = tmp_path / "events.out.tfevents.1.host"
        path.write_bytes(FIRST + b"".join(map(record, events)) + tail)
        return t2n.open(path, **options)

    return log
