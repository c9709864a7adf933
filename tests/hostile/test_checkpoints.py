"""Damaged checkpoints give a result or one of our errors, soon, and nothing else."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import numpy as np
import pytest

import tf2numpy as t2n
from hostile.mutate import TIMES, mutations
from tables import BundleFiles, number, strings

GOLDEN = Path(__file__).parents[1] / "golden" / "checkpoint"
COUNT = 400
MOST_SECONDS = 60


def read_all(path, **options):
    """Open a checkpoint and read every array; give how many could be read."""
    done = 0
    try:
        with t2n.open(path, **options) as file:
            for array in file.values():
                try:
                    np.asarray(array)
                    list(t2n.iter_chunks(array, max_bytes=1 << 12))
                    done += 1
                except t2n.Tf2NumpyError:
                    pass
    except t2n.Tf2NumpyError:
        pass
    return done


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("folder", "damaged"),
    [
        ("objects", "ck-2.index"),
        ("objects", "ck-2.data-00000-of-00001"),
        ("objects", "checkpoint"),
        ("shards", "ck.index"),
        ("keras", "ck-1.index"),
        ("names_v1", "model.ckpt-3"),
        ("names_v2", "model.ckpt-3.index"),
    ],
)
def test_files_of_tensorflow(tmp_path, folder, damaged, check):
    shutil.copytree(GOLDEN / folder, tmp_path / "copy")
    victim, begun, done = tmp_path / "copy" / damaged, time.monotonic(), 0
    for content in mutations(victim.read_bytes(), COUNT, seed=len(damaged)):
        victim.write_bytes(content)
        done += read_all(victim.parent / "ck" if folder == "shards" else victim.parent, check=check, slots=True)
    assert done or (check and damaged.endswith((".index", "-3")))
    assert time.monotonic() - begun < MOST_SECONDS * TIMES


def test_messages_under_sums_that_are_right(tmp_path):
    """Damage what a table holds, and make the table anew."""
    texts = strings(b"a", b"b" * 300, b"", b"c")
    files = BundleFiles(shards=2).add("x", np.arange(12).reshape(3, 4)).add("t", texts)
    files.add_parts("p", np.arange(12.0).reshape(3, 4), [((0, 1), (0, -1)), ((1, 2), (0, 4))])
    files.rows[b"v"] = number(1, 21) + number(5, 3)
    whole, done, begun = dict(files.rows), 0, time.monotonic()
    for key in whole:
        for content in mutations(whole[key], COUNT // 2, seed=len(key)):
            files.rows = {**whole, key: content}
            done += read_all(files.write(tmp_path), slots=True)
    assert done
    assert time.monotonic() - begun < MOST_SECONDS * TIMES
