"""Training on kinds of wrong titles: the answers are correct and wrong, with a reason."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

import titlekit
from titlekit.core.data.titles.maker import make_rows
from titlekit.core.errors import DataError, UsageError
from titlekit.core.inference.decision import Decision

TINY = {"model": "tiny", "epochs": 1, "max_length": 16, "device": "cpu"}
GROUPS = {"wrong": ("citation", "cut off"), "correct": ("correct",)}


def write(path, rows, columns=("title", "label", "kind")):
    with open(path, "w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([columns, *rows])
    return str(path)


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kinds")
    rows = [row for row in make_rows(600, 3) if row.kind in ("correct", "cut off", "citation")]
    shown = [(row.title, "Y" if row.label == "correct" else "N") for row in rows[:60]]
    table = write(folder / "titles.csv", rows)
    return folder, table, write(folder / "test.csv", shown, ("title", "Y/N"))


@pytest.fixture(scope="module")
def encoder(places):
    folder, table, test = places
    return titlekit.train(train=table, labels="kind", test=test, out=folder / "run", **TINY)


@pytest.fixture(scope="module")
def baseline(places):
    folder, table, test = places
    return titlekit.train(
        train=table, labels="kind", test=test, out=folder / "bag", model="tfidf-lr"
    )


@pytest.mark.parametrize("name", ["encoder", "baseline"])
def test_kinds_are_learnt_and_correct_and_wrong_are_answered(name, request):
    result = request.getfixturevalue(name)
    assert result.run["labels"] == ["citation", "correct", "cut off"]
    kept = json.loads((result.folder / "decision.json").read_text("utf-8"))
    assert kept["groups"] == {"wrong": ["citation", "cut off"], "correct": ["correct"]}
    assert result.results["validation"]["labels"] == ["wrong", "correct"]
    assert result.results["validation"]["positive"] == "correct"
    assert result.results["test"]["rows"] == 60
    found = titlekit.load(result.folder)
    assert (found.labels, found.positive) == (["wrong", "correct"], "correct")
    texts = ["L. Berk: A Theory of", "", "A Theory of Maps"]
    answers = found.predict(texts)
    kinds = found.class_probabilities([texts[0], texts[2]])
    assert kinds.shape == (2, 3)
    summed = np.stack([kinds[:, 0] + kinds[:, 2], kinds[:, 1]], axis=1)
    np.testing.assert_allclose(answers.probabilities[[0, 2]], summed, atol=1e-6)
    for row in (0, 2):
        wrong = answers.labels[row] == "wrong"
        likeliest = "citation" if kinds[row // 2, 0] >= kinds[row // 2, 2] else "cut off"
        assert answers.reasons[row] == (likeliest if wrong else "")
    assert answers.reasons[1] == ""


def test_the_saved_model_keeps_the_kinds(encoder):
    config = json.loads((encoder.folder / "config.json").read_text("utf-8"))
    assert config["id2label"] == {"0": "citation", "1": "correct", "2": "cut off"}


def test_predict_adds_a_reason_and_evaluate_takes_any_spelling(baseline, places, console):
    folder, _, test = places
    words = ["-o", str(folder / "a.csv"), "--proba"]
    code, _, err = console("predict", str(baseline.folder), test, *words)
    assert code == 0, err
    with (folder / "a.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    added = ["predicted_label", "score", "reason", "p_wrong", "p_correct"]
    assert list(rows[0]) == ["title", "Y/N", *added]
    assert {row["predicted_label"] for row in rows} == {"correct", "wrong"}
    for row in rows:
        wrong = row["predicted_label"] == "wrong"
        assert row["reason"] in (("citation", "cut off") if wrong else ("",))
        assert float(row["score"]) == max(float(row["p_wrong"]), float(row["p_correct"]))
    assert console("evaluate", str(baseline.folder), test, "--fail-under", "f1=0.5")[0] == 0


def test_runs_of_kinds_answer_together(baseline, encoder, places, tmp_path):
    both = titlekit.load([baseline.folder, encoder.folder])
    texts = ["A Theory of Maps and", "Rings"]
    each = [member.predict(texts).probabilities for member in both.members]
    answers = both.predict(texts)
    np.testing.assert_allclose(answers.probabilities, (each[0] + each[1]) / 2)
    assert len(answers.reasons) == 2
    rows = [(title, label) for title, label, _ in make_rows(60, 4)]
    table = write(tmp_path / "plain.csv", rows, ("title", "label"))
    plain = titlekit.train(train=table, model="tfidf-lr", out=tmp_path / "plain").folder
    with pytest.raises(UsageError) as caught:
        titlekit.load([baseline.folder, plain])
    assert str(caught.value) == (
        f"{baseline.folder} was trained on kinds (--labels) and {plain} was not; expected the same "
        "of all"
    )


def test_folds_of_kinds_are_measured_as_correct_and_wrong(places, tmp_path):
    done = titlekit.train(
        train=places[1], labels="kind", folds=2, model="tfidf-lr", out=tmp_path / "folds"
    )
    assert done.results["out_of_fold"]["labels"] == ["wrong", "correct"]
    assert done.results["out_of_fold"]["rows"] == sum(
        run.results["fold"]["rows"] for run in done.runs.values()
    )


def refused(folder, **options):
    with pytest.raises((UsageError, DataError)) as caught:
        titlekit.train(model="tfidf-lr", out=folder / "none", **options)
    assert not (folder / "none").exists()
    return str(caught.value)


def test_what_says_no_kinds_is_refused(tmp_path, places):
    table = write(tmp_path / "t.csv", [(f"a {n}", "x", "cd"[n % 2]) for n in range(8)])
    assert refused(tmp_path, train=table, labels="kind") == (
        f"{table}: column 'kind': --labels expects kinds of wrong texts and one named correct, "
        "none is (kinds: c, d)"
    )
    two = write(tmp_path / "u.csv", [(f"a {n}", "x", ("yes", "correct")[n % 2]) for n in range(8)])
    assert refused(tmp_path, train=two, labels="kind").endswith(
        "one named correct, correct, yes are (kinds: correct, yes)"
    )
    assert refused(tmp_path, train=table, labels="sort").startswith(f"{table}: no column 'sort'")
    assert refused(tmp_path, labels="sort") == "--labels: synthetic data has no column 'sort'"
    (tmp_path / "layout").mkdir()
    assert refused(tmp_path, train=tmp_path / "layout", labels="kind") == (
        f"--labels: {tmp_path / 'layout'} has no column 'kind'"
    )
    assert refused(tmp_path, train=table, labels="kind", label_column="label") == (
        "--labels kind says what is learnt; leave out --label-column"
    )


def test_synthetic_titles_have_kinds_too(tmp_path):
    done = titlekit.train(rows=800, labels="kind", model="tfidf-lr", out=tmp_path / "made", valid=0)
    assert {"correct", "cut off", "header glued on"} <= set(done.run["labels"])


@pytest.mark.parametrize(
    ("groups", "shown"),
    [
        ({"wrong": ["a"]}, "{'wrong': ['a']}"),
        ({"wrong": ["a"], "correct": ["a"]}, "{'wrong': ['a'], 'correct': ['a']}"),
        ({"wrong": [], "correct": ["a"]}, "{'wrong': [], 'correct': ['a']}"),
        ({"wrong": "ab", "correct": ["a"]}, "{'wrong': 'ab', 'correct': ['a']}"),
        ([1], "[1]"),
    ],
)
def test_a_strange_decision_is_told_in_one_line(tmp_path, groups, shown):
    path = tmp_path / "decision.json"
    path.write_text(json.dumps({"groups": groups}), "utf-8")
    with pytest.raises(DataError) as caught:
        Decision.read(tmp_path)
    assert str(caught.value).startswith(
        f"{path}: groups: expected an object of two or more lists of labels, each label once, got "
    )
    assert shown in str(caught.value)


def test_groups_of_other_labels_are_refused(baseline, tmp_path):
    import shutil

    folder = tmp_path / "run"
    shutil.copytree(baseline.folder, folder)
    (folder / "decision.json").write_text(
        json.dumps({"groups": {"wrong": ["citation"], "correct": ["correct"]}}), "utf-8"
    )
    with pytest.raises(DataError) as caught:
        titlekit.load(folder)
    assert str(caught.value) == (
        f"{folder / 'decision.json'}: groups: expected the model's labels, each once (citation, "
        "correct, cut off), got citation, correct"
    )


def test_a_decision_comes_back_as_it_was_kept(tmp_path):
    decision = Decision(2.0, 0.25, GROUPS)
    decision.write(tmp_path)
    assert Decision.read(tmp_path) == decision
    Decision().write(tmp_path)
    assert json.loads((tmp_path / "decision.json").read_text()) == {
        "temperature": 1.0, "threshold": 0.5,
    }  # fmt: skip
