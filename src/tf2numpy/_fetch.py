"""A source becomes its result in memory, all of it or refused before anything is allocated.

How an array is read is its source's affair. Files may not enter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from . import _memory
from ._errors import DatasetError, InvalidArgument
from ._host import check_out
from ._progress import Progress
from ._protocols import ArraySource, Group, RowSource, Source
from ._text import decode
from ._types import ArraySpec, Chunk, Request
from .sinks.memory import MemorySink

REMEDY = "Take it in pieces with iter_chunks(x), write it to a file with save(x, path), or pass spill='big.npy'."

# Blocks of a dataset on their way to their place in the result: large enough to share Python's price, small
# enough to stay in the processor's cache and within the 64 MiB that a collection may take beside its result.
BLOCK_BYTES = 4 << 20


def fetch(source: Source, request: Request) -> Any:
    """Give the whole value in memory, by the copy semantics of `to_numpy`.

    Raises: HostMemoryError, before anything is allocated, if it does not fit; InvalidArgument if `out` or
    `dtype` does not suit the value.
    """
    _check_request(source, request)
    needed = sum(
        leaf.host_bytes(request.for_array(leaf.spec)) if isinstance(leaf, ArraySource) else _known_bytes(leaf)
        for _, leaf in leaves(source)
    )
    if needed >= _memory.WORTH_CHECKING_BYTES:
        _memory.require(needed, device=device_of(source), remedy=REMEDY)
    return _fetch(source, request)


def leaves(source: Source, prefix: str = "") -> Iterator[tuple[str, ArraySource | RowSource]]:
    """Give the arrays and row streams in a source with their names, joined by "/"; "" for a value given alone."""
    if not isinstance(source, Group):
        yield prefix, source
        return
    for name, part in source.parts.items():
        yield from leaves(part, joined(prefix, name))


def specs_of(source: Source) -> dict[str, ArraySpec]:
    """Describe every flat array in a source, by name."""
    specs: dict[str, ArraySpec] = {}
    for name, leaf in leaves(source):
        if isinstance(leaf, ArraySource):
            specs[name] = leaf.spec
        else:
            specs.update({joined(name, part): spec for part, spec in leaf.specs().items()})
    return specs


def device_of(source: Source) -> str:
    """Name the device or devices a value lies on."""
    return ", ".join(dict.fromkeys(leaf.device for _, leaf in leaves(source))) or "no device"


def joined(*names: str) -> str:
    """Join parts of a name, the empty ones left out."""
    return "/".join(name for name in names if name)


def cast(spec: ArraySpec, request: Request) -> ArraySpec:
    """Give the spec of an array after the request's cast."""
    dtype = request.for_array(spec).dtype
    return spec if dtype is None else replace(spec, dtype=dtype)


def _fetch(source: Source, request: Request) -> Any:
    if isinstance(source, Group):
        return source.build([_fetch(part, request) for part in source.parts.values()])
    if isinstance(source, ArraySource):
        return source.fetch(request.for_array(source.spec))
    return _collect_into(source, request) if request.out is not None else _collect(source, request)


def _collect(source: RowSource, request: Request) -> Any:
    """Gather all rows, each block straight into its place in the result."""
    specs = {name: cast(spec, request) for name, spec in source.specs().items()}
    sink = MemorySink()
    sink.begin(specs)
    for chunk in _watched(source):
        sink.write(replace(chunk, value=chunk.value.astype(specs[chunk.name].dtype, copy=False)))
    sink.commit()
    arrays = sink.arrays()
    if request.decode_text:
        arrays = {name: decode(a) if specs[name].dtype.hasobject else a for name, a in arrays.items()}
    return source.build(arrays)


def _collect_into(source: RowSource, request: Request) -> Any:
    (spec,) = (cast(spec, request) for spec in source.specs().values())
    if None in spec.shape:
        raise InvalidArgument(
            "out= needs a dataset that knows how many rows it has; leave out= away, or state the number: "
            "dataset.apply(tf.data.experimental.assert_cardinality(n))"
        )
    out, done = request.out, 0
    assert out is not None
    check_out(out, tuple(n or 0 for n in spec.shape), spec.dtype)
    for chunk in _watched(source):
        done = chunk.index[0].stop
        if done <= len(out):
            np.copyto(out[chunk.index], chunk.value, casting="unsafe")
    if done != len(out):
        raise DatasetError(f"the dataset gave {done} rows and out= has {len(out)}, the number it said it had")
    return source.build({"": out})


def _watched(source: RowSource) -> Iterator[Chunk]:
    """Give the chunks under a progress bar that counts the rows of the first array."""
    name, spec = next(iter(source.specs().items()), ("", ArraySpec((0,), np.dtype(bool))))
    with Progress("collecting", unit="rows", total=spec.shape[0]) as progress:
        for chunk in source.chunks(2 * BLOCK_BYTES):
            yield chunk
            if chunk.name == name:
                progress.update(chunk.index[0].stop - chunk.index[0].start)


def _known_bytes(source: RowSource) -> int:
    return sum(spec.nbytes or 0 for spec in source.specs().values())


def _check_request(source: Source, request: Request) -> None:
    if request.out is None and request.dtype is None and not request.decode_text:
        return
    specs = specs_of(source)
    values = [spec.dtype for spec in specs.values() if not spec.structural]
    if request.out is not None and (isinstance(source, Group) or len(specs) != 1):
        raise InvalidArgument(
            f"out= takes a value that becomes one array, and this {source.kind} becomes {len(specs)}; "
            "convert its parts one by one"
        )
    if request.dtype is not None and values and all(dtype.hasobject for dtype in values):
        raise InvalidArgument(
            f"dtype={request.dtype} casts numbers, and this {source.kind} holds strings; use dtype=str"
        )
    if request.decode_text and not any(dtype.hasobject for dtype in values):
        raise InvalidArgument(f"dtype=str decodes strings, and this {source.kind} holds none; leave dtype out")
