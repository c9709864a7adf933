"""Damaged files of every format that has no library of its own in between: arrays, or one of our errors.

HDF5, of which a C library reads a part, is in `test_hdf5_files` and `test_keras_files`.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import tf2numpy as t2n
from hostile.limits import limited
from hostile.mutate import mutations
from hostile.reading import Arrays, is_whole, place, read_all
from sinks.zarr_folders import change, numbers, written
from tables import strings

GOLDEN = Path(__file__).parents[1] / "golden"
COUNT, AT_LENGTH = 100, 1000
VALUES = {
    "w": np.arange(12, dtype=np.float32).reshape(3, 4),
    "z": np.array([1 + 2j, 3]),
    "big": np.arange(3, dtype=">i4"),
    "b": np.array(True),
    "none": np.zeros((0, 2), np.int8),
}


class Case(NamedTuple):
    """One file of a format.

    make: writes what belongs together into a folder. damaged: the file in it that is. opened: what is opened.
    promise: what must hold of what is read, beside the undamaged arrays, where something in the file is checked.
    reads: whether something of most copies can be read.
    """

    name: str
    make: Callable[[Path], Any]
    damaged: str
    opened: str = ""
    promise: Callable[[Arrays | None, Arrays], bool] | None = None
    needs: str = ""
    reads: bool = True


def golden(name: str) -> Callable[[Path], Any]:
    return lambda folder: shutil.copytree(GOLDEN / name, folder, dirs_exist_ok=True)


def saved(name: str, **options: Any) -> Callable[[Path], Any]:
    return lambda folder: t2n.save(VALUES, f"{folder}/{name}", **options)


def npz(method: int) -> Callable[[Path], Any]:
    def make(folder: Path) -> None:
        with zipfile.ZipFile(folder / "x.npz", "w", method) as archive:
            for name, array in VALUES.items():
                with archive.open(f"{name}.npy", "w") as file:
                    np.save(file, np.asfortranarray(array) if name == "w" else array)

    return make


def structured(folder: Path) -> None:
    np.save(folder / "x.npy", np.zeros(5, [("a", "<f4"), ("b", ">i2", (3,)), ("c", "S5")]))


def checksummed(folder: Path) -> None:
    """A Zarr array whose chunks have sums, which the format's own library adds where it is asked to."""
    path = written(folder / "x.zarr", numbers(6), chunks=(6,))
    data = (path / "x/c/0").read_bytes()
    from tf2numpy.wire.crc32c import extend

    (path / "x/c/0").write_bytes(data + extend(0, data).to_bytes(4, "little"))
    bytes_codec = {"name": "bytes", "configuration": {"endian": "little"}}
    change(path, codecs=[bytes_codec, {"name": "crc32c"}])


def sharded(folder: Path) -> None:
    path = written(folder / "x.zarr", numbers(4), chunks=(4,))
    from tf2numpy.layouts.zarr_grid import pack_index

    data = (path / "x/c/0").read_bytes()
    (path / "x/c/0").write_bytes(data + pack_index(np.array([[0, 8], [8, 8]], np.uint64)))
    little = {"name": "bytes", "configuration": {"endian": "little"}}
    settings = {"chunk_shape": [2], "codecs": [little], "index_codecs": [little, {"name": "crc32c"}]}
    change(path, codecs=[{"name": "sharding_indexed", "configuration": settings}])


def zarr(array: Any, **layout: Any) -> Callable[[Path], Any]:
    return lambda folder: written(folder / "x.zarr", array, **layout)


def proto(number: int) -> Callable[[Path], Any]:
    case = json.loads((GOLDEN / "tensor_proto/cases.json").read_text())[number]
    return lambda folder: (folder / "x.pb").write_bytes(bytes.fromhex(case["proto"]))


CASES = [
    Case("npy", lambda folder: np.save(folder / "x.npy", VALUES["w"]), "x.npy"),
    Case("npy_structure", structured, "x.npy"),
    Case("npz", npz(zipfile.ZIP_STORED), "x.npz"),
    Case("npz_deflated", npz(zipfile.ZIP_DEFLATED), "x.npz", promise=is_whole),
    Case("safetensors", saved("x.safetensors"), "x.safetensors"),
    Case("folder_list", saved("x", format="dir"), "x/arrays.json", "x"),
    Case("folder_file", saved("x", format="dir"), "x/w.npy", "x"),
    Case("zarr_group", zarr(numbers(3, 4)), "x.zarr/zarr.json", "x.zarr"),
    Case("zarr_array", zarr(numbers(3, 4)), "x.zarr/x/zarr.json", "x.zarr"),
    Case("zarr_raw", zarr(numbers(3, 4)), "x.zarr/x/c/0/0", "x.zarr"),
    Case("zarr_gzip", zarr(numbers(50, 4), compression="gzip"), "x.zarr/x/c/0/0", "x.zarr", is_whole, reads=False),
    Case("zarr_zstd", zarr(numbers(50, 4), compression="zstd"), "x.zarr/x/c/0/0", "x.zarr", needs="zstandard"),
    Case("zarr_blosc", zarr(numbers(50, 4), compression="blosc"), "x.zarr/x/c/0/0", "x.zarr", needs="numcodecs"),
    Case("zarr_text", zarr(strings(b"a", b"", b"b" * 300)), "x.zarr/x/c/0", "x.zarr"),
    Case("zarr_sum", checksummed, "x.zarr/x/c/0", "x.zarr", is_whole),
    Case("zarr_shard", sharded, "x.zarr/x/c/0", "x.zarr"),
    Case("zarr_sharded_array", sharded, "x.zarr/x/zarr.json", "x.zarr"),
    Case("tensor_content", proto(7), "x.pb"),
    Case("tensor_values", proto(16), "x.pb"),
    Case("tensor_strings", proto(48), "x.pb"),
]


@pytest.mark.filterwarnings("ignore:Data type alias 'a'", "ignore:Reading `.npy`")  # NumPy's, of what a header says
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_damage(tmp_path, case):
    if case.needs:
        pytest.importorskip(case.needs, reason=f"{case.needs} is not installed in this environment")
    case.make(tmp_path)
    victim, opened = tmp_path / case.damaged, tmp_path / (case.opened or case.damaged)
    content, good = victim.read_bytes(), read_all(opened)
    assert good
    done = 0
    for number, damaged in enumerate(mutations(content, COUNT, at_length=AT_LENGTH)):
        place(victim, damaged)
        with limited(len(damaged), f"copy {number}"):
            found = read_all(opened)
        done += bool(found)
        assert case.promise is None or case.promise(found, good), f"copy {number} gives other values"
    assert done or not case.reads
