"""Datasets that TensorFlow Datasets prepared: a folder with a dataset_info.json. How records are read may not enter.

Source: tensorflow_datasets/core/proto/dataset_info.proto, core/splits.py and core/naming.py. The arrays are called
after their split: train/image, test/image.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from functools import partial as given
from typing import NamedTuple

from .._errors import FormatError
from .._protocols import ArraySource, Place, Stored
from .._schema import declared
from .._selection import no_feature
from ._left_out import LeftOut
from ._record_decoding import EXAMPLE, wanted
from ._record_index import check_indexable
from ._record_shards import Shard, Wanted, wanted_of
from ._record_table import Table
from ._small_files import json_of, text_of
from ._tfds_features import Features, features_of
from .tfrecord import of_table, table_of

_INFO, _FEATURES = "dataset_info.json", "features.json"
_TEMPLATE = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
_MOST_SHARDS = 100_000
_SHOWN = 20


class Split(NamedTuple):
    """The records of one split, and what is told of their features, by names that begin with its own."""

    table: Table
    told: Features


def tfds(
    path: Place,
    head: bytes,
    *,
    check: bool = True,
    on_corrupt: str = "raise",
    partial: bool = False,
    images: bool = False,
    index: bool = False,
) -> Stored | None:
    """Open the folder of a dataset as arrays by split.

    check, on_corrupt, partial, images, index: as `open` takes them.
    Raises: FormatError naming both files where what is told of the dataset is not what there is.
    """
    if head or not path.is_dir() or not (path / _INFO).is_file() or not (path / _FEATURES).is_file():
        return None
    reading = wanted_of(check, on_corrupt, partial, index)
    features = features_of(json_of(path / _FEATURES), repr(str(path / _FEATURES)), images=images)
    there = {one.name for one in path.iterdir()}
    names = _names_of_classes(path, there, features)
    splits: dict[str, Split] = {}
    labels: dict[str, tuple[str, ...]] = {}
    for split, shards in _splits(path, there, reading).items():
        for shard in shards if index else ():
            check_indexable(shard)
        schema = {f"{split}/{name}": one for name, one in declared(features.schema).items()}
        splits[split] = Split(table_of(str(path), shards, EXAMPLE, schema), features.of_split(split))
        labels |= {f"{split}/{name}": classes for name, classes in names.items()}
    return _together(str(path), splits, labels)


def _splits(path: Place, there: Set[str], reading: Wanted) -> dict[str, list[Shard]]:
    """Find the files of each split, and compare them with what is told of them."""
    info, shown = json_of(path / _INFO), str(path / _INFO)
    try:
        kind = str(info.get("fileFormat") or "tfrecord")
        told = [(str(one["name"]), one) for one in info.get("splits") or []]
        splits = dict(told)
        lengths = {split: [int(count) for count in one.get("shardLengths") or []] for split, one in splits.items()}
        templates = {split: str(one.get("filepathTemplate") or _TEMPLATE) for split, one in splits.items()}
        dataset = str(info["name"])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise FormatError(f"{shown!r} describes a dataset otherwise than TensorFlow Datasets: {error!r}") from error
    if kind != "tfrecord":
        raise FormatError(f"{shown!r} tells of files of the format {kind!r}; TFRecords alone can be read")
    if not splits:
        raise FormatError(f"{shown!r} tells of no splits; the dataset was not prepared to its end")
    for split, number in Counter(split for split, _ in told).items():
        if number > 1 or not split.isprintable() or not split or "/" in split:
            what = "several splits" if number > 1 else "a split"
            raise FormatError(f"{shown!r} tells of {what} {split!r}, and arrays are called after their split")
    found = {}
    for split, counts in lengths.items():
        if len(counts) > _MOST_SHARDS:
            raise FormatError(f"{shown!r} tells of {len(counts)} files of the split {split!r}; {_MOST_SHARDS} are read")
        names = [_name(templates[split], dataset, split, number, len(counts)) for number in range(len(counts))]
        alike = sorted(name for name in there if name.startswith(f"{dataset}-{split}."))
        if alike and not counts:
            raise FormatError(
                f"{shown!r} does not tell how many records the files of the split {split!r} have (shardLengths), as "
                f"TensorFlow Datasets does: the folder has {', '.join(alike[:_SHOWN])}; open the files by a pattern, "
                "with the schema='features.json' of the folder"
            )
        missing = [name for name, count in zip(names, counts, strict=True) if count and name not in there]
        if missing:
            have = f"has {', '.join(alike[:_SHOWN])}" if alike else "has none of them"
            raise FormatError(
                f"{shown!r} tells of {len(counts)} files of the split {split!r}, and {missing[0]!r} is missing: the "
                f"folder {have}; copy the whole folder, or open the files alone by a pattern"
            )
        told_of = [(name, count) for name, count in zip(names, counts, strict=True) if count or name in there]
        found[split] = [Shard(path / name, reading, (count, shown)) for name, count in told_of]
    return found


def _name(template: str, dataset: str, split: str, number: int, count: int) -> str:
    """Give the name of one file of a split; a plain one, since what a file tells leads nowhere else."""
    digits = max(5, len(str(count)))
    index, shards = f"{number:0{digits}d}", f"{count:0{digits}d}"
    parts = {
        "DATASET": dataset,
        "SPLIT": split,
        "FILEFORMAT": "tfrecord",
        "SHARD_INDEX": index,
        "NUM_SHARDS": shards,
        "SHARD_X_OF_Y": f"{index}-of-{shards}",
    }
    name = template
    for part, text in parts.items():
        name = name.replace(f"{{{part}}}", text)
    if not name or set("/\\:\0") & set(name) or name in (".", ".."):
        raise FormatError(
            f"the files of the split {split!r} are called {name!r}, which is no name of a file in the folder"
        )
    return name


def _names_of_classes(path: Place, there: Set[str], features: Features) -> dict[str, tuple[str, ...]]:
    """Read what classes are called, one a line of a file for each feature that has names."""
    found: dict[str, tuple[str, ...]] = {}
    for name, stem in features.labels.items():
        if (file := f"{stem}.labels.txt") in there:
            lines = (line.strip() for line in text_of(path / file).split("\n"))
            found[name] = tuple(line for line in lines if line)
    return found


def _together(shown: str, splits: Mapping[str, Split], labels: Mapping[str, Sequence[str]]) -> Stored:
    """Put the splits together; the arrays of one alone are rows, those of several are read one by one."""
    each = {name: of_table(split.table, split.told) for name, split in splits.items()}

    def close() -> None:
        for one in each.values():
            one.close()

    return Stored(
        "TensorFlow Datasets folder",
        _Arrays(each),
        close,
        left_out=LeftOut(given(_left_out, splits)),
        rows=next(iter(each.values())).rows if len(each) == 1 else None,
        narrow=given(_narrowed, shown, splits, labels),
        labels=labels,
        notes={name: how for split in splits.values() for name, how in split.told.notes.items()},
    )


def _narrowed(
    shown: str, splits: Mapping[str, Split], labels: Mapping[str, Sequence[str]], select: Sequence[str]
) -> Stored:
    """Leave only some arrays of some splits.

    Raises: InvalidArgument for a pattern that fits none.
    """
    known = [name for split in splits.values() for name in split.told.schema]
    for pattern in select:
        if not any(wanted([pattern], name) for name in known):
            raise no_feature(pattern, known, shown)
    chosen = {
        name: Split(split.table.narrowed(select), split.told.narrowed(select))
        for name, split in splits.items()
        if any(wanted(select, one) for one in split.told.schema)
    }
    return _together(shown, chosen, {name: classes for name, classes in labels.items() if wanted(select, name)})


class _Arrays(Mapping[str, ArraySource]):
    """The arrays of all splits; a split is looked at when one of its own is asked for."""

    def __init__(self, splits: Mapping[str, Stored]) -> None:
        self._splits = splits

    def __getitem__(self, name: str) -> ArraySource:
        return self._splits[name.partition("/")[0]].arrays[name]

    def __iter__(self) -> Iterator[str]:
        return (name for split in self._splits.values() for name in split.arrays)

    def __len__(self) -> int:
        return sum(len(split.arrays) for split in self._splits.values())


def _left_out(splits: Mapping[str, Split]) -> dict[str, str]:
    """Say what the records have beside what is told of them, with what was passed over so far."""
    found: dict[str, str] = {}
    for name, split in splits.items():
        found |= {f"{name}/{feature}": why for feature, why in split.table.left_out.items()}
        found |= split.told.left_out | split.table.passed_over
    return found
