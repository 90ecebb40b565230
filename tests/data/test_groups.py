"""Rows that stay together: the validation split and the folds by groups."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from titlekit.core.config import TrainConfig
from titlekit.core.data.folds import fold_rows, split_groups
from titlekit.core.data.load import load_training, read_training
from titlekit.core.data.splits import blocks
from titlekit.core.errors import DataError, TitlekitError


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    caplog.set_level("INFO", "titlekit")


def write(rows, name="a.csv", head="title,label,venue"):
    with open(name, "w", encoding="utf-8") as stream:
        stream.write("\n".join([head, *map(",".join, rows)]) + "\n")
    return name


def train(*paths, **options):
    return load_training(TrainConfig(train=list(paths), **{"group_column": "venue", **options}))


def refused(*paths, **options):
    with pytest.raises(TitlekitError) as caught:
        train(*paths, **options)
    return str(caught.value)


def texts(count):
    return [f"text {number}" for number in range(count)]


# What hangs together


def test_blocks_join_by_text_and_by_group():
    keys = ["a", "b", "A!", "c", "d", "e", "...", "..."]
    groups = ["x", "y", "z", "z", "", "", "", ""]
    # a, A! by text; A!, c by group; blank groups and texts of nothing join nothing.
    assert blocks(keys, groups).tolist() == [0, 1, 0, 0, 2, 3, 4, 5]
    assert blocks(keys).tolist() == [0, 1, 0, 2, 3, 4, 5, 6]
    assert blocks(["...", "..."], ["x", "x"]).tolist() == [0, 0]
    chain = blocks(texts(1000), [f"g{number // 2}" for number in range(1000)])
    assert chain.tolist() == [number // 2 for number in range(1000)]
    assert blocks([], []).tolist() == []


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=40),
)
def test_blocks_are_connected_components(pairs):
    found = blocks([f"t{text}" for text, _ in pairs], [f"g{g}" if g else "" for _, g in pairs])
    # A plain closure: grow each row's component until nothing is added.
    for row in range(len(pairs)):
        reached, size = {row}, 0
        while size < len(reached):
            size = len(reached)
            known = {pairs[r][0] for r in reached}, {pairs[r][1] for r in reached if pairs[r][1]}
            reached |= {r for r, (t, g) in enumerate(pairs) if t in known[0] or g in known[1]}
        assert {r for r in range(len(pairs)) if found[r] == found[row]} == reached
    assert sorted(set(found)) == list(range(max(found) + 1))


# The split


def test_groups_stay_on_one_side_and_classes_keep_their_share():
    rng = np.random.default_rng(1)
    labels = (rng.random(2000) < 0.1).astype(np.int64)
    groups = [f"g{number}" for number in rng.integers(0, 200, 2000)]
    train, valid = split_groups(texts(2000), labels, groups, 0.2, 42)
    assert sorted([*train, *valid]) == list(range(2000))
    assert not {groups[row] for row in train} & {groups[row] for row in valid}
    shares = np.bincount(labels[valid]) / np.bincount(labels)
    assert np.abs(shares - 0.2).max() < 0.01
    other = split_groups(texts(2000), labels, groups, 0.2, 43)[1]
    assert other.tolist() != valid.tolist()


def test_the_split_by_groups_is_the_same_everywhere():
    labels = np.array([0, 1] * 10)
    groups = [f"g{number // 4}" for number in range(16)] + [""] * 4
    assert split_groups(texts(20), labels, groups, 0.25, 42)[1].tolist() == [4, 5, 6, 7]
    assert split_groups(texts(20), labels, groups, 0.25, 44)[1].tolist() == [8, 9, 10, 11]


def test_equal_texts_of_two_groups_stay_together():
    keys = ["same", "a", "b", "c", "SAME", "d", "e", "f"]
    groups = ["x", "x", "y", "y", "z", "z", "", ""]
    labels = np.array([0, 1] * 4)
    for seed in range(10):
        train, valid = split_groups(keys, labels, groups, 0.4, seed)
        sides = [{0, 1, 4, 5} & set(side.tolist()) for side in (train, valid)]
        assert {len(side) for side in sides} == {0, 4}


def test_one_large_group_does_not_swallow_the_validation():
    groups = ["big"] * 500 + [f"g{number}" for number in range(500)]
    for seed in range(5):
        _, valid = split_groups(texts(1000), np.arange(1000) % 2, groups, 0.1, seed)
        assert len(valid) == 100


def test_a_share_of_nothing():
    train, valid = split_groups(texts(4), np.array([0, 1, 0, 1]), ["a", "a", "b", "b"], 0.0, 1)
    assert (train.tolist(), valid.tolist()) == ([0, 1, 2, 3], [])


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 3)), min_size=2, max_size=60),
    st.floats(0.05, 0.9),
    st.integers(0, 2**63 - 1),
)
def test_what_always_holds_of_a_split(rows, share, seed):
    groups = [f"g{group}" if group else "" for group, _ in rows]
    labels = np.array([label for _, label in rows])
    train, valid = split_groups(texts(len(rows)), labels, groups, share, seed)
    assert sorted([*train, *valid]) == list(range(len(rows)))
    assert not {groups[r] for r in train} & {groups[r] for r in valid} - {""}
    assert set(labels[train]) == set(labels)  # no class is lost to training
    of_row = blocks(texts(len(rows)), groups)
    every = {block: set(labels[of_row == block]) for block in set(of_row)}
    spare = [
        block for block, own in every.items()
        if all(sum(label in other for other in every.values()) > 1 for label in own)
    ]  # fmt: skip
    assert bool(len(valid)) is bool(spare)


# The split of a table


ROWS = [(f"Title {n}", "ab"[n % 2], f"v{n // 4}") for n in range(40)]


def test_a_table_is_split_by_groups():
    data = train(write([*ROWS, ("Loose A", "a", " "), ("Loose B", "b", "\u200b")]), valid="0.2")
    assert data.group_column == "venue"
    assert data.train.groups[-2:] == ["", ""] or "" in data.valid.groups
    for part in (data.train, data.valid):
        assert part.groups == [ROWS[line - 2][2] if line < 42 else "" for line in part.lines]
    assert not set(data.train.groups) & set(data.valid.groups) - {""}
    assert np.bincount(data.valid.labels).tolist() == [4, 4]
    # A group says where a row goes, not what is learnt from it.
    plain = read_training(TrainConfig(train=["a.csv"])).train
    assert read_training(TrainConfig(train=["a.csv"], group_column="venue")).train.sha256 == (
        plain.sha256
    )


def test_groups_that_cannot_be_split(caplog):
    write([(title, label, "one") for title, label, _ in ROWS])
    none = (
        "without any one of its groups a class would be lost to training, so none is left to "
        "validate on; --valid FILE names other rows, --valid 0 goes without"
    )
    assert refused("a.csv") == f"a.csv: column 'venue': {none}"
    write([(title, label, label) for title, label, _ in ROWS])
    assert refused("a.csv") == f"a.csv: column 'venue': {none}"
    assert train("a.csv", valid="0").valid is None
    assert caplog.messages[-2] == "--group-column: no row is split off with --valid 0"
    assert refused("a.csv", group_column="venu") == (
        "a.csv: no column 'venu'; did you mean 'venue'? (columns: title, label, venue)"
    )
    assert refused("a.csv", group_column="label") == (
        "a.csv: column 'label' is the label and cannot be the group; --label-column names another"
    )
    assert refused(group_column="venue") == "--group-column: synthetic data has no columns"


def test_a_group_is_not_taken_for_the_text():
    write([(f"G{n // 4}", "ab"[n % 2], f"Abstract {n}") for n in range(40)],
          head="title,label,abstract")  # fmt: skip
    assert train("a.csv", group_column="title").text_columns == ["abstract"]
    assert train("a.csv", group_column="title", text_column="title").text_columns == ["title"]


# Folds


def test_folds_hold_their_share_of_every_class():
    labels = np.repeat([0, 1, 2], [700, 93, 10])
    folds = fold_rows(texts(803), labels, None, 5, 42)
    assert folds.dtype == np.int64
    for label in range(3):
        counts = np.bincount(folds[labels == label], minlength=5)
        assert counts.max() - counts.min() <= 1
    assert np.ptp(np.bincount(folds)) <= 1
    assert folds.tolist() == fold_rows(texts(803), labels, None, 5, 42).tolist()
    assert folds.tolist() != fold_rows(texts(803), labels, None, 5, 43).tolist()


def test_the_folds_are_the_same_everywhere():
    labels = np.array([0, 1] * 6)
    assert fold_rows(texts(12), labels, None, 3, 42).tolist() == [
        1,
        2,
        2,
        0,
        0,
        1,
        1,
        0,
        0,
        1,
        2,
        2,
    ]
    groups = ["a", "a", "b", "b", "c", "c", "d", "d", "", "", "", ""]
    assert fold_rows(texts(12), labels, groups, 3, 42).tolist() == [
        0,
        0,
        1,
        1,
        2,
        2,
        0,
        0,
        2,
        1,
        1,
        2,
    ]


def test_folds_by_groups_come_near_their_share():
    rng = np.random.default_rng(2)
    labels = (rng.random(3000) < 0.1).astype(np.int64)
    groups = [f"g{number}" for number in np.minimum(rng.zipf(1.7, 3000), 400)]
    folds = fold_rows(texts(3000), labels, groups, 4, 7)
    small = [g for g in set(groups) if groups.count(g) < 300]
    assert len(small) > 50
    for group in set(groups):
        assert len({folds[row] for row, own in enumerate(groups) if own == group}) == 1
    largest = max(groups.count(group) for group in set(groups))
    counts = np.sort(np.bincount(folds))
    assert counts[-1] >= largest
    assert np.ptp(counts[:-1]) <= 6  # the largest group fills a fold; the others are even


def test_equal_texts_are_in_one_fold():
    keys = [f"Title {number % 40}{'.' * (number % 3)}" for number in range(200)]
    folds = fold_rows(keys, np.array([n % 40 % 2 for n in range(200)]), None, 4, 1)
    assert all(len(set(folds[start::40])) == 1 for start in range(40))
    assert np.bincount(folds).tolist() == [50] * 4


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), min_size=4, max_size=60),
    st.integers(2, 5),
    st.integers(0, 2**63 - 1),
)
def test_what_always_holds_of_folds(rows, folds, seed):
    groups = [f"g{group}" if group else "" for group, _ in rows]
    labels = np.array([label for _, label in rows])
    keys = texts(len(rows))
    of_row = blocks(keys, groups)
    single = any(len(set(of_row[labels == label])) < 2 for label in set(labels))
    if len(set(of_row)) < folds or single:
        with pytest.raises(DataError):
            fold_rows(keys, labels, groups, folds, seed)
        return
    try:
        found = fold_rows(keys, labels, groups, folds, seed)
    except DataError:
        # Groups of several classes may have no answer in two folds; three classes have in three.
        assert folds == 2
        return
    assert sorted(set(found)) == list(range(folds))
    for block in set(of_row):
        assert len(set(found[of_row == block])) == 1
    for fold in range(folds):
        assert set(labels[found != fold]) == set(labels)


def test_folds_that_cannot_be():
    labels = np.array([0, 1, 0, 1, 0, 1])

    def refused(keys, groups, folds, labels=labels, names=()):
        with pytest.raises(DataError) as caught:
            fold_rows(keys, labels, groups, folds, 1, names)
        return str(caught.value)

    assert refused(texts(6), ["a", "a", "b", "b", "b", "b"], 3) == (
        "--folds 3: the rows are of 2 groups that must stay in one fold each; expected 3 or more"
    )
    assert refused(["x", "X", "y", "Y.", "x", "y"], None, 3) == (
        "--folds 3: the rows are of 2 texts that must stay in one fold each; expected 3 or more"
    )
    late = np.array([0, 0, 0, 0, 1, 1])
    assert refused(texts(6), ["a", "b", "c", "d", "e", "e"], 3, late, ["ham", "spam"]) == (
        "--folds 3: all rows of class 'spam' fall into one fold, so that fold's model would be "
        "trained without it; it needs rows in two groups or more that can be told apart"
    )


def test_a_class_that_some_folds_lack_is_said(caplog):
    labels = np.array([0] * 8 + [1] * 2)
    fold_rows(texts(10), labels, None, 5, 1, ["ham", "spam"])
    assert caplog.messages == [
        "3 of the 5 folds hold no row of class 'spam', which is too rare or in too few groups"
    ]
