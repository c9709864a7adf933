"""`verify=True`: what the finished file gives back is compared with what was read."""

import os

import numpy as np
import pytest

import tf2numpy as t2n
from tf2numpy import _resume, _save

SUFFIXES = [".npy", ".npz", ".h5", ".zarr", ".safetensors", ""]


@pytest.fixture(params=SUFFIXES, ids=lambda suffix: suffix or "dir")
def path(request, tmp_path):
    return tmp_path / f"x{request.param}"


def save(value, path, **options):
    return t2n.save(value, path, format=None if path.suffix else "dir", max_bytes=4096, verify=True, **options)


def flip(path, place):
    """Change one bit of the largest file of an output."""
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    victim = max(files, key=lambda p: p.stat().st_size)
    content = bytearray(victim.read_bytes())
    content[int(place * len(content))] ^= 16
    victim.write_bytes(content)


def test_what_arrives_whole_passes(tf, path):
    value = tf.data.Dataset.range(2000).map(lambda i: tf.cast([i, i], tf.bfloat16))
    assert save(value, path) == path
    if path.suffix != ".npy":
        save({"a": np.arange(3000), "r": tf.ragged.range([3, 0, 5]), "n": 7}, path, overwrite=True)


def test_one_bit_that_changed_on_the_way_to_the_disk(path, monkeypatch):
    whole = _save.check_output

    def damaged(*args):
        flip(path, 0.7)
        whole(*args)

    monkeypatch.setattr(_save, "check_output", damaged)
    with pytest.raises(t2n.Tf2NumpyError) as caught:
        save(np.arange(10_000.0), path)
    if type(caught.value) is t2n.VerifyError:
        assert "does not give back what was written to it: array 'data' differs in [" in str(caught.value)
        assert "the disk or the memory is at fault, save it anew" in str(caught.value)
    else:
        assert type(caught.value) is t2n.FormatError  # the format's own checksum was quicker


def test_pieces_from_before_an_interruption_are_verified_too(path, monkeypatch):
    monkeypatch.setattr(_resume, "_MARK_EVERY_S", 0.0)
    value, seen = np.arange(10_000.0), []

    def stop(done, total):
        if done > 40_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save(value, path, progress=stop)
    monkeypatch.setattr(_save, "check_output", lambda path, checksums: seen.extend(checksums))
    save(value, path, resume=True)
    bounds = [b for name, (b, *_), _ in seen]
    assert [start for start, _ in bounds] == [0, *[stop for _, stop in bounds[:-1]]]
    assert bounds[-1][1] == 10_000
    assert os.listdir(path.parent) == [path.name]
