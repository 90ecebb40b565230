"""Lengths in tokens: the recommended one is the trainer's, the table is what a trainer would do."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest

import titlekit
from console import write_table
from titlekit.core.config import TrainConfig
from titlekit.core.data.plans import similar_batches, stream
from titlekit.core.data.report.lengths import (
    LENGTHS,
    describe_lengths,
    length_table,
    settle_length,
)
from titlekit.core.prepare import prepare
from titlekit.core.unpadded import PADDED


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def words(count):
    return " ".join(random.Random(count).choices("abcdefghij", k=count))


def table(*counts, name="t.csv"):
    """Rows of so many one-letter words each, one token a word, the classes in turn."""
    lines = [f"{words(count)},{'yn'[row % 2]}" for row, count in enumerate(counts)]
    with open(name, "w", encoding="utf-8") as stream:
        stream.write("\n".join(["title,label", *lines, ""]))
    return name


def check(train, **options):
    return titlekit.check(train=train, model="tiny", time=False, near=0, **options)


def test_the_settled_length_and_its_reason():
    def settled(lengths, limit=512):
        return settle_length(np.array(lengths), 2, limit)

    one = settled([14] * 2000 + [40])
    assert (one.max_length, one.cut_rows) == (16, 1)
    assert one.reason == (
        "99.9 % of the training rows have at most 14 tokens, rounded up to a multiple of 8"
    )
    one = settled([200] * 10)
    assert (one.max_length, one.cut_rows) == (128, 10)
    assert one.reason == (
        "99.9 % of the training rows have at most 200 tokens, and auto goes no further than 128; "
        "--max-length 512 would"
    )
    one = settled([200] * 10, 60)
    assert one.max_length == 60
    assert one.reason.endswith("at most 200 tokens, and the model has positions for 60")
    one = settled([58] * 10, 60)
    assert (one.max_length, one.cut_rows) == (60, 0)
    assert one.reason.endswith("at most 58 tokens, all that the model takes")
    assert settled([]).reason == "there are no rows to measure"


@pytest.mark.parametrize("counts", [[5] * 40, [5] * 38 + [70, 71], [300] * 40, [3, 9] * 20])
def test_a_training_settles_on_what_the_report_recommends(counts):
    table(*counts)
    found = check("t.csv").to_json()["max_length"]
    config = TrainConfig(train=["t.csv"], model="tiny", valid="0", device="cpu")
    job = prepare(config, {}, [])
    assert found["recommended"] == job.encoder.max_length
    assert found["special_tokens"] == 2
    assert found["cut_rows"] == sum(count + 2 > found["recommended"] for count in counts)


def test_the_table_counts_cut_rows_and_padding():
    lengths = np.array([10] * 30 + [20] * 30 + [60] * 4)
    rows = {row["max_length"]: row for row in length_table(lengths, 8, 42, 100, [40])}
    assert sorted(rows) == sorted({*LENGTHS, 40})
    assert {length: row["cut_rows"] for length, row in rows.items()} == {
        16: 34, 24: 4, 32: 4, 40: 4, 48: 4, 64: 0, 96: 0, 128: 0, 256: 0, 512: 0,
    }  # fmt: skip
    assert rows[16]["cut_share"] == 34 / 64
    assert rows[16]["padding_to_max_length"] == pytest.approx(1 - (300 + 34 * 16) / (64 * 16))
    assert rows[64]["padding_to_max_length"] == pytest.approx(1 - 1140 / (64 * 64))
    assert [row["fits"] for row in rows.values()] == [length <= 100 for length in rows]
    # All 64 rows are of one window: sorted and cut into eights.
    batches = [10 * 8] * 3 + [20 * 8] * 4 + [60 * 8]
    assert rows[64]["padding_to_longest"] == pytest.approx(1 - 1140 / sum(batches))
    assert rows[512]["padding_to_longest"] == rows[64]["padding_to_longest"]


def test_padding_is_that_of_the_first_epoch_of_a_padded_training(tmp_path, monkeypatch):
    monkeypatch.setattr("titlekit.core.training.trainer.choose", lambda *_: PADDED)
    write_table(tmp_path / "titles.csv", 300)
    found = check("titles.csv", batch_size=16, seed=3).to_json()["max_length"]
    config = TrainConfig(train=["titles.csv"], model="tiny", valid="0", device="cpu",
                         batch_size=16, seed=3)  # fmt: skip
    feed = prepare(config, {}, []).trainer.feed
    feed.batch(0)
    lengths = feed.tokens.lengths
    padded = sum(len(rows) * lengths[rows].max() for rows in feed.batches)
    [row] = [row for row in found["lengths"] if row["max_length"] == found["recommended"]]
    assert row["padding_to_longest"] == pytest.approx(1 - lengths.sum() / padded)
    order = stream(3, "sampling", 0).permutation(300)
    batches = similar_batches(order, lengths, 16, stream(3, "batches", 0))
    assert [rows.tolist() for rows in batches] == [rows.tolist() for rows in feed.batches]


def test_many_long_rows_are_a_finding():
    found = check(table(*[5] * 38, *[200, 201])).findings
    [one] = [one for one in found if one.kind == "cut"]
    assert (one.level, one.kind, one.split) == ("warning", "cut", "train")
    assert one.text == (
        "2 rows (5.0 %) are longer than 128 tokens, which --max-length auto settles on"
    )
    assert one.help == "--max-length 256 cuts fewer; --truncation says what is kept of the rest"
    assert [row["line"] for row in one.rows] == [40, 41]


def test_words_that_the_vocabulary_lacks():
    table(*[6, 7, 8, 9] * 10)
    with open("test.csv", "w", encoding="utf-8") as stream:
        stream.write("title,label\nαβγ δ a b,y\na b c d e f g,n\n")
    report = check("t.csv", test="test.csv")
    [one] = [one for one in report.findings if one.kind == "unknown-tokens"]
    assert (one.level, one.split) == ("warning", "test")
    assert one.text == (
        "18.2 % of the tokens are unknown to tiny: it cannot tell those words apart"
    )
    assert [row["line"] for row in one.rows] == [2]
    found = report.to_json()["splits"]["test"]["tokens"]
    assert found["unknown_share"] == pytest.approx(2 / 11)
    assert found["rows_with_unknown"] == 1
    assert report.to_json()["splits"]["train"]["tokens"]["unknown_share"] == 0


def test_pairs_count_both_texts():
    with open("p.csv", "w", encoding="utf-8") as stream:
        stream.write("title,abstract,label\n")
        stream.writelines(f"{words(4)},{words(n % 5 + 1)},{'yn'[n % 2]}\n" for n in range(40))
    found = check("p.csv", text_column="title", text_pair_column="abstract").to_json()
    assert found["columns"] == {"text": ["title"], "label": "label", "pair": "abstract"}
    assert found["max_length"]["special_tokens"] == 3
    assert found["splits"]["train"]["tokens"]["longest"] == 4 + 5 + 3
    assert found["splits"]["train"]["tokens"]["shortest"] == 4 + 1 + 3


def test_lengths_as_numbers():
    lengths = np.array([*range(1, 1001), 5000])
    found = describe_lengths(lengths)
    assert found["mean"] == pytest.approx(lengths.mean())
    assert found["quantiles"] == {"50": 501, "90": 901, "95": 951, "99": 991, "99.9": 1000}
    assert (found["shortest"], found["longest"]) == (1, 5000)
    bars = found["histogram"]
    assert sum(bar["rows"] for bar in bars) == 1001
    assert len(bars) == 41
    assert bars[0] == {"from": 1, "to": 25, "rows": 25}
    assert bars[-1] == {"from": 1001, "to": 5000, "rows": 1}
    assert describe_lengths(np.array([7, 7]))["histogram"] == [{"from": 7, "to": 7, "rows": 2}]
    assert describe_lengths(np.zeros(0, np.int64))["histogram"] == []
    json.dumps(found)
