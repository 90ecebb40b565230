"""evaluate: metrics with intervals, blank rows told apart, mistakes first."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
import sklearn.metrics as reference

from tiny import FAULTS, TITLES, mark_as_run, save_classifier
from titlekit import DataError, load
from titlekit.core.data.dataset import Dataset
from titlekit.core.data.readers import open_table
from titlekit.core.evidence.evaluation import bootstrap, evaluate, load_rows, write_predictions
from titlekit.core.inference.decision import Decision

TEXTS = [*TITLES, *FAULTS]
NAMES = ["wrong", "correct"]
LABELS = np.array([1] * 10 + [0] * 10)


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    return load(save_classifier(tmp_path_factory.mktemp("model")), device="cpu")


def rows(texts=TEXTS, labels=LABELS, **more):
    return Dataset("rows.csv", list(texts), labels, list(range(2, len(texts) + 2)), **more)


def test_metrics_are_those_of_the_answers(predictor):
    found = evaluate(predictor, rows())
    answers = predictor.predict(TEXTS)
    assert found.metrics["accuracy"] == np.mean(answers.predicted == LABELS)
    assert found.metrics["f1"] == pytest.approx(reference.f1_score(LABELS, answers.predicted))
    assert found.metrics["rows"] == found.rows == 20
    assert (found.blank_rows, found.accuracy_all_rows) == (0, found.metrics["accuracy"])


def test_windows_change_nothing(predictor, monkeypatch):
    whole = evaluate(predictor, rows(pairs=FAULTS + TITLES))
    monkeypatch.setattr("titlekit.core.evidence.evaluation.WINDOW", 7)
    parts = evaluate(predictor, rows(pairs=FAULTS + TITLES))
    assert parts.answers.labels == whole.answers.labels
    assert parts.answers.scores == pytest.approx(whole.answers.scores, abs=1e-5)
    assert parts.metrics["confusion_matrix"] == whole.metrics["confusion_matrix"]


def test_the_decision_is_applied(tmp_path):
    save_classifier(tmp_path)
    Decision(threshold=0.0).write(tmp_path)
    found = evaluate(load(tmp_path, device="cpu"), rows())
    assert found.metrics["recall"] == 1.0
    assert found.metrics["specificity"] == 0.0


@pytest.mark.parametrize(("blank_label", "right"), [("", 0), ("wrong", 2), ("correct", 1)])
def test_blank_rows_count_in_accuracy_all_rows_alone(predictor, blank_label, right):
    data = rows(blank_labels=np.array([0, 1, 0]), blank_lines=[22, 23, 24])
    found, plain = evaluate(predictor, data, blank_label), evaluate(predictor, rows())
    assert found.metrics == plain.metrics
    assert found.blank_rows == 3
    assert found.accuracy_all_rows == pytest.approx((plain.metrics["accuracy"] * 20 + right) / 23)


def test_json_has_null_for_what_is_undefined(predictor):
    data = rows(TITLES, np.ones(10, np.int64), sha256="ab")
    found = evaluate(predictor, data).to_json()
    assert found["roc_auc"] is None
    assert found["specificity"] is None
    assert found["labels"] == NAMES
    assert found["data"] == {"name": "rows.csv", "sha256": "ab"}
    assert set(found["intervals"]) == {"accuracy", "f1", "macro_f1"}
    json.dumps(found, allow_nan=False)


def test_no_rows_are_refused(predictor):
    with pytest.raises(DataError) as refused:
        evaluate(predictor, rows([], np.zeros(0, np.int64)))
    assert str(refused.value) == "rows.csv: no row with a text"


def test_the_bootstrap_equals_drawing_rows():
    rng = np.random.default_rng(0)
    true = rng.integers(0, 3, 300)
    predicted = np.where(rng.random(300) < 0.7, true, rng.integers(0, 3, 300))
    drawn: dict[str, list[float]] = {"accuracy": [], "f1": [], "macro_f1": []}
    for _ in range(2000):
        at = rng.integers(0, 300, 300)
        scores = reference_f1(true[at], predicted[at])
        drawn["accuracy"].append(np.mean(true[at] == predicted[at]))
        drawn["f1"].append(scores[1])
        drawn["macro_f1"].append(scores.mean())
    found = bootstrap(reference.confusion_matrix(true, predicted), 1)
    for name, values in drawn.items():
        low, high = np.percentile(values, [2.5, 97.5])
        assert found[name] == pytest.approx({"low": low, "high": high}, abs=0.01)


def reference_f1(true, predicted):
    right = np.bincount(true[true == predicted], minlength=3)
    return 2 * right / (np.bincount(true, minlength=3) + np.bincount(predicted, minlength=3))


def test_the_bootstrap_repeats_and_knows_its_limits(monkeypatch):
    matrix = np.array([[40, 10], [5, 45]])
    first = bootstrap(matrix, 1)
    assert first == bootstrap(matrix, 1)
    assert first["accuracy"]["low"] < 0.85 < first["accuracy"]["high"]
    assert set(bootstrap(matrix, None)) == {"accuracy", "macro_f1"}
    assert bootstrap(np.diag([3, 4]), 0)["f1"] == {"low": 1.0, "high": 1.0}
    alone = bootstrap(np.array([[5, 0], [0, 0]]), 1)["f1"]
    assert np.isnan([alone["low"], alone["high"]]).all()
    monkeypatch.setattr("titlekit.core.evidence.evaluation._BLOCK", 900)
    blocks = bootstrap(matrix, 1)
    assert blocks["f1"] == pytest.approx(first["f1"], abs=0.01)


def test_predictions_begin_with_the_most_confident_mistakes(predictor, tmp_path):
    data = rows(blank_labels=np.array([1]), blank_lines=[30])
    found = evaluate(predictor, data)
    write_predictions(tmp_path / "new" / "p.csv", found)
    with open_table(str(tmp_path / "new" / "p.csv")) as table:
        written = [row.values for row in table]
    assert table.columns == [
        "line", "text", "label", "predicted_label", "score", "p_wrong", "p_correct",
    ]  # fmt: skip
    mistakes = [row["label"] != row["predicted_label"] for row in written[:-1]]
    count = sum(mistakes)
    assert 0 < count < 20
    assert mistakes == [True] * count + [False] * (20 - count)
    scores = [float(row["score"]) for row in written[:-1]]
    assert scores[:count] == sorted(scores[:count], reverse=True)
    assert scores[count:] == sorted(scores[count:])
    by_line = {row["line"]: row for row in written}
    for line, text, label in zip(data.lines, data.texts, data.labels, strict=True):
        assert (by_line[str(line)]["text"], by_line[str(line)]["label"]) == (text, NAMES[label])
    assert [*written[-1].values()] == ["30", "", "correct", "", "", "", ""]
    assert os.listdir(tmp_path / "new") == ["p.csv"]


def test_predictions_of_pairs_show_both_texts(predictor, tmp_path):
    awkward = ['a "quoted", text\r\nwith lines', "00", "\r", *FAULTS[3:], *TITLES]
    write_predictions(tmp_path / "p.csv", evaluate(predictor, rows(pairs=awkward)))
    with open_table(str(tmp_path / "p.csv")) as table:
        found = {int(row.values["line"]) - 2: row.values for row in table}
    assert [found[number]["text_pair"] for number in range(20)] == awkward


def test_predictions_that_break_off_leave_nothing(predictor, tmp_path, monkeypatch):
    found = evaluate(predictor, rows())

    def full(cells):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("titlekit.core.evidence.evaluation.csv_writer", lambda _: full)
    with pytest.raises(OSError, match="No space"):
        write_predictions(tmp_path / "p.csv", found)
    assert os.listdir(tmp_path) == []


def test_rows_are_read_from_the_columns_of_the_training(tmp_path):
    mark_as_run(save_classifier(tmp_path / "run"), text_columns=["head"], label_column="kind")
    predictor = load(tmp_path / "run", device="cpu")
    path = tmp_path / "test.csv"
    path.write_text("text,head,label,kind\na,b,correct,wrong\n")
    data = load_rows(predictor, str(path))
    assert (data.texts, data.labels.tolist()) == (["b"], [0])
    data = load_rows(predictor, str(path), text_column="text", label_column="label")
    assert (data.texts, data.labels.tolist()) == (["a"], [1])
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "test.csv").write_text("title given by manchine,Y/N\nc,Y\n")
    data = load_rows(predictor, str(tmp_path / "folder"))
    assert (data.texts, data.labels.tolist()) == (["c"], [1])
