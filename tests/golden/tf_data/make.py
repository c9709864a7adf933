"""Write datasets in every way that tf.data has, and what TensorFlow reads back of them. Needs TensorFlow 2.21.

python tests/golden/tf_data/make.py
"""

import json
import shutil
from collections import namedtuple
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.python.data.ops.dataset_ops import _VariantDataset

FOLDER = Path(__file__).parent
Pair = namedtuple("Pair", "b a")
expected = {}


def plain(n=7):
    rng = np.random.default_rng(0)
    floats = rng.standard_normal((n, 2)).astype(np.float32)
    strings = np.array([b"a\0", b"", b"\xff" * 200, b"d", b"e", b"f", b"gg"][:n], object)
    return tf.data.Dataset.from_tensor_slices({"z": np.arange(n), "a": (floats, Pair(floats[:, 0], strings))})


def ragged():
    return tf.data.Dataset.from_tensor_slices(
        {
            "r": tf.ragged.constant([[1, 2], [3], [], [4, 5, 6]]),
            "r2": tf.ragged.constant([[[1.0], [2.0, 3.0]], [], [[]], [[4.0]]]),
            "s": tf.sparse.from_dense([[1, 0], [0, 2], [0, 0], [3, 4]]),
            "t": tf.ragged.constant([[b"a", b"\0"], [], [b"ccc"], [b""]]),
        }
    )


def varying(dtype=tf.int16):
    shapes = [(2, 3), (0, 3), (1, 3), (2, 0)]

    def elements():
        for i, shape in enumerate(shapes):
            yield np.full(shape, i), [b"x" * j for j in range(i)]

    signature = (tf.TensorSpec([None, None], dtype), tf.TensorSpec([None], tf.string))
    return tf.data.Dataset.from_generator(elements, output_signature=signature)


def types():
    names = ["bool", "bfloat16", "float16", "complex64", "complex128", "uint8", "int64", "uint32", "double"]
    values = {name: tf.cast([[0, 1], [1, 1], [1, 0]], name) for name in names}
    return tf.data.Dataset.from_tensor_slices(values | {"empty": tf.zeros([3, 0, 2]), "deep": tf.zeros([3, 1, 2, 1])})


def numpy_of(leaf):
    return leaf.numpy() if isinstance(leaf, tf.Tensor) else leaf


def flat(element, path=()):
    """Give the leaves of an element by name, keys sorted."""
    if isinstance(element, dict):
        parts = [(key, element[key]) for key in sorted(element)]
    elif hasattr(element, "_fields"):
        parts = [(field, getattr(element, field)) for field in element._fields]
    elif isinstance(element, tuple):
        parts = [(str(i), part) for i, part in enumerate(element)]
    elif element is None:
        return {}
    else:
        return {"/".join(path): element}
    found = {}
    for key, part in parts:
        found |= flat(part, (*path, key))
    return found


def columns(dataset):
    rows = [flat(element) for element in dataset]
    found = {}
    for name in rows[0]:
        leaves = [row[name] for row in rows]
        for part, value in column(leaves).items():
            found["/".join(filter(None, (name, part))) or "data"] = described(value)
    return found


def column(leaves):
    if isinstance(leaves[0], tf.SparseTensor):
        whole = tf.sparse.concat(0, [tf.sparse.expand_dims(leaf, 0) for leaf in leaves], expand_nonconcat_dims=True)
        return {"indices": whole.indices, "values": whole.values, "shape": whole.dense_shape}
    if not isinstance(leaves[0], tf.RaggedTensor):
        if len({tuple(leaf.shape) for leaf in leaves}) == 1:
            return {"": tf.stack(leaves)}
        shapes = np.array([leaf.shape for leaf in leaves])
        rank = int(np.flatnonzero((shapes != shapes[0]).any(0))[-1])
        if rank == 0:
            whole = tf.RaggedTensor.from_row_lengths(tf.concat(leaves, 0), shapes[:, 0])
            return {"row_splits": whole.row_splits, "values": whole.values}
        leaves = [tf.RaggedTensor.from_tensor(leaf, ragged_rank=rank) for leaf in leaves]
    whole = tf.ragged.stack(leaves)
    found, name = {}, ""
    while isinstance(whole, tf.RaggedTensor):
        found[name + "row_splits"] = tf.cast(whole.row_splits, tf.int64)
        whole, name = whole.values, name + "values/"
    return found | {name[:-1]: whole}


def described(tensor):
    array = np.asarray(tensor.numpy() if tensor.dtype == tf.string else tensor._numpy())
    found = {"dtype": tensor.dtype.name, "shape": list(tensor.shape)}
    if tensor.dtype == tf.string:
        return found | {"strings": [element.hex() for element in np.asarray(array, object).reshape(-1)]}
    return found | {"bits": array.tobytes().hex()}


def save(name, dataset, **options):
    dataset.save(str(FOLDER / "save" / name), **options)
    loaded = tf.data.Dataset.load(str(FOLDER / "save" / name), compression=options.get("compression"))
    if "shard_func" in options:  # which loading reads in turn: here, one after the other
        loaded = dataset
    expected[f"save/{name}"] = columns(loaded)


def snapshot(name, dataset, **options):
    """Components lose their names, and a lone one is called data."""
    for _ in dataset.snapshot(str(FOLDER / "snapshot" / name), **options):
        pass
    rows = [tuple(tf.nest.flatten(element, expand_composites=False)) for element in dataset]
    expected[f"snapshot/{name}"] = columns([row if len(row) > 1 else row[0] for row in rows])


def old(name, dataset):
    """The first snapshots, of version 1, which tf.raw_ops still writes."""
    specs = tf.nest.flatten(dataset.element_spec)
    variant = tf.raw_ops.SnapshotDataset(
        input_dataset=dataset._variant_tensor,
        path=str(FOLDER / "snapshot" / f"old_{name or 'none'}"),
        output_types=[spec.dtype for spec in specs],
        output_shapes=[spec.shape for spec in specs],
        compression=name,
        mode="write",
        num_reader_threads=1,
        num_writer_threads=1,
    )
    for _ in _VariantDataset(variant, dataset.element_spec):
        pass
    expected[f"snapshot/old_{name or 'none'}"] = columns([tuple(tf.nest.flatten(element)) for element in dataset])
    for graph in (FOLDER / "snapshot").glob("*/*-graph.pbtxt"):
        graph.unlink()


def distributed(name, dataset, compression):
    service = tf.data.experimental.service
    dispatcher = service.DispatchServer(service.DispatcherConfig(fault_tolerant_mode=True, work_dir="/tmp/dispatcher"))
    address = dispatcher.target.split("://")[1]
    worker = service.WorkerServer(service.WorkerConfig(dispatcher_address=address, heartbeat_interval_ms=100))
    path = FOLDER / "distributed" / name
    tf.data.experimental.distributed_save(dataset, str(path), address, compression=compression)
    while not (path / "DONE").is_file():
        pass
    expected[f"distributed/{name}"] = columns(dataset)
    for rest in ("streams", "prefetched_splits", "dataset_def.proto"):
        shutil.rmtree(path / rest) if (path / rest).is_dir() else (path / rest).unlink()
    worker.stop()
    shutil.rmtree("/tmp/dispatcher", ignore_errors=True)


def cache(name, dataset):
    (FOLDER / "cache").mkdir(exist_ok=True)
    for _ in dataset.cache(str(FOLDER / "cache" / name)):
        pass
    rows = [tuple(tf.nest.flatten(element, expand_composites=False)) for element in dataset]
    expected[f"cache/{name}"] = columns([row if len(row) > 1 else row[0] for row in rows])


if __name__ == "__main__":
    for kind in ("save", "snapshot", "distributed", "cache"):
        shutil.rmtree(FOLDER / kind, ignore_errors=True)
    for compression in ("", "GZIP", "SNAPPY"):
        save(f"plain_{compression.lower() or 'none'}", plain(), compression=compression or None)
        save(f"ragged_{compression.lower() or 'none'}", ragged(), compression=compression or None)
    save("varying", varying())
    save("varying_gzip", varying(), compression="GZIP")
    save("types", types())
    save("batched", plain().batch(3))
    save("batched_evenly", plain(6).batch(2))
    save("batched_ragged", ragged().batch(3))
    save("batched_twice", ragged().batch(2).batch(1))
    save("nones", tf.data.Dataset.from_tensors((3, None, {"a": 4})))
    save("lone", tf.data.Dataset.range(3))
    save("sharded", plain(6), shard_func=lambda x: x["z"] // 2)
    snapshot("plain", plain())
    snapshot("lone_none", tf.data.Dataset.range(10, 14), compression=None)
    snapshot("ragged", ragged())
    snapshot("own_shards", tf.data.Dataset.range(4), shard_func=lambda x: tf.constant(0, tf.int64))
    for compression in ("", "GZIP", "SNAPPY"):
        old(compression, plain())
        distributed(compression.lower() or "none", plain(), compression or None)
    cache("plain", plain())
    cache("varying", varying())
    (FOLDER / "expected.json").write_text(json.dumps(expected, indent=0, sort_keys=True) + "\n")
