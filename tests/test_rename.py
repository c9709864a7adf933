"""New names by a mapping or by rules, and the ones that are refused."""

import pytest

import tf2numpy as t2n
from conformance.kind import fails
from tf2numpy._rename import renamed

NAMES = {"a/kernel": ["layer_0/kernel", "w"], "a/bias": ["layer_0/bias"], "b/kernel": ["w"], "step": []}


def new(rename, chosen=NAMES):
    return renamed(chosen, rename, NAMES, "'f'")


@pytest.mark.parametrize(
    ("rename", "expected"),
    [
        (None, ["a/kernel", "a/bias", "b/kernel", "step"]),
        ({}, ["a/kernel", "a/bias", "b/kernel", "step"]),
        ({"step": "n"}, ["a/kernel", "a/bias", "b/kernel", "n"]),
        ({"layer_0/bias": "b"}, ["a/kernel", "b", "b/kernel", "step"]),  # another name of it
        ({"a/bias": "b", "layer_0/bias": "b"}, ["a/kernel", "b", "b/kernel", "step"]),
        ({"a/kernel": "b/kernel", "b/kernel": "a/kernel"}, ["b/kernel", "a/bias", "a/kernel", "step"]),  # exchanged
        ("step=n", ["a/kernel", "a/bias", "b/kernel", "n"]),
        (r"(.*)/kernel=\1.weight", ["a.weight", "a/bias", "b.weight", "step"]),
        (r"(?P<layer>.)/(?P<what>.*)=\g<what>.\g<layer>", ["kernel.a", "bias.a", "kernel.b", "step"]),
        (["a/kernel=x", r"(.)/(.*)=\2_\1"], ["x", "bias_a", "kernel_b", "step"]),  # the first that fits
        ([r"(.)/(.*)=\2_\1", "step=x", "a/.*=never"], ["kernel_a", "bias_a", "kernel_b", "x"]),
        (r"(.*)(?=p)p=\1q", ["a/kernel", "a/bias", "b/kernel", "steq"]),  # cut at the last "="
    ],
)
def test_new_names(rename, expected):
    assert list(new(rename).values()) == expected
    assert list(new(rename)) == list(NAMES)


@pytest.mark.parametrize("pattern", ["kernel", "a/ker", "kernel|bias"])
def test_a_rule_must_fit_the_whole_name(pattern):
    with fails(
        t2n.InvalidArgument,
        f"the rename rule '{pattern}=weight' fits none of the 4 arrays of 'f'; its pattern must fit a whole name, as "
        r"'(.*)/kernel=\1/weight' does",
    ):
        new(f"{pattern}=weight")


def test_names_that_were_not_chosen_may_be_renamed_too():
    assert new({"step": "n", "a/bias": "b"}, ["step"]) == {"step": "n"}
    assert new(["a/bias=b"], ["step"]) == {"step": "step"}


@pytest.mark.parametrize(
    ("rename", "message"),
    [
        ({"stop": "n"}, "'f' has no array 'stop' to rename; near it are 'step'"),
        ({"zzz": "n"}, "'f' has no array 'zzz' to rename"),
        ({"w": "n"}, "'f' has no array 'w' to rename; 'a/kernel', 'b/kernel' are called so"),
        (
            {"a/bias": "x", "layer_0/bias": "y"},
            "the array 'a/bias' is renamed twice, to 'x' and to 'y'; choose one",
        ),
        ({"step": ""}, "the array 'step' would be renamed to nothing; give it a name, or leave it out by select"),
        ("step=", "the array 'step' would be renamed to nothing; give it a name, or leave it out by select"),
        ("step", "the rename rule 'step' has no '='; write it as pattern=replacement"),
        (
            "(=x",
            "the rename rule '(=x' is no regular expression with a replacement: missing ), unterminated subpattern at "
            "position 0",
        ),
        (
            r"step=\1",
            r"the rename rule 'step=\\1' is no regular expression with a replacement: invalid group reference 1 at "
            "position 1",
        ),
        (
            r"step=\g<x>",
            r"the rename rule 'step=\\g<x>' is no regular expression with a replacement: unknown group name 'x'",
        ),
        (
            {"a/kernel": "step"},
            "renaming gives several arrays one name: 'a/kernel' and 'step' would be 'step'; change the rules, or leave "
            "some out by select",
        ),
        (
            [r"./(.*)=\1", "step=bias"],
            "renaming gives several arrays one name: 'a/kernel' and 'b/kernel' would be 'kernel'; 'a/bias' and 'step' "
            "would be 'bias'; change the rules, or leave some out by select",
        ),
    ],
)
def test_what_is_refused(rename, message):
    with fails(t2n.InvalidArgument, message):
        new(rename)


def test_of_very_many_clashes_some_are_shown():
    names = {f"{half}{i}": () for i in range(25) for half in "ab"}
    with pytest.raises(t2n.InvalidArgument) as caught:
        renamed(names, r".(\d+)=\1", names, "'f'")
    assert str(caught.value).endswith(
        "; 'a19' and 'b19' would be '19' and 5 more; change the rules, or leave some out by select"
    )
