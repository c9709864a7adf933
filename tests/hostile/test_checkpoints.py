"""Damaged checkpoints give a result or one of our errors, soon, and nothing else.

Of what is checked on the way, a result has the values of the undamaged files.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from hostile.limits import limited
from hostile.mutate import mutations
from hostile.reading import is_whole, place, read_all
from tables import BundleFiles, number, strings

GOLDEN = Path(__file__).parents[1] / "golden" / "checkpoint"
COUNT = 400


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
    victim, done = tmp_path / "copy" / damaged, 0
    opened = victim.parent / "ck" if folder == "shards" else victim.parent
    both = [read_all(opened, slots=True, checkpoint=choice) for choice in (None, "1" if folder == "objects" else None)]
    good = {f"{number}/{name}": array for number, one in enumerate(both) for name, array in one.items()}
    size = sum(file.stat().st_size for file in victim.parent.iterdir())
    for number_, content in enumerate(mutations(victim.read_bytes(), COUNT, seed=len(damaged), at_length=500)):
        place(victim, content)
        with limited(size, f"copy {number_}"):
            found = read_all(opened, check=check, slots=True)
        done += bool(found)
        assert not check or is_whole(found, good), f"copy {number_} gives other values"
    assert done or (check and damaged.endswith((".index", "-3")))


def test_messages_under_sums_that_are_right(tmp_path):
    """Damage what a table holds, and make the table anew."""
    texts = strings(b"a", b"b" * 300, b"", b"c")
    files = BundleFiles(shards=2).add("x", np.arange(12).reshape(3, 4)).add("t", texts)
    files.add_parts("p", np.arange(12.0).reshape(3, 4), [((0, 1), (0, -1)), ((1, 2), (0, 4))])
    files.rows[b"v"] = number(1, 21) + number(5, 3)
    whole, done = dict(files.rows), 0
    for key in whole:
        for copy, content in enumerate(mutations(whole[key], COUNT // 2, seed=len(key))):
            files.rows = {**whole, key: content}
            prefix = files.write(tmp_path)
            with limited(2000, f"copy {copy} of {key!r}"):
                done += bool(read_all(prefix, slots=True))
    assert done
