"""A source becomes its result in memory, all of it or refused before anything is allocated.

How an array is read is its source's affair. Files may not enter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _memory
from ._errors import CopyRequired, DatasetError, FormatError, InvalidArgument
from ._host import check_out
from ._progress import Progress
from ._protocols import ArraySource, Group, RowSource, Source
from ._sources import gather
from ._text import decode
from ._types import ArraySpec, Chunk, Request, joined
from .sinks.memory import MemorySink

REMEDY = (
    "Take it in pieces with iter_chunks(x), write it to a file with save(x, path), or back its arrays by a file with "
    "spill='big.npy' (several arrays: 'big.h5')."
)

# Blocks of a dataset on their way to their place in the result: large enough to share Python's price, small
# enough to stay in the processor's cache, where a copy is at its fastest.
BLOCK_BYTES = 2 << 20


def fetch(source: Source, request: Request) -> Any:
    """Give the whole value in memory, by the copy semantics of `to_numpy`.

    Raises: HostMemoryError, before anything is allocated, if it does not fit; InvalidArgument if `out` or
    `dtype` does not suit the value.
    """
    check_request(source, request)
    needed = sum(
        leaf.host_bytes(request.for_array(leaf.spec)) if isinstance(leaf, ArraySource) else leaf.host_bytes()
        for _, leaf in leaves(source)
    )
    if needed >= _memory.WORTH_CHECKING_BYTES:
        _memory.require(needed, device=device_of(source), remedy=REMEDY)
    return gather(source, request, _rows)


def leaves(source: Source, prefix: str = "") -> Iterator[tuple[str, ArraySource | RowSource]]:
    """Give the arrays and row streams in a source with their names, joined by "/"; "" for a value given alone."""
    if not isinstance(source, Group):
        yield prefix, source
        return
    for name, part in source.parts:
        yield from leaves(part, joined(prefix, name))


def flat_specs(source: Source) -> Iterator[tuple[str, ArraySpec]]:
    """Describe every flat array in a source. Names can repeat: {"a": ragged, "a/values": x} has two "a/values"."""
    for name, leaf in leaves(source):
        if isinstance(leaf, ArraySource):
            yield name, leaf.spec
        else:
            for part, spec in leaf.specs().items():
                yield joined(name, part), spec


def specs_of(source: Source, lone_name: str = "") -> dict[str, ArraySpec]:
    """Describe every flat array in a source, by name; lone_name: that of an array without one.

    Raises: FormatError if two have one name, which then says nothing.
    """
    specs: dict[str, ArraySpec] = {}
    for found, spec in flat_specs(source):
        name = found or lone_name
        if name in specs:
            raise FormatError(f"two arrays of this {source.kind} would have the name {name!r}; rename one of the keys")
        specs[name] = spec
    return specs


def device_of(source: Source) -> str:
    """Name the device or devices a value lies on."""
    return ", ".join(dict.fromkeys(leaf.device for _, leaf in leaves(source))) or "no device"


def cast(spec: ArraySpec, request: Request) -> ArraySpec:
    """Give the spec of an array after the request's cast."""
    dtype = request.for_array(spec).dtype
    return spec if dtype is None else replace(spec, dtype=dtype)


def _rows(source: RowSource, request: Request) -> Any:
    if request.out is not None:
        return _collect_into(source, request)
    if request.copy is False:
        raise CopyRequired(
            f"copy=False allows only a view, and the rows of a {source.kind} come one after the other; "
            "pass copy=None or copy=True"
        )
    return _collect(source, request)


def _collect(source: RowSource, request: Request) -> Any:
    """Gather all rows, each block straight into its place in the result, if the source cannot give all at once."""
    found = source.whole()
    if found is not None:
        structural = {name for name, spec in source.specs().items() if spec.structural} if request.dtype else set()
        return source.build({n: _as_wanted(a, request, structural=n in structural) for n, a in found.items()})
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


def _as_wanted(array: NDArray[Any], request: Request, *, structural: bool) -> NDArray[Any]:
    wanted = request.for_array(ArraySpec(array.shape, array.dtype, structural))
    if wanted.decode_text:
        return decode(array)
    return array if wanted.dtype is None else array.astype(wanted.dtype, copy=False)


def _collect_into(source: RowSource, request: Request) -> Any:
    if any(None in spec.shape for spec in source.specs().values()) and source.count() is None:
        raise InvalidArgument(
            "out= needs a dataset that knows how many rows it has; leave out= away, or state the number, before "
            "any batch: dataset.apply(tf.data.experimental.assert_cardinality(n))"
        )
    ((name, spec),) = ((name, cast(spec, request)) for name, spec in source.specs().items())
    out, done = request.out, 0
    assert out is not None
    dtype = decode(np.empty(0, object)).dtype if request.decode_text else spec.dtype
    check_out(out, tuple(n or 0 for n in spec.shape), dtype)
    for chunk in _watched(source):
        done = chunk.index[0].stop
        if done <= len(out):
            value = decode(chunk.value) if request.decode_text else chunk.value
            np.copyto(out[chunk.index], value, casting="unsafe")
    if done != len(out):
        raise DatasetError(f"the dataset gave {done} rows and out= has {len(out)}, the number it said it had")
    return source.build({name: out})


def _watched(source: RowSource) -> Iterator[Chunk]:
    """Give the chunks under a progress bar that counts the rows of the first array."""
    name, spec = next(iter(source.specs().items()), ("", ArraySpec((0,), np.dtype(bool))))
    with Progress("collecting", unit="rows", total=spec.shape[0]) as progress:
        for chunks, _ in source.chunks(2 * BLOCK_BYTES):
            for chunk in chunks:
                yield chunk
                if chunk.name == name:
                    progress.update(chunk.index[0].stop - chunk.index[0].start)


def check_request(source: Source, request: Request) -> None:
    """Refuse what does not suit the value, before anything is read.

    Raises: InvalidArgument for out= with several arrays, and for dtype= where it would change nothing, or would
    drop the imaginary parts of complex numbers.
    """
    if request.out is None and request.dtype is None and not request.decode_text:
        return
    named = list(flat_specs(source))
    specs = [spec for _, spec in named]
    values = [spec.dtype for spec in specs if not spec.structural]
    if request.out is not None and (isinstance(source, Group) or len(specs) != 1):
        raise InvalidArgument(
            f"out= takes a value that becomes one array, and this {source.kind} becomes {len(specs)}; "
            "convert its parts one by one"
        )
    if request.dtype is not None and values and all(dtype.hasobject for dtype in values):
        raise InvalidArgument(
            f"dtype={request.dtype} casts numbers, and this {source.kind} holds strings; leave dtype out"
        )
    if request.decode_text and not any(dtype.hasobject for dtype in values):
        raise InvalidArgument(f"dtype=str decodes strings, and this {source.kind} holds none; leave dtype out")
    if request.dtype is None or request.dtype.kind in "bc":  # either part makes a complex number true
        return
    for name, spec in named:
        if spec.dtype.kind == "c" and not spec.structural:
            whose = f"array {name!r} of this {source.kind}," if name else f"this {source.kind}'s"
            raise InvalidArgument(
                f"dtype={request.dtype} would drop the imaginary parts of {whose} {spec.dtype.name}; "
                "take the real parts first, tf.math.real(x) or x.real, or give a complex dtype"
            )
