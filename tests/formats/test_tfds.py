"""Datasets of TensorFlow Datasets by their folder: every feature as it reads it."""

import json
from pathlib import Path

import numpy as np
import pytest

import tf2numpy as t2n
from conformance.kind import fails

GOLDEN = Path(__file__).parent.parent / "golden" / "tfds"
SMALL = GOLDEN / "small"
READ = dict(np.load(GOLDEN / "small.npz"))
COUNTS = {"train": 7, "test": 3}
BY_HAND = {"nested/flat", "nested/lengths", "columns", "raw_any", "packed", "heat", "video"}
IMAGES = {"image", "photo", "depth"}
NAMES = {name.split("/", 1)[1].rpartition("/")[0] for name in READ}


def wanted(split, name):
    """What TensorFlow Datasets reads of one feature, record by record."""
    return [READ[f"{split}/{name}/{number}"] for number in range(COUNTS[split])]


def plain(value):
    if isinstance(value, t2n.RaggedArray):
        return [plain(row) for row in value]
    return np.vectorize(bytes.hex, otypes=[object])(value).tolist() if value.dtype.hasobject else value.tolist()


@pytest.fixture(params=COUNTS)
def split(request):
    return request.param


@pytest.fixture
def table(split):
    """All columns of a split, in one pass."""
    return {name.split("/", 1)[1]: one for name, one in t2n.to_numpy(t2n.open(SMALL, select=f"{split}/*")).items()}


@pytest.mark.parametrize("name", sorted(NAMES - BY_HAND - IMAGES))
def test_columns_are_what_is_read(split, table, name):
    rows = wanted(split, name)
    found = table[name]
    assert plain(found) == [row.tolist() for row in rows]
    assert found.dtype.kind in ("O" if rows[0].dtype.kind == "U" else rows[0].dtype.kind)
    assert found.dtype.hasobject or found.dtype == rows[0].dtype


@pytest.mark.parametrize("name", sorted(IMAGES))
def test_images_are_decoded_where_that_is_asked(split, table, name):
    pytest.importorskip("imagecodecs")
    assert all(one.startswith(b"\x89PNG") for one in table[name])
    found = t2n.to_numpy(t2n.open(SMALL, select=f"{split}/{name}", images=True))[f"{split}/{name}"]
    for row, one in zip(wanted(split, name), found, strict=True):
        np.testing.assert_array_equal(one.to_padded() if isinstance(one, t2n.RaggedArray) else one, row)
        assert one.dtype == row.dtype


def test_what_is_given_otherwise(split, table):
    assert [row.reshape(-1).tolist() for row in wanted(split, "columns")] == table["columns"].to_list()
    assert [row.reshape(-1).tolist() for row in wanted(split, "raw_any")] == table["raw_any/value"].to_list()
    assert [list(row.shape) for row in wanted(split, "raw_any")] == table["raw_any/shape"].tolist()
    assert [row.tolist() for row in wanted(split, "nested/flat")] == table["nested/ragged_flat_values"].to_list()
    assert [row.tolist() for row in wanted(split, "nested/lengths")] == table["nested/ragged_row_lengths_0"].to_list()
    assert [len(row) for row in wanted(split, "video")] == [len(row) for row in table["video"]]
    notes = {
        "columns": "the values of each record, of the shape (2, None), are given flat",
        "heat": "images of float32 are not decoded",
        "nested": "it is a sequence of sequences: its values are 'nested/ragged_flat_values', one after the other, and "
        "how many each has 'nested/ragged_row_lengths_0'",
        "packed": "its int64 of the shape (2, 2) are encoded (zlib): the bytes are given",
        "raw_any": "its values are 'raw_any/value': they are given flat, and the shape of each record's is "
        "'raw_any/shape'",
        "video": "its frames are not decoded: the bytes of each are given",
    }
    assert dict(t2n.open(SMALL, select=f"{split}/*").notes) == {f"{split}/{name}": why for name, why in notes.items()}
    assert set(notes) | NAMES >= BY_HAND


def test_all_splits_at_once():
    with t2n.open(SMALL) as file:
        assert file.kind == "TensorFlow Datasets folder"
        assert {name.partition("/")[0] for name in file} == {"train", "test"}
        np.testing.assert_array_equal(file["test/label"], wanted("test", "label"))
        assert file["train/three"][2:5].tolist() == [row.tolist() for row in wanted("train", "three")[2:5]]
        assert file.labels["train/label"] == ("cat", "dog", "cow")
        assert file.labels["test/in/side/kind"] == ("u", "v")
        assert set(file.labels) == {
            f"{split}/{name}" for split in COUNTS for name in ("label", "labels", "in/side/kind")
        }
    two = t2n.open(SMALL, select=["train/label", "test/labe*"])
    assert list(two) == ["train/label", "test/label", "test/labels/values", "test/labels/row_splits"]
    assert set(two.labels) == {"train/label", "test/label", "test/labels"}
    assert two.rows is None
    assert t2n.open(SMALL, select="train/label").rows is not None


def test_into_a_file(tmp_path):
    saved = t2n.open(t2n.convert(SMALL, tmp_path / "x.h5"))
    for name in ("label", "vector", "double"):
        np.testing.assert_array_equal(saved[f"train/{name}"], wanted("train", name))


def test_a_pattern_that_fits_nothing():
    with pytest.raises(t2n.InvalidArgument) as caught:
        t2n.open(SMALL, select="eval/*")
    start = f"select='eval/*' fits none of the 78 features of {str(SMALL)!r}, which are train/any/language, train/any/"
    assert str(caught.value).startswith(start)
    assert str(caught.value).endswith(" and 58 more")
    with pytest.raises(
        t2n.InvalidArgument, match=r" and 58 more; near it are 'train/label', 'train/labels', 'train/flag'$"
    ):
        t2n.open(SMALL, select="train/labl")


def test_features_as_a_schema():
    pattern = SMALL / "small-train.tfrecord-*"
    for schema in (
        SMALL / "features.json",
        str(SMALL / "features.json"),
        json.loads((SMALL / "features.json").read_text()),
    ):
        file = t2n.open(pattern, schema=schema)
        assert t2n.to_numpy(file)["label"].tolist() == [int(row) for row in wanted("train", "label")]
        assert file.notes["heat"] == "images of float32 are not decoded"
    file = t2n.open(pattern, schema=schema, select="ne*")
    assert (list(file.notes), dict(file.left_out)) == (["nested"], {})


def test_images_without_features(tmp_path):
    with fails(
        t2n.InvalidArgument,
        "images=True decodes the images that a features.json tells of; declare others with schema={'name': "
        "t2n.Image(...)}",
    ):
        t2n.open(SMALL / "small-train.tfrecord-*", images=True)
