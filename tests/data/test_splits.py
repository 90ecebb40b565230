"""The split: stratified, equal texts together, the same everywhere."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from titlekit.core.data.splits import limit_rows, normalise, split_rows
from titlekit.core.errors import UsageError


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("The Cost of War", "the cost, of war."),
        ("A-B", "a b"),
        ("Straße", "STRASSE"),
        ("ﬁle２", "FILE 2"),
        ("基于 深度学习", "基于深度学习。"),
        ("Gödel", "Go\u0308del"),
        ("“x”", "'X'"),
        ("ＡＢＣ", "abc"),
        ("a_b", "ab"),
        ("x\u200by", "xy"),
    ],
)
def test_equal_up_to_case_punctuation_and_spaces(first, second):
    assert normalise(first) == normalise(second) != ""


def test_what_differs_stays_different():
    texts = ["图像检索", "图象检索", "Part 1", "Part 2", "Godel", "Gödel", "हिन्दी", "हन्द"]
    assert len({normalise(text) for text in texts}) == len(texts)
    assert normalise("... — !?\u3000") == ""


def rows(*counts):
    labels = np.repeat(np.arange(len(counts)), counts)
    return [f"text {number}" for number in range(len(labels))], labels


def test_shares_by_class():
    texts, labels = rows(1000, 100, 37, 5)
    train, valid = split_rows(texts, labels, 0.1, 42)
    assert sorted([*train, *valid]) == list(range(len(texts)))
    assert np.all(np.diff(train) > 0)
    assert np.all(np.diff(valid) > 0)
    assert train.dtype == valid.dtype == np.int64
    assert np.bincount(labels[valid]).tolist() == [100, 10, 4, 1]


def test_the_split_is_the_same_everywhere():
    texts, labels = rows(12, 8)
    assert split_rows(texts, labels, 0.25, 42)[1].tolist() == [1, 2, 7, 16, 19]
    assert split_rows(texts, labels, 0.25, 43)[1].tolist() == [1, 3, 7, 14, 19]


def test_equal_texts_stay_on_one_side():
    texts = [f"Title {number % 50}{'.' * (number % 3)}" for number in range(300)]
    labels = np.array([number % 50 % 2 for number in range(300)])
    train, valid = split_rows(texts, labels, 0.2, 1)
    sides = [{normalise(texts[row]) for row in side} for side in (train, valid)]
    assert not sides[0] & sides[1]
    assert np.bincount(labels[valid]).tolist() == [30, 30]


def test_texts_that_normalise_to_nothing_are_no_group():
    labels = np.zeros(20, np.int64)
    train, valid = split_rows(["..."] * 20, labels, 0.25, 1)
    assert (len(train), len(valid)) == (15, 5)


def test_a_large_group_does_not_swallow_the_validation():
    texts = ["Introduction"] * 500 + [f"text {number}" for number in range(500)]
    _, valid = split_rows(texts, np.zeros(1000, np.int64), 0.1, 3)
    assert len(valid) == 100


def test_rare_classes():
    texts = ["a", "A!", "b", "c", "d", "d"]
    labels = np.array([0, 0, 1, 1, 2, 2])
    train, valid = split_rows(texts, labels, 0.1, 1)
    assert set(labels[train]) == {0, 1, 2}
    assert labels[valid].tolist() == [1]  # 0 and 2 have one distinct text: trained on


def test_no_share_and_nearly_all():
    texts, labels = rows(10, 10)
    assert [len(side) for side in split_rows(texts, labels, 0.0, 1)] == [20, 0]
    train, valid = split_rows(texts, labels, 0.99, 1)
    assert np.bincount(labels[train]).tolist() == [1, 1]
    assert len(valid) == 18


def test_a_class_that_stands_only_beside_others_is_trained_on():
    for seed in range(20):
        labels = np.array([0, 0, 0, 1, 1, 1, 2, 0, 0])
        texts = ["a", "b", "x", "c", "d", "e", "x", "x", "f"]  # 2 has the text of two rows of 0
        train, _ = split_rows(texts, labels, 0.4, seed)
        assert 2 in labels[train]


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3)), min_size=1, max_size=80),
    st.floats(0.01, 0.9),
    st.integers(0, 2**63 - 1),
)
def test_what_always_holds(pairs, share, seed):
    texts = [f"{label} {text}" for text, label in pairs]  # a text bears one label
    labels = np.array([label for _, label in pairs])
    train, valid = split_rows(texts, labels, share, seed)
    assert sorted([*train, *valid]) == list(range(len(texts)))
    assert not {texts[row] for row in train} & {texts[row] for row in valid}
    for label in set(labels):
        members = [text for text, own in zip(texts, labels, strict=True) if own == label]
        largest = max(members.count(text) for text in members)
        chosen = int((labels[valid] == label).sum())
        assert chosen < len(members)
        if len(set(members)) > 1:
            assert chosen > 0
            assert abs(chosen - share * len(members)) <= largest
        else:
            assert chosen == 0


def test_many_rows_in_little_time():
    rng = np.random.default_rng(0)
    words = np.array(["Learning", "of", "Deep", "graph", "Étude", "models:", "for", "(new)"])
    texts = [
        " ".join(words[row]) + f" {number}"
        for number, row in enumerate(rng.integers(0, 8, (58_000, 8)))
    ]
    labels = rng.integers(0, 2, len(texts))
    start = time.process_time()
    _, valid = split_rows(texts, labels, 0.1, 42)
    assert time.process_time() - start < 3  # a linear pass takes 0.4 s
    assert abs(len(valid) - 5_800) <= 2


def test_limit_keeps_shares_and_every_class():
    _, labels = rows(900, 90, 9, 1)
    every = np.arange(1000)
    kept = limit_rows(labels, every, 100, 42)
    assert np.bincount(labels[kept]).tolist() == [89, 9, 1, 1]
    assert np.all(np.diff(kept) > 0)
    assert kept.tolist() == limit_rows(labels, every, 100, 42).tolist()
    assert kept.tolist() != limit_rows(labels, every, 100, 43).tolist()
    assert np.bincount(labels[limit_rows(labels, every, 4, 1)]).tolist() == [1, 1, 1, 1]
    assert limit_rows(labels, every, 1000, 1) is every
    some = np.arange(0, 900, 2)
    assert set(limit_rows(labels, some, 20, 1)) < set(some)
    with pytest.raises(UsageError) as caught:
        limit_rows(labels, every, 3, 1)
    assert str(caught.value) == "--limit 3: expected a row for each of the 4 classes"


@given(st.lists(st.integers(0, 6), min_size=2, max_size=60), st.integers(7, 60))
def test_limit_is_met_exactly(labels, limit):
    every = np.arange(len(labels))
    kept = limit_rows(np.array(labels), every, limit, 5)
    assert len(kept) == min(limit, len(labels))
    assert {labels[row] for row in kept} == set(labels)
