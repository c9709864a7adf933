"""What a features.json of TensorFlow Datasets says of records, as a schema. Files of records may not enter.

Source: tensorflow_datasets/core/proto/feature.proto, whose JSON form it is; core/features (how each becomes tensors);
core/example_serializer.py (how these become features of an Example, named by their way through the structure).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ml_dtypes import finfo

from .._dtypes import named
from .._errors import FormatError, InvalidArgument
from .._schema import Bytes, Image, Raw, Unsigned, Values, declared
from ._record_decoding import wanted

_KINDS = ("featuresDict", "tensor", "classLabel", "image", "video", "audio", "boundingBox", "text", "translation")
_SEQUENCE, _FLAT = "sequence", "ragged_flat_values"
# As the file has them, and as FeaturesDict.to_json gives them.
_CLASS, _CONTENT = ("pythonClassName", "type"), ("featuresDict", "content")
_MOST_LEVELS = 64
_INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


@dataclass
class Features:
    """The features of records.

    schema: what each is, as `open` takes it. notes: of those that are not given as TensorFlow Datasets gives them, how.
    left_out: those that are not given, and why. labels: the arrays that are numbers of classes, each with the name of
    the file that has the names of these, without its suffix.
    """

    schema: dict[str, Any] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)

    def narrowed(self, select: Sequence[str]) -> Features:
        """Give what concerns some features alone, and their parts."""
        names = [name for name in self.schema if wanted(select, name)]

        def some(told: Mapping[str, str]) -> dict[str, str]:
            whole = (name for name in told if any(one == name or one.startswith(f"{name}/") for one in names))
            return {name: told[name] for name in {*whole, *(name for name in told if wanted(select, name))}}

        schema = {name: self.schema[name] for name in names}
        labels = {name: stem for name, stem in self.labels.items() if name in schema}
        return Features(schema, some(self.notes), some(self.left_out), labels)

    def of_split(self, split: str) -> Features:
        """Give the same, with the name of a split before each."""

        def under(told: Mapping[str, Any]) -> dict[str, Any]:
            return {f"{split}/{name}": one for name, one in told.items()}

        return Features(under(self.schema), under(self.notes), under(self.left_out), under(self.labels))


NOTHING_TOLD = Features()


def is_features(schema: Mapping[str, Any]) -> bool:
    """Tell whether a mapping is what a features.json holds, and no schema by feature name."""
    return any(isinstance(schema.get(kind), str) for kind in _CLASS) and any(key in schema for key in _CONTENT)


def features_of(content: Mapping[str, Any], shown: str, *, images: bool) -> Features:
    """Read what a features.json holds; images: have them decoded.

    Raises: FormatError for what is no description of named features, or one of TensorFlow Datasets before 4.5.
    """
    top = next((content[key] for key in _CONTENT if key in content), None)
    parts = top.get("features") if isinstance(top, Mapping) else None
    if not isinstance(parts, Mapping):
        raise FormatError(
            f"{shown} does not describe named features as TensorFlow Datasets does from 4.5 on; declare them with "
            "schema={'name': ...}"
        )
    found = Features()
    try:
        for name, feature in parts.items():
            _add(found, name, feature, (), images, _stem(name))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise FormatError(f"{shown} describes features otherwise than TensorFlow Datasets: {error!r}") from error
    for name, what in list(found.schema.items()):
        try:
            declared({name: what})
        except InvalidArgument as error:
            del found.schema[name]
            found.left_out[name] = f"{error}; declare it by a schema= of the files, opened by a pattern"
    return found


def _stem(name: str) -> str:
    """Give what the file of a feature is called after; after - there is that of one within it."""
    return name.replace("/", ".")


def _add(
    found: Features, name: str, feature: Mapping[str, Any], outer: tuple[int | None, ...], images: bool, stem: str
) -> None:
    """Take in one feature; outer: the lengths of the sequences that it is in. stem: of the files beside it."""
    if len(outer) + name.count("/") > _MOST_LEVELS:
        raise ValueError(f"{name!r} lies in more than {_MOST_LEVELS} others")
    if _SEQUENCE in feature:
        inner = feature[_SEQUENCE]
        length = int(inner.get("length", -1))
        _add(found, name, inner["feature"], (*outer, None if length < 0 else length), images, stem)
        return
    kind = next((one for one in _KINDS if one in feature), None)
    if kind is None:
        known = feature.get("pythonClassName", "feature without a class")
        found.left_out[name] = (
            f"it is a {known}, which is not known; declare it by a schema= of the files, opened by a pattern"
        )
        return
    about = feature[kind]
    if kind == "featuresDict":
        for part, one in about["features"].items():
            _add(found, f"{name}/{part}", one, outer, images, f"{stem}-{_stem(part)}")
    elif kind == "translation":
        _translations(found, name, about, outer)
    elif kind in ("tensor", "audio"):
        _tensor(found, name, about, outer)
    elif kind == "boundingBox":
        _stored(found, name, _shape(about) or (4,), str(about.get("dtype", "float32")), outer)
    elif kind == "classLabel":
        found.labels[name if len(outer) < 2 else f"{name}/{_FLAT}"] = stem
        _stored(found, name, (), "int64", outer)
    elif kind == "text":
        _stored(found, name, (), "string", outer)
    else:
        _encoded(found, name, kind, about, outer, images)
        if "label" in about and isinstance(found.schema[name], Image):
            found.labels[name] = stem


def _stored(
    found: Features, name: str, shape: tuple[int | None, ...], dtype: str, outer: Any, default: Any = None
) -> None:
    """Take in what lies in a record as numbers or strings, one after the other."""
    if len(outer) > 1:
        flat, rest = f"{name}/{_FLAT}", tuple(shape)
        lengths = [f"{name}/ragged_row_lengths_{level}" for level in range(len(outer) - 1)]
        _declare(found, flat, (None, *rest), dtype, default)
        found.schema |= dict.fromkeys(lengths, ((None,), "int64"))
        found.notes[name] = (
            f"it is a sequence of sequences: its values are {flat!r}, one after the other, and how many each has "
            f"{', '.join(map(repr, lengths))}"
        )
        return
    _declare(found, name, (*outer, *shape), dtype, default)


def _declare(found: Features, name: str, shape: tuple[int | None, ...], dtype: str, default: Any) -> None:
    if None in shape[1:]:
        found.notes[name] = f"the values of each record, of the shape {shape}, are given flat"
        shape = (None,)
    if dtype == "uint64":
        found.schema[name] = Unsigned(shape, default)
    elif dtype in ("string", "object", "str"):
        found.schema[name] = Bytes(shape) if default is None else Values(shape, bytes, default)
    else:
        found.schema[name] = Values(shape, dtype, default)


def _tensor(found: Features, name: str, about: Mapping[str, Any], outer: tuple[int | None, ...]) -> None:
    shape, dtype = _shape(about), str(about.get("dtype", "int64"))
    encoding = str(about.get("encoding", "none")).lower()
    if about.get("lazyDecode"):
        _bytes(found, name, outer, "its sound is not decoded: the file's bytes are given")
    elif encoding in ("none", ""):
        _stored(found, name, shape, dtype, outer, _default(dtype) if about.get("optional") else None)
    elif shape.count(None) > 1:
        _stored(found, f"{name}/shape", (len(shape),), "int32", outer)
        why = f"they are given flat, and the shape of each record's is {f'{name}/shape'!r}"
        if encoding == "bytes" and not outer:
            found.schema[f"{name}/value"], found.notes[name] = (
                Raw(dtype, (None,)),
                f"its values are {f'{name}/value'!r}: {why}",
            )
        else:
            _bytes(found, f"{name}/value", outer, f"its {dtype} are encoded ({encoding}): {why}")
    elif encoding != "bytes" or outer:
        _bytes(found, name, outer, f"its {dtype} of the shape {shape} are encoded ({encoding}): the bytes are given")
    elif None in shape[1:]:
        found.notes[name] = f"the values of each record, of the shape {shape}, are given flat"
        found.schema[name] = Raw(dtype, (None,))
    else:
        found.schema[name] = Raw(dtype, shape)


def _encoded(
    found: Features, name: str, kind: str, about: Mapping[str, Any], outer: tuple[int | None, ...], images: bool
) -> None:
    """Take in images, and videos, which are sequences of them."""
    shape, dtype = _shape(about), str(about.get("dtype") or "uint8")
    if kind == "video":
        _bytes(found, name, (*outer, None), "its frames are not decoded: the bytes of each are given")
    elif outer or dtype not in ("uint8", "uint16"):
        _bytes(found, name, outer, f"images {'in sequences' if outer else f'of {dtype}'} are not decoded")
    elif len(shape) not in (0, 3) or (len(shape) == 3 and shape[1] is None and shape[0] is not None):
        _bytes(found, name, outer, f"images of the shape {shape} are not decoded")
    elif images:
        found.schema[name] = Image(shape or (None, None, 3), dtype)
    else:
        found.schema[name] = Bytes()


def _translations(found: Features, name: str, about: Mapping[str, Any], outer: tuple[int | None, ...]) -> None:
    if about.get("variableLanguagesPerExample"):
        for part in ("language", "translation"):
            _stored(found, f"{name}/{part}", (), "string", (*outer, None))
        return
    for language in about["languages"]:
        _stored(found, f"{name}/{language}", (), "string", outer)


def _bytes(found: Features, name: str, outer: tuple[int | None, ...], why: str) -> None:
    _stored(found, name, (), "string", outer)
    found.notes[name] = "; ".join(filter(None, (why, found.notes.get(name))))


def _default(dtype: str) -> Any:
    """Give what stands for None in an optional feature."""
    if dtype in ("string", "object", "str"):
        return b""
    if dtype in _INTEGERS:
        return 0 if dtype.startswith("u") else -(2 ** (int(dtype[3:]) - 1))
    if dtype == "bool":
        return False
    try:
        return float(finfo(named(dtype)).min)
    except (TypeError, ValueError):
        return None  # no dtype of numbers, as whoever declares it says


def _shape(about: Mapping[str, Any]) -> tuple[int | None, ...]:
    sizes = [int(size) for size in (about.get("shape") or {}).get("dimensions", [])]
    return tuple(None if size < 0 else size for size in sizes)
