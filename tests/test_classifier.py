"""The scikit-learn estimator: what it takes, what it answers, and what it keeps."""

from __future__ import annotations

import copy
import csv
import dataclasses
import json
import logging
import pickle
import pickletools
import shutil
import signal

import joblib
import numpy as np
import pytest
import torch
from sklearn.exceptions import NotFittedError
from sklearn.metrics import f1_score

import titlekit
from tiny import FAULTS, TITLES, save_classifier
from titlekit import DataError, Plugin, TitleClassifier, UsageError, hookimpl
from titlekit.core.config import read_toml

X = [f"{text} {number}" for number in range(3) for text in (*TITLES, *FAULTS)]
Y = np.array(([1] * len(TITLES) + [0] * len(FAULTS)) * 3)
FAST = {"model": "tiny", "epochs": 1, "batch_size": 16, "eval_every": 1, "random_state": 0}


def fitted(x=X, y=Y, *, sample_weight=None, X_val=None, y_val=None, **params):
    made = TitleClassifier(**{**FAST, **params})
    return made.fit(x, y, sample_weight, X_val=X_val, y_val=y_val)


def chances(*given, **params):
    return fitted(*given, **params).predict_proba(X)


@pytest.fixture(scope="module")
def one():
    return fitted()


class Column:
    """What a Series is to numpy."""

    def __init__(self, values):
        self.values = values

    def __len__(self):
        return len(self.values)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype)


# What it takes


@pytest.mark.parametrize("kind", [
    np.array, tuple, iter, Column, lambda x: np.array(x, object), lambda x: np.array(x)[:, None],
])  # fmt: skip
def test_texts_may_stand_in_any_sequence(one, kind):
    assert np.array_equal(one.predict_proba(kind(X)), one.predict_proba(X))
    assert np.array_equal(chances(kind(X)), one.predict_proba(X))


@pytest.mark.parametrize("labels", [
    np.array([3, 7], np.uint8), [False, True], ["correct", "wrong"], [-1.0, 1.0],
    np.array(["10", "9"], object),
])  # fmt: skip
def test_labels_keep_their_kind_and_stand_in_numpys_order(one, labels):
    labels = np.asarray(labels)
    y = labels[Y]
    found = fitted(X, y)
    assert found.classes_.dtype == y.dtype
    assert found.classes_.tolist() == labels.tolist()
    assert found.predict(X).dtype == y.dtype
    assert set(found.predict(X).tolist()) <= set(labels.tolist())
    assert np.array_equal(found.predict_proba(X), one.predict_proba(X))
    assert found.score(X, y) == one.score(X, Y)


def test_frames_and_series_are_taken_row_by_row(one):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"title": [*X, None], "label": [*Y, 0]}, index=range(60, -1, -1))
    frame["kind"] = frame["label"].astype("string")
    frame["known"] = frame["title"].astype("string")  # whose missing text is pandas' NA
    for x in (frame["title"], frame[["title"]], frame["known"]):
        assert np.array_equal(fitted(x, frame["label"]).predict_proba(X), one.predict_proba(X))
    found = fitted(frame["title"], frame["kind"], sample_weight=pandas.Series([1.0] * 61))
    assert found.classes_.tolist() == ["0", "1"]
    assert np.array_equal(found.predict_proba(X), one.predict_proba(X))


def test_it_learns_and_its_three_answers_agree():
    y = np.array(["fault", "long title", "title"])[Y + (Y * [len(text) > 30 for text in X])]
    found = fitted(X, y, epochs=24, learning_rate=2e-3, validation_fraction=0)
    probabilities, logits = found.predict_proba(X), found.decision_function(X)
    assert found.score(X, y) > 0.9
    assert probabilities.shape == logits.shape == (60, 3)
    assert np.allclose(probabilities.sum(axis=1), 1)
    assert np.array_equal(found.classes_[logits.argmax(axis=1)], found.predict(X))
    two = fitted(X, Y, epochs=12, learning_rate=2e-3, validation_fraction=0)
    margin = two.decision_function(X)
    assert two.score(X, Y) == 1
    assert np.allclose(1 / (1 + np.exp(-margin)), two.predict_proba(X)[:, 1])
    assert np.array_equal(two.predict(X), (margin > 0).astype(int))


@pytest.mark.parametrize("blank", ["", " \t", None, float("nan"), np.nan])
def test_a_blank_text_is_not_learnt_and_is_answered_with_the_classes_shares(one, blank, caplog):
    x, y = np.array([*X[:5], blank, *X[5:]], object), np.array([*Y[:5], 0, *Y[5:]])
    with caplog.at_level(logging.INFO, "titlekit"):
        found = fitted(x, y)
    assert "X: 1 blank text skipped" in caplog.messages
    assert np.array_equal(found.predict_proba(X), one.predict_proba(X))
    weighted = fitted(X, Y, sample_weight=1 + 2 * Y)
    assert np.allclose(weighted.predict_proba([blank, X[0]])[0], [0.25, 0.75])
    assert np.array_equal(weighted.class_prior_, [0.25, 0.75])
    assert weighted.predict(np.array([blank], object)).tolist() == [1]
    assert weighted.decision_function([blank])[0] == pytest.approx(np.log(3))
    assert found.predict_proba([]).shape == (0, 2)


def test_blank_texts_can_be_refused(one):
    strict = fitted(X, Y, blank="error")
    for ask in (strict.predict, lambda x: fitted(x, [0, 1], blank="error")):
        with pytest.raises(DataError, match=r"^X\[1\]: blank text"):
            ask(["A Theory", None])


def test_a_row_of_weight_zero_is_as_if_it_were_not_there(one):
    x, y = [*X, "Odd", "Odder"], [*Y, 0, 1]
    assert np.array_equal(chances(x, y, sample_weight=[1.0] * 60 + [0, 0]), one.predict_proba(X))


def test_classes_weigh_as_scikit_learn_has_it(one):
    balanced = chances(X[:50], Y[:50], class_weight="balanced")
    given = np.where(Y[:50] == 1, 50 / (2 * 30), 50 / (2 * 20))
    assert np.array_equal(balanced, chances(X[:50], Y[:50], sample_weight=given))
    assert not np.array_equal(balanced, chances(X[:50], Y[:50]))
    both = chances(X, Y, class_weight={0: 2}, sample_weight=1 + Y)
    assert np.array_equal(both, chances(X, Y, sample_weight=[2.0] * 60))
    assert np.allclose(both, one.predict_proba(X), atol=1e-5)


def test_given_rows_validate_in_place_of_a_share():
    x, y = ["Odd Title", "Pages 3-4", "", "A New One"], np.array([1, 0, 1, 1])
    found = fitted(X, Y, X_val=x, y_val=y)
    assert [record["valid_rows"] for record in found.history_] == [3]
    whole = fitted(X, Y, validation_fraction=0)
    assert found.history_[0]["loss"] == whole.history_[0]["loss"]


def test_the_positive_label_is_the_second_or_the_one_that_is_named():
    x, y = np.array(X), np.array(["title", "wrong"])[1 - Y]
    for pos_label, expected in ((None, "wrong"), ("title", "title")):
        found = fitted(x[8:], y[8:], X_val=x[:8], y_val=y[:8], pos_label=pos_label, eval_every=1)
        truth = f1_score(y[:8], found.predict(x[:8]), pos_label=expected, zero_division=np.nan)
        assert found.best_validation_score_ == pytest.approx(truth, nan_ok=True)
    three = fitted(x[8:], np.arange(52) % 3)
    assert three.best_validation_score_ == max(r["valid_macro_f1"] for r in three.history_)


# What a fit is


def test_it_is_the_run_of_the_command_line(tmp_path):
    with (tmp_path / "t.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([("title", "label"), *zip(X, Y, strict=True)])
    run = titlekit.train(
        train=tmp_path / "t.csv", seed=5, out=tmp_path / "run", plugins="focal(gamma=1.5),fgm,ema",
        model="tiny", epochs=1, batch_size=16, eval_every=1,
    )  # fmt: skip
    found = fitted(
        plugins="fgm,focal,ema", focal__gamma=1.5, random_state=5, sample_weight=np.ones(60)
    )
    expected = titlekit.load(run.folder).probabilities(X)
    assert np.array_equal(found.predict_proba(X), expected)
    assert found.best_validation_score_ == run.run["result"]["best"]
    lines = (run.folder / "metrics.jsonl").read_text("utf-8").splitlines()
    assert found.history_ == [json.loads(line) for line in lines]
    assert found.plugin_counts_ == run.run["plugins"]["counters"]
    assert found.max_length_ == run.run["input"]["max_length"]


def test_a_folder_is_written_where_one_is_named_and_nowhere_else(one, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    again = fitted()
    assert list(tmp_path.iterdir()) == []
    written = fitted(out=tmp_path / "run")
    assert np.array_equal(written.predict_proba(X), again.predict_proba(X))
    assert written.history_ == again.history_ == one.history_
    assert written.n_iter_ == again.n_iter_
    assert np.array_equal(titlekit.load("run").probabilities(X), one.predict_proba(X))
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"config.json", "model.safetensors", "run.json", "README.md", "metrics.jsonl"} <= names
    described = json.loads((tmp_path / "run" / "run.json").read_text("utf-8"))
    assert described["status"] == "finished"
    assert described["options"]["batch_size"] == {"value": 16, "from": "Python"}
    assert described["data"]["train"]["rows"] == 54
    # No file holds these rows: the recipe must not train on others in their place.
    with pytest.raises(titlekit.TitlekitError, match=r"\(rows in memory\)"):
        titlekit.train(**read_toml("run/config.toml"), out="other")
    with pytest.raises(UsageError, match=r"^out .*run exists and is not empty"):
        fitted(out=tmp_path / "run")
    assert fitted(out="run", overwrite=True, epochs=0.5).n_iter_ == 1


def test_each_fit_starts_anew_and_a_number_repeats_it(one):
    assert np.array_equal(copy.deepcopy(one).fit(X, Y).predict_proba(X), one.predict_proba(X))
    assert one.seed_ == 0
    drawn = fitted(random_state=None)
    assert drawn.seed_ != fitted(random_state=None).seed_
    assert np.array_equal(chances(random_state=drawn.seed_), drawn.predict_proba(X))
    state = np.random.RandomState(3)
    first, second = fitted(random_state=state), fitted(random_state=state)
    assert first.seed_ != second.seed_
    assert fitted(random_state=np.random.RandomState(3)).seed_ == first.seed_
    assert fitted(random_state=np.int64(7)).seed_ == 7


def witness(seen):
    @dataclasses.dataclass(eq=False)
    class Looks(Plugin):
        """Looks who handles signals while a step is taken."""

        @hookimpl
        def after_step(self):
            self.count("looks")
            seen.append((signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)))

        def __deepcopy__(self, memo):
            return type(self)()

    return Looks()


def test_the_callers_signals_and_random_numbers_are_left_alone(tmp_path):
    seen, handlers = [], (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))
    torch.manual_seed(11)
    np.random.seed(11)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    found = fitted(plugins=[witness(seen)])
    copy.deepcopy(found).predict(X)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])
    titlekit.train(rows=20, model="tiny", epochs=1, plugins=[witness(seen)], out=tmp_path / "run")
    assert len(seen) == 5
    assert set(seen) == {handlers}


def test_epochs_and_evaluations_are_told():
    found = fitted(plugins="early-stopping", early_stopping__patience=1, epochs=9, tol=1.0)
    assert found.n_iter_ == 2
    assert found.history_[-1]["epoch"] == 2
    assert fitted(epochs=1.5).n_iter_ == 2
    assert found.best_validation_score_ == found.history_[0]["valid_f1"]
    plain = fitted(validation_fraction=0, epochs=2)
    assert plain.best_validation_score_ is None
    assert plain.n_iter_ == 2
    assert "valid_f1" not in plain.history_[-1]


def test_verbose_shows_the_notes_and_nothing_else_does(capsys, monkeypatch):
    log = logging.getLogger("titlekit")
    monkeypatch.setattr(log, "propagate", False)
    log.setLevel(logging.NOTSET)
    fitted()
    assert "rows to train on" not in capsys.readouterr().err
    fitted(verbose=1)
    text = capsys.readouterr().err
    assert "(rows in memory): 54 rows to train on (0 27, 1 27), 6 to validate on" in text
    assert (log.level, log.handlers) == (logging.NOTSET, [])


def test_a_plugin_that_did_nothing_is_named(caplog):
    fitted(plugins="swa", swa__start=0.99)
    assert "the plugin swa was named and did nothing in this run" in caplog.messages


# What it keeps


def test_it_must_be_fitted_and_a_fit_that_fails_changes_nothing(one):
    for ask in ("predict", "predict_proba", "decision_function"):
        with pytest.raises(NotFittedError):
            getattr(TitleClassifier(), ask)(X)
    found = copy.deepcopy(one).set_params(plugins="focall")
    with pytest.raises(UsageError):
        found.fit(X, Y)
    assert np.array_equal(found.predict_proba(X), one.predict_proba(X))


def test_a_pickle_holds_bytes_and_plain_values_and_names_no_module_of_torchs(one, tmp_path):
    joblib.dump(one, tmp_path / "one.joblib")
    again = joblib.load(tmp_path / "one.joblib")
    assert np.array_equal(again.predict_proba(X), one.predict_proba(X))
    assert np.array_equal(copy.deepcopy(again).predict_proba(X), one.predict_proba(X))
    named = {
        str(value) for code, value, _ in pickletools.genops(pickle.dumps(one, protocol=4))
        if code.name in ("GLOBAL", "SHORT_BINUNICODE") and "." in str(value)
    }  # fmt: skip
    modules = {
        name for name in named if name.split(".")[0] in ("torch", "transformers", "titlekit")
    }
    assert modules == {"titlekit.core.classifier"}
    state = one.__getstate__()
    assert state["_predictor"] is None
    assert {type(content) for content in state["_packed"].values()} == {bytes}
    assert {"model.safetensors", "config.json", "tokenizer.json"} <= set(state["_packed"])


def test_an_encoder_of_a_folder_outlives_the_folder(tmp_path):
    save_classifier(tmp_path / "model")
    found = fitted(model=str(tmp_path / "model"), max_length=16, truncation="head-tail")
    data = pickle.dumps(found)
    shutil.rmtree(tmp_path / "model")
    again = pickle.loads(data)
    assert np.allclose(again.predict_proba(X), found.predict_proba(X), atol=1e-6)
    long = [" ".join(X[:4])]
    # Not the same bits: weights may lie in memory otherwise than in a file, and sums with them.
    assert np.allclose(again.predict_proba(long), found.predict_proba(long), atol=1e-6)


def test_it_can_be_moved_before_it_is_first_used(one):
    there = copy.deepcopy(one.set_params(device="cuda:99"))
    one.set_params(device="auto")
    with pytest.raises(UsageError):
        there.predict(X)
    assert np.array_equal(there.set_params(device="cpu").predict(X), one.predict(X))


# What is refused


@pytest.mark.parametrize(("change", "text"), [
    ({"x": "A Title"}, "X: expected a sequence of texts, got one text; write [text]"),
    ({"x": [[1, 2], [3, 4]]}, "X: expected one column of texts, got an array of shape (2, 2)"),
    ({"x": 3}, "X: expected one column of texts, got int"),
    ({"x": ["a", 5], "y": [0, 1]}, "X[1]: expected a text, got '5'"),
    ({"x": ["a", b"b"], "y": [0, 1]}, "X[1]: expected a text, got \"b'b'\"; decode it"),
    ({"x": X[:-1]}, "X: 59 texts and 60 labels; expected one label a text"),
    ({"x": ["", None], "y": [0, 1]}, "X: no row with a text"),
    ({"y": None}, "TitleClassifier requires y to be passed, but the target y is None"),
    ({"y": [0] * 60}, "y: one class only, all 60 rows are '0'; expected two or more classes"),
    ({"y": [None, *Y[1:]]}, "y[0]: no label"),
    ({"y": [*Y[1:], np.nan]}, "y[59]: no label"),
    ({"y": [" ", *"a" * 59]}, "y: a label is written ' '; each needs a name of its own"),
    ({"y": np.array([1, "1"] * 30, object)}, "y: expected labels of one kind, got int and str"),
    ({"x": ["", *X[1:]], "y": [2, *Y[1:]]}, "y: class '2' has no row with a text and a weight "
     "above 0; expected one or more of each class"),
    ({"x": ["a", "b"], "y": [0, 1]}, "X: each class has one distinct text, so none is left to "
     "validate on; validation_fraction 0 goes without"),
    ({"sample_weight": [1, 2]}, "sample_weight: expected 60 numbers, one a row, got the shape "
     "(2,)"),
    ({"sample_weight": ["a"] * 60}, "sample_weight: expected one number a row"),
    ({"sample_weight": np.zeros(60)}, "sample_weight: every weight is zero"),
    ({"sample_weight": [1] * 59 + [-1]}, "sample_weight[59]: expected a number of at least 0, got "
     "-1.0"),
    ({"X_val": ["a"], "y_val": [2]}, "y_val[0]: unknown label '2' (labels: 0, 1)"),
    ({"X_val": [""], "y_val": [1]}, "X_val: no row with a text"),
    ({"y_val": [1]}, "X_val: expected one column of texts, got NoneType"),
    ({"X_val": ["a"]}, "TitleClassifier requires y to be passed, but the target y_val is None"),
])  # fmt: skip
def test_rows_that_cannot_be_used_are_told_by_their_place(change, text):
    given = {"x": X, "y": Y, **change}
    with pytest.raises(DataError) as error:
        fitted(given.pop("x"), given.pop("y"), **given)
    assert str(error.value) == text
    assert isinstance(error.value, ValueError)


def test_quantities_and_several_labels_a_row_are_refused():
    with pytest.raises(DataError, match=r"^y: Unknown label type: continuous"):
        fitted(X, np.linspace(0, 1, 60))
    with pytest.raises(
        DataError, match=r"^y: y should be a 1d array, got an array of shape \(60, 2"
    ):
        fitted(X, np.eye(2)[Y])


@pytest.mark.parametrize(("params", "text"), [
    ({"batch_size": 0}, "batch_size: expected a whole number of at least 1, got 0"),
    ({"epochs": 0}, "epochs: expected a number above 0, got 0"),
    ({"learning_rate": "fast"}, "learning_rate: expected a number of at least 0, or none, got "
     "'fast'"),
    ({"scoring": "f2"}, "scoring: no metric named 'f2'  (metrics: accuracy, f1, "),
    ({"pos_label": 2}, "pos_label: no label '2' (labels: 0, 1)"),
    ({"random_state": -1}, "random_state: expected a whole number from 0 to 9223372036854775807, "
     "got -1"),
    ({"validation_fraction": 1}, "validation_fraction: expected a share of at least 0 and below 1, "
     "got 1"),
    ({"max_length": 900}, "max_length 900: tiny has positions for 512 tokens"),
    ({"truncation": "heads"}, "truncation: expected head or tail or head-tail, got 'heads'; did "
     "you mean 'head'?"),
    ({"verbose": "yes"}, "verbose: expected 0, 1 or 2, got 'yes'"),
    ({"overwrite": "no"}, "overwrite: expected True or False, got 'no'"),
    ({"class_weight": "even"}, "class_weight: "),
    ({"plugins": "focal,weighted-ce"}, "focal and weighted-ce both fill the slot loss; keep one"),
    ({"plugins": 5}, "plugins: expected names or Plugin objects, and not both in one list; got 5"),
    ({"model": "./none"}, "model ./none: "),
])  # fmt: skip
def test_a_wrong_parameter_is_told_in_its_own_name(params, text):
    made = TitleClassifier(**{**FAST, **params})  # not here: scikit-learn's rule
    with pytest.raises(UsageError) as error:
        made.fit(X, Y)
    assert str(error.value).startswith(text)
    assert isinstance(error.value, ValueError)
