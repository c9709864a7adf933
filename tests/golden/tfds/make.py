"""Write a dataset with TensorFlow Datasets, and what it reads of it. Needs tensorflow-datasets 4.9, TensorFlow 2.21.

python tests/golden/tfds/make.py
"""

import shutil
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

FOLDER = Path(__file__).parent
F = tfds.features
COUNTS = {"train": 7, "test": 3}

FEATURES = F.FeaturesDict(
    {
        "image": F.Image(shape=(4, 5, 3), encoding_format="png"),
        "photo": F.Image(shape=(None, None, 3), encoding_format="png"),
        "depth": F.Image(shape=(4, 5, 1), dtype=np.uint16, encoding_format="png"),
        "heat": F.Image(shape=(4, 5, 1), dtype=np.float32),
        "label": F.ClassLabel(names=["cat", "dog", "cow"]),
        "code": F.ClassLabel(num_classes=7),
        "text": F.Text(),
        "scalar": F.Scalar(np.int32),
        "flag": np.bool_,
        "double": np.float64,
        "short": np.float16,
        "unsigned": np.uint64,
        "vector": F.Tensor(shape=(3,), dtype=np.float32),
        "rows": F.Tensor(shape=(None, 2), dtype=np.int64),
        "columns": F.Tensor(shape=(2, None), dtype=np.int64),
        "words": F.Tensor(shape=(3,), dtype=np.str_),
        "raw": F.Tensor(shape=(2, 2), dtype=np.uint16, encoding="bytes"),
        "raw_rows": F.Tensor(shape=(None, 2), dtype=np.uint16, encoding="bytes"),
        "raw_any": F.Tensor(shape=(None, None), dtype=np.uint16, encoding="bytes"),
        "packed": F.Tensor(shape=(2, 2), dtype=np.int64, encoding="zlib"),
        "sequence": F.Sequence(np.int64),
        "three": F.Sequence(np.int16, length=3),
        "steps": F.Sequence({"speed": np.float32, "name": F.Text(), "at": F.Tensor(shape=(2,), dtype=np.int64)}),
        "labels": F.Sequence(F.ClassLabel(names=["x", "y"])),
        "nested": F.Sequence(F.Sequence(np.int64)),
        "box": F.BBoxFeature(),
        "in": {"a": np.int64, "side": {"b": F.Text(), "kind": F.ClassLabel(names=["u", "v"])}},
        "video": F.Video(shape=(None, 2, 2, 3)),
        "sound": F.Audio(),
        "both": F.Translation(["en", "fr"]),
        "any": F.TranslationVariableLanguages(["en", "fr"]),
    }
)


def example(rng, number):
    pixels = lambda *shape, dtype=np.uint8: rng.integers(0, np.iinfo(dtype).max, shape, dtype)  # noqa: E731
    count = number % 4
    return {
        "image": pixels(4, 5, 3),
        "photo": pixels(2 + count, 3 + number % 2, 3),
        "depth": pixels(4, 5, 1, dtype=np.uint16),
        "heat": rng.random((4, 5, 1), np.float32),
        "label": number % 3,
        "code": number % 7,
        "text": f"text {number}",
        "scalar": number - 3,
        "flag": bool(number % 2),
        "double": number / 4,
        "short": number / 2,
        "unsigned": 2**63 + number if number % 2 else number,
        "vector": rng.random(3, np.float32),
        "rows": rng.integers(-9, 9, (count, 2)),
        "columns": rng.integers(-9, 9, (2, count)),
        "words": ["a", "b" * number, ""],
        "raw": pixels(2, 2, dtype=np.uint16),
        "raw_rows": pixels(count, 2, dtype=np.uint16),
        "raw_any": pixels(count, 2, dtype=np.uint16),
        "packed": rng.integers(-9, 9, (2, 2)),
        "sequence": list(range(count)),
        "three": [number, 0, -number],
        "steps": [{"speed": 0.5 * n, "name": f"s{n}", "at": [n, number]} for n in range(count)],
        "labels": ["x", "y"][:count],
        "nested": [list(range(n)) for n in range(count)],
        "box": F.BBox(0.0, 0.25, 0.5, 1.0),
        "in": {"a": number, "side": {"b": "b", "kind": number % 2}},
        "video": pixels(count, 2, 2, 3),
        "sound": rng.integers(-9, 9, 3 + count),
        "both": {"en": "yes", "fr": "oui"},
        "any": {"en": "no", "fr": ["non", "si"]},
    }


class Small(tfds.core.GeneratorBasedBuilder):
    """A dataset of every feature."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        return tfds.core.DatasetInfo(builder=self, features=FEATURES)

    def _split_generators(self, dl_manager):
        return {split: self._generate_examples(split, count) for split, count in COUNTS.items()}

    def _generate_examples(self, split, count):
        rng = np.random.default_rng(len(split))
        for number in range(count):
            yield number, example(rng, number)


def arrays(name, value):
    """Give what TFDS reads of one feature of one example, by name, as plain arrays."""
    if isinstance(value, dict):
        return {key: one for part, inner in value.items() for key, one in arrays(f"{name}/{part}", inner).items()}
    if isinstance(value, tf.RaggedTensor):
        return {f"{name}/flat": value.flat_values.numpy(), f"{name}/lengths": value.row_lengths().numpy()}
    found = np.asarray(value)
    return {name: found}


def texts(value):
    return (
        np.vectorize(bytes.hex, otypes=[object])(value.astype(object)).astype(str)
        if value.dtype.kind in "OS"
        else value
    )


def main():
    with tempfile.TemporaryDirectory() as folder:
        builder = Small(data_dir=folder)
        config = tfds.download.DownloadConfig(num_shards=2)
        builder.download_and_prepare(download_config=config, file_format="tfrecord")
        target = FOLDER / "small"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(builder.data_dir, target)
        found = {}
        for split in COUNTS:
            for number, row in enumerate(builder.as_dataset(split=split, shuffle_files=False)):
                for feature, value in row.items():
                    value = value if isinstance(value, dict | tf.RaggedTensor) else value.numpy()
                    for name, array in arrays(feature, value).items():
                        found[f"{split}/{name}/{number}"] = texts(np.asarray(array))
        np.savez_compressed(FOLDER / "small.npz", **found)


if __name__ == "__main__":
    main()
