"""--metric FILE.py:FUNCTION: called as scikit-learn's metrics are, and only when a person says."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from console import write_table
from titlekit import RunError, Trainer, UsageError, train
from titlekit.core.session import resume
from titlekit.core.training.metrics import check_metric, make_metric

CODE = """
import numpy as np

def cost(y_true, y_pred):
    costs = {("correct", "wrong"): 1.0, ("wrong", "correct"): 5.0}
    return -np.mean([costs.get(pair, 0.0) for pair in zip(y_true.tolist(), y_pred.tolist())])

def brier(y_true, y_pred, *, y_proba):
    return -float(np.mean((y_proba[:, 0] - (y_true == "correct")) ** 2))

def text(y_true, y_pred):
    return "good"

def pair(y_true, y_pred):
    return np.zeros(2)

def flag(y_true, y_pred):
    return y_true[0] == y_pred[0]

def strict(y_true, y_pred):
    return {"spam": 1.0}[y_true[0]]

def undefined(y_true, y_pred):
    return float("nan")

def three(y_true, y_pred, weights):
    return 1

def fails_later(y_true, y_pred):
    return 1 / (len(y_true) == 4)

number = 3
"""
OPTIONS = {
    "model": "tiny", "epochs": 1, "batch_size": 16, "device": "cpu", "eval_every": 0.5,
    "max_length": "12",
}  # fmt: skip


@pytest.fixture
def costs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "costs.py"
    path.write_text(CODE)
    return path


@pytest.fixture
def table(tmp_path):
    return write_table(tmp_path / "titles.csv", 60)


CHANCES = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]])
NAMES = ["correct", "wrong"]


def test_a_function_of_label_names(costs):
    measure = make_metric("costs.py:cost", NAMES, "correct")
    # wrong taken for correct, correct taken for wrong, correct taken for correct.
    assert measure(CHANCES, np.array([1, 0, 0])) == pytest.approx(-(5 + 1) / 3)
    assert math.isnan(measure(CHANCES, np.zeros(0, np.int64)))
    assert math.isnan(measure(np.full((1, 2), np.nan), np.array([0])))


def test_probabilities_where_they_are_asked_for(costs):
    measure = make_metric("costs.py:brier", NAMES, None)
    found = measure(CHANCES, np.array([0, 1, 1]))
    assert found == pytest.approx(-(0.1**2 + 0.2**2 + 0.7**2) / 3)
    assert math.isnan(make_metric("costs.py:undefined", NAMES, None)(CHANCES, np.array([0, 1, 1])))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "cots.py:cost",
            "no file 'cots.py' for --metric 'cots.py:cost'; expected FILE.py:FUNCTION",
        ),
        ("costs.py:cst", "--metric: costs.py has no function 'cst'; did you mean 'cost'?"),
        ("costs.py:number", "--metric costs.py:number: expected a function, got 3"),
        (
            "costs.py:three",
            "--metric costs.py:three: expected a function of (y_true, y_pred) or (y_true, y_pred, "
            "y_proba)",
        ),
        ("costs.py:text", "--metric: costs.py:text: expected a number, got 'good'"),
        ("costs.py:pair", "--metric: costs.py:pair: expected a number, got array([0., 0.])"),
        ("costs.py:strict", "--metric costs.py:strict: KeyError: np.str_('correct')"),
    ],
)
def test_functions_that_cannot_measure(costs, name, text):
    with pytest.raises(UsageError) as error:
        make_metric(name, NAMES, "correct")
    assert str(error.value) == text


def test_a_truth_value_is_no_number(costs):
    with pytest.raises(UsageError, match="expected a number, got True"):
        make_metric("costs.py:flag", NAMES, "correct")


def test_a_file_that_cannot_run_is_told_before_any_data_is_read(costs, table):
    costs.write_text("import nothing_of_that_name")
    with pytest.raises(UsageError) as error:
        train(train="no-such.csv", metric="costs.py:cost", **OPTIONS)
    assert str(error.value) == (
        "--metric costs.py:cost: ModuleNotFoundError: No module named 'nothing_of_that_name'"
    )
    costs.write_text(CODE)
    check_metric("costs.py:strict", None)  # which labels there are is known with the data
    with pytest.raises(UsageError, match=r"costs.py:strict: KeyError"):
        train(train=str(table), metric="costs.py:strict", out="a", **OPTIONS)
    assert not (table.parent / "a").exists()


def test_a_run_chooses_its_weights_by_it(costs, table, tmp_path):
    result = train(train=str(table), metric="./costs.py:brier", out=str(tmp_path / "a"), **OPTIONS)
    lines = (tmp_path / "a" / "metrics.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    values = [record["valid_costs.py:brier"] for record in records]
    outcome = result.run["result"]
    assert outcome["metric"] == "costs.py:brier"
    assert outcome["best"] == max(values) < 0
    assert outcome["best_step"] == records[values.index(max(values))]["step"]
    assert result.run["options"]["metric"]["value"] == f"{costs}:brier"
    assert list(result.run["plugins"]["code"]) == [f"{costs}:brier"]


def test_what_fails_while_it_trains_is_told_in_one_line(costs, table, tmp_path):
    with pytest.raises(RunError) as error:
        train(train=str(table), metric="costs.py:fails_later", out=str(tmp_path / "a"), **OPTIONS)
    assert str(error.value) == f"--metric {costs}:fails_later: ZeroDivisionError: division by zero"


def test_the_loop_alone_takes_it_too(costs):
    from titlekit import Examples, TextEncoder, TrainConfig
    from titlekit.core.data.vocabulary import make_tokenizer
    from titlekit.core.models import Resolved, load_for_training

    texts = ["a theory of titles", "table of contents"] * 4
    model, _ = load_for_training(Resolved("tiny", "", "", None, 0.0), NAMES, texts, 0)
    rows = Examples(TextEncoder(make_tokenizer(texts), 16)(texts), np.array([0, 1] * 4))
    config = TrainConfig(metric="costs.py:cost", epochs=1, batch_size=8, device="cpu")
    assert Trainer(model, rows, rows, labels=NAMES, config=config).fit().best <= 0


# Whose code


def test_code_in_a_recipe_needs_a_person(costs, table, tmp_path, console):
    flags = ("--model", "tiny", "--epochs", 1, "--device", "cpu", "-q")
    words = ("train", table, *flags, "--metric", "costs.py:cost")
    assert console(*words, "--out", "a")[0] == 0
    recipe = tmp_path / "a" / "config.toml"
    again = ("train", "--config", recipe, "-q", "--out")
    name = f"{costs}:cost"
    code, _, err = console(*again, "b")
    assert (code, err) == (
        2,
        f"Error: the recipe names code of its own, {name}; read that file, then add --allow-code\n",
    )
    # Plugins of the person do not make the recipe's metric theirs.
    assert console(*again, "b", "--plugins", "focal")[0] == 2
    assert console(*again, "b", "--allow-code")[0] == 0
    assert console(*again, "c", "--metric", "costs.py:cost")[0] == 0
    assert console(*again, "d", "--metric", "f1")[0] == 0
    costs.write_text(CODE.replace("5.0", "6.0"))
    code, _, err = console(*again, "e", "--allow-code")
    assert code == 2
    assert err.startswith(f"Error: {name} is not the code that was recorded (sha256 ")
    assert err.endswith("); read the file, then name it with --metric\n")
    for word in ("predict", "evaluate"):
        costs.write_text("raise SystemExit('owned')")
        assert console(word, "a", table, "-q")[0] == 0


def test_a_stopped_run_names_code_as_a_recipe_does(costs, table, tmp_path, monkeypatch):
    step = Trainer.optimizer_step

    def stops(self, rows):
        step(self, rows)
        self.stop_signal = 15

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "optimizer_step", stops)
        with pytest.raises(Exception, match="the state is saved"):
            train(train=str(table), metric="costs.py:cost", out="a", **OPTIONS)
    with pytest.raises(UsageError, match="the recipe names code of its own"):
        resume("a")
    given = {"allow_code": True, "metric": "costs.py:cost"}
    assert resume("a", given).run["result"]["metric"] == "costs.py:cost"


def test_a_recipe_whose_code_is_no_table(tmp_path, console):
    (tmp_path / "r.toml").write_text('code = 3\nplugins = "x.py:X"\n')
    code, _, err = console("train", "--config", tmp_path / "r.toml")
    assert (code, err) == (
        2, f"Error: {tmp_path}/r.toml: code: expected a table of FILE.py:NAME = sha256\n",
    )  # fmt: skip
