"""titlekit evaluate --probe, as a person runs it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tiny import FAULTS, TITLES, mark_as_run, save_classifier
from titlekit.core.evidence.probe import STRENGTHS


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return str(mark_as_run(save_classifier(tmp_path_factory.mktemp("runs") / "001")))


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "test-a.csv"
    rows = [*((text, "Y") for text in TITLES), *((text, "N") for text in FAULTS), ("", "N")]
    path.write_text("title,Y/N\n" + "".join(f'"{text}",{label}\n' for text, label in rows))
    return str(path)


def test_a_table_stands_below_the_metrics_and_a_file_beside_the_others(console, run, data):
    code, plain, _ = console("evaluate", run, data)
    folder = Path(run, "predictions")
    before = {name: (folder / name).read_bytes() for name in os.listdir(folder)}
    code, out, err = console("evaluate", run, data, "--probe")
    assert code == 0
    assert err == "probe: 5 faults, 15 strengths in all: at most 300 texts to answer\n"
    assert out.startswith(plain.partition("Written")[0])
    table = out.removeprefix(plain.partition("Written")[0]).splitlines()
    assert " ".join(table[0].split()) == (
        "fault strength rows changed accuracy difference 95 % interval "
        "recall of wrong recall of correct"
    )
    assert [line.split()[0] for line in table[1:17]] == [
        "none", *(fault for fault, levels in STRENGTHS.items() for _ in levels),
    ]  # fmt: skip
    assert table[-1] == f"Written: {run}/predictions/test-a.probe.json"
    after = {name: (folder / name).read_bytes() for name in os.listdir(folder)}
    found = json.loads(after.pop("test-a.probe.json"))
    assert after == before
    assert (found["seed"], found["rows"], len(found["faults"])) == (42, 20, 15)
    shown = table[2].split()
    assert shown[:2] == ["ocr", "0.01"]
    assert shown[3] == f"{found['faults'][0]['accuracy']:.4f}"
    # The tokenizer knows no case, so no answer may change.
    cases = [one for one in found["faults"] if one["fault"] == "case"]
    assert [one["answers_changed"] for one in cases] == [0, 0, 0]
    assert cases[-1]["rows_changed"] == 20


def test_json_named_places_and_a_seed(console, run, data, tmp_path):
    asked = [
        "evaluate", run, data, "--probe", "--probe-seed", 7, "--json",
        "--out", tmp_path / "r.json", "--predictions", tmp_path / "p.csv",
    ]  # fmt: skip
    code, out, err = console(*asked)
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert found["files"] == [str(tmp_path / n) for n in ("r.json", "p.csv", "r.probe.json")]
    assert found["probe"] == json.loads((tmp_path / "r.probe.json").read_text("utf-8"))
    assert found["probe"]["seed"] == 7
    assert "probe" not in json.loads((tmp_path / "r.json").read_text("utf-8"))


def test_a_plain_model_writes_nothing(console, data, tmp_path):
    model = save_classifier(tmp_path / "model")
    before = sorted(os.listdir(model))
    code, out, _ = console("evaluate", model, data, "--probe", "-q")
    assert code == 0
    assert "Written" not in out
    assert "hyphenation" in out
    assert sorted(os.listdir(model)) == before


def test_a_seed_without_a_probe_is_refused(console, run, data):
    code, out, err = console("evaluate", run, data, "--probe-seed", 1)
    assert (code, out) == (2, "")
    assert err == "Error: --probe-seed: there is nothing to draw; give --probe too\n"
    assert console("evaluate", run, data, "--probe", "--probe-seed", -1)[0] == 2
