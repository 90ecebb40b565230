"""One declaration of an option: conversion, bounds, and the sentences that refuse."""

from __future__ import annotations

import dataclasses
import inspect
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from titlekit import UsageError, option
from titlekit.core.errors import nearest
from titlekit.core.hooks.registry import builtins, create, load, spell_plugins
from titlekit.core.hooks.spelling import parse
from titlekit.core.options import build, convert, hints_of, options_of, type_name

if TYPE_CHECKING:
    from nowhere import Tensor

relaxed = settings(deadline=None, max_examples=60)


@dataclasses.dataclass(eq=False)
class Sample:
    rate: float = option(0.5, "a rate", min=0, max=1)
    size: int = option(3, "a size", min=1)
    cap: int = option(1, "at most", max=9)
    seed: int = option(0, "a large bound", min=0, max=2**63 - 1)
    free: float = option(0.0, "no bounds")
    flag: bool = option(False, "a switch")
    mode: str = option("fast", "a word", choices=("fast", "exact"))
    note: str = option("", "any text")
    factor: float | list[float] | None = option(None, "one or several", min=0)
    many: list[float] = option([1.0, 2.0], "several")
    limit: int | None = option(None, "a limit", min=2)
    state: dict[str, Tensor] = dataclasses.field(default_factory=dict, init=False)


def made(**given):
    return build(Sample, "sample", given)


def refusal(**given):
    with pytest.raises(UsageError) as error:
        made(**given)
    return str(error.value)


@pytest.mark.parametrize(
    ("name", "raw", "value"),
    [
        ("rate", "0.25", 0.25),
        ("rate", " 1 ", 1.0),
        ("rate", 0, 0.0),
        ("rate", "1e-5", 1e-5),
        ("size", "7", 7),
        ("size", 7, 7),
        ("free", "-3", -3.0),
        ("flag", "true", True),
        ("flag", "Yes", True),
        ("flag", "no", False),
        ("flag", "False", False),
        ("flag", True, True),
        ("mode", "exact", "exact"),
        ("note", "12", "12"),
        ("note", "none", "none"),
        ("note", " kept as typed ", " kept as typed "),
        ("factor", "2", 2.0),
        ("factor", "none", None),
        ("factor", None, None),
        ("factor", "[1, 2.5]", [1.0, 2.5]),
        ("factor", "(1, 2)", [1.0, 2.0]),
        ("factor", [3], [3.0]),
        ("many", "1, 2", [1.0, 2.0]),
        ("limit", "None", None),
        ("limit", "2", 2),
    ],
)
def test_text_and_values_become_the_declared_type(name, raw, value):
    found = getattr(made(**{name: raw}), name)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "raw", "sentence"),
    [
        ("rate", "two", "sample.rate: expected a number from 0 to 1, got 'two'"),
        ("rate", "1.5", "sample.rate: expected a number from 0 to 1, got 1.5"),
        ("rate", "-0.1", "sample.rate: expected a number from 0 to 1, got -0.1"),
        ("rate", True, "sample.rate: expected a number from 0 to 1, got True"),
        ("rate", None, "sample.rate: expected a number from 0 to 1, got None"),
        ("rate", "nan", "sample.rate: expected a number from 0 to 1, got 'nan'"),
        ("rate", float("nan"), "sample.rate: expected a number from 0 to 1, got nan"),
        ("free", "1e999", "sample.free: expected a number, got '1e999'"),
        ("free", float("inf"), "sample.free: expected a number, got inf"),
        ("free", "", "sample.free: expected a number, got ''"),
        ("size", "0", "sample.size: expected a whole number of at least 1, got 0"),
        ("size", "3.0", "sample.size: expected a whole number of at least 1, got '3.0'"),
        ("size", 3.0, "sample.size: expected a whole number of at least 1, got 3.0"),
        ("cap", 10, "sample.cap: expected a whole number of at most 9, got 10"),
        (
            "seed",
            2**63,
            "sample.seed: expected a whole number from 0 to 9223372036854775807, "
            "got 9223372036854775808",
        ),
        ("flag", "maybe", "sample.flag: expected true or false, got 'maybe'"),
        ("flag", 1, "sample.flag: expected true or false, got 1"),
        (
            "mode",
            "exakt",
            "sample.mode: expected fast or exact, got 'exakt'; did you mean 'exact'?",
        ),
        ("mode", "slow", "sample.mode: expected fast or exact, got 'slow'"),
        ("mode", 3, "sample.mode: expected fast or exact, got 3"),
        ("note", 3, "sample.note: expected text, got 3"),
        (
            "factor",
            "x",
            "sample.factor: expected a number or list of numbers of at least 0, or none, got 'x'",
        ),
        (
            "factor",
            "[]",
            "sample.factor: expected a number or list of numbers of at least 0, or none, got '[]'",
        ),
        (
            "factor",
            [1, "a"],
            "sample.factor: expected a number or list of numbers of at least 0, or none, "
            "got [1, 'a']",
        ),
        (
            "factor",
            [1, float("nan")],
            "sample.factor: expected a number or list of numbers of at least 0, or none, "
            "got [1, nan]",
        ),
        (
            "factor",
            [1, -2],
            "sample.factor: expected a number or list of numbers of at least 0, or none, got -2",
        ),
        ("many", "7", "sample.many: expected a list of numbers, got '7'"),
        ("limit", 1, "sample.limit: expected a whole number of at least 2, or none, got 1"),
        ("limit", "{[]: 1}", "sample.limit: expected a whole number of at least 2, or none, "
            "got '{[]: 1}'"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_in_one_sentence(name, raw, sentence):
    assert refusal(**{name: raw}) == sentence


def test_a_number_beyond_every_float_is_refused():
    huge = "1" + "0" * 400
    assert refusal(free=huge) == f"sample.free: expected a number, got {huge!r}"
    assert refusal(many=[int(huge)]).startswith("sample.many: expected a list of numbers, got [1")


@relaxed
@given(st.text())
def test_any_text_for_a_number_is_read_or_refused(raw):
    try:
        found = convert("sample.free", options_of(Sample)["free"], float, raw)
    except UsageError as error:
        found = str(error)
    assert type(found) is float or found == f"sample.free: expected a number, got {raw!r}"


def test_an_unknown_option_names_the_nearest_and_all():
    assert refusal(rat=1) == (
        "sample has no option 'rat'; did you mean 'rate'?  (options: rate, size, cap, seed, "
        "free, flag, mode, note, factor, many, limit)"
    )
    assert refusal(state={}).startswith("sample has no option 'state'")


def test_a_class_without_options_says_so():
    with pytest.raises(UsageError) as error:
        build(type("Bare", (), {}), "bare", {"x": 1})
    assert str(error.value) == "bare has no option 'x'  (options: none)"


def test_dashes_and_underscores_name_the_same_option():
    @dataclasses.dataclass(eq=False)
    class Dashed:
        first_part: int = option(1, "a part")

    assert build(Dashed, "dashed", {"first-part": "2"}).first_part == 2


def test_defaults_hold_and_lists_are_not_shared():
    one, two = made(), made()
    assert (one.rate, one.size, one.mode, one.factor) == (0.5, 3, "fast", None)
    one.many.append(9.0)
    assert two.many == [1.0, 2.0]


def test_hints_are_read_for_options_alone():
    # `state` names a type that only type checkers import; dataclass options must not mind.
    assert list(hints_of(Sample)) == list(options_of(Sample))
    assert hints_of(Sample)["limit"] == int | None


def test_hints_of_an_inherited_option_come_from_its_own_module():
    @dataclasses.dataclass(eq=False)
    class Child(Sample):
        more: bool = option(True, "one more")

    assert hints_of(Child)["rate"] is float
    assert hints_of(Child)["more"] is bool


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (float, "number"),
        (int, "whole number"),
        (str, "text"),
        (bool, "true or false"),
        (list[float], "list of numbers"),
        (int | None, "whole number or none"),
        (float | list[float] | None, "number or list of numbers or none"),
        (complex, "complex"),
    ],
)
def test_types_have_words(hint, words):
    assert type_name(hint) == words


def test_nearest_offers_what_is_near_and_nothing_else():
    assert nearest("focl", ["fgm", "focal"]) == "; did you mean 'focal'?"
    assert nearest("zebra", ["fgm", "focal"]) == ""
    assert nearest("focl", []) == ""


BUILT_IN = sorted(builtins())
OPTIONS = [(name, key) for name in BUILT_IN for key in options_of(load(builtins()[name]))]


@pytest.mark.parametrize(("name", "key"), OPTIONS)
def test_every_built_in_option_is_declared_whole(name, key):
    cls = load(builtins()[name])
    field, hint = options_of(cls)[key], hints_of(cls)[key]
    assert re.fullmatch(r"[^\n]{3,80}", field.metadata["help"])
    assert not field.metadata["help"].endswith(".")
    plain = getattr(create((name, {})), key)
    assert convert(f"{name}.{key}", field, hint, plain) == plain
    for bound in ("min", "max"):
        if (edge := field.metadata[bound]) is not None:
            assert type(convert(f"{name}.{key}", field, hint, edge)) in (int, float)


def values_of(field, hint):
    """Values that an option accepts."""
    low, high, choices = (field.metadata[key] for key in ("min", "max", "choices"))
    numbers = st.floats(low, high, allow_nan=False, allow_infinity=False)
    whole = st.integers(None if low is None else int(low), None if high is None else int(high))
    by_type = {
        "number": numbers,
        "whole number": whole,
        "true or false": st.booleans(),
        "text": st.sampled_from(choices) if choices else st.text(),
        "list of numbers": st.lists(numbers, min_size=1, max_size=4),
        "none": st.none(),
    }
    return st.one_of(*(by_type[word] for word in kinds_of(hint)))


def kinds_of(hint):
    words = type_name(hint)
    return [words] if words == "true or false" else words.split(" or ")


@pytest.mark.parametrize("name", BUILT_IN)
@relaxed
@given(data=st.data())
def test_every_built_in_plugin_spells_what_it_parses(name, data):
    cls = load(builtins()[name])
    hints = hints_of(cls)
    given = {
        key: data.draw(values_of(field, hints[key]), label=key)
        for key, field in options_of(cls).items()
    }
    plugin = create((name, given))
    assert plugin.options() == given
    spelled = spell_plugins([plugin])
    ((again, options),) = parse(spelled)
    assert again == name
    assert create((again, options)).options() == given


def test_options_are_what_the_signature_says():
    for name in BUILT_IN:
        cls = load(builtins()[name])
        assert list(inspect.signature(cls).parameters) == list(options_of(cls))
