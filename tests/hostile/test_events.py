"""Event logs that were damaged in any way give what is whole in them, or an error of ours, in bounded time."""

import time
from pathlib import Path

import numpy as np
import pytest

import tf2numpy as t2n
from hostile.mutate import TIMES, mutations

GOLDEN = Path(__file__).parent.parent / "golden" / "events"
SECONDS = 60


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("check", [True, False])
def test_damaged_logs(tmp_path, version, check):
    good = (GOLDEN / version / "events.out.tfevents.0.host").read_bytes()
    path, begun, opened = tmp_path / "x", time.monotonic(), 0
    for number, data in enumerate(mutations(good, 1500, seed=check)):
        assert time.monotonic() - begun < SECONDS * TIMES, f"{number} copies took too long"
        path.write_bytes(data)
        try:
            file = t2n.open(path, check=check)
        except t2n.Tf2NumpyError:
            continue
        opened += 1
        for name in file:
            if file[name].nbytes <= 64 << 20:
                try:
                    np.asarray(file[name])
                except t2n.Tf2NumpyError:
                    continue
    assert opened > 20
