"""TFRecord files of Examples, made by hand: as bytes, and written where they are wanted."""

import gzip
import zlib
from pathlib import Path

import numpy as np

import tf2numpy as t2n
from wire.example_messages import example, feature, sequence_example
from wire.test_records import framed, snappy

GOLDEN = Path(__file__).parent.parent / "golden" / "examples"
COMPRESS = {"none": bytes, "gzip": gzip.compress, "zlib": zlib.compress, "snappy": snappy}


def row(**features):
    """An Example: floats, ints or bytes by name; a tuple (kind, values) where the kind does not show."""
    return example({name.encode(): _feature(values) for name, values in features.items()})


def sequence(context, **lists):
    """A SequenceExample."""
    steps = {name.encode(): [_feature(one) for one in values] for name, values in lists.items()}
    return sequence_example({name.encode(): _feature(values) for name, values in context.items()}, steps)


def _feature(values):
    if values is None:
        return b""
    if isinstance(values, tuple):
        return feature(*values)
    kind = {bytes: "bytes", float: "float", int: "int64"}[type(values[0])]
    return feature(kind, values)


def written(path, *rows, compression="none"):
    """Write records, and give the path."""
    path.write_bytes(COMPRESS[compression](framed(*rows)))
    return path


def plain(value):
    """What `to_numpy` gives, as lists."""
    return {name: one.to_list() if isinstance(one, t2n.RaggedArray) else one.tolist() for name, one in value.items()}


def flat(file):
    """Each array of an open file, read by itself."""
    return {name: np.asarray(file[name]) for name in file}


def hexed(array):
    """Strings as the expected arrays have them."""
    return np.vectorize(bytes.hex, otypes=[object])(array).astype(str) if array.dtype.hasobject else array
