"""Whatever TensorFlow and Keras wrote is the same in a store as on the disk, and so is every error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .outcomes import assert_same, outcome
from .servers import files_below

GOLDEN = Path(__file__).parent.parent / "golden"
TOPICS = sorted(folder.name for folder in GOLDEN.iterdir() if folder.is_dir())


def names_below(topic: str) -> list[str]:
    """Give the files and folders of a topic, and the prefixes of checkpoints, by their names below GOLDEN."""
    files = [f"{topic}/{name}" for name in files_below(GOLDEN / topic)]
    folders = {folder.as_posix() for name in files for folder in Path(name).parents} - {"."}
    prefixes = [name.removesuffix(".index") for name in files if name.endswith(".index")]
    return sorted({*files, *folders, *prefixes, f"{topic}/missing"})


def expected_of(name: str) -> tuple[Any, ...]:
    """Give what the local file gives, or what a store says of one that is missing."""
    if not (GOLDEN / name).exists() and not (GOLDEN / f"{name}.index").exists():
        return FileNotFoundError, f"[Errno 2] there is no such object: 'ROOT/{name}'"
    return outcome(str(GOLDEN / name), str(GOLDEN))


@pytest.mark.parametrize("topic", TOPICS)
def test_in_a_bucket(s3, topic):
    s3.put_folder(GOLDEN / topic, topic)
    for name in names_below(topic):
        assert_same(name, outcome(s3.url(name), s3.root), expected_of(name))


@pytest.mark.parametrize("topic", ["checkpoint", "keras", "saved_model"])
def test_in_a_bucket_of_any_store(bucket, topic):
    bucket.put_folder(GOLDEN / topic, f"any/{topic}")
    for name in names_below(topic)[::3]:
        assert_same(name, outcome(bucket.url(f"any/{name}"), bucket.url("any")), expected_of(name))


@pytest.mark.parametrize("topic", TOPICS)
def test_on_a_web_server(web, topic):
    for name, file in files_below(GOLDEN / topic).items():
        web.put(f"{topic}/{name}", file.read_bytes())
    for name in files_below(GOLDEN / topic):
        expected = outcome(str(GOLDEN / topic / name), str(GOLDEN))
        assert_same(name, outcome(web.url(f"{topic}/{name}"), web.root), expected)


@pytest.mark.parametrize("name", ["checkpoint/shards/ck", "saved_model/module", "saved_model/keras_export"])
def test_several_files_on_a_web_server(web, name):
    folder = (GOLDEN / name).parent
    for below, file in files_below(folder).items():
        web.put(f"{folder.relative_to(GOLDEN).as_posix()}/{below}", file.read_bytes())
    assert_same(name, outcome(web.url(name), web.root), outcome(str(GOLDEN / name), str(GOLDEN)))
