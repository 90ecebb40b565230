"""``titlekit train`` as a new user meets it: results, folder, recipes, and wrong input."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import pytest
import torch

from console import write_table
from titlekit import TrainConfig, UsageError, load, train
from titlekit.core.data.synthetic import make_titles

QUICK = ("--model", "tiny", "--epochs", "1", "--device", "cpu", "--max-length", "12")


@pytest.fixture
def table(tmp_path):
    return write_table(tmp_path / "titles.csv")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run on a folder of titles with a test file, and what it was trained on."""
    home = tmp_path_factory.mktemp("finished")
    data = home / "data"
    data.mkdir()
    texts, labels = make_titles(200, 3)
    for name, label in (("positive", "correct"), ("negative", "wrong")):
        lines = [text for text, found in zip(texts, labels, strict=True) if found == label]
        (data / f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    texts, labels = make_titles(30, 4)
    with (data / "test.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "title given by manchine", "Y/N"])
        for number, (text, label) in enumerate(zip(texts, labels, strict=True)):
            writer.writerow([number, text, "Y" if label == "correct" else "N"])
        writer.writerow([30, " ", "N"])
    result = train(
        train=str(data), model="tiny", epochs=1, plugins="focal,fgm,ema", out=str(home / "run"),
        device="cpu",
    )  # fmt: skip
    return result, data


def test_the_main_job(console, table, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = console(
        "train", table, *QUICK, "--plugins", "focal,fgm,early-stopping(patience=9)"
    )
    assert code == 0, err
    lines = out.strip().splitlines()
    assert re.match(r"rows  accuracy  precision  recall\s+F1\s+macro-F1", lines[0])
    assert lines[1].startswith("validation  12 ")
    assert re.match(
        r"4 steps in \d+ seconds?, plugins: early-stopping\(patience=9\),fgm,focal", lines[3]
    )
    assert lines[4:] == [
        "The run is in runs/001",
        "Next: titlekit predict runs/001 FILE.csv -o answers.csv",
    ]
    assert "titles.csv: 108 rows to train on" in err
    assert "step 4 of 4, epoch 1.00: loss" in err
    code, out, err = console("train", table, *QUICK, "-q", "--json")
    answer = json.loads(out)
    assert answer["folder"] == "runs/002"
    assert set(answer["results"]["validation"]) > {"accuracy", "f1", "macro_f1", "intervals"}


def test_the_next_command_works(console, finished, tmp_path):
    result, data = finished
    code, out, err = console("predict", result.folder, data / "test.csv", "-o", tmp_path / "a.csv")
    assert code == 0, err
    text = (tmp_path / "a.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert len(rows) == 31
    assert list(rows[0]) == ["id", "title given by manchine", "Y/N", "predicted_label", "score"]
    assert (rows[30]["predicted_label"], rows[30]["score"]) == ("", "")
    code, out, err = console("evaluate", result.folder, data / "test.csv")
    assert code == 0, err
    assert "30 rows, 1 blank" in out


def test_the_folder_is_whole(finished):
    result, data = finished
    names = {path.name for path in result.folder.iterdir()}
    assert names == {
        "README.md", "config.json", "config.toml", "decision.json", "eval_results.json",
        "metrics.jsonl", "model.safetensors", "predictions", "run.json", "test_results.json",
        "tokenizer.json", "tokenizer_config.json", "train_results.json",
    }  # fmt: skip
    assert {p.name for p in (result.folder / "predictions").iterdir()} >= {"valid.csv", "test.csv"}
    run = json.loads((result.folder / "run.json").read_text())
    assert run["status"] == "finished"
    assert run["labels"] == ["wrong", "correct"]
    assert run["options"]["model"] == {"value": "tiny", "from": "Python"}
    assert run["options"]["batch_size"] == {"value": 32, "from": "default"}
    assert run["options"]["lr"] == {"value": 5e-4, "from": "default of tiny"}
    assert run["plugins"]["spelling"] == "ema,fgm,focal"
    assert run["plugins"]["counters"]["fgm"] == {"attacks": 6, "attacks without effect": 0}
    assert run["data"]["test"]["blank_rows"] == 1
    assert set(run["versions"]) >= {"python", "torch", "transformers", "numpy"}
    assert run["costs"]["forward_passes"] == 12
    assert run["command"].startswith(f"titlekit train {data} --model tiny")
    assert "ema(decay=0.99) averages over about 100 steps" in run["result"]["warnings"][0]
    results = json.loads((result.folder / "test_results.json").read_text())
    assert results["rows"] == 30
    assert results["blank_rows"] == 1
    assert results["intervals"]["accuracy"]["low"] <= results["accuracy"]
    lines = (result.folder / "metrics.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    assert [record["step"] for record in records] == [2, 3, 4, 6]
    card = (result.folder / "README.md").read_text()
    assert "Plugins: `ema,fgm,focal`" in card
    assert not list(result.folder.glob(".*"))


def test_transformers_opens_the_folder_with_the_same_labels_and_scores(finished):
    from transformers import pipeline

    result, _ = finished
    texts, _ = make_titles(40, 9)
    texts.append(" ".join(texts))  # far beyond the longest input
    classify = pipeline("text-classification", model=str(result.folder), device="cpu")
    answers = load(result.folder, "cpu").predict(texts)
    for text, label, score in zip(texts, answers.labels, answers.scores, strict=True):
        (theirs,) = classify(text, truncation=True)
        assert theirs["label"] == label
        assert theirs["score"] == pytest.approx(score, abs=1e-5)


def test_the_recipe_repeats_the_run(console, finished, tmp_path):
    result, _ = finished
    code, out, err = console("train", "--config", result.folder / "config.toml", "--out",
                             tmp_path / "again", "--json")  # fmt: skip
    assert code == 0, err
    assert json.loads(out)["results"] == json.loads(
        json.dumps(result.results).replace(str(result.folder), str(tmp_path / "again"))
    )
    one, other = (folder / "model.safetensors" for folder in (result.folder, tmp_path / "again"))
    assert one.read_bytes() == other.read_bytes()


def test_options_win_over_the_recipe_and_settings_over_the_call_form(console, table, tmp_path):
    recipe = tmp_path / "r.toml"
    recipe.write_text('model = "tiny"\nlr = 1e-3\n[plugins.focal]\ngamma = 3.0\n[plugins.fgm]\n')
    code, out, err = console("train", table, "--config", recipe, "--lr", "2e-4", "--set",
                             "focal.alpha=0.25", "--dry-run", "--json")  # fmt: skip
    assert code == 0, err
    plan = json.loads(out)
    assert plan["options"]["plugins"]["value"] == "fgm,focal(gamma=3.0,alpha=0.25)"
    assert plan["options"]["lr"] == {"value": 2e-4, "from": "command line"}
    assert plan["options"]["model"] == {"value": "tiny", "from": str(recipe)}
    assert plan["passes"] == 2


def test_six_seeds_share_one_split_and_differ_otherwise(table, tmp_path):
    runs = [
        train(train=str(table), model="tiny", epochs=0.5, seed=seed, out=str(tmp_path / str(seed)))
        for seed in (1, 2)
    ]
    one, other = (run.run for run in runs)
    assert one["data"] == other["data"]
    weights = [(run.folder / "model.safetensors").read_bytes() for run in runs]
    assert weights[0] != weights[1]


def test_a_table_of_chinese_classes_runs_through_every_command(console, tmp_path):
    words = {
        "计算机": "算法 网络 数据库 编译",
        "医学": "临床 治疗 病理 护理",
        "经济": "市场 货币 贸易 财政",
    }
    rows = [
        [f"{word}的{other}研究第{number}篇", label]
        for label, text in words.items()
        for word in text.split()
        for other in text.split()
        for number in range(3)
    ]
    data = tmp_path / "中文.csv"
    with data.open("w", encoding="gb18030", newline="") as stream:
        csv.writer(stream).writerows([["标题", "类别"], *rows])
    run = tmp_path / "run"
    code, out, err = console(
        "train", data, *QUICK, "--text-column", "标题", "--label-column", "类别", "--out", run
    )
    assert code == 0, err
    assert "gb18030" in err
    assert "标题,类别" in err
    assert "precision" not in out.splitlines()[1]  # no positive class: macro-F1 alone
    code, out, err = console("evaluate", run, data)
    assert code == 0, err
    assert "计算机" in out
    code, out, err = console("predict", run, data, "-o", tmp_path / "out.jsonl", "--proba")
    assert code == 0, err
    first = json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert first["标题"] == rows[0][0]
    assert set(first) == {
        "标题",
        "类别",
        "predicted_label",
        "score",
        "p_计算机",
        "p_医学",
        "p_经济",
    }


def test_many_unknown_tokens_are_told(console, tmp_path):
    data = tmp_path / "zh.csv"
    rows = [f"第{number}篇论文的标题是鱻龘靐齉,{number % 2}" for number in range(40)]
    data.write_text("title,label\n" + "\n".join(rows) + "\n", encoding="utf-8")
    code, _, err = console("train", data, "--epochs", "0.1", "--dry-run")
    assert code == 0, err
    assert "of the tokens are unknown to minilm" in err
    assert "google-bert/bert-base-chinese, google-bert/bert-base-multilingual-cased" in err


def test_pairs_and_joined_columns_are_trained_and_answered(console, tmp_path):
    texts, labels = make_titles(80, 2)
    data = tmp_path / "pairs.csv"
    with data.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["title", "abstract", "venue", "label"])
        writer.writerows([t, t[::-1], "J", x] for t, x in zip(texts, labels, strict=True))
    run = tmp_path / "run"
    code, _, err = console(
        "train", data, *QUICK, "--text-column", "title,venue", "--text-pair-column", "abstract",
        "--truncation", "tail", "--max-length", "24", "--out", run,
    )  # fmt: skip
    assert code == 0, err
    told = json.loads((run / "run.json").read_text())["input"]
    assert told["text_columns"] == ["title", "venue"]
    assert told["pair_column"] == "abstract"
    code, out, err = console("predict", run, data)
    assert code == 0, err
    assert out.count("\n") == 81


# Wrong input: one line, exit 2, nothing left behind.


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--plugins", "foca"), "no plugin named 'foca'; did you mean 'focal'?"),
        (("--plugins", "focal,weighted-ce"), "focal and weighted-ce both fill the slot loss"),
        (("--plugins", "focal", "--set", "fgm.epsilon=1"), "fgm is not in --plugins (focal)"),
        (("--plugins", "focal(gamma=-1)"), "focal.gamma: expected a number of at least 0, got -1"),
        (("--plugins", "focal", "--set", "focal.gama=1"), "focal has no option 'gama'"),
        (("--epochs", "-1"), "--epochs: expected a number"),
        (("--epochs", "many"), "--epochs: expected a number of at least 0, got 'many'"),
        (("--batch-size", "0"), "--batch-size: expected a whole number of at least 1, got 0"),
        (("--metric", "f2"), "--metric: no metric named 'f2'"),
        (("--model", "tinny"), "did you mean 'tiny'?"),
        (("--device", "gpu"), "--device: expected auto, cpu, cuda or cuda:N, got 'gpu'"),
        (("--valid", "1.5"), "expected a share of at least 0 and below 1, or a file, got '1.5'"),
        (("--max-length", "2"), "--max-length: expected auto or a whole number above 3, got '2'"),
        (("--max-length", "9999"), "--max-length 9999: tiny has positions for 512 tokens"),
        (("--text-column", "titel"), "no column 'titel'; did you mean 'title'?"),
        (("--positive", "corect"), "'corect'; did you mean 'correct'?"),
        (("--config", "none.toml"), "--config none.toml: no such file"),
        (("--test", "none.csv"), "--test none.csv: no such file"),
        (("--bath-size", "1"), "No such option '--bath-size'. Did you mean '--batch-size'?"),
    ],
)
def test_wrong_usage_is_one_line(console, table, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    code, out, err = console("train", table, *QUICK, *words, "--offline", "-q")
    assert code == 2, err
    assert out == ""
    error = err.strip().splitlines()
    assert error[-1].startswith("Error: ")
    assert message in error[-1]
    assert not (tmp_path / "runs").exists()


def test_an_output_folder_that_exists_is_kept(console, table, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "thesis.txt").write_text("three years")
    code, _, err = console("train", table, *QUICK, "--out", folder)
    assert code == 2
    assert f"Error: --out {folder} exists and is not empty; choose another folder" in err
    code, _, err = console("train", table, *QUICK, "--out", folder, "--overwrite")
    assert code == 2
    assert "is not the folder of a run (no run.json), so --overwrite deletes nothing" in err
    assert (folder / "thesis.txt").read_text() == "three years"


def test_a_run_is_replaced_when_asked(console, table, tmp_path):
    folder = tmp_path / "run"
    assert console("train", table, *QUICK, "--out", folder)[0] == 0
    (folder / "stray.txt").write_text("x")
    code, _, err = console("train", table, *QUICK, "--out", folder, "--overwrite")
    assert code == 0, err
    assert not (folder / "stray.txt").exists()


@pytest.mark.parametrize(
    ("raised", "code"),
    [(UsageError("refused"), 2), (torch.OutOfMemoryError("tried to allocate 2 GiB"), 1)],
)
def test_a_run_that_fails_at_its_first_pass_leaves_the_old_one(
    console, finished, table, tmp_path, monkeypatch, raised, code
):
    from titlekit.core.training.trainer import Trainer

    folder = tmp_path / "run"
    shutil.copytree(finished[0].folder, folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def fail(self, rows):
        raise raised

    monkeypatch.setattr(Trainer, "backward", fail)
    words = ("train", table, *QUICK, "--batch-size", "1", "--out", folder, "--overwrite")
    assert console(*words)[0] == code
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_two_writers_are_refused(console, finished, table):
    from titlekit.core.run_folder import locked

    result, _ = finished
    with locked(result.folder):
        code, _, err = console("train", table, *QUICK, "--out", result.folder, "--overwrite")
    assert code == 2
    assert "is being written by another titlekit" in err
    assert (result.folder / "model.safetensors").is_file()


def test_no_room_is_told_before_anything_is_trained(console, table, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage._replace(free=1_000_000))
    code, _, err = console("train", table, *QUICK, "--out", tmp_path / "run")
    assert code == 2
    assert re.search(r"--out .*: 1 MB are free there and the run needs about \d+ MB", err)
    assert not (tmp_path / "run").exists()


def test_a_fault_in_the_test_file_does_not_cost_the_training(console, table, tmp_path):
    test, run = tmp_path / "test.csv", tmp_path / "run"
    test.write_text("title,label\nA Title,correct\nAnother,corect\n")
    code, _, err = console("train", table, *QUICK, "--test", test, "--out", run)
    assert code == 2
    assert f"{test}:3: " in err
    assert "'corect'" in err
    assert f"the training is done and kept in {run}: mend the test file, then titlekit" in err
    assert json.loads((run / "run.json").read_text())["status"] == "finished"
    assert load(run).labels == ["correct", "wrong"]


def test_a_named_plugin_that_did_nothing_is_told(console, table, tmp_path):
    mine = tmp_path / "mine.py"
    mine.write_text(
        "from dataclasses import dataclass\nfrom titlekit import Plugin\n\n\n"
        "@dataclass(eq=False)\nclass Idle(Plugin):\n    '''Does nothing.'''\n"
    )
    code, _, err = console("train", table, *QUICK, "--plugins", f"{mine}:Idle", "--out",
                           tmp_path / "run")  # fmt: skip
    assert code == 0, err
    assert f"Warning: the plugin {mine}:Idle was named and did nothing in this run" in err


def test_code_in_a_recipe_needs_leave_and_its_hash(console, table, tmp_path, monkeypatch):
    mine = tmp_path / "mine.py"
    code = (
        "from dataclasses import dataclass\nfrom titlekit import Plugin, hookimpl\n\n\n"
        "@dataclass(eq=False)\nclass Seen(Plugin):\n    '''Counts steps.'''\n\n"
        "    @hookimpl\n    def after_step(self, run, stepped):\n        self.count('steps')\n"
    )
    mine.write_text(code)
    run = tmp_path / "run"
    monkeypatch.chdir(tmp_path)
    assert console("train", table, *QUICK, "--plugins", "./mine.py:Seen", "--out", run)[0] == 0
    monkeypatch.chdir(run)  # the recipe finds the file from anywhere
    recipe = run / "config.toml"
    again = ("train", "--config", recipe, "--out", tmp_path / "two")
    exit_code, _, err = console(*again)
    assert exit_code == 2
    assert f"the recipe names code of its own, {mine}:Seen; read that file, then add" in err
    mine.write_text(code + "# changed\n")
    exit_code, _, err = console(*again, "--allow-code")
    assert exit_code == 2
    assert "is not the code that was recorded (sha256" in err
    mine.write_text(code)
    exit_code, _, err = console(*again, "--allow-code")
    assert exit_code == 0, err


def test_early_stopping_without_validation_is_told(console, table, tmp_path):
    code, out, err = console("train", table, *QUICK, "--valid", "0", "--plugins",
                             "early-stopping", "--out", tmp_path / "run")  # fmt: skip
    assert code == 0, err
    assert "Warning: the plugin early-stopping was named and did nothing in this run" in err
    assert "validation" not in out


def test_python_can_do_what_the_command_line_can(table, tmp_path):
    result = train(
        TrainConfig(train=[str(table)], model="tiny", epochs=0.5, out=str(tmp_path / "r"))
    )
    assert result.folder == tmp_path / "r"
    predictor = load(result.folder)
    answers = predictor.predict(["A Theory of Titles", ""])
    assert answers.labels[0] in ("correct", "wrong")
    assert answers.labels[1] == ""
    assert Path(result.run["options"]["train"]["value"][0]) == table
