"""Write event logs, and beside them what went into them. Needs TensorFlow 2.21 and TensorBoard 2.21.

python tests/golden/events/make.py

v1/, v2/: runs as the writers of TensorFlow 1 and 2 leave them. runs/: a folder of two. Numbers that are expected come
from NumPy, wall times and encoded images and sounds from TensorFlow's own reading of the logs.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import tensorflow as tf

HERE = Path(__file__).parent
STEPS = np.array([0, 1, 5], np.int64)
WEIGHTS = [np.arange(5.0), np.ones(7), np.array([-2.0, 0.5])]
TEXTS = [[b"a"], [b"b", b"c\0"], []]
TENSORS = np.arange(12, dtype=np.int32).reshape(3, 2, 2)


def write_v2(folder):
    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default():
        for number, step in enumerate(STEPS):
            tf.summary.scalar("train/loss", 0.5 * number, step=step)
            tf.summary.histogram("weights", WEIGHTS[number], step=step, buckets=3)
            tf.summary.image("image", np.full((2, 2, 3, 3), number / 4, "f4"), step=step)
            tf.summary.text("text", tf.constant(TEXTS[number], tf.string), step=step)
            tf.summary.audio("audio", np.zeros((1, 4, 1), "f4"), 8000, step=step)
            tf.summary.write("tensor", TENSORS[number], step=step)
            tf.summary.write("double", np.float64(number), step=step)
            tf.summary.write("grows", np.zeros((number, 2), "f4") + number, step=step)
            tf.summary.write("any", np.full((number + 1, 3 - number), number, "i8"), step=step)
            tf.summary.write("rank", np.full((2,) * number, number, "i8"), step=step)
    writer.close()


def write_v1(folder):
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        writer = v1.summary.FileWriter(str(folder), session.graph)
        values = v1.placeholder(tf.float32, [None])
        merged = v1.summary.merge(
            [
                v1.summary.scalar("train/loss", tf.reduce_sum(values)),
                v1.summary.histogram("weights", values),
                v1.summary.image("image", tf.zeros([2, 2, 3, 3])),
                v1.summary.audio("audio", tf.zeros([1, 4, 1]), 8000),
                v1.summary.text("text", tf.constant("hello")),
                v1.summary.tensor_summary("tensor", tf.stack([values[0], values[1]])),
            ]
        )
        for number, step in enumerate(STEPS):
            writer.add_summary(session.run(merged, {values: WEIGHTS[number]}), step)
        writer.add_session_log(v1.SessionLog(status=v1.SessionLog.START), 0)
        writer.close()


def write_run(folder, steps, value):
    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default():
        for step in steps:
            tf.summary.scalar("loss", value, step=step)
    writer.close()


def values_in(folder):
    """Give what TensorFlow reads: (event, value) for each value of each event."""
    for file in sorted(folder.iterdir()):
        for event in tf.compat.v1.train.summary_iterator(str(file)):
            for value in event.summary.value:
                yield event, value


def rename(folder):
    for number, file in enumerate(sorted(folder.iterdir())):
        file.rename(folder / f"events.out.tfevents.{number}.host")


def expected_v2(folder):
    found, strings = {}, {}
    for name in ("train/loss", "weights", "image", "text", "audio", "tensor", "double", "grows", "any", "rank"):
        found[f"{name}/step"] = STEPS
    for event, value in values_in(folder):
        found.setdefault(f"{value.tag}/wall_time", []).append(event.wall_time)
        if value.tag == "image":
            strings.setdefault("image/value", []).append([one.hex() for one in value.tensor.string_val[2:]])
        if value.tag == "audio":
            strings.setdefault("audio/value", []).append([[one.hex() for one in value.tensor.string_val]])
    found["train/loss/value"] = np.array([0, 0.5, 1], "f4")
    found["tensor/value"], found["double/value"] = TENSORS, np.arange(3.0)
    found["image/width"], found["image/height"] = np.full(3, 3), np.full(3, 2)
    found["grows/value/values"] = np.array([[1, 1], [2, 2], [2, 2]], "f4")
    found["grows/value/row_splits"] = np.array([0, 0, 1, 3])
    found["any/value/values"], found["any/value/row_splits"] = np.repeat([0, 1, 2], [3, 4, 3]), np.array([0, 3, 7, 10])
    found["any/shape"] = np.array([[1, 3], [2, 2], [3, 1]])
    found["rank/value/values"], found["rank/value/row_splits"] = np.repeat([0, 1, 2], [1, 2, 4]), np.array([0, 1, 3, 7])
    found["rank/shape/values"], found["rank/shape/row_splits"] = np.array([2, 2, 2]), np.array([0, 0, 1, 3])
    found["weights/value"] = np.array([buckets(one, 3) for one in WEIGHTS])
    strings["text/value/values"], found["text/value/row_splits"] = (
        [t.hex() for ts in TEXTS for t in ts],
        np.array([0, 1, 3, 3]),
    )
    return found, strings


def buckets(data, count):
    """Give (left, right, count) for each bucket, as TensorBoard's documentation defines them."""
    low, high = data.min(), data.max()
    if low == high:
        return [[low, low, 0]] * (count - 1) + [[low, low, data.size]]
    width = (high - low) / count
    places = np.minimum(np.floor((data - low) / width), count - 1)
    edges = np.linspace(low, high, count + 1)
    return [[edges[i], edges[i + 1], (places == i).sum()] for i in range(count)]


def expected_v1(folder):
    found, strings, limits, counts = {}, {}, [], []
    tags = ("train/loss", "weights", "image/image/0", "image/image/1", "audio/audio/0", "text", "tensor")
    for name in tags:
        found[f"{name}/step"] = STEPS
    for event, value in values_in(folder):
        found.setdefault(f"{value.tag}/wall_time", []).append(event.wall_time)
        if value.HasField("image"):
            strings.setdefault(f"{value.tag}/value", []).append(value.image.encoded_image_string.hex())
        if value.HasField("audio"):
            strings.setdefault(f"{value.tag}/value", []).append(value.audio.encoded_audio_string.hex())
        if value.HasField("histo"):
            limits.append(list(value.histo.bucket_limit))
            counts.append(list(value.histo.bucket))
    for name in ("image/image/0", "image/image/1"):
        found |= {f"{name}/width": np.full(3, 3), f"{name}/height": np.full(3, 2), f"{name}/colorspace": np.full(3, 3)}
    found["audio/audio/0/sample_rate"] = np.full(3, 8000, "f4")
    found |= {"audio/audio/0/num_channels": np.full(3, 1), "audio/audio/0/length_frames": np.full(3, 4)}
    found["train/loss/value"] = np.array([one.sum() for one in WEIGHTS], "f4")
    for name, of in (("min", np.min), ("max", np.max), ("num", np.size), ("sum", np.sum)):
        found[f"weights/{name}"] = np.array([of(one) for one in WEIGHTS], "f8")
    found["weights/sum_squares"] = np.array([(one**2).sum() for one in WEIGHTS])
    for name, lists in (("bucket_limit", limits), ("bucket", counts)):
        found[f"weights/{name}/values"] = np.concatenate(lists)
        found[f"weights/{name}/row_splits"] = np.cumsum([0, *map(len, lists)])
    found["tensor/value"] = np.array([one[:2] for one in WEIGHTS], "f4")
    strings["text/value"] = [b"hello".hex()] * 3
    return found, strings


if __name__ == "__main__":
    for folder in ("v1", "v2", "runs"):
        shutil.rmtree(HERE / folder, ignore_errors=True)
    for name, write, expected in (("v1", write_v1, expected_v1), ("v2", write_v2, expected_v2)):
        write(HERE / name)
        rename(HERE / name)
        found, strings = expected(HERE / name)
        np.savez_compressed(HERE / f"{name}.npz", **found)
        (HERE / f"{name}.json").write_text(json.dumps(strings, indent=0) + "\n")
    write_run(HERE / "runs" / "train", [0, 1], 0.5)
    write_run(HERE / "runs" / "validation", [0], 0.75)
    write_run(HERE / "runs" / "train", [2], 0.25)
    rename(HERE / "runs" / "train")
    rename(HERE / "runs" / "validation")
