"""titlekit evaluate, as a person runs it."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from tiny import FAULTS, TITLES, mark_as_run, save_classifier
from titlekit import load
from titlekit.cli.main import main
from titlekit.core.evidence.evaluation import evaluate, load_rows


@pytest.fixture
def run(tmp_path):
    return str(mark_as_run(save_classifier(tmp_path / "runs" / "001")))


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "test-a.csv"
    rows = [*((text, "Y") for text in TITLES), *((text, "N") for text in FAULTS), ("", "N")]
    path.write_text("title,Y/N\n" + "".join(f'"{text}",{label}\n' for text, label in rows))
    return str(path)


@pytest.fixture
def call(capsys):
    """Return a function that runs the command and gives its exit code, stdout and stderr."""

    def call(*args):
        with pytest.raises(SystemExit) as ended:
            main(["evaluate", *map(str, args)])
        return ended.value.code, *capsys.readouterr()

    return call


def test_a_table_of_everything(call, run, data):
    code, out, err = call(run, data)
    predictor = load(run, device="cpu")
    found = evaluate(predictor, load_rows(predictor, data))
    assert (code, err) == (0, "")
    assert out.startswith("20 rows, 1 blank\n\nlabel    precision  recall  F1      rows\n")
    shown = {
        "accuracy": found.metrics["accuracy"],
        "macro-F1": found.metrics["macro_f1"],
        "F1 of correct": found.metrics["f1"],
        "precision of correct": found.metrics["precision"],
        "recall of correct": found.metrics["recall"],
        "specificity of correct": found.metrics["specificity"],
        "MCC": found.metrics["mcc"],
        "AUROC": found.metrics["roc_auc"],
        "average precision": found.metrics["average_precision"],
        "ECE": found.metrics["ece"],
        "log loss": found.metrics["log_loss"],
        "accuracy, blank rows answered with nothing": found.accuracy_all_rows,
    }
    for name, value in shown.items():
        assert re.search(rf"^{re.escape(name)} +{value:.4f}\b", out, re.MULTILINE), name
    low, high = found.intervals["f1"].values()
    assert re.search(rf"^F1 of correct .* {low:.4f} to {high:.4f}$", out, re.MULTILINE)
    for name, counts in zip(("wrong", "correct"), found.metrics["confusion_matrix"], strict=True):
        assert re.search(rf"^{name} +{counts[0]} +{counts[1]}$", out, re.MULTILINE)
    assert out.endswith(
        f"Written: {run}/predictions/test-a.json\nWritten: {run}/predictions/test-a.csv\n"
    )
    assert json.loads(Path(run, "predictions", "test-a.json").read_text()) == found.to_json()
    assert Path(run, "predictions", "test-a.csv").read_text().startswith("line,text,label,")


def test_json_and_named_places(call, run, data, tmp_path):
    code, out, err = call(
        run, data, "--json", "--out", tmp_path / "r.json", "--predictions", tmp_path / "p.csv",
        "--blank-label", "wrong",
    )  # fmt: skip
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert found.pop("files") == [str(tmp_path / "r.json"), str(tmp_path / "p.csv")]
    assert found == json.loads((tmp_path / "r.json").read_text())
    assert found["blank_rows"] == 1
    assert found["accuracy_all_rows"] == pytest.approx((found["accuracy"] * 20 + 1) / 21)
    assert not os.path.exists(f"{run}/predictions/test-a.json")
    assert (tmp_path / "p.csv").read_text().splitlines()[-1] == "22,,wrong,wrong,,,"


def test_a_plain_model_writes_only_where_it_is_told(call, data, tmp_path):
    model = save_classifier(tmp_path / "model")
    before = sorted(os.listdir(model))
    code, out, _ = call(model, data)
    assert code == 0
    assert "Written" not in out
    assert sorted(os.listdir(model)) == before
    assert "Written: " in call(model, data, "--out", tmp_path / "r.json")[1]
    assert (tmp_path / "r.json").exists()


def test_a_folder_of_data(call, run, tmp_path):
    folder = tmp_path / "titles"
    folder.mkdir()
    (folder / "positive.txt").write_text("\n".join(TITLES))
    (folder / "negative.txt").write_text("\n".join(FAULTS))
    code, out, _ = call(run, folder)
    assert code == 0
    assert out.startswith("20 rows\n")
    assert os.path.exists(f"{run}/predictions/titles.csv")
    assert "blank" not in out


def test_many_chinese_classes(call, tmp_path):
    labels = ("体育", "财经", "科技")
    model = save_classifier(tmp_path / "model", labels=labels)
    data = tmp_path / "test.csv"
    data.write_text(
        "文本,标签\n" + "".join(f"比赛{n},{labels[n % 3]}\n" for n in range(9)), "utf-8"
    )
    code, out, _ = call(model, data)
    assert code == 0
    assert "macro-F1" in out
    assert "F1 of" not in out
    assert "财经" in out


def test_a_label_shows_its_control_characters(call, tmp_path):
    model = save_classifier(tmp_path / "model", labels=("a", "b\x1b[31m"))
    data = tmp_path / "test.jsonl"
    rows = [{"text": "x", "label": "a"}, {"text": "y", "label": "b\x1b[31m"}]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    code, out, _ = call(model, data)
    assert code == 0
    assert "b\\x1b[31m" in out
    assert "\x1b" not in out


def test_a_gate(call, run, data):
    assert call(run, data, "--fail-under", "accuracy=0", "--fail-under", "mcc=-1")[0] == 0
    code, out, err = call(run, data, "--fail-under", "f1=1.5", "--fail-under", "accuracy=0.01")
    value = json.loads(Path(run, "predictions", "test-a.json").read_text())["f1"]
    assert code == 4
    assert out.startswith("20 rows")
    assert err == f"Error: f1 is {value:.4f}, --fail-under asks for 1.5\n"


def test_a_metric_that_is_undefined_misses_its_gate(call, run, tmp_path):
    data = tmp_path / "one.csv"
    data.write_text("text,label\na,correct\nb,correct\n")
    code, _, err = call(run, data, "--fail-under", "roc_auc=0")
    assert (code, err) == (4, "Error: roc_auc is -, --fail-under asks for 0\n")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--fail-under", "f1"], "--fail-under: expected METRIC=VALUE, e.g. f1=0.85, got 'f1'"),
        (
            ["--fail-under", "f1=high"],
            "--fail-under: expected METRIC=VALUE, e.g. f1=0.85, got 'f1=high'",
        ),
        (
            ["--fail-under", "acuracy=0.9"],
            "--fail-under: no metric 'acuracy' here; did you mean 'accuracy'?  (metrics: accuracy, "
            "f1, precision, recall, specificity, macro_f1, mcc, roc_auc, average_precision, "
            "accuracy_all_rows)",
        ),
        (["--predictions", "{data}"], "--predictions {data} is data; choose another name"),
        (["--out", "r.csv"], "--out r.csv: expected a name that ends in .json"),
        (
            ["--blank-label", "no"],
            "--blank-label: no label 'no' (labels: wrong, correct)",
        ),
        (
            ["--label-column", "label"],
            "{data}: no column 'label' (columns: title, Y/N)",
        ),
    ],
)
def test_wrong_usage_is_one_line(call, run, data, args, message):
    before = Path(data).read_text()
    code, out, err = call(run, data, *(arg.format(data=data) for arg in args))
    assert (code, out) == (2, "")
    assert err == f"Error: {message.format(data=data)}\n"
    assert Path(data).read_text() == before
    assert not os.path.exists(f"{run}/predictions/test-a.json")


def test_a_label_the_model_does_not_know(call, run, tmp_path):
    data = tmp_path / "test.csv"
    data.write_text("text,label\na,correct\nb,corect\n")
    code, _, err = call(run, data)
    assert code == 2
    assert err == (
        f"Error: {data}:3: column 'label': unknown label 'corect'; did you mean 'correct'? "
        "(labels: wrong, correct)\n"
    )


def test_data_that_is_not_there_is_told_before_a_model_is_loaded(call, tmp_path):
    code, _, err = call(tmp_path / "no-run", tmp_path / "none.csv")
    assert (code, err) == (2, f"Error: {tmp_path}/none.csv: no such file\n")
