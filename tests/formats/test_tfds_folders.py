"""Folders of TensorFlow Datasets that are odd, incomplete or of anyone: what is read, and what is said of the rest."""

import json
import shutil

import pytest

import tf2numpy as t2n
from conformance.kind import fails
from tf2numpy.formats._record_shards import Shard
from wire.test_records import framed

from .test_tfds import SMALL, wanted


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(SMALL, tmp_path / "small")


def changed(folder, file, change):
    content = json.loads((folder / file).read_text())
    change(content)
    (folder / file).write_text(json.dumps(content))
    return repr(str(folder / file))


def test_more_or_fewer_records_than_are_told_of(folder):
    shown = changed(folder, "dataset_info.json", lambda info: info["splits"][0].update(shardLengths=["4", "9"]))
    shard = str(folder / "small-train.tfrecord-00001-of-00002")
    message = (
        f"{shard!r} cannot be read: it has 3 records, and {shown} tells of 9; partial=True gives the records that are "
        "whole"
    )
    for way in (t2n.to_numpy, lambda file: list(t2n.iter_chunks(file)), lambda file: file["train/label"]):
        with fails(t2n.FormatError, message):
            way(t2n.open(folder, select="train/label"))
    with t2n.open(folder, select="train/label", on_corrupt="skip") as file:
        assert len(t2n.to_numpy(file)["train/label"]) == 7
        assert file.left_out[shard] == f"it has 3 records, and {shown} tells of 9; the records before it are given"


@pytest.mark.parametrize(
    ("data", "why", "left_out"),
    [
        (
            b"garbage" * 100,
            "its first bytes begin no record, neither as they are nor unpacked (gzip, zlib, Snappy)",
            {
                "": "its first bytes begin no record, neither as they are nor unpacked (gzip, zlib, Snappy); the "
                "records before it are given"
            },
        ),
        (
            framed(b"\xff" * 3),
            "at offset 0: the record 0 is no tf.train.Example: at its byte 0, a number is cut short",
            {
                ", record 0": "at offset 0: it is no tf.train.Example",
                "": "it has 1 records, and {} tells of 4; the records before it are given",
            },
        ),
    ],
)
def test_a_shard_of_anything_else(folder, data, why, left_out):
    shard = folder / "small-train.tfrecord-00000-of-00002"
    shard.write_bytes(data)
    between = " " if why.startswith("at offset") else ": "
    with fails(t2n.FormatError, f"{str(shard)!r} cannot be read{between}{why}"):
        t2n.to_numpy(t2n.open(folder, select="train/label"))
    file = t2n.open(folder, select="train/label", on_corrupt="skip")
    assert file["train/label"][:].tolist() == [int(row) for row in wanted("train", "label")][4:]
    told = repr(str(folder / "dataset_info.json"))
    assert dict(file.left_out) == {f"{shard}{name}": reason.format(told) for name, reason in left_out.items()}


def test_opening_reads_no_record(folder, monkeypatch):
    def refuse(*_):
        raise AssertionError

    monkeypatch.setattr(Shard, "first", refuse)
    t2n.open(folder)


def test_files_that_are_missing(folder):
    (folder / "small-train.tfrecord-00001-of-00002").unlink()
    with fails(
        t2n.FormatError,
        f"{str(folder / 'dataset_info.json')!r} tells of 2 files of the split 'train', "
        "and 'small-train.tfrecord-00001-of-00002' is missing: the folder has small-train.tfrecord-00000-of-00002; "
        "copy the whole folder, or open the files alone by a pattern",
    ):
        t2n.open(folder)


INFO = {
    "tells of files of the format 'array_record'; TFRecords alone can be read": {"fileFormat": "array_record"},
    "tells of no splits; the dataset was not prepared to its end": {"splits": []},
    "describes a dataset otherwise than TensorFlow Datasets: KeyError('name')": {"splits": [{}]},
    "tells of a split 'a/b', and arrays are called after their split": {"splits": [{"name": "a/b"}]},
    "tells of a split '', and arrays are called after their split": {"splits": [{"name": ""}]},
    r"tells of a split '\ud800', and arrays are called after their split": {"splits": [{"name": "\ud800"}]},
    "tells of several splits 'a', and arrays are called after their split": {"splits": [{"name": "a"}] * 2},
    "describes a dataset otherwise than TensorFlow Datasets: OverflowError('cannot convert float infinity to integer'"
    ")": {"splits": [{"name": "a", "shardLengths": [float("inf")]}]},
    "does not tell how many records the files of the split 'train' have (shardLengths), as TensorFlow Datasets does: "
    "the folder has small-train.tfrecord-00000-of-00002, small-train.tfrecord-00001-of-00002; open the files by a "
    "pattern, with the schema='features.json' of the folder": {"splits": [{"name": "train"}]},
    "tells of 100001 files of the split 'a'; 100000 are read": {
        "splits": [{"name": "a", "shardLengths": [1] * 100_001}]
    },
}


@pytest.mark.parametrize("message", INFO)
def test_other_descriptions_of_datasets(folder, message):
    shown = changed(folder, "dataset_info.json", lambda info: info.update(INFO[message]))
    with fails(t2n.FormatError, f"{shown} {message}"):
        t2n.open(folder)


def test_shards_of_no_records_need_not_be_there(folder):
    def change(info):
        info["splits"][0]["shardLengths"] = ["4", "0", "3"]

    changed(folder, "dataset_info.json", change)
    for number in (0, 1):
        shard = folder / f"small-train.tfrecord-{number:05d}-of-00002"
        shard.rename(folder / f"small-train.tfrecord-{2 * number:05d}-of-00003")
    assert len(t2n.open(folder)["train/label"]) == 7


def test_numbers_of_files_have_as_many_digits_as_their_count(folder):
    changed(folder, "dataset_info.json", lambda info: info["splits"][0].update(shardLengths=["0"] * 99_999 + ["7"]))
    with pytest.raises(t2n.FormatError, match=r"'small-train\.tfrecord-099999-of-100000' is missing"):
        t2n.open(folder)


def test_names_of_classes_are_lines(folder):
    (folder / "label.labels.txt").write_bytes("a\x85b\r\n\n c\u2028 \n".encode())
    (folder / "of.it-la.bel.labels.txt").write_text("x\ny\n")

    def change(content):
        content["featuresDict"]["features"]["of/it"] = {
            "featuresDict": {"features": {"la/bel": {"classLabel": {"numClasses": "2"}}}}
        }
        nested = {"sequence": {"length": "-1", "feature": {"classLabel": {"numClasses": "2"}}}}
        content["featuresDict"]["features"]["labels"] = {"sequence": {"length": "-1", "feature": nested}}
        content["featuresDict"]["features"]["z" * 300] = {"classLabel": {"numClasses": "2"}}

    changed(folder, "features.json", change)
    assert dict(t2n.open(folder, select="train/*la*").labels) == {
        "train/label": ("a\x85b", "c"),
        "train/of/it/la/bel": ("x", "y"),
        "train/labels/ragged_flat_values": ("x", "y"),
    }


def tensor(dtype, *dimensions, **more):
    return {"tensor": {"dtype": dtype, "shape": {"dimensions": [str(size) for size in dimensions]}, **more}}


@pytest.mark.parametrize("optional", [False, True])
@pytest.mark.parametrize(
    ("feature", "what"),
    [
        (tensor("float99"), "the dtype 'float99': data type 'float99' not understood"),
        (tensor("complex64"), "the dtype 'complex64'; records hold numbers that are not complex, and bytes"),
        (
            tensor("int8", 10**30),
            f"the shape ({10**30},); a record has 31 axes at most, and {1 << 40} values",
        ),
    ],
)
def test_a_feature_that_cannot_be_is_no_obstacle_to_others(folder, feature, what, optional):
    feature = {"tensor": feature["tensor"] | {"optional": optional}}
    changed(folder, "features.json", lambda content: content["featuresDict"]["features"].update(odd=feature))
    file = t2n.open(folder, select="train/*")
    assert file["train/label"][:].tolist() == [int(row) for row in wanted("train", "label")]
    assert file.left_out["train/odd"] == (
        f"schema: the feature 'odd' is declared as {what}; declare it by a schema= of the files, opened by a pattern"
    )


def test_a_name_that_no_record_can_have(folder):
    changed(
        folder,
        "features.json",
        lambda content: content["featuresDict"]["features"].update({"\ud800": {"classLabel": {"numClasses": "2"}}}),
    )
    assert t2n.open(folder, select="train/*").left_out["train/\ud800"] == (
        r"schema: '\ud800' is no name of a feature; give a string that UTF-8 can encode; declare it by a schema= of "
        "the files, opened by a pattern"
    )


def test_classes_of_pixels(folder):
    pytest.importorskip("imagecodecs")
    (folder / "image.labels.txt").write_text("sky\nsea\n")

    def change(content):
        content["featuresDict"]["features"]["image"]["image"]["label"] = {"numClasses": "2"}

    changed(folder, "features.json", change)
    assert t2n.open(folder, select="train/image", images=True).labels == {"train/image": ("sky", "sea")}
    assert t2n.open(folder, select="train/image").labels == {}


def test_images_that_are_not_decoded_are_bytes(folder):
    def change(content):
        features = content["featuresDict"]["features"]
        features["image"]["image"]["shape"] = {"dimensions": ["4", "-1", "3"]}
        features["photo"] = {"sequence": {"length": "-1", "feature": features["video"]}}

    changed(folder, "features.json", change)
    file = t2n.open(folder, select="train/image", images=True)
    assert file["train/image"][0].startswith(b"\x89PNG")
    assert dict(file.notes) == {"train/image": "images of the shape (4, None, 3) are not decoded"}
    assert t2n.open(folder, select="train/photo*").notes["train/photo"] == (
        "its frames are not decoded: the bytes of each are given; it is a sequence of sequences: its values are "
        "'photo/ragged_flat_values', one after the other, and how many each has 'photo/ragged_row_lengths_0'"
    )


@pytest.mark.parametrize("template", ["../{SPLIT}", "/etc/passwd", "", "..", "a\\b"])
def test_no_path_is_followed(folder, template):
    def change(info):
        info["splits"][0]["filepathTemplate"] = template
        info["name"] = info["name"] if template else ""
        info["splits"][0]["filepathTemplate"] = template or "{DATASET}"

    changed(folder, "dataset_info.json", change)
    name = template.replace("{SPLIT}", "train")
    with fails(
        t2n.FormatError, f"the files of the split 'train' are called {name!r}, which is no name of a file in the folder"
    ):
        t2n.open(folder)


def test_other_descriptions_of_features(folder):
    shown = repr(str(folder / "features.json"))
    (folder / "features.json").write_text('{"type": "x", "content": {"a": {}}}')
    with fails(
        t2n.FormatError,
        f"{shown} does not describe named features as TensorFlow Datasets does from 4.5 on; declare them with "
        "schema={'name': ...}",
    ):
        t2n.open(folder)
    (folder / "features.json").write_text('{"featuresDict": {"features": {"a": {"sequence": {}}}}}')
    with fails(t2n.FormatError, f"{shown} describes features otherwise than TensorFlow Datasets: KeyError('feature')"):
        t2n.open(folder)
    (folder / "features.json").write_text('{"featuresDict"')
    with pytest.raises(t2n.FormatError, match=r"^'.*features.json' is damaged: "):
        t2n.open(folder)
    (folder / "features.json").write_bytes(b"\xff")
    with pytest.raises(t2n.FormatError, match=r"^'.*features.json' is no text: "):
        t2n.open(folder)


def test_features_of_an_unknown_class(folder):
    def change(content):
        content["featuresDict"]["features"]["label"] = {"pythonClassName": "mine.Own", "jsonFeature": {"json": "{}"}}

    changed(folder, "features.json", change)
    file = t2n.open(folder, select="train/*")
    assert file.left_out["train/label"] == (
        "it is a mine.Own, which is not known; declare it by a schema= of the files, opened by a pattern"
    )
    assert "train/label" not in file
