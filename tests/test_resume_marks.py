"""A mark that could not be written is as if it had not been tried: what it would have told, the next one tells."""

import errno

import numpy as np
import pytest

import tf2numpy as t2n
from tf2numpy import _resume, _save
from tf2numpy.sinks.npy import NpySink


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_pieces_of_a_mark_that_failed_are_verified_too(tmp_path, monkeypatch, failing):
    monkeypatch.setattr(_resume, "_MARK_EVERY_S", 0.0)
    value, seen, calls, sync = np.arange(10_000.0), [], [], NpySink.sync

    def fail_once(self):
        calls.append(self)
        if len(calls) == failing:
            raise OSError(errno.EIO, "the disk did not answer")
        sync(self)

    def stop(done, total):  # the bytes of this attempt
        if done > 20_000:
            raise KeyboardInterrupt

    monkeypatch.setattr(NpySink, "sync", fail_once)
    options = {"max_bytes": 4096, "verify": True}
    for resume in (False, True):
        with pytest.raises((OSError, KeyboardInterrupt)):
            t2n.save(value, tmp_path / "x.npy", progress=stop, resume=resume, **options)
    monkeypatch.setattr(_save, "check_output", lambda *args: seen.extend(args[-1]))
    t2n.save(value, tmp_path / "x.npy", resume=True, **options)
    assert len(calls) >= failing
    bounds = [b for _, (b, *_), _ in seen]
    assert [start for start, _ in bounds] == [0, *[stop for _, stop in bounds[:-1]]]
    assert bounds[-1][1] == 10_000
