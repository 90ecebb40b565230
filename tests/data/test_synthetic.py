"""Made titles: the same for everyone, whole, and not to be told apart by a trick."""

from __future__ import annotations

import hashlib
import json
import random
import re
import tracemalloc
from collections import Counter

import numpy as np
import pytest

from titlekit.core.data.synthetic import make_titles
from titlekit.core.data.titles.faults import FAULTS, PARTS, SHARES
from titlekit.core.data.titles.fields import FIELD_SHARES, FIELDS
from titlekit.core.data.titles.grammar import SPECIAL, Draft, expand
from titlekit.core.data.titles.maker import KINDS, key, make_rows
from titlekit.core.data.titles.matter import MATTER
from titlekit.core.data.titles.shapes import SHAPES

SLOT = re.compile(r"\{(\w+?)2?\^?\}")
TABLES = {**SHAPES, **FAULTS, **PARTS, **MATTER}
BASE = "Ångström Units: A Short History of Small Lengths in Optics"


@pytest.fixture(scope="module")
def made():
    return list(make_rows(4000, 42))


@pytest.fixture(scope="module")
def correct(made):
    return np.array([row.label for row in made]) == "correct"


def test_the_same_rows_and_seed_give_the_same_texts_everywhere():
    digest = hashlib.sha256(json.dumps(list(make_rows(500, 1))).encode()).hexdigest()
    assert digest == "21ec72606cea3c411da79b783b398e3c14032eceb50754737aafb892a83f9405"
    assert list(make_rows(200, 1)) == list(make_rows(200, 1)) != list(make_rows(200, 2))


def test_titles_for_a_first_run_are_the_same_rows():
    texts, labels = make_titles(60, 7)
    assert [(row.title, row.label) for row in make_rows(60, 7)] == [
        *zip(texts, labels, strict=True)
    ]


@pytest.mark.parametrize(("rows", "correct"), [(4000, 2000), (201, 101), (2, 1), (1, 1), (0, 0)])
def test_half_is_correct_and_half_is_wrong(rows, correct):
    texts, labels = make_titles(rows, 3)
    assert len(texts) == len(labels) == rows
    assert (labels.count("correct"), labels.count("wrong")) == (correct, rows - correct)


def test_labels_are_in_random_order(correct):
    assert 0.45 < np.mean(correct[1:] == correct[:-1]) < 0.55
    assert 0.45 < correct[:2000].mean() < 0.55


def test_no_correct_title_stands_twice_or_as_a_wrong_one(made):
    texts = Counter(key(row.title) for row in made)
    assert [row for row in made if row.label == "correct" and texts[key(row.title)] > 1] == []
    assert len(texts) > 3960  # what repeats is a heading or a word


def test_kinds_tag_the_wrong_rows_as_often_as_they_should(made):
    assert sum(share for _, share in SHARES) == 100
    assert {row.kind for row in made if row.label == "correct"} == {"correct"}
    kinds = Counter(row.kind for row in made if row.label == "wrong")
    assert set(kinds) == set(KINDS)
    for kind, share in SHARES:
        assert kinds[kind] / 20 == pytest.approx(share, abs=2.5), kind


def test_texts_are_clean_lines(made):
    texts = [row.title for row in made]
    assert all(text == " ".join(text.split()) and text for text in texts)
    assert all(text.isprintable() for text in texts)
    assert max(map(len, texts)) <= 400


def test_every_slot_is_filled(made):
    assert [row.title for row in made if re.search(r"\{\w+\^?\}", row.title)] == []


def test_every_symbol_is_defined_once_and_used():
    assert sum(map(len, (SHAPES, FAULTS, PARTS, MATTER))) == len(TABLES)
    assert set(TABLES) & set(SPECIAL) == set()
    every = [TABLES, *FIELDS.values()]
    assert all(entry for rules in every for entries in rules.values() for entry in entries)
    named = {
        slot
        for rules in every
        for entries in rules.values()
        for text in entries
        for slot in SLOT.findall(text)
    }
    fields = {"topic", "things", "method", "setting", "adj"}
    assert all(set(rules) == fields for rules in FIELDS.values())
    called = {"title", "author", "first", "last", "town", "theme", *KINDS}  # by name in the code
    assert named | called == set(TABLES) | set(SPECIAL) | fields


def test_every_field_has_its_share():
    assert [name for name, _ in FIELD_SHARES] == list(FIELDS)
    assert sum(share for _, share in FIELD_SHARES) == 100
    words = {
        name: {w for entries in rules.values() for w in entries} for name, rules in FIELDS.items()
    }
    assert all(len(found) > 50 for found in words.values())


@pytest.mark.parametrize("symbol", sorted({*TABLES, *SPECIAL}))
def test_every_symbol_can_be_written(symbol):
    draft = Draft(random.Random(0), "law", BASE, lambda: "The Origins of Type Theory")
    texts = [expand(symbol, draft) for _ in range(30)]
    assert all(text.strip() and not SLOT.search(text) for text in texts)


def test_titles_come_in_many_forms(made):
    titles = [row.title for row in made if row.label == "correct"]
    count = len(titles)

    def share(pattern):
        return sum(bool(re.search(pattern, title)) for title in titles) / count

    assert all(title[0].isupper() or not title[0].isalpha() for title in titles)
    assert 0.03 < sum(title.isupper() for title in titles) / count < 0.1
    capitals = [sum(w[0].isupper() for w in t.split()[1:]) / max(1, t.count(" ")) for t in titles]
    assert 0.15 < sum(c < 0.3 for c in capitals) / count < 0.5  # sentence case
    assert 0.4 < sum(c > 0.6 for c in capitals) / count < 0.8
    assert 0.08 < share(r": ") < 0.25
    assert share(r"\?$") > 0.01
    assert share(r"-") > 0.1
    assert share(r"\d") > 0.01
    assert share(r"[À-žḀ-ỹ]") > 0.01
    lengths = [len(title.split()) for title in titles]
    assert min(lengths) <= 3
    assert max(lengths) >= 15
    assert 7 < np.mean(lengths) < 10
    assert [t for t in titles if re.search(r"\ba [aeio]", t, re.IGNORECASE)] == []


def test_memory_is_bounded_while_rows_stream():
    tracemalloc.start()
    try:
        rows = make_rows(200_000, 1)
        made = sum(len(next(rows).title) > 0 for _ in range(3000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert made == 3000
    assert peak < 3_000_000  # two bytes for each of the 200,000, and little else


def held_out_accuracy(model, rows, correct):
    return model.fit(rows[:3000], correct[:3000]).score(rows[3000:], correct[3000:])


def test_no_single_trait_gives_the_answer_away(made, correct):
    from sklearn.tree import DecisionTreeClassifier

    texts = [row.title for row in made]
    traits = {
        "signs": [len(text) for text in texts],
        "words": [len(text.split()) for text in texts],
        "first": [text[0].isupper() + 2 * text[0].isalpha() for text in texts],
        "digit": [any(sign.isdigit() for sign in text) for text in texts],
        "punctuation": [sum(not s.isalnum() and s != " " for s in text) for text in texts],
        "capitals": [text.isupper() for text in texts],
        "last": [ord(text[-1]) for text in texts],
    }
    for name, values in traits.items():
        tree = DecisionTreeClassifier(max_depth=6, random_state=0)
        column = np.array(values, float)[:, None]
        assert held_out_accuracy(tree, column, correct) < 0.78, name


def test_words_do_tell_something(made, correct):
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=1000))
    texts = [row.title for row in made]
    assert 0.65 < held_out_accuracy(model, texts, correct) < 0.92
