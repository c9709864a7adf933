"""What the features of records are, as whoever reads them declares it. No record is read here.

A tf.train.Example says of a feature that it has byte strings, float32 or int64 values, and nothing of their shape, nor
of what is encoded in them: a schema does.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from ._dtypes import from_enum, logical_name, named
from ._errors import InvalidArgument

Shape: TypeAlias = tuple[int | None, ...]

BYTES, FLOATS, INTS = "bytes", "float32", "int64"
VALUES, BITS, RAW, IMAGE = "values", "bits", "raw", "image"
_IMAGE_DTYPES = ("uint8", "uint16")
_MOST_AXES, _MOST_VALUES = 31, 1 << 40  # NumPy 1 has 32 axes, and records are one of them


@dataclass(frozen=True, slots=True)
class Bytes:
    """A feature of byte strings, given as they are.

    shape: how many a record has, () for one; its first axis may be None, for any number.

    >>> Bytes(), Bytes((None,))
    (Bytes(shape=()), Bytes(shape=(None,)))
    """

    shape: Shape = ()


@dataclass(frozen=True, slots=True)
class Values:
    """A feature of numbers or byte strings, with what to take where a record has none.

    shape: of one record's values; its first axis may be None, for any number of rows. dtype: "float32", "int64",
    "bytes", or one that every value fits: numbers are cast, and refused where they do not fit. default: a value, or
    an array of that shape, for records that do not have the feature; None refuses such records where the shape is
    known, and leaves them empty where it is not.

    >>> Values((), "uint8", default=0)
    Values(shape=(), dtype='uint8', default=0)
    """

    shape: Shape
    dtype: DTypeLike
    default: Any = None


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A feature of uint64 numbers, stored as the int64 numbers of the same bits, as TensorFlow Datasets stores them."""

    shape: Shape
    default: Any = None


@dataclass(frozen=True, slots=True)
class Raw:
    """A byte string that holds the elements of an array, in C order, as `tf.io.decode_raw` reads them.

    dtype: of the elements; ">u2" where the high byte comes first, else the low one does. shape: of one record's array;
    its first axis may be None.

    >>> Raw("uint16", (64, 64))
    Raw(dtype='uint16', shape=(64, 64))
    """

    dtype: DTypeLike
    shape: Shape = ()


@dataclass(frozen=True, slots=True)
class Image:
    """A byte string that is an encoded image, to be decoded: JPEG, PNG, or a GIF, BMP or WebP of one frame.

    It takes the extra `images`, and becomes what `tf.io.decode_image` makes of it; JPEGs with its accurate transform.
    shape: (height, width, channels). Where images are of one size, the column is an array [records, height, width,
    channels]. A height that is None is an axis of any size, so that the column is ragged along it; width may be None
    where height is. channels: 1, 2, 3 or 4, into which each image is converted; None: as many as the first image has,
    which all must have then. dtype: "uint8" or "uint16", to which images of 8 bits are scaled.

    >>> Image((None, None, 3))
    Image(shape=(None, None, 3), dtype='uint8')
    """

    shape: Shape = (None, None, 3)
    dtype: DTypeLike = "uint8"


class Declared(NamedTuple):
    """What one array is made of.

    feature: its name in the records. stored: BYTES, FLOATS or INTS, of which its values must be there. form: VALUES,
    BITS, RAW or IMAGE, what these are. shape, dtype: of one record's array; `object` means bytes, and that of a RAW one
    is in the byte order of the records. default: as in `Values`.
    """

    feature: str
    stored: str
    form: str
    shape: Shape
    dtype: np.dtype[Any]
    default: Any = None

    @property
    def row_size(self) -> int:
        """How many elements one record has; for a first axis of any size, one entry of it."""
        return math.prod(n for n in self.shape if n is not None)


def declared(schema: Mapping[str, Any]) -> dict[str, Declared]:
    """Read a schema: by array name, what each is made of.

    schema: feature name -> `Bytes`, `Values`, `Raw`, `Image` (or the class alone, for its defaults), a pair of shape
    and dtype, or a specification of tf.io (FixedLenFeature, FixedLenSequenceFeature, VarLenFeature, RaggedFeature
    without partitions).
    Raises: InvalidArgument naming the feature, and what can be declared of one.

    >>> declared({"x": ((16,), "float32")})["x"].row_size
    16
    """
    if not isinstance(schema, Mapping):
        raise InvalidArgument(f"schema={schema!r} is no mapping of feature names; give {{'name': ((16,), 'float32')}}")
    return {_name(name): _one(name, what) for name, what in schema.items()}


def _name(given: Any) -> str:
    try:
        given.encode()
    except (AttributeError, UnicodeEncodeError):
        raise InvalidArgument(
            f"schema: {given!r} is no name of a feature; give a string that UTF-8 can encode"
        ) from None
    return str(given)


def _one(name: str, what: Any) -> Declared:
    if isinstance(what, type) and issubclass(what, Bytes | Image):
        what = what()
    if isinstance(what, tuple) and len(what) == 2:
        what = Values(*what)
    if isinstance(what, Bytes):
        return Declared(name, BYTES, VALUES, _shape(name, what.shape), np.dtype(object))
    if isinstance(what, Raw):
        dtype = _dtype(name, what.dtype)
        if dtype.hasobject:
            raise _refused(name, "Raw of bytes; give the dtype of a number")
        return Declared(name, BYTES, RAW, _shape(name, what.shape), dtype)
    if isinstance(what, Image):
        return _image(name, what)
    if isinstance(what, Values):
        return _values(name, name, what.shape, what.dtype, what.default)
    if isinstance(what, Unsigned):
        return _values(name, name, what.shape, "uint64", what.default)._replace(form=BITS)
    return _of_tensorflow(name, what)


def _values(name: str, feature: str, shape: Any, dtype: Any, default: Any) -> Declared:
    wanted, found = _shape(name, shape), _dtype(name, dtype)
    integers = found.kind in "iub" or found.name.lstrip("u").startswith("int")  # int4 and its like
    stored = BYTES if found.hasobject else INTS if integers else FLOATS
    if default is not None:
        default = _default(name, default, wanted, found)
    return Declared(feature, stored, VALUES, wanted, found, default)


def _default(name: str, default: Any, shape: Shape, dtype: np.dtype[Any]) -> Any:
    """Give the default of one record, as an array of its shape, or of one row where it has any number."""
    known = tuple(n for n in shape if n is not None)
    try:
        value = np.array(default, object if dtype.hasobject else None)
    except ValueError as error:  # lists of several lengths
        raise _refused(name, f"having the default {default!r}: {error}") from error
    if dtype.hasobject:
        fits = all(isinstance(one, bytes) for one in value.flat)
    else:
        fits = value.dtype.kind in "biuf" and (dtype.kind not in "biu" or np.array_equal(value.astype(dtype), value))
    if not fits or value.shape not in ((), known):
        raise _refused(name, f"having the default {default!r}, which is not of shape {known} and {logical_name(dtype)}")
    return np.broadcast_to(value.astype(dtype), known)


def _image(name: str, what: Image) -> Declared:
    shape, dtype = _sizes(name, what.shape), _dtype(name, what.dtype)
    if len(shape) == 3 and shape[2] == 0:  # as tf.io.decode_image has it
        shape = (*shape[:2], None)
    sizes_fit = len(shape) == 3 and shape[2] in (None, 1, 2, 3, 4) and 0 not in shape
    if not sizes_fit or dtype.name not in _IMAGE_DTYPES or (shape[0] is None) < (shape[1] is None):
        raise _refused(
            name,
            f"Image({shape}, {dtype.name!r}): an image has a height, a width and channels, of which None may be the "
            "height, both sizes, and the channels, else 1 to 4; and the dtype uint8 or uint16",
        )
    return Declared(name, BYTES, IMAGE, shape, dtype)


def _of_tensorflow(name: str, what: Any) -> Declared:
    """Read one of tf.io's specifications, known by its type's name: TensorFlow need not be there."""
    kind = type(what).__name__
    if kind == "FixedLenFeature":
        return _values(name, name, what.shape, what.dtype, _encoded(what.default_value))
    if kind == "FixedLenSequenceFeature":
        # Its default is what rows are padded with, and none is.
        return _values(name, name, (None, *_sizes(name, what.shape)), what.dtype, None)
    if kind == "VarLenFeature":
        return _values(name, name, (None,), what.dtype, None)
    if kind == "RaggedFeature" and not what.partitions:
        return _values(name, what.value_key or name, (None,), what.dtype, None)
    if kind == "RaggedFeature":
        raise _refused(
            name, "a RaggedFeature with partitions; declare its value_key and its partitions' keys as features"
        )
    if kind == "SparseFeature":
        raise _refused(
            name, "a SparseFeature; declare its value_key and its index_key as features, each ((None,), dtype)"
        )
    raise _refused(
        name,
        f"{what!r}; a feature is t2n.Bytes, t2n.Values(shape, dtype, default), a pair of shape and dtype such as "
        "((16,), 'float32'), t2n.Raw(dtype, shape), t2n.Image(shape, dtype), or one of tf.io's",
    )


def _encoded(default: Any) -> Any:
    """Give a default of TensorFlow's, of which a string is its bytes in UTF-8."""
    if isinstance(default, list | tuple):
        return [_encoded(one) for one in default]
    return default.encode() if isinstance(default, str) else default


def _dtype(name: str, given: Any) -> np.dtype[Any]:
    try:
        if hasattr(given, "as_datatype_enum"):  # tf.float32 and its like
            found = from_enum(given.as_datatype_enum)
        elif given is bytes or given in ("bytes", "string"):
            found = np.dtype(object)
        else:
            found = named(given) if isinstance(given, str) else np.dtype(given)
    except TypeError as error:
        raise _refused(name, f"the dtype {given!r}: {error}") from error
    if given is None or found is None or found.kind not in "biufOV" or found.type is np.void:
        raise _refused(name, f"the dtype {given!r}; records hold numbers that are not complex, and bytes")
    return found


def _shape(name: str, given: Any) -> Shape:
    sizes = _sizes(name, given)
    if any(n is None for n in sizes[1:]):
        raise _refused(name, f"the shape {sizes}; only its first axis can be None")
    if None in sizes and 0 in sizes:
        raise _refused(name, f"the shape {sizes}; nothing tells how many rows of no values there are")
    return sizes


def _sizes(name: str, given: Any) -> Shape:
    try:
        sizes = tuple(None if n is None or n == -1 else operator.index(n) for n in given)
    except (TypeError, ValueError):  # as of a TensorShape of any rank
        sizes = (-2,)
    if any(n is not None and n < 0 for n in sizes):
        raise _refused(name, f"the shape {given!r}; a shape is a tuple of sizes, of which the first may be None")
    if len(sizes) > _MOST_AXES or math.prod(n for n in sizes if n) > _MOST_VALUES:
        raise _refused(name, f"the shape {sizes}; a record has {_MOST_AXES} axes at most, and {_MOST_VALUES} values")
    return sizes


def _refused(name: str, found: str) -> InvalidArgument:
    return InvalidArgument(f"schema: the feature {name!r} is declared as {found}")
