"""The predictor: transformers' own answers, whatever stands beside a title, and refusals."""

from __future__ import annotations

import json
import re
import shutil

import numpy as np
import pytest
import torch
import transformers

from tiny import FAULTS, TITLES, mark_as_run, save_classifier
from titlekit import DataError, RunError, UsageError, load
from titlekit.core.inference.decision import Decision

TEXTS = [*TITLES, *FAULTS]
LONG = " ".join(TITLES * 3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_classifier(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def predictor(folder):
    return load(folder, device="cpu")


@pytest.fixture
def copy(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "copy")


def edit(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_answers_are_those_of_a_transformers_pipeline(folder, predictor):
    texts = [*TEXTS, LONG, "x", "标题 😀"]
    pipeline = transformers.pipeline("text-classification", model=str(folder), device="cpu")
    expected = pipeline(texts, truncation=True)
    found = predictor.predict(texts)
    assert found.labels == [answer["label"] for answer in expected]
    assert found.scores == pytest.approx([answer["score"] for answer in expected], abs=1e-5)
    assert len({*found.labels}) == 2


def test_a_pair_is_answered_as_transformers_does(folder, predictor):
    pipeline = transformers.pipeline("text-classification", model=str(folder), device="cpu")
    pairs = [*FAULTS, *TITLES]
    both = [{"text": a, "text_pair": b} for a, b in zip(TEXTS, pairs, strict=True)]
    expected = [pipeline(pair, truncation=True) for pair in both]
    found = predictor.predict(TEXTS, pairs)
    assert found.scores == pytest.approx([answer["score"] for answer in expected], abs=1e-5)
    assert not np.allclose(found.scores, predictor.predict(TEXTS).scores)


def test_a_score_does_not_depend_on_neighbours_or_order(predictor):
    texts = [*TEXTS, LONG, *(text[:9] for text in TEXTS)]
    alone = np.concatenate([predictor.probabilities([text]) for text in texts])
    together = predictor.probabilities(texts)
    assert np.abs(together - alone).max() < 1e-5
    order = np.random.default_rng(0).permutation(len(texts))
    shuffled = predictor.probabilities([texts[place] for place in order])
    assert np.abs(shuffled - together[order]).max() < 1e-5


@pytest.mark.parametrize("blank", ["", "  \t", "\u200b", "\x00"])
def test_blank_texts_have_no_score(predictor, blank):
    found = predictor.predict([TITLES[0], blank, FAULTS[0]])
    assert found.labels[1] == ""
    assert found.predicted[1] == -1
    assert np.isnan(found.scores).tolist() == [False, True, False]
    assert np.isnan(found.probabilities[1]).all()
    assert predictor.predict([blank], blank_label="wrong").labels == ["wrong"]


def test_no_texts_no_answers(predictor):
    found = predictor.predict([])
    assert (found.labels, found.probabilities.shape) == ([], (0, 2))
    assert predictor.logits([]).shape == (0, 2)


def test_many_classes_keep_their_order(tmp_path):
    save_classifier(tmp_path / "m", labels=("体育", "财经", "科技", "10"))
    predictor = load(tmp_path / "m", device="cpu")
    found = predictor.predict(TEXTS)
    assert predictor.labels == ["体育", "财经", "科技", "10"]
    assert predictor.positive is None
    assert found.labels == [predictor.labels[row.argmax()] for row in found.probabilities]
    assert len({*found.labels}) > 2


def test_a_plain_folder_knows_no_columns_and_finds_its_positive_label(predictor):
    assert (predictor.text_columns, predictor.label_column, predictor.pair_column) == (
        (),
        None,
        None,
    )
    assert (predictor.positive, predictor.folder) == ("correct", None)
    assert (predictor.max_length, predictor.truncation) == (64, "head")


def test_a_run_says_how_it_reads(copy):
    mark_as_run(
        copy, max_length=8, truncation="tail", text_columns=["a", "b"], pair_column="c",
        label_column="d", positive="wrong",
    )  # fmt: skip
    predictor = load(copy, device="cpu")
    assert (predictor.max_length, predictor.truncation) == (8, "tail")
    assert (predictor.text_columns, predictor.pair_column) == (("a", "b"), "c")
    assert (predictor.label_column, predictor.positive) == ("d", "wrong")
    assert predictor.folder == copy
    ends = predictor.probabilities([LONG, "something else before it " + LONG])
    assert np.allclose(ends[0], ends[1], atol=1e-6)


def test_a_length_beyond_the_models_positions_is_capped(copy):
    assert load(mark_as_run(copy, max_length=10_000), device="cpu").max_length == 64


def test_the_decision_of_the_folder_is_applied(copy):
    mark_as_run(copy)
    Decision(temperature=2.0, threshold=0.0).write(copy)
    decided = load(copy, device="cpu").predict(TEXTS)
    assert decided.labels == ["correct"] * len(TEXTS)
    assert decided.scores == pytest.approx(decided.probabilities[:, 1])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"max_length": "12"}, "max_length: expected a whole number above 3, got '\"12\"'"),
        ({"max_length": True}, "max_length: expected a whole number above 3, got 'true'"),
        (
            {"truncation": "middle"},
            "truncation: expected head or tail or head-tail, got '\"middle\"'",
        ),
        ({"text_columns": "title"}, "text_columns: expected a list of names, got '\"title\"'"),
        ({"text_columns": [1]}, "text_columns: expected a list of names, got '[1]'"),
        ({"label_column": {}}, "label_column: expected a name, got '{}'"),
        ({"positive": "Correct"}, "positive: expected one of wrong, correct, got '\"Correct\"'"),
    ],
)
def test_a_run_json_that_makes_no_sense_is_refused(copy, given, message):
    mark_as_run(copy, **given)
    with pytest.raises(DataError, match=f"^{re.escape(f'{copy}/run.json: input.{message}')}$"):
        load(copy, device="cpu")


def test_a_strangers_folder_runs_no_code(copy, tmp_path):
    trap = tmp_path / "sprung"
    code = f"open({str(trap)!r}, 'w')\n"
    (copy / "trap.py").write_text(code)
    (copy / "modeling_trap.py").write_text(code)
    edit(copy / "config.json", auto_map={"AutoModelForSequenceClassification": "modeling_trap.X"})
    mark_as_run(copy, plugins=f"{copy}/trap.py:X")
    assert load(copy, device="cpu").predict(TEXTS[:1]).labels[0] in ("wrong", "correct")
    assert not trap.exists()


def test_weights_that_are_not_numbers_are_told(copy):
    from safetensors.torch import load_file, save_file

    weights = load_file(copy / "model.safetensors")
    weights["classifier.bias"][:] = torch.nan
    save_file(weights, copy / "model.safetensors", {"format": "pt"})
    with pytest.raises(RunError) as told:
        load(copy, device="cpu").predict(TEXTS)
    assert str(told.value) == (
        "the model's scores are not finite for 20 of 20 texts: its weights are damaged or its "
        "training diverged"
    )


def test_what_is_no_classifier_of_one_label_is_refused(copy):
    edit(copy / "config.json", problem_type="multi_label_classification")
    with pytest.raises(UsageError) as refused:
        load(copy, device="cpu")
    assert str(refused.value) == f"{copy}: a multi-label model; expected one label for each text"
    edit(copy / "config.json", problem_type=None, architectures=["BertModel"])
    with pytest.raises(UsageError) as refused:
        load(copy, device="cpu")
    assert str(refused.value) == (
        f"{copy}: an encoder without a trained classifier; train one first: titlekit train DATA "
        f"--model {copy}"
    )


def test_a_regression_model_is_refused(tmp_path):
    save_classifier(tmp_path / "m", labels=("value",))
    with pytest.raises(UsageError) as refused:
        load(tmp_path / "m", device="cpu")
    assert str(refused.value) == (
        f"{tmp_path}/m: a regression model (one output); expected two classes or more"
    )


def test_labels_that_are_the_same_are_refused(copy):
    edit(copy / "config.json", id2label={"0": "a", "1": "a"})
    with pytest.raises(DataError) as refused:
        load(copy, device="cpu")
    assert str(refused.value) == f"{copy}/config.json: id2label: expected 2 different names"


def test_a_path_that_is_no_folder_never_asks_the_hub(copy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cases = {
        "./cope": "cope: no such folder; did you mean 'copy'?",
        "copy/runs": "copy/runs: no such folder",
        tmp_path / "cope": f"{tmp_path}/cope: no such folder; did you mean '{tmp_path}/copy'?",
        copy / "config.json": f"{copy}/config.json: expected the folder of a run or of a model, "
        "not a file",
    }
    for path, message in cases.items():
        with pytest.raises(UsageError) as refused:
            load(path)
        assert str(refused.value) == message


def test_an_unfinished_run_says_how_to_go_on(tmp_path):
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(UsageError) as refused:
        load(tmp_path)
    assert str(refused.value) == (
        f"{tmp_path}: this run is not finished; continue it: titlekit train --resume {tmp_path}"
    )


def test_a_folder_named_like_an_alias_is_the_folder(folder, tmp_path, monkeypatch):
    shutil.copytree(folder, tmp_path / "tiny")
    monkeypatch.chdir(tmp_path)
    assert load("tiny", device="cpu").labels == ["wrong", "correct"]


def test_one_text_is_not_a_list_of_letters(tmp_path):
    predictor = load(save_classifier(tmp_path), "cpu")
    with pytest.raises(UsageError) as error:
        predictor.predict("A Theory of Titles")
    assert str(error.value) == "predict takes a list of texts, and got one text; write [text]"


def test_the_folder_of_runs_is_not_a_run(tmp_path):
    save_classifier(tmp_path / "runs" / "001")
    with pytest.raises(UsageError) as error:
        load(tmp_path / "runs")
    assert str(error.value) == (
        f"{tmp_path}/runs: not the folder of a run; did you mean '{tmp_path}/runs/001'?"
    )
