"""A damaged file is refused on a server as it is on the disk, or gives the same arrays; a short form of a search."""

from __future__ import annotations

import pytest

import tf2numpy as t2n
from hostile.mutate import mutations

from .outcomes import assert_same, outcome
from .servers import files_below
from .test_golden import GOLDEN

COUNT = 60  # of damaged copies of each
DAMAGED = [
    "checkpoint/objects/ck-1.index",
    "checkpoint/objects/ck-1.data-00000-of-00001",
    "checkpoint/names_v1/model.ckpt-3",
    "events/v2/events.out.tfevents.0.host",
    "keras/plain.weights.h5",
    "keras/sharded.weights.json",
    "keras/whole.keras",
    "saved_model/frozen.pb",
    "saved_model/module/saved_model.pb",
    "tf_data/cache/plain.index",
]


# What follows these is in the words of HDF5 itself, which notices other things first in a file than in bytes.
OF_HDF5 = ("is a damaged HDF5 file", "is an HDF5 file that cannot be opened")


@pytest.mark.parametrize("name", DAMAGED)
def test_alike(web, tmp_path, name):
    folder = (GOLDEN / name).parent
    for below, file in files_below(folder).items():
        web.put(f"folder/{below}", file.read_bytes())
        (tmp_path / below).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / below).write_bytes(file.read_bytes())
    path = tmp_path / (GOLDEN / name).name
    url, root = web.url(f"folder/{path.name}"), web.url("folder")
    for seed, data in enumerate(mutations((GOLDEN / name).read_bytes(), COUNT)):
        web.put(f"folder/{path.name}", data)
        path.write_bytes(data)
        local = outcome(str(path), str(tmp_path))
        remote = outcome(url, root)
        if local[0] is t2n.FormatError and any(words in local[1] for words in OF_HDF5):
            assert remote[0] is local[0]
        else:
            assert_same(f"{name}, copy {seed}", remote, local)
