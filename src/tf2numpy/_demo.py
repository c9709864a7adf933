"""The demo: one real photograph of the sky, converted in every way, each result checked against TensorFlow's own.

It shows what the verbs do and times them; it owns no conversion logic. Run it with `tf2numpy demo`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from . import _registry
from ._convert import iter_chunks, to_numpy
from ._devices import devices
from ._errors import Tf2NumpyError
from ._plan import plan
from ._save import save
from ._units import format_bytes

_Result = TypeVar("_Result")

_TILE = 64
_REPEATS = 5
_BUDGET = "8MiB"


class DemoFailed(Tf2NumpyError):
    """A result differs from TensorFlow's own."""


def demo(output: str) -> int:
    """Run every step, writing into the folder `output`; give the process's exit code.

    Raises: MissingExtra without TensorFlow or the demo extra; DemoFailed if a result is wrong.
    """
    tf = _registry.require("tensorflow", "the demo")
    for library in ("skimage", "h5py", "matplotlib"):
        _registry.require(library, "the demo")
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)

    _title("Where tensors can live here: devices()")
    print(devices())
    photo = _photograph(tf)
    scene = tf.tile(tf.cast(photo, tf.float32) / 255.0, [_REPEATS, _REPEATS, 1])
    _title("What would happen to a large scene: plan(scene)")
    print(plan(scene))
    _copies(scene)
    _chunks(scene, folder / "scene.h5")
    tiles = _tiles(tf, photo, folder / "tiles.h5")
    stars = _stars(tf, tiles)
    _picture(to_numpy(photo, copy=None), stars, folder / "picture.png")
    print(f"\nEvery result equals TensorFlow's own. Look at {folder / 'picture.png'}")
    return 0


def _photograph(tf: Any) -> Any:
    import skimage

    _title("A real photograph: the Hubble Deep Field (NASA/ESA), as scikit-image ships it")
    path = Path(skimage.__file__).parent / "data" / "hubble_deep_field.jpg"
    photo = tf.io.decode_jpeg(tf.io.read_file(str(path)))
    print(f"{photo.dtype.name} tensor of shape {tuple(photo.shape)} on {photo.device.rpartition(':device:')[2]}")
    return photo


def _copies(scene: Any) -> None:
    _title("Copy and view: to_numpy(scene), with copy=None, and TensorFlow's scene.numpy()")
    reference = _timed("scene.numpy()", scene.numpy)
    copy = _timed("to_numpy(scene)", lambda: to_numpy(scene))
    view = _timed("to_numpy(scene, copy=None)", lambda: to_numpy(scene, copy=None))
    _timed("to_numpy(scene, out=buffer)", lambda: to_numpy(scene, out=copy))
    _check("the copy", copy, reference)
    _check("the view", view, reference)
    copy[0, 0] = -1
    _check("the tensor, after writing to the copy", scene.numpy(), reference)
    print(f"  the copy is writable: {copy.flags.writeable}; the view is: {view.flags.writeable}")


def _chunks(scene: Any, path: Path) -> None:
    import h5py

    _title(f"In pieces: save(scene, '{path.name}') with at most {_BUDGET} of host memory, and iter_chunks")
    save(scene, path, max_bytes=_BUDGET, overwrite=True, progress=True)
    with h5py.File(path) as file:
        print(f"  {path} holds {file['data'].shape} {file['data'].dtype}, {format_bytes(path.stat().st_size)}")
        _check("the file, read by h5py", file["data"][...], scene.numpy())
    total = sum(float(chunk.value.sum(dtype="float64")) for chunk in iter_chunks(scene, max_bytes=_BUDGET))
    _check("a sum piece by piece", np.float64(total), scene.numpy().sum(dtype="float64"), tolerance=1e-9)


def _tiles(tf: Any, photo: Any, path: Path) -> np.ndarray[Any, Any]:
    import h5py

    _title(f"A dataset: its {_TILE} x {_TILE} tiles, collected and saved")
    rows, columns = (size // _TILE for size in photo.shape[:2])
    grid = tf.reshape(photo[: rows * _TILE, : columns * _TILE], (rows, _TILE, columns, _TILE, 3))
    dataset = tf.data.Dataset.from_tensor_slices(
        tf.reshape(tf.transpose(grid, (0, 2, 1, 3, 4)), (-1, _TILE, _TILE, 3))
    ).repeat(10)
    one_by_one = _timed("np.array of as_numpy_iterator()", lambda: np.array(list(dataset.as_numpy_iterator())))
    tiles: np.ndarray[Any, Any] = _timed("to_numpy(dataset)", lambda: to_numpy(dataset))
    _check("the collected tiles", tiles, one_by_one)
    save(dataset, path, overwrite=True)
    with h5py.File(path) as file:
        _check(f"{path.name}, read by h5py", file["data"][...], one_by_one)
    return tiles[: rows * columns]


def _stars(tf: Any, tiles: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    _title("A RaggedTensor: the bright pixels of each tile, as many as there are")
    bright = tf.ragged.boolean_mask(tf.constant(tiles.max(axis=-1)), tf.constant(tiles.max(axis=-1) > 128))
    pixels = bright.merge_dims(1, 2)
    ragged = to_numpy(pixels)
    print(f"  {ragged}")
    _check("its rows", ragged.to_padded(), pixels.to_tensor().numpy())
    lengths: np.ndarray[Any, Any] = ragged.row_lengths()
    return lengths


def _picture(photo: np.ndarray[Any, Any], stars: np.ndarray[Any, Any], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    rows, columns = (size // _TILE for size in photo.shape[:2])
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5.5), layout="constrained")
    left.imshow(photo)
    left.set_title("The photograph, from to_numpy(photo, copy=None)")
    shown = right.imshow(stars.reshape(rows, columns), cmap="magma")
    right.set_title(f"Bright pixels in each {_TILE} x {_TILE} tile, from to_numpy(ragged)")
    figure.colorbar(shown, ax=right, label="pixels")
    figure.savefig(path, dpi=100)
    plt.close(figure)


def _title(text: str) -> None:
    print(f"\n== {text}")


def _timed(what: str, run: Callable[[], _Result]) -> _Result:
    run()  # the first call pays for imports and page cache
    begun = time.perf_counter()
    result = run()
    print(f"  {what:<32} {(time.perf_counter() - begun) * 1e3:10.3f} ms")
    return result


def _check(what: str, found: Any, expected: Any, tolerance: float = 0.0) -> None:
    same = np.shape(found) == np.shape(expected) and np.allclose(found, expected, rtol=tolerance, atol=0)
    if not same:
        raise DemoFailed(f"{what} differs from TensorFlow's own result")
    print(f"  as TensorFlow's own: {what}")
