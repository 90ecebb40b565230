"""Scores of a cache: the same bytes without the model, and never those of another one."""

from __future__ import annotations

import csv
import os
import sqlite3
import threading

import numpy as np
import pytest

from tiny import FAULTS, TITLES, save_classifier
from titlekit import DataError, UsageError, load
from titlekit.core.data.readers import open_table
from titlekit.core.inference import cache as cached
from titlekit.core.inference import stream
from titlekit.core.inference.bag import BagPredictor
from titlekit.core.inference.cache import open_cache, text_key
from titlekit.core.inference.reuse import Reusing
from titlekit.core.inference.stream import predict_file

COLUMNS = ["id", "title", "other"]


@pytest.fixture
def asked(monkeypatch):
    """Texts that the model computed."""
    seen = []
    logits = BagPredictor.logits

    def noting(self, texts, pairs=None):
        seen.extend(zip(texts, pairs, strict=True) if pairs else texts)
        return logits(self, texts, pairs)

    monkeypatch.setattr(BagPredictor, "logits", noting)
    return seen


@pytest.fixture
def source(tmp_path, titles):
    return write(tmp_path / "in.csv", titles(30))


def write(path, texts):
    with path.open("w", encoding="utf-8", newline="") as target:
        rows = [[number, text, FAULTS[number % 3]] for number, text in enumerate(texts)]
        csv.writer(target).writerows([COLUMNS, *rows])
    return path


def answered(predictor, source, target, **options):
    with open_table(str(source)) as table:
        return predict_file(predictor, table, str(target), **options)


def with_cache(folder, source, target, path, **options):
    with open_cache(str(path)) as cache:
        return answered(Reusing(load(folder), cache), source, target, proba=True, **options)


def test_equal_texts_are_answered_once_and_all_get_the_answer(bag, asked, source, tmp_path):
    with open_table(str(source)) as table:
        texts = [row.values["title"] for row in table]
    counts = answered(load(bag), source, tmp_path / "out.csv")
    assert len({*texts}) < len(texts)
    assert sorted(asked) == sorted({*texts})
    assert counts["distinct_texts"] == len({*texts})
    with open_table(str(tmp_path / "out.csv")) as table:
        rows = list(table)
    assert [row.values["title"] for row in rows] == texts
    alone = load(bag).predict(texts)
    assert [row.values["predicted_label"] for row in rows] == alone.labels
    assert [row.values["score"] for row in rows] == [f"{score:.6f}" for score in alone.scores]


def test_a_second_text_makes_another_question(save_bag, asked, source, tmp_path):
    folder = save_bag(tmp_path / "paired", pair=True)
    counts = answered(load(folder), source, tmp_path / "out.csv")
    with open_table(str(source)) as table:
        both = [(row.values["title"], row.values["other"]) for row in table]
    assert sorted(asked) == sorted({*both})
    assert counts["distinct_texts"] == len({*both})


def test_an_encoder_s_label_depends_on_neither_duplicates_nor_neighbours(tmp_path):
    predictor = load(save_classifier(tmp_path / "model"), device="cpu")
    texts = [*TITLES, *FAULTS]
    alone = [predictor.predict([text]) for text in texts]
    rng = np.random.default_rng(3)
    order = rng.integers(0, len(texts), 200)
    found = Reusing(predictor).class_probabilities([texts[row] for row in order])
    expected = np.concatenate([one.probabilities for one in alone])[order]
    assert np.abs(found - expected).max() < 1e-5
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).all()


def test_a_second_run_asks_the_model_nothing_and_writes_the_same(
    bag, asked, source, tmp_path, monkeypatch
):
    monkeypatch.setattr(stream, "WINDOW", 7)
    path = tmp_path / "scores.db"
    answered(load(bag), source, tmp_path / "plain.csv", proba=True)
    asked.clear()
    first = with_cache(bag, source, tmp_path / "one.csv", path)
    assert len(asked) == len({*asked}) == first["distinct_texts"] - first["from_cache"]
    asked.clear()
    second = with_cache(bag, source, tmp_path / "two.csv", path)
    assert asked == []
    assert second["from_cache"] == second["distinct_texts"] == first["distinct_texts"]
    plain = (tmp_path / "plain.csv").read_bytes()
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes() == plain


def test_a_nightly_job_answers_what_is_new(bag, asked, source, titles, tmp_path):
    with_cache(bag, source, tmp_path / "one.csv", tmp_path / "scores.db")
    asked.clear()
    more = write(tmp_path / "more.csv", [*titles(30), "A New Title", "A New Title", ""])
    counts = with_cache(bag, more, tmp_path / "two.csv", tmp_path / "scores.db")
    assert asked == ["A New Title"]
    assert counts["distinct_texts"] == counts["from_cache"] + 1


def test_scores_come_back_bit_for_bit(tmp_path):
    scores = np.random.default_rng(0).random((1200, 3))
    keys = [text_key(f"{row}") for row in range(1200)]
    with open_cache(str(tmp_path / "scores.db")) as cache:
        cache.keep("a", keys, scores)
        cache.keep("a", keys[:1], np.zeros((1, 3)))  # what is there stays
    with open_cache(str(tmp_path / "scores.db")) as cache:
        found = cache.find("a", [*keys, text_key("none")], 3)
        assert cache.find("b", keys, 3) == {}
    assert (np.array([found[key] for key in keys]) == scores).all()
    assert os.listdir(tmp_path) == ["scores.db"]


def test_what_differs_has_another_key():
    pairs = [("ab", None), ("ab", ""), ("a", "b"), ("", "ab"), ("", None), ("\ud800", None)]
    assert len({text_key(*pair) for pair in pairs}) == len(pairs)


def test_another_model_or_decision_takes_nothing(bag, save_bag, asked, source, tmp_path):
    with_cache(bag, source, tmp_path / "out.csv", tmp_path / "scores.db")
    same = save_bag(tmp_path / "same")
    asked.clear()
    with_cache(same, source, tmp_path / "out.csv", tmp_path / "scores.db")
    assert asked == []
    for name, folder in {
        "model": save_bag(tmp_path / "other", seed=1),
        "labels": save_bag(tmp_path / "renamed", labels=("correct", "wrong")),
        "threshold": same,
        "temperature": save_bag(tmp_path / "warm"),
    }.items():
        if name in ("threshold", "temperature"):
            (folder / "decision.json").write_text(f'{{"{name}": 0.9}}')
        asked.clear()
        counts = with_cache(folder, source, tmp_path / "out.csv", tmp_path / "scores.db")
        assert counts["from_cache"] == 0, name
        assert len(asked) == counts["distinct_texts"], name
    both = load([bag, tmp_path / "other"])
    with open_cache(str(tmp_path / "scores.db")) as cache:
        assert answered(Reusing(both, cache), source, tmp_path / "out.csv")["from_cache"] == 0
        assert Reusing(both, cache).digest != Reusing(load([tmp_path / "other", bag])).digest


def test_an_encoder_s_digest_is_that_of_all_it_computes_with(tmp_path):
    folder = save_classifier(tmp_path / "model")
    digest = Reusing(load(folder, device="cpu")).digest
    assert Reusing(load(folder, device="cpu")).digest == digest
    predictor = load(folder, device="cpu")
    predictor.predict(["A title"])
    assert Reusing(predictor).digest == digest
    predictor.model.classifier.bias.data[0] += 1
    assert Reusing(predictor).digest != digest
    (folder / "run.json").write_text('{"input": {"max_length": 16}}')
    assert Reusing(load(folder, device="cpu")).digest != digest


def refused(path):
    with pytest.raises((DataError, UsageError)) as caught, open_cache(str(path)):
        pass
    return str(caught.value).removeprefix(f"--cache {path}: ")


def test_files_that_are_no_cache_are_refused_in_one_line(tmp_path):
    (tmp_path / "text.db").write_text("text,label\n" * 200)
    end = "; delete it or choose another name"
    assert refused(tmp_path / "text.db") == (
        f"not a cache of titlekit, or a damaged one (file is not a database){end}"
    )
    assert (tmp_path / "text.db").read_text() == "text,label\n" * 200
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE t (a)")
    other.close()
    assert refused(tmp_path / "other.db") == "a database of something else; choose another name"
    with open_cache(str(tmp_path / "old.db")) as cache:
        cache._connection.execute("PRAGMA user_version = 7")
    assert refused(tmp_path / "old.db") == (
        "written by another version of titlekit (its schema is 7, expected 1); choose another name"
    )
    assert refused(tmp_path / "no" / "a.db") == f"there is no folder '{tmp_path / 'no'}'"
    assert refused(tmp_path) == "expected a file, that is a folder or a device"


def test_a_damaged_cache_is_one_line_and_nothing_is_written(console, bag, source, titles, tmp_path):
    path = tmp_path / "scores.db"
    with open_cache(str(path)) as cache:
        cache.keep("a", [text_key(f"{n}") for n in range(2000)], np.ones((2000, 2)))
        digest = Reusing(load(bag)).digest
        cache.keep(digest, [text_key(titles(30)[0])], np.full((1, 2), np.nan))
    before = path.read_bytes()
    said = f"Error: --cache {path}: not a cache of titlekit, or a damaged one"
    words = ["predict", bag, source, "-o", tmp_path / "out.csv", "--cache", path]
    code, out, err = console(*words)
    end = "; delete it or choose another name\n"
    assert (code, out, err) == (2, "", f"{said} (scores that are no probabilities){end}")
    path.write_bytes(before[:4096] + b"\xff" * 8192 + before[12288:])
    code, out, err = console(*words)
    assert (code, out, err) == (2, "", f"{said} (database disk image is malformed){end}")
    assert sorted(os.listdir(tmp_path)) == ["in.csv", "scores.db"]


def test_two_writers_wait_for_each_other(tmp_path, monkeypatch):
    path = str(tmp_path / "scores.db")

    def fill(first):
        with open_cache(path) as cache:
            for start in range(first, first + 100, 10):
                keys = [text_key(f"{n}") for n in range(start, start + 10)]
                cache.keep("a", keys, np.full((10, 2), 0.5))

    threads = [threading.Thread(target=fill, args=(first,)) for first in (0, 50, 100)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    with open_cache(path) as cache:
        assert len(cache.find("a", [text_key(f"{n}") for n in range(300)], 2)) == 200
        monkeypatch.setattr(cached, "_PATIENCE", 0.01)
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with (
            open_cache(path) as late,
            pytest.raises(UsageError, match=r"^--cache .*scores.db: database is locked$"),
        ):
            late.keep("a", [text_key("x")], np.zeros((1, 2)))
        holder.close()


def test_the_command_says_what_came_from_the_cache(console, bag, source, tmp_path):
    words = ["predict", bag, source, "--cache", tmp_path / "scores.db", "-o"]
    _, _, err = console(*words, tmp_path / "one.csv")
    assert "cache" not in err
    _, _, err = console(*words, tmp_path / "two.csv")
    assert ", 23 scores from the cache; written to " in err


def test_a_file_has_one_use(console, bag, source, tmp_path):
    target = tmp_path / "out.csv"
    code, _, err = console("predict", bag, source, "-o", target, "--cache", target)
    assert (code, err) == (
        2, f"Error: --cache {target}: -o has the same name; choose another one\n"
    )  # fmt: skip
