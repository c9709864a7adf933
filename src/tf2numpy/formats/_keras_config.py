"""The layers that a Keras model's config.json tells of, found by their places in its weights file. No file may enter.

The configuration is data here: nothing in it is ever made or run.
Source of the places: how Keras (2.13 to 3.15) walks a model when it saves, keras/src/saving/saving_lib.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any

from ..layouts.json_objects import parse_object
from . import _keras_layers

MOST_BYTES = 1 << 26
_MOST_LEVELS = 64
_MOST_NAME_CHARACTERS = 1024
_BYTES_OF_ONE = 8  # for each object and list, on average; those that Keras writes take ten times as many
_MODELS = ("Functional", "Sequential", "Model")
_WRAPPERS = ("TimeDistributed", "SpectralNormalization")
_NO_LAYERS = ("keras.ops", "keras.src.ops")
# Classes whose name in a configuration is not the one that Keras makes places of.
_PLACED_AS = {"GroupQueryAttention": "GroupedQueryAttention"}


def parse(text: bytes) -> dict[str, Any]:
    """Read a configuration.

    Raises: ValueError saying what is wrong with it.
    """
    if text.count(b"{") + text.count(b"[") > len(text) // _BYTES_OF_ONE + 1:
        raise ValueError(f"it has more than one object or list in {_BYTES_OF_ONE} bytes")
    return parse_object(text, finite=False)


class Known:
    """One layer, model or optimizer of which the configuration tells.

    name: what it is called; "" if nothing says. position: its place among the parts of what it is a part of.
    """

    def __init__(
        self,
        cls: str,
        config: Mapping[str, Any],
        *,
        keras_2: bool,
        name: str = "",
        position: int = 0,
        level: int = 0,
        more: Mapping[str, Known] = MappingProxyType({}),
    ) -> None:
        self.name, self.position, self._more = name, position, more
        self._class, self._config, self._level, self._keras_2 = cls, config, level, keras_2

    def variables(self, count: int) -> tuple[str, ...]:
        """Name its first variables, of as many as there are; none where they are not known for certain."""
        found = _keras_layers.variables(self._class, self._config, keras_2=self._keras_2)
        if found is not None:
            return found if len(found) == count else ()
        return _keras_layers.first_of_optimizer(self._class, self._config, keras_2=self._keras_2)[:count]

    @cached_property
    def parts(self) -> Mapping[str, Known]:
        """Give its parts by their places in the file, such as "cell" or "layers/dense_1"."""
        if self._level >= _MOST_LEVELS:
            return {}
        return {**dict(self._parts()), **self._more}

    def _parts(self) -> Iterator[tuple[str, Known]]:
        for position, (place, (name, cls)) in enumerate(_keras_layers.parts(self._class).items()):
            yield place, self._part(cls, self._config, name, position)
        if self._class in _MODELS:
            yield from self._contained("layers", self._config.get("layers"))
        elif self._class == "StackedRNNCells":
            yield from self._contained("cells", self._config.get("cells"))
        elif self._class == "RNN":
            yield from self._wrapped("cell", self._config.get("cell"))
        elif self._class == "Bidirectional":
            forward, backward = self._config.get("layer"), self._config.get("backward_layer")
            if not self._keras_2:
                yield from self._wrapped("forward_layer", forward)
                yield from self._wrapped("backward_layer", backward, position=1)
            elif not backward:  # both were made of one
                yield from self._wrapped("forward_layer", forward, "forward_")
                yield from self._wrapped("backward_layer", forward, "backward_", 1)
        elif self._class in _WRAPPERS:
            yield from self._wrapped("layer", self._config.get("layer"))

    def _wrapped(self, place: str, entry: Any, start: str = "", position: int = 0) -> Iterator[tuple[str, Known]]:
        cls, config, name = _entry(entry)
        if cls:
            yield place, self._part(cls, config, start + name if name else "", position)

    def _contained(self, place: str, entries: Any) -> Iterator[tuple[str, Known]]:
        """Find the layers of a list. A place is made of the class, and of a number that counts those of that class.

        Keras 2.13 lists layers with weights twice, under a name of their own, and counts both.
        """
        counts: dict[str, int] = {}
        counts_of_2_13: dict[str, int] = {}
        for position, entry in enumerate(entries if isinstance(entries, list) else ()):
            if isinstance(entry, dict) and str(entry.get("module")).startswith(_NO_LAYERS):
                continue
            cls, config, name = _entry(entry)
            stem = _snake_case(_class_name(entry))
            part = self._part(cls, config, name, position)
            for container, seen, step in (
                (place, counts, 1),
                ("_layer_checkpoint_dependencies", counts_of_2_13, 2 if _surely_has_weights(cls, config) else 0),
            ):
                number = seen.get(stem, 0)
                if number < 0:  # one before it may have weights or not
                    continue
                seen[stem] = number + step if step else -1
                if step and (cls or name):
                    yield f"{container}/{stem}" + (f"_{number}" if number else ""), part

    def _part(self, cls: str, config: Mapping[str, Any], name: str, position: int) -> Known:
        return Known(cls, config, name=name, position=position, level=self._level + 1, keras_2=self._keras_2)


def root(config: Mapping[str, Any], *, keras_2: bool) -> Known:
    """Give the model of a whole configuration, whose optimizer is a part of it as well."""
    compiled = config.get("compile_config")
    cls, inner, name = _entry(compiled.get("optimizer") if isinstance(compiled, dict) else None)
    more = {"optimizer": Known(cls, inner, name=name, position=1 << 62, keras_2=keras_2)} if cls else {}
    cls, inner, name = _entry(config)
    return Known(cls, inner, name=name, keras_2=keras_2, more=more)


def bfloat16_layers(config: Mapping[str, Any]) -> set[str]:
    """Name the layers of a model that say that they, or layers within them, are of bfloat16."""
    layers = _config_of(config).get("layers")
    entries = [_config_of(entry) for entry in (layers if isinstance(layers, list) else ())]
    return {str(entry.get("name")) for entry in entries if _says_bfloat16(entry)}


def _says_bfloat16(config: Mapping[str, Any]) -> bool:
    waiting: list[Any] = [config]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            policy = found.get("dtype")
            if "bfloat16" in (policy, _config_of(policy).get("name")):
                return True
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found
    return False


def _surely_has_weights(cls: str, config: Mapping[str, Any], level: int = 0) -> bool:
    """Tell a layer that cannot be without weights from one that may."""
    if _keras_layers.parts(cls) or _keras_layers.variables(cls, config, keras_2=True):
        return True
    if level >= _MOST_LEVELS:
        return False
    inner = config.get("layers") if cls in _MODELS else [config.get("cell" if cls == "RNN" else "layer")]
    entries = (_entry(entry) for entry in (inner if isinstance(inner, list) else ()))
    return any(_surely_has_weights(found, config, level + 1) for found, config, _ in entries if found)


def _entry(entry: Any) -> tuple[str, Mapping[str, Any], str]:
    """Give class, configuration and name of a layer of Keras's own; no class of any other."""
    if not isinstance(entry, dict) or not isinstance(entry.get("config"), dict):
        return "", {}, ""
    cls, config, module = _class_name(entry), entry["config"], entry.get("module")
    own = isinstance(module, str) and (module == "keras" or module.startswith("keras."))
    name = config.get("name")
    named = isinstance(name, str) and len(name) <= _MOST_NAME_CHARACTERS
    return (
        cls if own and entry.get("registered_name") in (None, cls) else "",
        config,
        str(name) if named else "",
    )


def _config_of(entry: Any) -> Mapping[str, Any]:
    found = entry.get("config") if isinstance(entry, dict) else None
    return found if isinstance(found, dict) else {}


def _class_name(entry: Any) -> str:
    cls = entry.get("class_name") if isinstance(entry, dict) else None
    return cls if isinstance(cls, str) and len(cls) <= _MOST_NAME_CHARACTERS else ""


def _snake_case(cls: str) -> str:
    """Write a class's name as Keras does for the places in a file.

    >>> _snake_case("Conv2DTranspose"), _snake_case("PReLU")
    ('conv2d_transpose', 'p_re_lu')
    """
    name = re.sub(r"\W+", "", _PLACED_AS.get(cls, cls))
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
