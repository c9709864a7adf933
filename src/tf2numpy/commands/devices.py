"""`tf2numpy devices`: what tensors can live on. Only printing may enter."""

from __future__ import annotations

import argparse

HELP = "list the devices tensors can live on, and their memory"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take no arguments."""


def run(options: argparse.Namespace) -> int:
    """Print a table."""
    from .. import _devices

    print(_devices.devices())
    return 0
