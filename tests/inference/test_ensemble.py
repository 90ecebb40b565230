"""Several classifiers that answer as one."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from tiny import FAULTS, TITLES, mark_as_run, save_classifier
from titlekit import Ensemble, Predictor, UsageError, load
from titlekit.core.inference.decision import Decision

TEXTS = [*TITLES, *FAULTS]


@pytest.fixture
def runs(tmp_path):
    """Two runs of the same labels in another order, one cut at 8 tokens and cooled down."""
    first = save_classifier(tmp_path / "first")
    mark_as_run(first, text_columns=["title"], label_column="label")
    second = save_classifier(tmp_path / "second", labels=("correct", "wrong"), seed=1)
    mark_as_run(second, text_columns=["title"], label_column="label", max_length=8)
    Decision(temperature=3.0).write(second)
    return [first, second]


def refused(*given) -> str:
    with pytest.raises(UsageError) as error:
        load(list(given), device="cpu")
    return str(error.value)


def test_probabilities_are_averaged_by_the_name_of_the_label(runs):
    first, second = (load(run, device="cpu") for run in runs)
    both = load(runs, device="cpu")
    assert isinstance(both, Ensemble)
    assert both.labels == ["wrong", "correct"]
    expected = (first.probabilities(TEXTS) + second.probabilities(TEXTS)[:, ::-1]) / 2
    np.testing.assert_allclose(both.probabilities(TEXTS), expected, rtol=1e-15)
    np.testing.assert_allclose(np.exp(both.logits(TEXTS)), expected, rtol=1e-12)
    answers = both.predict([*TEXTS, " "], blank_label="wrong")
    said = [both.labels[number] for number in expected.argmax(axis=1)]
    assert answers.labels == [*said, "wrong"]
    np.testing.assert_array_equal(answers.scores[:-1], expected.max(axis=1))
    assert np.isnan(answers.scores[-1])
    assert len(set(said)) == 2
    assert (both.positive, both.max_length, both.folder) == ("correct", 32, None)


def test_one_run_is_itself_and_three_are_the_mean_of_three(runs, tmp_path):
    assert isinstance(load([runs[0]], device="cpu"), Predictor)
    third = mark_as_run(save_classifier(tmp_path / "third", seed=2))
    three = load([*runs, third], device="cpu").probabilities(TEXTS)
    two, one = load(runs, device="cpu"), load(third, device="cpu")
    np.testing.assert_allclose(three, (2 * two.probabilities(TEXTS) + one.probabilities(TEXTS)) / 3)


def test_a_shared_threshold_acts_on_the_mean(runs, caplog):
    for run in runs:
        Decision(threshold=0.3).write(run)
    both = load(runs, device="cpu")
    chances = both.probabilities(TEXTS)[:, both.labels.index("correct")]
    assert [label == "correct" for label in both.predict(TEXTS).labels] == (chances >= 0.3).tolist()
    assert any(0.3 <= chance < 0.5 for chance in chances)
    Decision(threshold=0.6).write(runs[1])
    caplog.clear()
    both = load(runs, device="cpu")
    assert [label == "correct" for label in both.predict(TEXTS).labels] == (chances > 0.5).tolist()
    assert (
        "the runs' thresholds differ (0.3, 0.6): together they answer with the likeliest label"
    ) in caplog.messages


def test_other_labels_are_refused_by_name(runs, tmp_path):
    third = save_classifier(tmp_path / "third", labels=("wrong", "corect"))
    assert refused(runs[0], third) == (
        f"{runs[0]} has the label 'correct' and {third} has not; did you mean 'corect'?  (labels "
        "there: wrong, corect)"
    )
    more = save_classifier(tmp_path / "more", labels=("wrong", "correct", "unsure"))
    assert refused(runs[0], more) == (
        f"{more} has the label 'unsure' and {runs[0]} has not  (labels there: wrong, correct)"
    )


def test_what_cannot_be_together(runs, tmp_path):
    assert refused(runs[0], f"{runs[0]}/.") == (f"{runs[0]} is named twice; each run answers once")
    assert refused() == "load: expected the folder of a run, or several"
    other = mark_as_run(save_classifier(tmp_path / "other"), positive="wrong")
    assert refused(runs[0], other) == (
        f"the positive label is 'correct' in {runs[0]} and 'wrong' in {other}; expected one"
    )


def test_columns_must_agree_or_be_given(runs, tmp_path, console):
    other = mark_as_run(save_classifier(tmp_path / "other"), text_columns=["name"])
    plain = save_classifier(tmp_path / "plain", seed=3)  # says nothing and goes along
    table, out = tmp_path / "new.csv", tmp_path / "out.csv"
    table.write_text("name,title\n" + "".join(f"x,{text!r}\n" for text in TITLES[:2]))
    assert console("predict", *runs, plain, table, "-o", out)[0] == 0
    error = (
        f"Error: {runs[0]} read its texts from title, {other} from name; name the column with "
        "--text-column\n"
    )
    code, _, err = console("predict", runs[0], other, table, "-o", out, "--overwrite", "-q")
    assert (code, err) == (2, error)
    words = ("predict", runs[0], other, table, "-o", out, "--overwrite", "--text-column", "title")
    assert console(*words)[0] == 0
    pairs = mark_as_run(
        save_classifier(tmp_path / "pairs"), text_columns=["title"], pair_column="name"
    )
    code, _, err = console("predict", runs[0], pairs, table, "-q")
    assert (code, err) == (
        2,
        f"Error: {runs[0]} read its second texts from none, {pairs} from 'name'; name the column "
        "with --text-pair-column\n",
    )


def test_predict_and_evaluate_take_several_runs(runs, tmp_path, console):
    table, out = tmp_path / "rows.csv", tmp_path / "out.csv"
    rows = [(text, "correct") for text in TITLES] + [(text, "wrong") for text in FAULTS]
    with table.open("w", newline="") as stream:
        csv.writer(stream).writerows([("title", "label"), *rows])
    code, _, err = console("predict", *runs, table, "-o", out, "--proba")
    assert code == 0
    assert "2 runs answer together: their probabilities are averaged\n" in err
    both = load(runs, device="cpu")
    answers = both.predict([text for text, _ in rows])
    with out.open(newline="") as stream:
        found = list(csv.DictReader(stream))
    assert list(found[0]) == [
        "title", "label", "predicted_label", "score", "p_wrong", "p_correct",
    ]  # fmt: skip
    assert [row["predicted_label"] for row in found] == answers.labels
    assert [row["score"] for row in found] == [f"{score:.6f}" for score in answers.scores]
    code, shown, _ = console("evaluate", *runs, table, "--json")
    right = [label == said for (_, label), said in zip(rows, answers.labels, strict=True)]
    assert json.loads(shown)["accuracy"] == pytest.approx(np.mean(right))
    assert json.loads(shown)["files"] == []  # no run's folder is theirs


def test_a_run_or_an_input_that_is_missing(console):
    cases = {
        ("predict",): "RUN... INPUT, and got less  (titlekit predict --help)",
        ("predict", "runs/001"): "RUN... INPUT, and got less  (titlekit predict --help)",
        ("evaluate", "runs/001"): "RUN... DATA, and got less  (titlekit evaluate --help)",
    }
    for words, said in cases.items():
        code, _, err = console(*words)
        assert code == 2
        assert err == f"Error: expected {said}\n"
