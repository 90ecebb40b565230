"""Synthetic titles: the same for everyone, whole, and not to be told apart by a trick."""

from __future__ import annotations

import hashlib
import json
import random
import re

import numpy as np
import pytest

from titlekit.core.data import synthetic
from titlekit.core.data.synthetic import expand, make_fault, make_title, make_titles
from titlekit.core.data.synthetic_faults import FAULTS, SHARES
from titlekit.core.data.synthetic_words import TITLES

SLOT = re.compile(r"\{(\w+?)2?\^?\}")
KINDS = [kind for kind, _ in SHARES]


@pytest.fixture(scope="module")
def made():
    texts, labels = make_titles(4000, 42)
    return texts, np.array(labels) == "correct"


def test_the_same_rows_and_seed_give_the_same_texts_everywhere():
    texts, labels = make_titles(200, 1)
    digest = hashlib.sha256(json.dumps([texts, labels]).encode()).hexdigest()
    assert digest == "19c5d7bcbdcd04644c9599dcfd4deac54678f46dcc93678caacdeed4faada25d"
    assert make_titles(200, 1) == (texts, labels)
    assert make_titles(200, 2)[0] != texts


@pytest.mark.parametrize(("rows", "correct"), [(4000, 2000), (201, 101), (2, 1), (1, 1), (0, 0)])
def test_half_is_correct_and_half_is_wrong(rows, correct):
    texts, labels = make_titles(rows, 3)
    assert len(texts) == len(labels) == rows
    assert (labels.count("correct"), labels.count("wrong")) == (correct, rows - correct)


def test_labels_are_in_random_order(made):
    _, correct = made
    assert 0.45 < np.mean(correct[1:] == correct[:-1]) < 0.55
    assert 0.45 < correct[:2000].mean() < 0.55


@pytest.mark.parametrize("seed", [0, 1, 42])
def test_no_text_stands_twice(seed):
    texts, _ = make_titles(4000, seed)
    assert len({text.lower() for text in texts}) == 4000


def test_texts_are_clean_lines(made):
    texts, _ = made
    assert all(text == " ".join(text.split()) and text for text in texts)
    assert all(text.isprintable() for text in texts)
    assert max(map(len, texts)) < 500


def test_every_slot_is_filled(made):
    texts, _ = made
    assert [text for text in texts if SLOT.search(text)] == []
    # What is left of braces is an address of two people.
    braces = [text for text in texts if "{" in text or "}" in text]
    assert all(re.search(r"\{\w+,\w+\}@\w+", text) for text in braces)


def test_every_symbol_is_defined_once_and_used():
    rules = {**TITLES, **FAULTS}
    assert set(TITLES) & set(FAULTS) == set()
    assert set(rules) & set(synthetic._SPECIAL) == set()
    assert all(entry for entries in rules.values() for entry in entries)
    named = {slot for entries in rules.values() for text in entries for slot in SLOT.findall(text)}
    called = {"title", "author", "first", "last", "town", *KINDS}  # by name in synthetic.py
    assert named | called == set(rules) | set(synthetic._SPECIAL)


@pytest.mark.parametrize("symbol", sorted({**TITLES, **FAULTS, **synthetic._SPECIAL}))
def test_every_symbol_can_be_written(symbol):
    rng = random.Random(0)
    texts = [expand(symbol, rng) for _ in range(40)]
    assert all(text.strip() and not SLOT.search(text) for text in texts)
    if symbol in FAULTS:
        assert len(set(texts)) > 1


def test_all_kinds_of_faults_appear_as_often_as_they_should(monkeypatch):
    assert sum(share for _, share in SHARES) == 100
    plain, drawn, depth = synthetic.expand, [], [0]

    def watched(symbol, rng):
        if not depth[0]:
            drawn.append(symbol)
        depth[0] += 1
        try:
            return plain(symbol, rng)
        finally:
            depth[0] -= 1

    monkeypatch.setattr(synthetic, "expand", watched)
    rng = random.Random(7)
    for _ in range(3000):
        make_fault(rng)
    for kind, share in SHARES:
        assert drawn.count(kind) / 30 == pytest.approx(share, abs=2.5), kind
    assert set(drawn) == set(KINDS)


def test_headings_are_numbered_and_name_sections():
    rng = random.Random(0)
    texts = [expand("heading", rng) for _ in range(200)]
    assert any(re.fullmatch(r"\d\. [A-Z].*", text) for text in texts)
    assert any(text.startswith("Chapter ") for text in texts)
    assert any(text in FAULTS["section"] for text in texts)


def test_titles_come_in_three_cases():
    rng = random.Random(0)
    titles = [make_title(rng) for _ in range(1000)]
    assert all(title[0].isupper() or title[0].isdigit() for title in titles)
    capitals = sum(title.isupper() for title in titles) / 1000
    assert 0.03 < capitals < 0.1
    assert [title for title in titles if re.search(r"\ba [aeio]", title, re.IGNORECASE)] == []


def held_out_accuracy(model, rows, correct):
    return model.fit(rows[:3000], correct[:3000]).score(rows[3000:], correct[3000:])


def test_no_single_trait_gives_the_answer_away(made):
    from sklearn.tree import DecisionTreeClassifier

    texts, correct = made
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
        assert held_out_accuracy(tree, column, correct) < 0.75, name


def test_words_do_tell_something(made):
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    texts, correct = made
    model = make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=1000))
    assert 0.7 < held_out_accuracy(model, texts, correct) < 0.9
