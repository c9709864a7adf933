"""The constants of a graph as arrays under distinct names. Where graphs come from may not enter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container

from .._errors import FormatError
from .._protocols import ArraySource
from .._types import joined
from ..wire import graph
from ..wire.protobuf import Buffer
from ._proto_arrays import proto_array

# Of memory, which a constant takes whatever little it is in a file, and a name in a function that has a long one.
_BYTES_OF_A_CONSTANT = 700
_FREE_BYTES, _MOST_RATIO = 60 << 20, 10


def constant_arrays(
    data: Buffer, prefix: str, taken: Container[str], *, kind: str, device: str
) -> tuple[dict[str, ArraySource], dict[str, str]]:
    """Give the constants of a GraphDef: PREFIX/NODE, those of its functions PREFIX/FUNCTION/NODE; and what is left out.

    taken: names that other arrays have. A name that is taken gets "_1", "_2" and so on.
    Raises: FormatError for what is no graph.
    """
    arrays: dict[str, ArraySource] = {}
    left_out: dict[str, str] = {}
    counts: Counter[str] = Counter()
    most_bytes = _FREE_BYTES + _MOST_RATIO * len(data)
    for constant in graph.constants(data):
        plain = joined(prefix, constant.function, constant.node)
        most_bytes -= _BYTES_OF_A_CONSTANT + 3 * len(plain)
        if most_bytes < 0:
            raise FormatError(
                f"its {len(arrays) + len(left_out)} constants and their names are too many for {len(data)} bytes"
            )
        name = plain
        while name in taken or name in arrays or name in left_out:
            counts[plain] += 1
            name = f"{plain}_{counts[plain]}"
        try:
            arrays[name] = proto_array(constant.tensor, f"the constant {name!r}", kind=kind, device=device)
        except (FormatError, TypeError) as error:  # TypeError: a dtype newer than the installed ml_dtypes
            left_out[name] = str(error)
    return arrays, left_out
