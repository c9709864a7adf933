"""The options that the commands which open files share. What they mean is `open`'s affair."""

from __future__ import annotations

import argparse
from typing import Any

_OPTIONS = ("select", "names", "slots", "constants", "checkpoint", "check", "schema", "images", "on_corrupt", "partial")


def add_select(parser: argparse.ArgumentParser) -> None:
    """Let arrays be chosen."""
    parser.add_argument(
        "--select",
        action="append",
        metavar="PATTERN",
        help='only the arrays that this name or pattern ("*/kernel") fits; may be repeated',
    )


def add_names(parser: argparse.ArgumentParser) -> None:
    """Let the way arrays are called be chosen."""
    parser.add_argument(
        "--names", choices=("human", "key"), default="human", help="as the model calls an array, or as the file does"
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take every option of `open`."""
    add_select(parser)
    add_names(parser)
    parser.add_argument("--slots", action="store_true", help="with the optimizer's variables and other bookkeeping")
    parser.add_argument("--constants", action="store_true", help="with the constants of a SavedModel's graph")
    parser.add_argument("--checkpoint", metavar="NAME", help="which one of a folder with several (default: the latest)")
    parser.add_argument("--no-check", dest="check", action="store_false", help="do not compare the file's checksums")
    parser.add_argument("--schema", metavar="PATH", help="of TFRecords: a features.json that describes their features")
    parser.add_argument("--images", action="store_true", help="of TensorFlow Datasets: decode images")
    parser.add_argument(
        "--on-corrupt", choices=("raise", "skip"), default="raise", help="of TFRecords: what to do with damaged records"
    )
    parser.add_argument("--partial", action="store_true", help="of TFRecords: read a file that ends within a record")


def given(options: argparse.Namespace) -> dict[str, Any]:
    """Give the options as `open` takes them."""
    return {name: getattr(options, name) for name in _OPTIONS}
