"""Images in TFRecords as arrays: stacked, ragged, in pieces and slices; and what is said of other ones."""

import sys
from pathlib import Path

import numpy as np
import pytest

import tf2numpy as t2n
from conformance.kind import fails

from .example_files import flat, row, sequence, written

pytest.importorskip("imagecodecs")

IMAGES = dict(np.load(Path(__file__).parent.parent / "golden" / "images" / "images.npz"))
NAMES = ["png-colours-8", "png-grey-8", "jpeg-420", "png-colours-alpha-8", "gif"]
DATA = [IMAGES[name].tobytes() for name in NAMES]
# As TensorFlow decodes them to three channels: [images, height, width, 3].
WANTED = np.stack([IMAGES[f"{name}/3/uint8"] for name in NAMES])
WIDTH, HEIGHT = 34, 21


def small(height, width, value):
    """A grey image, as a PNG, and its pixels."""
    import imagecodecs

    pixels = np.arange(value, value + height * width, dtype=np.uint8).reshape(height, width)
    return imagecodecs.png_encode(pixels), pixels[..., None]


@pytest.fixture
def file(tmp_path):
    return written(tmp_path / "x.tfrecord", *(row(image=[data], n=[n]) for n, data in enumerate(DATA)))


def opened(path, *shape, dtype="uint8", **options):
    return t2n.open(path, schema={"image": t2n.Image(shape, dtype), "n": ((), "int64")}, **options)


def test_images_of_one_size_are_stacked(file):
    np.testing.assert_array_equal(t2n.to_numpy(opened(file, HEIGHT, WIDTH, 3))["image"], WANTED)
    lazy = opened(file, HEIGHT, WIDTH, 3)["image"]
    assert (lazy.shape, lazy.dtype) == ((5, HEIGHT, WIDTH, 3), np.uint8)
    np.testing.assert_array_equal(lazy, WANTED)
    np.testing.assert_array_equal(lazy[1:4, 3, ::2], WANTED[1:4, 3, ::2])


def test_unknown_axes_are_ragged(file):
    tall = t2n.to_numpy(opened(file, None, WIDTH, 3))["image"]
    np.testing.assert_array_equal(tall.values, WANTED.reshape(-1, WIDTH, 3))
    assert tall.row_splits.tolist() == [0, 21, 42, 63, 84, 105]
    any_size = t2n.to_numpy(opened(file, None, None, 3))["image"]
    np.testing.assert_array_equal(any_size[2].to_padded(), WANTED[2])


SIZES = [(2, 3), (4, 1), (1, 1), (3, 5)]


@pytest.fixture
def mixed(tmp_path):
    """Images of differing sizes, of which the third record has none; and their pixels."""
    made = [small(*size, value=9 * number) for number, size in enumerate(SIZES)]
    rows = [row(image=[data], n=[0]) for data, _ in made]
    rows.insert(2, row(n=[0]))
    pixels = [one for _, one in made]
    pixels.insert(2, np.zeros((0, 0, 1), np.uint8))
    return written(tmp_path / "y.tfrecord", *rows, compression="gzip"), pixels


def test_images_of_differing_sizes(mixed, tmp_path):
    path, pixels = mixed
    found = t2n.to_numpy(opened(path, None, None, 1))["image"]
    assert found.to_list() == [one.tolist() for one in pixels]
    arrays = flat(opened(path, None, None, 1))
    np.testing.assert_array_equal(arrays["image/values/values"], found.values.values)
    np.testing.assert_array_equal(arrays["image/values/row_splits"], found.values.row_splits)
    np.testing.assert_array_equal(arrays["image/row_splits"], found.row_splits)
    lazy = opened(path, None, None, 1)["image/values/values"]
    for start in range(0, len(lazy), 3):
        np.testing.assert_array_equal(lazy[start : start + 5], arrays["image/values/values"][start : start + 5])
    saved = t2n.open(t2n.save(opened(path, None, None, 1), tmp_path / "o.npz"))
    for name, array in arrays.items():
        np.testing.assert_array_equal(saved[name], array, err_msg=name)


def test_as_many_channels_as_the_first_one(file, tmp_path):
    assert opened(file, HEIGHT, WIDTH, None)["image"].shape == (5, HEIGHT, WIDTH, 3)
    assert opened(file, HEIGHT, WIDTH, 0)["image"].shape == (5, HEIGHT, WIDTH, 3)
    grey = written(tmp_path / "g", row(n=[0], image=[IMAGES["png-grey-16"].tobytes()]))
    found = t2n.to_numpy(opened(grey, HEIGHT, WIDTH, None, dtype="uint16"))["image"]
    np.testing.assert_array_equal(found, IMAGES["png-grey-16/0/uint16"][None])
    none = written(tmp_path / "n", row(n=[0]))
    with fails(
        t2n.InvalidArgument,
        "schema: the feature 'image' is declared as an Image of any number of channels, and none of the first 1 "
        f"records of {str(none)!r} has one; declare how many",
    ):
        opened(none, None, None, None)


def test_pieces_take_no_more_than_is_allowed(tmp_path):
    data, pixels = small(500, 500, 0)
    path = written(tmp_path / "x", *(row(image=[data], n=[n]) for n in range(40)))
    chunks = [chunk.value for chunk in t2n.iter_chunks(opened(path, 500, 500, 1), max_bytes="8MiB")]
    assert [len(chunk["image"]) for chunk in chunks] == [8] * 5
    assert np.concatenate([chunk["n"] for chunk in chunks]).tolist() == list(range(40))
    assert all((one == pixels).all() for chunk in chunks for one in chunk["image"])
    saved = t2n.open(t2n.save(opened(path, None, None, 1), tmp_path / "o.npz", max_bytes="12MiB"))
    np.testing.assert_array_equal(saved["image/values/values"], np.tile(pixels.reshape(-1, 1), (40, 1)))
    with fails(
        t2n.InvalidArgument,
        f"the record 0 of {str(path)!r} alone needs 248.0 KiB and max_bytes leaves 192.0 KiB for a piece; give a "
        "larger max_bytes",
    ):
        list(t2n.iter_chunks(opened(path, 500, 500, 1), max_bytes="768KiB"))


def test_pieces_go_on_where_they_were_left(tmp_path):
    data, _ = small(500, 500, 0)
    for file in range(2):
        written(tmp_path / f"x-{file}", *(row(image=[data], n=[20 * file + n]) for n in range(20)))
    rows = opened(tmp_path / "x-*", None, None, 1).rows
    steps = list(rows.chunks(4 << 20))
    assert len(steps) == 5
    whole = [chunk for chunks, _ in steps for chunk in chunks]
    for done in range(len(steps)):
        before = [chunk for chunks, _ in steps[: done + 1] for chunk in chunks]
        after = [chunk for chunks, _ in rows.chunks(4 << 20, steps[done][1]) for chunk in chunks]
        found = before + after
        assert [(one.name, one.index) for one in found] == [(one.name, one.index) for one in whole]
        assert all((one.value == other.value).all() for one, other in zip(found, whole, strict=True))


def test_more_than_the_memory_has(file, monkeypatch):
    from tf2numpy.formats import _example_images

    monkeypatch.setattr(_example_images._memory, "free_bytes", lambda: 5 * HEIGHT * WIDTH * 3 - 1)
    with fails(
        t2n.HostMemoryError,
        "the images of the feature 'image' take 10.5 KiB when they are decoded, and 10.5 KiB of host memory are free; "
        "take them in pieces with iter_chunks(x)",
    ):
        t2n.to_numpy(opened(file, HEIGHT, WIDTH, 3))


PNG = DATA[0]
HUGE = PNG[:16] + (60_000).to_bytes(4, "big") * 2 + PNG[24:]
WRONG = {
    ": the feature 'image' is no image that can be decoded: it is cut short: it ends after 800 bytes": [PNG[:800]],
    ": the feature 'image' is no image that can be decoded: it is a PNG that says to have 60000 x 60000 pixels, which "
    f"take 3600000000 bytes at least, and of its {len(PNG)} bytes no more than 67108864 can be made": [HUGE],
    ": the feature 'image' is an image of 2 x 3 pixels, and 21 x 34 are declared; declare t2n.Image((None, None, 3))": [
        "small"
    ],
    ": the feature 'image' has 2 values, and 1 is declared": [PNG, PNG],
    " has no feature 'image', which is declared without a default; declare the shape (None, None, 3)": [],
}


@pytest.mark.parametrize("message", WRONG)
def test_what_is_not_as_declared(tmp_path, message):
    values = [small(2, 3, 0)[0] if one == "small" else one for one in WRONG[message]]
    path = written(tmp_path / "x", row(image=[PNG], n=[0]), row(n=[1], **({"image": values} if values else {})))
    for way in (t2n.to_numpy, lambda file: list(t2n.iter_chunks(file)), lambda file: file["image"][1]):
        with fails(t2n.FormatError, f"the record 1 of {str(path)!r}{message}"):
            way(opened(path, HEIGHT, WIDTH, 3))


def test_the_record_of_a_damaged_image_is_named(file, tmp_path):
    bad = PNG[:100] + bytes([PNG[100] ^ 1]) + PNG[101:]
    path = written(tmp_path / "x", *(row(image=[data], n=[0]) for data in (*DATA, bad, *DATA)))
    for way in (t2n.to_numpy, lambda file: list(t2n.iter_chunks(file)), lambda file: file["image"][5]):
        with pytest.raises(t2n.FormatError) as caught:
            way(opened(path, HEIGHT, WIDTH, 3))
        start = f"the record 5 of {str(path)!r}: the feature 'image' is no image that can be decoded: it is a PNG that"
        assert str(caught.value).startswith(start)
    np.testing.assert_array_equal(opened(path, HEIGHT, WIDTH, 3)["image"][6:], WANTED)


def test_steps_of_a_feature_list(tmp_path):
    path = written(tmp_path / "x", sequence({}, image=[[PNG]]), sequence({}, image=[[PNG], [PNG]]))
    with fails(t2n.FormatError, f"the record 1 of {str(path)!r}: the feature 'image' has 2 values, and 1 is declared"):
        t2n.to_numpy(t2n.open(path, schema={"image": t2n.Image}))
    assert t2n.to_numpy(t2n.open(path, schema={"image": t2n.Bytes((None,))}))["image"].to_list() == [[PNG], [PNG] * 2]


def test_the_library_is_absent(file, monkeypatch):
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    with fails(
        t2n.MissingExtra,
        "decoding images needs imagecodecs, which is not installed; pip install 'tf2numpy[images]'",
    ):
        t2n.to_numpy(opened(file, HEIGHT, WIDTH, 3))


def test_as_tensorflow_parses_and_decodes_them(tf, tmp_path):
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:60, 0:80]
    path, jpegs = str(tmp_path / "x.tfrecord"), []
    with tf.io.TFRecordWriter(path) as writer:
        for number in range(20):
            waves = np.sin(x[..., None] / 9 + number) * 60 + np.cos(y[..., None] / 7 + np.arange(3)) * 60 + 128
            image = np.clip(waves + rng.normal(size=waves.shape) * 8, 0, 255).astype(np.uint8)
            jpegs.append(tf.io.encode_jpeg(image, quality=80).numpy())
            feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[jpegs[-1]]))
            example = tf.train.Example(features=tf.train.Features(feature={"image": feature}))
            writer.write(example.SerializeToString())
    found = t2n.to_numpy(t2n.open(path, schema={"image": t2n.Image((60, 80, 3))}))["image"]
    accurate = [tf.io.decode_jpeg(jpeg, channels=3, dct_method="INTEGER_ACCURATE").numpy() for jpeg in jpegs]
    np.testing.assert_array_equal(found, accurate)
    by_default = np.stack([tf.io.decode_image(jpeg).numpy() for jpeg in jpegs])
    assert np.abs(found.astype(int) - by_default).max() <= 6
