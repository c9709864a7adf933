"""Whatever TensorFlow and Keras wrote is the same in a store as on the disk, and so is every error."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

import tf2numpy as t2n

from .outcomes import assert_same, outcome
from .servers import files_below

GOLDEN = Path(__file__).parent.parent / "golden"
ALIKE_WITHOUT_A_LIST = {
    "checkpoint/keras/ck-1",
    "checkpoint/names_v2/model.ckpt-3",
    "checkpoint/objects/ck-1",
    "checkpoint/objects/ck-2",
    "checkpoint/shards/ck",
    "saved_model/keras_export",
    "saved_model/keras_export/variables/variables",
    "saved_model/module",
    "saved_model/module/variables/variables",
    "saved_model/without_variables",
    "saved_model/without_variables/variables/variables",
    "tf_data/cache/plain",
    "tf_data/cache/varying",
}
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
def test_in_a_bucket(bucket, topic):
    bucket.put_folder(GOLDEN / topic, topic)
    for name in names_below(topic):
        assert_same(name, outcome(bucket.url(name), bucket.root), expected_of(name))


def test_a_bucket_that_is_a_saved_model(bucket):
    folder = GOLDEN / "saved_model" / "module"
    bucket.put_folder(folder)
    for name in (bucket.root, f"{bucket.root}/"):
        assert_same(name, outcome(name, bucket.root), outcome(str(folder), str(folder)))


@pytest.mark.parametrize("topic", TOPICS)
def test_on_a_web_server(web, topic):
    for name, file in files_below(GOLDEN / topic).items():
        web.put(f"{topic}/{name}", file.read_bytes())
    for name in files_below(GOLDEN / topic):
        expected = outcome(str(GOLDEN / topic / name), str(GOLDEN))
        assert_same(name, outcome(web.url(f"{topic}/{name}"), web.root), expected)


@pytest.mark.parametrize("topic", TOPICS)
def test_folders_and_prefixes_on_a_web_server(web, topic):
    """Those that no list is needed for are as on the disk; of the others it is said that one is."""
    for name, file in files_below(GOLDEN / topic).items():
        web.put(f"{topic}/{name}", file.read_bytes())
    found = {name: outcome(web.url(name), web.root) for name in names_below(topic) if not (GOLDEN / name).is_file()}
    alike = {name for name, one in found.items() if one[:2] not in unlisted(name)}
    assert alike == {name for name in ALIKE_WITHOUT_A_LIST if name.startswith(f"{topic}/")}
    for name in alike:
        assert_same(name, found[name], expected_of(name))


def unlisted(name: str) -> list[tuple[type[Exception], str]]:
    """Give what may be said of a folder on a server that cannot list."""
    dataset = "belongs to a dataset, whose files only a list of them tells, and its server cannot list folders; "
    return [
        (
            FileNotFoundError,
            "[Errno 2] there is no such object, and its server cannot list folders: name a file in it, such as a "
            f"checkpoint's .index: 'ROOT/{name}'",
        ),
        (t2n.StoreError, f"'ROOT/{name}' {dataset}copy the whole folder to a disk or a bucket, and open it there"),
    ]


def test_a_folder_of_a_keras_model(web, tmp_path):
    with zipfile.ZipFile(GOLDEN / "keras" / "whole.keras") as archive:
        archive.extractall(tmp_path)
    for name, file in files_below(tmp_path).items():
        web.put(f"model/{name}", file.read_bytes())
    assert_same("model", outcome(web.url("model"), web.url("model")), outcome(str(tmp_path), str(tmp_path)))
