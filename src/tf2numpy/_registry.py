"""The lazy tables: which file knows a kind, a sink, an extra. Adding one means adding a file and a row here.

Nothing here imports what it names until it is asked for.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

from ._errors import FormatError, MissingExtra
from ._types import PLAIN, Layout


class Kind(NamedTuple):
    """One row: values of `class_name`, a class that `module` holds if it is imported, are read by `target`."""

    module: str
    class_name: str
    target: str


# The first row that fits wins. Subclasses before their bases.
KINDS = (
    Kind("tf2numpy._ragged", "RaggedArray", "ragged:array"),
    Kind("tf2numpy._sparse", "SparseArray", "sparse:array"),
    Kind("tf2numpy._file", "LazyArray", "opened:array"),
    Kind("tf2numpy._file", "File", "opened:file"),
    Kind("keras", "KerasTensor", "symbolic:keras_tensor"),
    Kind("keras", "Variable", "keras:variable"),
    Kind("keras", "Model", "keras:layer"),
    Kind("keras", "Layer", "keras:layer"),
    Kind("keras", "Optimizer", "keras:optimizer"),
    Kind("keras", "Metric", "keras:optimizer"),
    Kind("tensorflow", "Tensor", "dense:tensor"),
    Kind("tensorflow.python.distribute.values", "DistributedVariable", "distributed:variable"),
    Kind("tensorflow.python.distribute.sharded_variable", "ShardedVariable", "distributed:sharded"),
    Kind("tensorflow.python.distribute.values", "DistributedValues", "distributed:per_replica"),
    Kind("tensorflow", "distribute.experimental.coordinator.RemoteValue", "distributed:remote"),
    Kind("tensorflow", "Variable", "variable:variable"),
    Kind("tensorflow", "RaggedTensor", "ragged:ragged"),
    Kind("tensorflow", "SparseTensor", "sparse:sparse"),
    Kind("tensorflow", "IndexedSlices", "sparse:indexed_slices"),
    Kind("tensorflow.python.ops.lookup_ops", "LookupInterface", "table:table"),
    Kind("tensorflow", "TensorArray", "composite:tensor_array"),
    Kind("tensorflow", "data.Dataset", "dataset:dataset"),
    Kind("tensorflow", "data.Iterator", "unsupported:iterator"),
    Kind("tensorflow", "distribute.DistributedIterator", "unsupported:iterator"),
    Kind("tensorflow", "distribute.DistributedDataset", "unsupported:distributed_dataset"),
    Kind("tensorflow", "experimental.Optional", "composite:optional"),
    Kind("tensorflow", "experimental.ExtensionType", "composite:extension_type"),
    Kind("tensorflow.python.framework.composite_tensor", "CompositeTensor", "composite:composite"),
    Kind("tensorflow.python.trackable.autotrackable", "AutoTrackable", "trackable:trackable"),
    Kind("collections.abc", "Iterator", "batches:batches"),
)


class Format(NamedTuple):
    """One row: outputs of this suffix are written by `target`.

    needs: the library it takes. compressions: those it offers. chunked: whether the caller may choose chunks.
    marker: a file in every output, where an output is a folder. witness, library: what reads outputs back to verify
    them, and the library that it does so by. by_rows: an output is one table, and its sink takes the same rows of all
    arrays, then the next ones, each array from its first row on. resumes: an unfinished output can be gone on from.
    """

    target: str
    needs: str | None = None
    compressions: tuple[str, ...] = ()
    chunked: bool = False
    marker: str = ""
    witness: str = ""
    library: str = "numpy"
    by_rows: bool = False
    resumes: bool = True


_HDF5 = Format(
    "hdf5:Hdf5Sink",
    "h5py",
    compressions=("gzip", "zstd", "blosc"),
    chunked=True,
    witness="hdf5:hdf5",
    library="h5py",
)

_ARROW = Format(
    "arrow:ArrowSink",
    "pyarrow",
    compressions=("zstd", "lz4"),
    chunked=True,
    witness="arrow:arrow",
    library="pyarrow",
    by_rows=True,
    resumes=False,
)

SINKS = {
    ".npy": Format("npy:NpySink", witness="npy:npy"),
    ".npz": Format("npz:NpzSink", compressions=("gzip",), witness="npz:npz"),
    ".safetensors": Format("safetensors:SafetensorsSink", witness="safetensors:safetensors", library="safetensors"),
    "dir": Format("folder:FolderSink", marker="arrays.json", witness="folder:folder"),
    ".h5": _HDF5,
    ".hdf5": _HDF5,
    ".zarr": Format(
        "zarr:ZarrSink",
        compressions=("zstd", "gzip", "blosc"),
        chunked=True,
        marker="zarr.json",
        witness="zarr:zarr",
        library="zarr",
    ),
    ".parquet": Format(
        "parquet:ParquetSink",
        "pyarrow",
        compressions=("zstd", "gzip", "snappy", "lz4"),
        chunked=True,
        witness="parquet:parquet",
        library="pyarrow",
        by_rows=True,
        resumes=False,
    ),
    ".arrow": _ARROW,
    ".feather": _ARROW,
}


PREFIX, PATTERN = "prefix", "pattern"


class Known(NamedTuple):
    """One row: files that `target` recognises are read by it.

    options: those of `open` that mean something to it. begins: what all its files begin with, one of these.
    several: how a path may name several files, and nothing lie under itself: PREFIX, what their names begin with;
    PATTERN, what they all fit.
    A reader of other files is not even imported.
    """

    target: str
    options: tuple[str, ...] = ()
    begins: tuple[bytes, ...] = (b"",)
    several: str = ""


# Readers, in the order in which they are asked whether they know a file.
FORMATS = (
    Known("npy:npy", begins=(b"\x93NUMPY",)),
    Known("npz:npz", begins=(b"PK",)),
    Known("keras_archive:keras_archive", options=("names", "slots"), begins=(b"PK",)),
    Known("keras_archive:keras_folder", options=("names", "slots")),
    Known("keras_hdf5:keras_hdf5", options=("names", "slots")),
    Known("keras_shards:keras_shards", options=("names", "slots")),
    Known("hdf5:hdf5"),
    Known("parquet:parquet", begins=(b"PAR1",)),
    Known("arrow:arrow", begins=(b"ARROW1",)),
    Known("safetensors:safetensors"),
    Known("zarr:zarr"),
    Known("folder:folder"),
    Known("dataset_save:dataset_save", options=("check",)),
    Known("distributed_save:distributed_save", options=("check",)),
    Known("dataset_snapshot:dataset_snapshot", options=("check",)),
    Known("events:events", options=("check",)),
    Known("tfds:tfds", options=("check", "on_corrupt", "partial", "images", "index")),
    Known(
        "tfrecord:tfrecord", options=("check", "on_corrupt", "partial", "schema", "images", "index"), several=PATTERN
    ),
    Known("saved_model:saved_model", options=("names", "slots", "constants", "check")),
    Known("frozen_graph:frozen_graph", begins=(b"\n",)),
    Known("dataset_cache:dataset_cache", options=("check",), several=PREFIX),
    Known("checkpoint:checkpoint", options=("names", "slots", "checkpoint", "check"), several=PREFIX),
    Known("tensor_proto:tensor_proto", begins=(b"\x08",)),  # last: it may take bytes for its own of another format
)

# import name -> extra of this package that installs it
_EXTRAS = {
    "h5py": "hdf5",
    "zstandard": "compression",
    "numcodecs": "compression",
    "awkward": "awkward",
    "scipy": "scipy",
    "tensorflow": "tensorflow",
    "skimage": "demo",
    "matplotlib": "demo",
    "hdf5plugin": "compression",
    "cramjam": "compression",
    "pyarrow": "parquet",
    "zarr": "verify",
    "safetensors": "verify",
    "obstore": "remote",
    "imagecodecs": "images",
}
# Libraries of which older versions do not read, or write, what is written here, or lack a setting that is used.
_LEAST = {"zarr": (3, 1), "safetensors": (0, 7), "obstore": (0, 11), "pyarrow": (16, 0)}


def live_class(kind: Kind) -> type | None:
    """Find the class a row names without importing anything: None while its module is not loaded."""
    found: Any = sys.modules.get(kind.module)
    for name in kind.class_name.split("."):
        found = getattr(found, name, None)
    return cast("type | None", found)


def kind_targets(cls: type) -> Iterator[str]:
    """Name the targets whose class is a base of `cls`, best first."""
    for kind in KINDS:
        base = live_class(kind)
        if base is not None and issubclass(cls, base):
            yield kind.target


def load(target: str, package: str) -> Any:
    """Import what "file:name" means inside one of our packages: "kinds", "formats", "sinks" or "witnesses"."""
    file, name = target.split(":")
    return getattr(importlib.import_module(f"{__package__}.{package}.{file}"), name)


def sink_format(suffix: str, layout: Layout = PLAIN) -> Format:
    """Find the row of a file suffix, and check that its format leaves the choices the layout makes.

    Raises: FormatError for an unknown suffix or choice, listing the known ones; MissingExtra if a library is absent.
    """
    if suffix.lower() not in SINKS:
        known = ", ".join(SINKS)
        raise FormatError(f"the suffix {suffix!r} names no format that can be written; known are {known}")
    found = SINKS[suffix.lower()]
    if layout.compression is not None and layout.compression not in found.compressions:
        offers = f"offers {', '.join(map(repr, found.compressions))}" if found.compressions else "has none"
        others = [other for other, row in SINKS.items() if layout.compression in row.compressions]
        remedy = f"choose {' or '.join(others)}" if others else "leave compression out"
        raise FormatError(
            f"compression={layout.compression!r} is not for {suffix} files: the format {offers}; {remedy}"
        )
    if layout.chunks is not None and not found.chunked:
        others = [other for other, row in SINKS.items() if row.chunked]
        raise FormatError(f"{suffix} files have no chunks; leave chunks out, or choose {' or '.join(others)}")
    if found.needs:
        require(found.needs, f"writing {suffix}")
    return found


def require(module: str, purpose: str) -> Any:
    """Import an optional library.

    Raises: MissingExtra, saying which extra to install, if that library (not one it needs itself) is absent or too
    old.
    """
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        extra = _EXTRAS[error.name]
        raise MissingExtra(
            f"{purpose} needs {error.name}, which is not installed; pip install 'tf2numpy[{extra}]'"
        ) from error
    least = _LEAST.get(module, ())
    if least and tuple(map(int, re.findall(r"\d+", found.__version__)[:2])) < least:
        raise MissingExtra(
            f"{purpose} needs {module} {'.'.join(map(str, least))} or later, found {found.__version__}; "
            f"pip install 'tf2numpy[{_EXTRAS[module]}]'"
        )
    return found


def fastest_zlib() -> Any:
    """Import ISA-L where it is installed, and Python's zlib, some ten times as slow, where it is not."""
    try:
        return importlib.import_module("isal.isal_zlib")
    except ImportError:
        return importlib.import_module("zlib")
