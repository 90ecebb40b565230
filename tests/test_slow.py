"""Promises that take minutes to check; deselected by default: run with -m slow."""

from __future__ import annotations

import csv
import json
import resource
import time

import pytest

from console import process
from tiny import save_classifier
from titlekit.core.data.synthetic import make_titles

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def test_the_first_command_trains_a_good_classifier_in_under_five_minutes(tmp_path):
    started = time.monotonic()
    done = process("train", "--json", "-q", cwd=tmp_path, OMP_NUM_THREADS="2")
    out, err = done.communicate()
    seconds = time.monotonic() - started
    assert done.returncode == 0, err
    answer = json.loads(out)
    assert answer["results"]["validation"]["f1"] > 0.9
    assert seconds < 300


def test_a_large_file_is_answered_in_order_and_in_bounded_memory(tmp_path):
    texts, _ = make_titles(2000, 1)
    model = save_classifier(tmp_path / "model", texts)
    rows = 300_000
    with (tmp_path / "big.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "title"])
        writer.writerows([number, texts[number % len(texts)]] for number in range(rows))
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    done = process("predict", model, "big.csv", "-o", "out.csv", "-q", cwd=tmp_path)
    _, err = done.communicate()
    assert done.returncode == 0, err
    peak = max(before, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
    assert peak < 1_500_000  # kB; torch and transformers alone take about 500,000
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as stream:
        found = csv.DictReader(stream)
        first = {}
        for number, row in enumerate(found):
            assert int(row["id"]) == number
            answer = first.setdefault(row["title"], (row["predicted_label"], float(row["score"])))
            assert row["predicted_label"] == answer[0]
            # Batches of other shapes round elsewhere, by up to a few millionths.
            assert float(row["score"]) == pytest.approx(answer[1], abs=1e-5)
    assert number == rows - 1
