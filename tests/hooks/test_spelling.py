"""``focal(gamma=2),fgm``: read without running anything, and written so that it reads back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from titlekit import UsageError
from titlekit.core.hooks.spelling import parse, spell, with_settings

relaxed = settings(deadline=None)


def refusal(text):
    with pytest.raises(UsageError) as error:
        parse(text)
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("", []),
        (" , ", []),
        ("focal", [("focal", {})]),
        ("focal,fgm,amp", [("focal", {}), ("fgm", {}), ("amp", {})]),
        (" focal ( gamma = 2 ) , fgm ,", [("focal", {"gamma": 2}), ("fgm", {})]),
        ("fgm()", [("fgm", {})]),
        ("r-drop(alpha=.5)", [("r-drop", {"alpha": 0.5})]),
        ("focal(alpha=[1, 1.3],gamma=-1)", [("focal", {"alpha": [1, 1.3], "gamma": -1})]),
        ("focal(alpha=None),a(b=True)", [("focal", {"alpha": None}), ("a", {"b": True})]),
        ("w(weights='wrong=1,correct=(2)')", [("w", {"weights": "wrong=1,correct=(2)"})]),
        ('w(x="it\'s, )")', [("w", {"x": "it's, )"})]),
        (r"w(x='it\'s, \\')", [("w", {"x": "it's, \\"})]),
        ("./mine.py:Mine", [("./mine.py:Mine", {})]),
        ("./my dir/a-b.py:Mine(x=1),fgm", [("./my dir/a-b.py:Mine", {"x": 1}), ("fgm", {})]),
        (r"C:\me\mine.py:Mine(x=1)", [(r"C:\me\mine.py:Mine", {"x": 1})]),
    ],
)
def test_spellings_are_read(text, calls):
    assert parse(text) == calls


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("focal fgm", "--plugins: cannot read 'focal fgm'; expected name or "
            "name(option=value), ..."),
        ("(gamma=2)", "--plugins: cannot read '(gamma=2)'; expected name or "
            "name(option=value), ..."),
        ("focal(gamma=2)x", "--plugins: cannot read 'focal(gamma=2)x'; expected name or "
            "name(option=value), ..."),
        ("focal),(x", "--plugins: cannot read 'focal),(x'; expected name or "
            "name(option=value), ..."),
        ("mine.py:", "--plugins: cannot read 'mine.py:'; expected name or "
            "name(option=value), ..."),
        ("focal(gamma=2", "--plugins 'focal(gamma=2': a bracket is not closed"),
        ("focal)", "--plugins 'focal)': a bracket is not closed"),
        ("w(x='a)", "--plugins \"w(x='a)\": a quote is not closed"),
        ("focal,fgm,focal(gamma=1)", "--plugins: focal is named twice; name it once"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named(text, sentence):
    assert refusal(text) == sentence


@pytest.mark.parametrize(
    "inside",
    [
        "2",
        "gamma",
        "gamma=x",
        "gamma=1+open('f')",
        "gamma=1,gamma=2",
        "**{'gamma': 2}",
        "*[1]",
        "gamma=[1",
        "gamma=1)(x=2",
        "gamma={[]: 1}",
        "gamma=\0",
        "gamma=" + "[" * 500 + "]" * 500,
    ],
)
def test_only_plain_values_by_name_are_options(inside):
    if inside.count("[") == inside.count("]"):
        assert refusal(f"focal({inside})") == (
            f"focal({inside}): expected options as name=value with plain values, "
            "e.g. 2, 0.25, 'text', None, [1, 2]"
        )
    else:
        assert refusal(f"focal({inside})").endswith("a bracket is not closed")


def test_an_unknown_escape_is_text_as_typed():
    assert parse(r"w(x='C:\data')") == [("w", {"x": r"C:\data"})]


names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,8}", fullmatch=True)
keys = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True).map(lambda key: key + "_")
signs = st.text(st.sampled_from("'\"\\,()[]{}= \nab\u00e9\u4e2d")) | st.text()
plain = st.none() | st.booleans() | st.integers() | signs
plain |= st.floats(allow_nan=False, allow_infinity=False)
values = plain | st.lists(plain, max_size=3)
calls = st.lists(
    st.tuples(names, st.dictionaries(keys, values, max_size=3)),
    unique_by=lambda call: call[0],
    max_size=4,
)


@relaxed
@given(calls)
def test_what_is_spelled_reads_back_the_same(wanted):
    assert parse(spell(wanted)) == wanted


@relaxed
@given(signs)
def test_any_text_is_read_or_refused(text):
    try:
        found = parse(text)
    except UsageError:
        found = []
    assert parse(spell(found)) == found


def test_spell_writes_what_people_type():
    assert spell([("focal", {"gamma": 2.0}), ("fgm", {})]) == "focal(gamma=2.0),fgm"
    assert spell([]) == ""


def test_settings_are_applied_to_the_plugin_they_name():
    asked = [("focal", {"gamma": 1}), ("./mine.py:Mine", {})]
    merged = with_settings(
        asked, ["focal.gamma=2", "focal.alpha = [1,2] ", "./mine.py:Mine.x=a=b", "focal.gamma=3"]
    )
    assert merged == [
        ("focal", {"gamma": "3", "alpha": "[1,2]"}),
        ("./mine.py:Mine", {"x": "a=b"}),
    ]
    assert asked == [("focal", {"gamma": 1}), ("./mine.py:Mine", {})]


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("focal.gamma", "--set focal.gamma: expected name.option=value, e.g. focal.gamma=2"),
        ("gamma=2", "--set gamma=2: expected name.option=value, e.g. focal.gamma=2"),
        (".gamma=2", "--set .gamma=2: expected name.option=value, e.g. focal.gamma=2"),
        ("focal.=2", "--set focal.=2: expected name.option=value, e.g. focal.gamma=2"),
        ("pgd.steps=2", "--set pgd.steps=2: pgd is not in --plugins (focal, fgm)"),
    ],
)
def test_settings_that_fit_nothing_are_refused(setting, sentence):
    with pytest.raises(UsageError) as error:
        with_settings(parse("focal,fgm"), [setting])
    assert str(error.value) == sentence


def test_settings_without_plugins_say_none():
    with pytest.raises(UsageError) as error:
        with_settings([], ["focal.gamma=2"])
    assert str(error.value) == "--set focal.gamma=2: focal is not in --plugins (none)"
