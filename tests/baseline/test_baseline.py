"""A run without an encoder: scikit-learn's own numbers, a folder that every command reads."""

from __future__ import annotations

import csv
import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, make_pipeline

import titlekit
from console import write_table
from tiny import save_classifier
from titlekit import DataError, UsageError, load, train
from titlekit.core.baseline.fit import Settings, fit
from titlekit.core.config import BASELINE, TrainConfig
from titlekit.core.data.dataset import Dataset
from titlekit.core.data.load import load_labelled, load_training
from titlekit.core.data.synthetic import make_titles
from titlekit.core.inference.bag import Bag
from titlekit.core.inference.ngrams import CHAR, WORD, Grams, learn
from titlekit.core.inference.scoring import softmax
from titlekit.core.session import resume

ODD = [
    "", "   ", "!!! ... ?", "a", "标题 识别 的 方法", "Ünïcödé straße ǅ İ I ı", "x" * 5000,
    "tab\tand\u2003wide\x85spaces", "😀 emoji 😀", "don't re-use e-mail@x.org", "\u200b", "A a A a",
    "word " * 3000, "١٢٣ Ⅷ ½", "\ud800 half a pair",
]  # fmt: skip


def pipeline(**more):
    """What the baseline is, in scikit-learn's words."""
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
    characters = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True, min_df=2
    )
    features = FeatureUnion([("words", words), ("characters", characters)])
    return make_pipeline(features, LogisticRegression(max_iter=1000, **more))


def rows(texts, labels, **more):
    return Dataset("rows", list(texts), np.array(labels), list(range(len(texts))), **more)


@pytest.fixture(scope="module")
def titles():
    texts, names = make_titles(200, 3)
    return texts, np.array([["wrong", "correct"].index(name) for name in names])


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return write_table(tmp_path_factory.mktemp("data") / "titles.csv", 120)


@pytest.fixture(scope="module")
def done(table, tmp_path_factory):
    test = write_table(table.parent / "test.csv", 40, seed=6)
    out = tmp_path_factory.mktemp("out") / "run"
    return train(train=str(table), test=str(test), model=BASELINE, out=str(out))


# The numbers


@pytest.mark.parametrize(
    ("grams", "options"),
    [
        (Grams(WORD, 1, 2), {"ngram_range": (1, 2)}),
        (Grams(WORD, 2, 3, False), {"ngram_range": (2, 3), "lowercase": False}),
        (Grams(CHAR, 1, 4), {"analyzer": "char_wb", "ngram_range": (1, 4)}),
        (Grams(CHAR, 3, 6, False), {"analyzer": "char_wb", "ngram_range": (3, 6),
                                    "lowercase": False}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("least", [1, 2])
def test_rows_are_those_of_scikit_learns_vectorizer(titles, grams, options, least):
    texts = [*titles[0], *ODD]
    vectorizer = TfidfVectorizer(sublinear_tf=True, min_df=least, **options)
    expected = vectorizer.fit_transform(texts)
    block, found = learn(texts, grams, least)
    assert block.known == vectorizer.vocabulary_
    assert list(block.known) == vectorizer.get_feature_names_out().tolist()
    np.testing.assert_allclose(block.idf, vectorizer.idf_, rtol=1e-15)
    assert abs(found - expected).max() < 1e-12
    new = [*ODD, "Words that are new: Zyzzyva", *texts[:20]]
    assert abs(block.rows(new) - vectorizer.transform(new)).max() < 1e-12


@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_are_those_of_scikit_learns_pipeline(titles, classes, tmp_path):
    texts, labels = titles[0], titles[1] + (np.arange(200) % 4 == 0) * (classes - 2)
    names = ["wrong", "correct", "third"][:classes]
    expected = pipeline().fit(texts, labels).predict_proba([*ODD, *texts])
    bag = fit(rows(texts, labels), names).bag
    np.testing.assert_allclose(softmax(bag.logits([*ODD, *texts])), expected, atol=1e-9)
    bag.write(tmp_path, {})
    kept = Bag.read(tmp_path)
    assert (kept.logits([*ODD, *texts]) == bag.logits([*ODD, *texts])).all()


def test_weights_are_scikit_learns_and_only_their_ratio_counts(titles):
    texts, labels = titles
    weights = np.random.default_rng(0).integers(0, 5, len(texts)).astype(float)
    expected = pipeline().fit(
        texts, labels, logisticregression__sample_weight=weights / weights.mean()
    )
    found = [fit(rows(texts, labels, weights=w), ["a", "b"]).bag for w in (weights, 8 * weights)]
    np.testing.assert_allclose(
        softmax(found[0].logits(texts)), expected.predict_proba(texts), atol=1e-9
    )
    assert (found[0].coefficients == found[1].coefficients).all()


def test_soft_targets_are_rows_that_stand_once_for_each_class(titles):
    texts, labels = titles
    chances = np.random.default_rng(0).dirichlet((1, 1), len(texts)).astype(np.float32)
    bag = fit(rows(texts, labels, targets=chances), ["a", "b"]).bag
    model = pipeline()
    features = model[0].fit_transform(texts)
    twice = np.repeat(np.arange(len(texts)), 2)
    model[1].fit(features[twice], np.tile([0, 1], len(texts)), chances.astype(float).ravel())
    expected = model[1].predict_proba(features)
    np.testing.assert_allclose(softmax(bag.logits(texts)), expected, atol=1e-9)
    hard = np.eye(2, dtype=np.float32)[labels]
    one = fit(rows(texts, labels, targets=hard), ["a", "b"]).bag
    assert (one.coefficients == fit(rows(texts, labels), ["a", "b"]).bag.coefficients).all()


def test_second_texts_have_n_grams_of_their_own(titles, tmp_path):
    texts, labels = titles
    pairs = texts[::-1]
    bag = fit(rows(texts, labels, pairs=pairs), ["a", "b"]).bag
    first, second = (pipeline()[0] for _ in range(2))
    features = hstack([first.fit_transform(texts), second.fit_transform(pairs)], "csr")
    expected = LogisticRegression(max_iter=1000).fit(features, labels).predict_proba(features)
    np.testing.assert_allclose(softmax(bag.logits(texts, pairs)), expected, atol=1e-9)
    bag.write(tmp_path, {})
    kept = Bag.read(tmp_path)
    assert (kept.logits(texts, pairs) == bag.logits(texts, pairs)).all()
    assert (kept.logits(texts) == kept.logits(texts, [""] * len(texts))).all()
    with pytest.raises(UsageError, match="trained on single texts; leave out the second ones"):
        fit(rows(texts, labels), ["a", "b"]).bag.logits(texts, pairs)


@pytest.mark.parametrize("absent", [0, 1, 2])
def test_a_class_without_rows_is_never_likely(titles, absent):
    texts, labels = titles
    present = [number for number in range(3) if number != absent]
    bag = fit(rows(texts, np.array(present)[labels]), ["a", "b", "c"]).bag
    chances = softmax(bag.logits(texts))
    assert (chances[:, absent] == 0).all()
    expected = pipeline().fit(texts, labels).predict_proba(texts)
    np.testing.assert_allclose(chances[:, present], expected, atol=1e-9)


def test_rows_of_one_class_are_refused(titles):
    with pytest.raises(DataError) as error:
        fit(rows(titles[0], np.zeros(200, np.int64)), ["a", "b"])
    assert str(error.value) == ("rows: all 200 training rows are 'a'; expected two classes or more")


def test_a_regression_that_is_cut_short_says_so(titles, caplog):
    fit(rows(*titles), ["a", "b"], Settings(steps=1))
    assert "the regression is not at its optimum after 1 steps" in caplog.messages


# The folder


def test_the_folder_has_what_a_runs_folder_has(done, console, tmp_path):
    assert sorted(path.name for path in done.folder.iterdir()) == [
        "README.md", "baseline.json", "baseline.safetensors", "config.toml", "decision.json",
        "eval_results.json", "predictions", "run.json", "test_results.json", "train_results.json",
        "vocabulary.json",
    ]  # fmt: skip
    run = json.loads((done.folder / "run.json").read_text())
    assert (run["status"], run["model"]["asked"]) == ("finished", BASELINE)
    assert run["options"]["epochs"]["from"] == "of no use to tfidf-lr"
    assert run["data"]["test"]["rows"] == 40
    data = load_training(TrainConfig(train=[run["data"]["train"]["name"]]))
    test = load_labelled(run["data"]["test"]["name"], data.labels)
    expected = pipeline().fit(data.train.texts, data.train.labels)
    assert done.results["test"]["accuracy"] == expected.score(test.texts, test.labels)
    card = (done.folder / "README.md").read_text()
    assert "`transformers.pipeline` cannot open it" in card
    assert "flatter" not in card
    predictor = load(done.folder)
    assert (predictor.labels, predictor.positive) == (["correct", "wrong"], "correct")
    answers = predictor.predict(["A Survey of Graph Kernels", "", "Table of Contents"])
    assert answers.labels[1] == ""
    code, out, err = console("evaluate", done.folder, run["data"]["test"]["name"], "--json")
    assert (code, json.loads(out)["accuracy"]) == (0, done.results["test"]["accuracy"]), err


def test_a_folder_without_run_json_is_a_model_still(done, tmp_path):
    for name in ("baseline.json", "baseline.safetensors", "vocabulary.json"):
        (tmp_path / name).write_bytes((done.folder / name).read_bytes())
    bare, run = load(tmp_path), load(done.folder)
    assert (bare.positive, bare.folder, bare.text_columns) == ("correct", None, ())
    assert (bare.probabilities(ODD[2:]) == run.probabilities(ODD[2:])).all()


def test_kinds_are_learnt_and_summed(tmp_path, console, monkeypatch):
    monkeypatch.chdir(tmp_path)
    texts, labels = make_titles(120, 4)
    kinds = [f"kind {n % 2}" if label == "wrong" else "correct" for n, label in enumerate(labels)]
    with Path("kinds.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("title", "kind"), *zip(texts, kinds, strict=True)])
    done = train(train="kinds.csv", labels="kind", model=BASELINE, out="out")
    predictor = load("out")
    assert sorted(predictor.labels) == ["correct", "wrong"]
    assert list(predictor.classes) == ["correct", "kind 0", "kind 1"]
    answers = predictor.predict(texts)
    assert set(answers.reasons) <= {"", "kind 0", "kind 1"}
    np.testing.assert_allclose(answers.probabilities.sum(axis=1), 1)
    assert done.results["validation"]["positive"] == "correct"


def test_the_same_bytes_come_out_again_and_from_its_recipe(done, console, tmp_path):
    code, _, err = console(
        "train", "--config", done.folder / "config.toml", "--out", tmp_path / "a"
    )
    assert code == 0, err
    for name in ("baseline.safetensors", "vocabulary.json", "predictions/valid.csv"):
        assert (tmp_path / "a" / name).read_bytes() == (done.folder / name).read_bytes()


def test_predict_needs_neither_torch_nor_scikit_learn(done, table, tmp_path):
    code = (
        "import sys\nfrom titlekit.cli.main import main\n"
        f"try: main(['predict', {str(done.folder)!r}, {str(table)!r}, '-o', 'a.csv'])\n"
        "finally: print(sorted({'torch', 'transformers', 'sklearn'} & set(sys.modules)))\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path
    )
    assert found.stdout == "[]\n", found.stderr
    assert (tmp_path / "a.csv").is_file()


def test_folds_and_an_ensemble_with_an_encoder(table, tmp_path, console):
    code, out, err = console("train", table, "--model", BASELINE, "--folds", 2, "--out",
                             tmp_path / "cv")  # fmt: skip
    assert code == 0, err
    assert "tfidf-lr chooses nothing by other rows" in out
    with (tmp_path / "cv" / "out_of_fold.csv").open(newline="") as stream:
        assert len(list(csv.DictReader(stream))) == 120
    save_classifier(tmp_path / "tiny", labels=("correct", "wrong"))
    together = load([tmp_path / "cv" / "fold-1", tmp_path / "tiny"], device="cpu")
    each = [member.probabilities(["A Theory of Titles"]) for member in together.members]
    np.testing.assert_allclose(together.probabilities(["A Theory of Titles"]), sum(each) / 2)


def test_seeds_change_nothing_and_that_is_said(table, tmp_path, caplog):
    found = train(train=str(table), model=BASELINE, seeds=2, out=str(tmp_path / "out"))
    assert "--seeds 2: tfidf-lr draws nothing, so equal runs follow" in caplog.messages
    assert found.spread["validation"]["accuracy"]["std"] == 0


def test_a_run_that_was_cut_off_is_done_again(done, table, tmp_path):
    first = train(train=str(table), model=BASELINE, out=str(tmp_path / "out"))
    kept = (first.folder / "predictions" / "valid.csv").read_bytes()
    described = json.loads((first.folder / "run.json").read_text())
    (first.folder / "run.json").write_text(json.dumps(described | {"status": "running"}))
    for name in ("baseline.json", "predictions/valid.csv"):
        (first.folder / name).unlink()
    with pytest.raises(UsageError, match="this run is not finished; continue it"):
        load(first.folder)
    resume(first.folder)
    assert (first.folder / "predictions" / "valid.csv").read_bytes() == kept
    assert json.loads((first.folder / "run.json").read_text())["status"] == "finished"


def test_the_estimator_learns_and_is_pickled(titles, tmp_path):
    texts, labels = titles
    model = titlekit.TitleClassifier(model=BASELINE, validation_fraction=0, random_state=1)
    model.fit(texts, labels)
    expected = pipeline().fit(texts, labels).predict_proba(texts)
    np.testing.assert_allclose(model.predict_proba(texts), expected, atol=1e-9)
    kept = pickle.loads(pickle.dumps(model))
    assert (kept.predict_proba(texts) == model.predict_proba(texts)).all()
    written = titlekit.TitleClassifier(model=BASELINE, out=tmp_path / "out").fit(texts, labels)
    assert (load(tmp_path / "out").logits(texts) == written.decision_function(texts)[:, None]
            * [[0, 1]]).all()  # fmt: skip
    with pytest.raises(ValueError, match=r"leave out epochs$"):
        titlekit.TitleClassifier(model=BASELINE, epochs=1).fit(texts, labels)


# What is refused


def test_options_that_mean_nothing_are_refused_in_one_line(table, console, tmp_path):
    words = ("train", table, "--model", BASELINE)
    code, out, err = console(*words, "--plugins", "focal", "--epochs", 3, "--device", "cuda")
    assert (code, out) == (2, "")
    assert err == (
        "Error: --model tfidf-lr has no encoder and is fitted on the CPU; leave out --plugins, "
        "--epochs, --device\n"
    )
    with pytest.raises(UsageError, match=r"leave out --metric$"):
        train(train=str(table), model=BASELINE, metric="mcc")
    with pytest.raises(UsageError, match=r"leave out --lr$"):
        train(TrainConfig(train=[str(table)], model=BASELINE, lr=0.1, out=str(tmp_path / "no")))
    assert not (tmp_path / "no").exists()


def test_there_is_no_encoder_to_train_on(done, table):
    with pytest.raises(UsageError) as error:
        train(train=str(table), model=str(done.folder))
    assert str(error.value) == (
        f"--model {done.folder}: a run of tfidf-lr, which has no encoder to train on"
    )


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("vocabulary.json", lambda raw: raw[:-3] + b"]", "are not as titlekit wrote them"),
        ("baseline.safetensors", lambda raw: raw[:-8], "are not as titlekit wrote them"),
        ("baseline.json", lambda raw: raw.replace(b'"char_wb"', b'"char"'), "ngrams: "),
        ("baseline.json", lambda raw: raw.replace(b'"wrong"', b'"correct"'), "labels: expected"),
        ("baseline.json", lambda raw: raw.replace(b'"low": 1,', b'"low": true,'), "ngrams: "),
        ("vocabulary.json", lambda raw: raw.replace(b'["', b'["zz", "', 1), "as many idf as"),
    ],
)
def test_a_folder_that_was_damaged_is_one_line(done, tmp_path, file, change, message):
    for path in done.folder.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / file).write_bytes(change((tmp_path / file).read_bytes()))
    with pytest.raises(DataError) as error:
        load(tmp_path)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


# What would be done


def test_a_dry_run_says_what_it_would_do(table, console, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = console("train", table, "--model", BASELINE, "--dry-run")
    assert code == 0, err
    assert (
        "tfidf-lr: TF-IDF of 1 to 2 words and 1 to 4 characters within words, then a logistic "
        "regression (C = 1)." in out
    )
    assert out.endswith("\n\nNothing was trained.\n")
    assert "--epochs" not in out
    code, out, err = console("train", table, "--model", BASELINE, "--dry-run", "--folds", 3,
                             "--json")  # fmt: skip
    found = json.loads(out)
    assert list(found["runs"]) == ["fold-1", "fold-2", "fold-3"]
    assert found["settings"]["ngrams"][1]["kind"] == "char_wb"
    assert found["estimate"]["rows_tried"] == found["rows"]
    assert list(Path().iterdir()) == []


def test_validation_rows_are_those_of_any_run(table):
    data = load_training(TrainConfig(train=[str(table)]))
    found = train(train=str(table), model=BASELINE, out=str(table.parent / "same"))
    assert found.run["data"]["validation"]["sha256"] == data.valid.sha256
