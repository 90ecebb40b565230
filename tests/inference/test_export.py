"""An exported classifier answers as the run it came from, or it is not written."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from families import FAMILIES, OTHERS, save_family, titles
from tiny import FAULTS, TITLES, mark_as_run, save_classifier
from titlekit import DataError, RunError, UsageError, load
from titlekit.core.inference import export, export_parity, onnx_int8, onnx_write
from titlekit.core.inference.decision import Decision
from titlekit.core.inference.export import Wanted, export_run
from titlekit.core.inference.export_bake import fold
from titlekit.core.inference.export_parity import NotAlike, judge
from titlekit.core.inference.onnx import threads
from titlekit.core.inference.quantized import quantised

onnx = pytest.importorskip("onnx")

TEXTS = [*TITLES, *FAULTS, "", " ".join(TITLES), "Ünï \U0001f600", "x"]


def add_predictions(folder: Path, texts=(*TITLES, *FAULTS), wrong=0) -> Path:
    """Write predictions/valid.csv, its labels those of the model but for the first `wrong` ones."""
    labels = load(folder, device="cpu").predict(texts).labels
    other = {"wrong": "correct", "correct": "wrong"}
    (folder / "predictions").mkdir()
    with (folder / "predictions" / "valid.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["line", "text", "label", "predicted_label"])
        for number, (text, label) in enumerate(zip(texts, labels, strict=True)):
            writer.writerow([number, text, other[label] if number < wrong else label, label])
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = mark_as_run(save_classifier(tmp_path_factory.mktemp("runs") / "001"))
    return add_predictions(folder, wrong=2)


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    """What a real export of the run left, and what it said."""
    place = tmp_path_factory.mktemp("exports") / "onnx"
    return place, export_run(run, place)


@pytest.fixture(scope="module")
def int8(exported, tmp_path_factory):
    """The export with int8 products."""
    place = tmp_path_factory.mktemp("int8") / "onnx-int8"
    shutil.copytree(exported[0], place)
    assert onnx_int8.quantise(place / "model.onnx") == 2 * 6 + 1  # all but the last layer
    return place


@pytest.fixture
def quick(exported, monkeypatch):
    """Take the graph of the one real export: torch's exporter takes seconds each time."""
    graph = exported[0] / "model.onnx"
    monkeypatch.setattr(onnx_write, "write_graph", lambda m, e, path, n: shutil.copy(graph, path))


@pytest.fixture
def copy(run, tmp_path):
    return Path(shutil.copytree(run, tmp_path / "run"))


def entries(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# Answers


def test_an_export_answers_as_its_run(run, exported):
    torch_, onnx_ = load(run, device="cpu"), load(exported[0])
    before, after = torch_.predict(TEXTS, blank_label="wrong"), onnx_.predict(TEXTS, None, "wrong")
    assert after.labels == before.labels
    assert set(after.labels) == {"wrong", "correct"}
    np.testing.assert_allclose(after.probabilities, before.probabilities, atol=1e-5)
    pairs = TEXTS[::-1]
    np.testing.assert_allclose(onnx_.logits(TEXTS, pairs), torch_.logits(TEXTS, pairs), atol=1e-4)
    assert onnx_.input == torch_.input
    assert (onnx_.max_length, onnx_.truncation) == (torch_.max_length, torch_.truncation)
    assert (onnx_.labels, onnx_.positive) == (torch_.labels, torch_.positive)
    assert len(onnx_.predict([]).labels) == 0


@pytest.mark.parametrize("name", ["float32", "int8"])
def test_a_score_does_not_depend_on_its_neighbours(exported, int8, name):
    by = load(exported[0] if name == "float32" else int8)
    together = by.logits(TEXTS)
    alone = np.concatenate([by.logits([text]) for text in TEXTS])
    shuffled = by.logits(TEXTS[::-1])[::-1]
    np.testing.assert_allclose(alone, together, atol=1e-5)
    np.testing.assert_allclose(shuffled, together, atol=1e-5)


def test_the_folder_holds_what_others_expect(run, exported):
    place, told = exported
    assert entries(place) == [
        "config.json", "decision.json", "export.json", "model.onnx", "run.json", "tokenizer.json",
        "tokenizer_config.json",
    ]  # fmt: skip
    assert entries(place.parent) == ["onnx"]
    kept = json.loads((place / "export.json").read_text("utf-8"))
    assert {"out": str(place), **kept} == told
    digest = hashlib.sha256((run / "model.safetensors").read_bytes()).hexdigest()
    assert kept["source"]["sha256"] == digest
    digest = hashlib.sha256((place / "model.onnx").read_bytes()).hexdigest()
    assert kept["exported"]["sha256"] == digest
    assert kept["exported"]["opset"] >= 18
    assert kept["parity"]["rows"] == kept["parity"]["rows_in_file"] == 20
    assert kept["parity"]["accuracy"] == kept["parity"]["accuracy_exported"] == 0.9
    assert kept["parity"]["label_agreement"] == 1
    assert kept["parity"]["max_probability_difference"] < 1e-5
    graph = onnx.load(str(place / "model.onnx"))
    for value in (*graph.graph.input, *graph.graph.output):
        assert value.type.tensor_type.shape.dim[0].dim_param == "batch"
    onnx.checker.check_model(graph)
    assert (place / "model.onnx").stat().st_mode & 0o044 == (
        run / "run.json"
    ).stat().st_mode & 0o044


def test_loading_an_export_needs_no_torch(int8, tmp_path):
    (tmp_path / "new.csv").write_text("title\nA Survey of Graph Kernels\n", "utf-8")
    code = (
        "import sys\nfrom titlekit.cli.main import main\n"
        f"try: main(['predict', {str(int8)!r}, 'new.csv', '-o', 'a.csv'])\n"
        "finally: print(sorted({'torch', 'transformers', 'sklearn', 'onnx'} & set(sys.modules)))\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path
    )
    assert found.stdout == "[]\n", found.stderr
    assert (tmp_path / "a.csv").is_file()


def test_a_strangers_folder_is_read_by_transformers(exported, tmp_path):
    place = Path(shutil.copytree(exported[0], tmp_path / "model"))
    for name in ("export.json", "run.json", "decision.json"):
        (place / name).unlink()
    by = load(place)
    assert by.folder is None
    np.testing.assert_allclose(by.logits(TEXTS[:5]), load(exported[0]).logits(TEXTS[:5]), atol=1e-5)


def test_threads_are_those_asked_for(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert threads() == 3
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert threads() >= 1


# int8


def test_each_token_and_each_column_has_its_own_scale(tmp_path):
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(8, 20)), rng.normal(size=(24, 20))
    first, second = first.astype(np.float32), second.astype(np.float32)
    bias = rng.normal(size=24).astype(np.float32)
    make, keep = onnx.helper.make_node, onnx.numpy_helper.from_array
    nodes = [
        make("MatMul", ["x", "first"], ["h"]),
        make("Gemm", ["h", "second", "bias"], ["y"], transB=1),
    ]
    shapes = [onnx.helper.make_tensor_value_info(n, 1, ["n", s]) for n, s in (("x", 8), ("y", 24))]
    graph = onnx.helper.make_graph(
        nodes, "two", shapes[:1], shapes[1:],
        [keep(first, "first"), keep(second, "second"), keep(bias, "bias")],
    )  # fmt: skip
    path = tmp_path / "two.onnx"
    opset = [onnx.helper.make_opsetid("", 18)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=9), str(path))
    assert onnx_int8.quantise(path) == 2
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    given = (rng.normal(size=(5, 8)) * [[1], [100], [0.01], [0], [3]]).astype(np.float32)

    def product(rows, weight):
        steps = np.abs(weight).max(axis=0) / 63
        scale = np.maximum(np.abs(rows).max(axis=1, keepdims=True), 1e-12)
        whole = np.rint(rows / scale * 127) @ np.rint(weight / steps)
        return whole * steps * scale / 127

    wanted = product(product(given, first).astype(np.float32), second.T) + bias
    np.testing.assert_allclose(session.run(None, {"x": given})[0], wanted, rtol=1e-4, atol=1e-5)
    exact = given @ first @ second.T + bias
    apart = np.abs(wanted - exact).max(axis=1) / np.abs(exact).max(axis=1)
    assert apart.max() < 0.05  # of the row, however small or large it is


def test_a_bad_quantiser_leaves_nothing_behind(quick, copy, monkeypatch, console):
    def upside_down(path):
        graph = onnx.load(str(path))
        graph.graph.node.append(onnx.helper.make_node("Neg", ["logits"], ["other"]))
        graph.graph.output[0].name = "other"
        onnx.save(graph, str(path))
        return 1

    monkeypatch.setattr(onnx_int8, "quantise", upside_down)
    before = entries(copy)
    code, out, err = console("export", copy, "--quantize", "int8")
    assert (code, out) == (4, "")
    assert err == (
        f"Error: {copy}: int8 gives 0.00 % of the float32 model's labels on 20 rows of valid.csv "
        "(at least 98 % is accepted), so nothing was written; use float32, without --quantize "
        "int8\n"
    )
    assert entries(copy) == before


PARITY = {
    "rows": 1000, "file": "valid.csv", "max_probability_difference": 0.03,
    "label_agreement": 0.995, "accuracy": 0.9, "accuracy_exported": 0.899,
}  # fmt: skip


def test_int8_is_refused_where_the_accuracy_falls():
    judge(PARITY, "int8", "runs/001")
    judge({**PARITY, "accuracy_exported": 0.895}, "int8", "runs/001")
    judge({**PARITY, "accuracy": None, "accuracy_exported": None}, "int8", "runs/001")
    with pytest.raises(NotAlike) as error:
        judge({**PARITY, "accuracy_exported": 0.894}, "int8", "runs/001")
    assert str(error.value) == (
        "runs/001: int8 lowers the accuracy from 90.00 to 89.40 % on 1,000 rows of valid.csv (at "
        "most 0.5 points are accepted), so nothing was written; use float32, without --quantize "
        "int8, or compare on more rows: --rows FILE"
    )


def test_int8_is_warned_of_below_99_and_refused_below_98_percent(caplog):
    judge({**PARITY, "label_agreement": 0.99}, "int8", "runs/001")
    assert caplog.messages == []
    judge({**PARITY, "label_agreement": 0.98}, "int8", "runs/001")
    assert caplog.messages == [
        "runs/001: int8 gives 98.00 % of the float32 model's labels on 1,000 rows of valid.csv, "
        "less than 99 %; float32 differs less"
    ]
    with pytest.raises(NotAlike, match=r"int8 gives 97\.90 % of the float32 model's labels on"):
        judge({**PARITY, "label_agreement": 0.979}, "int8", "runs/001")


def test_a_float32_export_that_differs_is_refused(quick, copy, monkeypatch):
    monkeypatch.setattr(export_parity, "CLOSE", -1.0)
    before = entries(copy)
    with pytest.raises(NotAlike) as error:
        export_run(copy)
    assert str(error.value).startswith(f"{copy}: the exported model's probabilities differ by up")
    assert str(error.value).endswith(
        "from torch's on 20 rows of valid.csv (at most -1 is accepted), so nothing was written; "
        "use the run itself"
    )
    assert entries(copy) == before


# Rows


def test_rows_of_a_file_are_taken_evenly_and_need_no_labels(quick, copy, tmp_path, monkeypatch):
    monkeypatch.setattr(export_parity, "MOST", 3)
    rows = tmp_path / "rows.csv"
    rows.write_text("title,label\nOne,other\n,correct\nTwo,wrong\nThree,wrong\nFour,wrong\n")
    parity = export_run(copy, rows=str(rows))["parity"]
    assert (parity["rows"], parity["rows_in_file"], parity["accuracy"]) == (3, 4, None)
    assert parity["file"] == str(rows)
    with pytest.raises(UsageError) as error:
        export_run(copy, copy / "other", text_column="title")
    assert str(error.value) == "--text-column names a column of --rows FILE; give that too"


def test_rows_of_pairs_are_compared_as_pairs(copy):
    path = copy / "predictions" / "valid.csv"
    rows = list(csv.DictReader(path.read_text("utf-8").splitlines()))
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, ["text", "text_pair", "label"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows([{**row, "text_pair": row["text"][::-1]} for row in rows])
    found = export_parity.find_rows(load(copy, device="cpu"), "runs/001", "")
    assert found.texts == [*TITLES, *FAULTS]
    assert found.pairs == [text[::-1] for text in found.texts]
    assert (found.truth == 1).sum() == [row["label"] for row in rows].count("correct")


def test_a_model_of_kinds_keeps_its_decision_outside(quick, copy):
    Decision(groups={"bad": ("wrong",), "good": ("correct",)}).write(copy)
    run = json.loads((copy / "run.json").read_text("utf-8"))
    run["input"]["positive"] = None
    (copy / "run.json").write_text(json.dumps(run))
    exported = load(export_run(copy)["out"])
    before, after = load(copy, device="cpu").predict(TEXTS), exported.predict(TEXTS)
    assert after.labels == before.labels
    assert after.reasons == before.reasons
    assert exported.kinds == ("wrong", "correct")


def test_a_model_without_rows_says_how(copy, console):
    (copy / "run.json").unlink()
    code, _, err = console("export", copy)
    assert code == 2
    assert err == (
        f"Error: {copy}: no rows to compare the exported model on (a run's predictions/valid.csv "
        "has some); give a file of texts, with or without labels: --rows FILE\n"
    )


# The decision


def test_folding_a_decision_gives_the_same_labels():
    logits = np.random.default_rng(0).normal(size=(5000, 2)).astype(np.float32) * 3
    for decision in (Decision(2.0, 0.5), Decision(0.7, 0.83), Decision(1.3, 0.04)):
        for positive in ("wrong", "correct"):
            by = _Named(["wrong", "correct"], positive, decision)
            folded = fold(by, "runs/001")(logits)
            wanted = decision.apply(logits, by.labels.index(positive))[1]
            np.testing.assert_array_equal(folded.argmax(axis=1), wanted)
    by = _Named(["a", "b", "c"], None, Decision(2.0, 0.9))  # a threshold acts on two classes
    three = np.hstack([logits, logits[::-1, :1]])
    np.testing.assert_allclose(fold(by, "runs/001")(three), three / 2)


class _Named:
    """What `fold` reads of a predictor."""

    def __init__(self, labels, positive, decision):
        self.labels, self.positive, self.decision = labels, positive, decision


def test_a_decision_that_no_weights_give_is_refused():
    by = _Named(["wrong", "correct"], "correct", Decision(threshold=1.0))
    with pytest.raises(UsageError, match="threshold 1, which no finite weight gives; leave out"):
        fold(by, "runs/001")
    groups = {"wrong": ("wrong", "page"), "correct": ("correct",)}
    by = _Named(["wrong", "correct"], "correct", Decision(groups=groups))
    with pytest.raises(UsageError) as error:
        fold(by, "runs/001")
    assert str(error.value) == (
        "runs/001 was trained on kinds: an answer's probability is a sum over several labels, "
        "which no weights of the last layer give; leave out --bake-decision"
    )


def test_a_baked_decision_needs_no_decision(copy):
    before = load(copy, device="cpu")
    positive = before.probabilities(TEXTS[:20])[:, 1]
    threshold = float(np.sort(positive)[12:14].mean())  # between two of the texts
    Decision(temperature=2.0, threshold=0.5).write(copy)
    softer = load(copy, device="cpu").probabilities(TEXTS[:20])[:, 1]
    threshold = float(np.sort(softer)[12:14].mean())
    Decision(temperature=2.0, threshold=threshold).write(copy)
    wanted = load(copy, device="cpu").predict(TEXTS[:20]).labels
    assert wanted.count("correct") == 7
    told = export_run(copy, wanted=Wanted("transformers", baked=True))
    assert told["out"] == str(copy / "transformers-baked")
    assert told["parity"]["max_logit_difference"] < 1e-4
    baked = load(told["out"], device="cpu")
    assert baked.decision == Decision()
    assert baked.predict(TEXTS[:20]).labels == wanted
    assert baked.logits(TEXTS[:20]).argmax(axis=1).sum() == 7


# The command


def test_the_command_says_what_it_wrote(quick, copy, console):
    code, out, err = console("export", copy)
    assert (code, err) == (0, "")
    assert out.startswith(f"{copy / 'onnx'}: model.onnx: 0.")
    assert "on 20 rows of valid.csv 100.00 % of the labels are the same" in out
    assert out.endswith("accuracy 90.00 -> 90.00 %\n")
    code, out, err = console("export", copy, "--json")
    assert (code, out) == (2, "")
    assert err == f"Error: {copy / 'onnx'} exists; choose another --out, or replace it: " \
        "--overwrite\n"  # fmt: skip
    code, out, err = console("export", copy, "--json", "--overwrite")
    assert (code, err) == (0, "")
    assert json.loads(out)["out"] == str(copy / "onnx")
    assert not [name for name in entries(copy) if name.startswith(".")]


def test_what_cannot_be_exported_is_told_in_one_line(
    copy, exported, tmp_path, console, monkeypatch
):
    def told(*words):
        code, out, err = console("export", *words)
        assert (code, out, err.count("\n")) == (2, "", 1)
        return err.removeprefix("Error: ").rstrip("\n")

    assert told("a", "b") == "export takes one model, and got 2: a, b"
    assert told(exported[0]) == (
        f"{exported[0]} was exported already; export the run that it came from"
    )
    assert told(copy, "--out", copy) == f"--out {copy} is the model itself; choose another folder"
    nowhere = tmp_path / "no" / "where"
    assert told(copy, "--out", nowhere) == (
        f"--out {nowhere}: there is no folder {str(nowhere.parent)!r}"
    )
    assert told(copy, "--out", copy / "predictions", "--overwrite") == (
        f"{copy / 'predictions'} is no exported model (no export.json), so --overwrite deletes "
        "nothing; choose another --out"
    )
    assert told(copy, "--format", "transformers", "--quantize", "int8") == (
        "--quantize int8 needs --format onnx"
    )
    bag, series, half = (tmp_path / name for name in ("bag", "series", "half"))
    for folder, name in ((bag, "baseline.json"), (series, "series.json"), (half, "run.json")):
        folder.mkdir()
        (folder / name).write_text("{}")
    (series / "fold-1").mkdir()
    (series / "fold-1" / "config.json").write_text("{}")
    assert told(bag) == (
        f"{bag}: a run of tfidf-lr, which has no encoder to export; predict answers with it "
        "without torch as it is"
    )
    assert told(series) == (
        f"{series}: several runs, and an export is of one; name it: titlekit export "
        f"{series / 'fold-1'}"
    )
    assert told(half) == (
        f"{half}: this run is not finished; continue it: titlekit train --resume {half}"
    )
    monkeypatch.setattr(export, "is_installed", lambda name: name != "onnxscript")
    assert told(copy) == '--format onnx needs onnxscript: pip install "titlekit[onnx]"'


def test_a_model_that_torch_cannot_export_is_told(copy, monkeypatch):
    import torch

    def fail(*given, **more):
        try:
            raise ValueError("\x1b[96mno such operator\x1b[0m\nand more")
        except ValueError as error:
            raise RuntimeError("Failed to export") from error

    monkeypatch.setattr(torch.onnx, "export", fail)
    before = entries(copy)
    with pytest.raises(UsageError) as error:
        export_run(copy)
    assert str(error.value) == (
        f"{copy}: torch {torch.__version__} cannot write BertForSequenceClassification as onnx "
        "('no such operator'); --format transformers can"
    )
    assert entries(copy) == before


def test_a_damaged_export_is_told(exported, tmp_path, monkeypatch):
    place = Path(shutil.copytree(exported[0], tmp_path / "onnx"))
    with pytest.raises(UsageError) as error:
        load(place, device="cuda")
    assert str(error.value) == f"{place}: an exported model computes on the CPU; leave out --device"
    content = (place / "model.onnx").read_bytes()
    (place / "model.onnx").write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError) as error:
        load(place)
    assert str(error.value).startswith(f"{place / 'model.onnx'}: onnxruntime cannot read it (")
    assert str(error.value).endswith("; export the run again")
    config = json.loads((place / "config.json").read_text("utf-8"))
    config["id2label"] = {"0": "a", "1": "b", "2": "c"}
    (place / "config.json").write_text(json.dumps(config))
    (place / "run.json").unlink()
    (place / "model.onnx").write_bytes(content)
    with pytest.raises(
        DataError, match=r"expected logits of 3 labels, as config.json has, got the"
    ):
        load(place)
    (place / "config.json").write_bytes((exported[0] / "config.json").read_bytes())
    (place / "tokenizer.json").write_text("{}")
    with pytest.raises(DataError, match=r"its tokenizer is not as titlekit wrote it .*export the"):
        load(place)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UsageError, match=r'needs onnxruntime: pip install "titlekit\[onnx\]"'):
        load(place)


def test_scores_that_are_not_finite_are_told(exported, tmp_path):
    place = Path(shutil.copytree(exported[0], tmp_path / "onnx"))
    graph = onnx.load(str(place / "model.onnx"))
    bias = next(one for one in graph.graph.initializer if one.name.endswith("classifier.bias"))
    bias.CopyFrom(onnx.numpy_helper.from_array(np.full(2, np.nan, np.float32), bias.name))
    onnx.save(graph, str(place / "model.onnx"))
    with pytest.raises(RunError, match="the scores are not finite for 1 of 1 texts; export the"):
        load(place).predict(["A title"])


# predict --quantize int8


def test_predict_exports_once_and_again_where_the_run_changed(quick, copy, console, tmp_path):
    (place,) = quantised([copy], "int8")
    assert place == copy / "onnx-int8"
    assert quantised([place], "int8") == [place]
    made = (place / "export.json").stat().st_mtime_ns
    assert quantised([copy], "int8") == [place]
    assert (place / "export.json").stat().st_mtime_ns == made
    Decision(temperature=3.0).write(copy)
    new = tmp_path / "new.csv"
    new.write_text("title\nA Survey of Graph Kernels\nAbstract\n", "utf-8")
    code, out, err = console("predict", copy, new, "--quantize", "int8")
    assert code == 0, err
    labels = [row["predicted_label"] for row in csv.DictReader(out.splitlines())]
    assert labels == load(place).predict(["A Survey of Graph Kernels", "Abstract"]).labels
    assert load(place).decision.temperature == 3
    assert not [name for name in entries(copy) if name.startswith(".")]


def test_predict_quantises_runs_alone(copy, exported):
    with pytest.raises(UsageError) as error:
        quantised([exported[0]], "int8")
    assert str(error.value) == (
        f"--quantize int8: {exported[0]} was exported in float32; name the run that it came from"
    )
    (copy / "run.json").unlink()
    with pytest.raises(UsageError) as error:
        quantised([copy], "int8")
    assert str(error.value) == (
        f"--quantize int8: {copy} is no run's folder, so it has no rows to compare on; export it "
        f"first: titlekit export {copy} --quantize int8 --rows FILE"
    )


# The families, and what takes minutes


def classifier(name: str, folder: Path) -> Path:
    """Save a family's random encoder with a head of two labels."""
    from titlekit.core.models import load_for_training, resolve

    found = resolve(str(save_family(name, folder / "encoder")))
    model, tokenizer = load_for_training(found, ["wrong", "correct"], [], 0)
    model.save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    return folder / "model"


def rows_file(folder: Path) -> str:
    path = folder / "rows.txt"
    path.write_text("\n".join([*titles()[:60], "x", " ".join(titles()[:12])]), "utf-8")
    return str(path)


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_can_be_exported(name, tmp_path):
    model, rows = classifier(name, tmp_path), rows_file(tmp_path)
    parity = export_run(model, rows=rows)["parity"]
    assert parity["label_agreement"] == 1
    assert parity["max_probability_difference"] < 1e-5
    texts = titles()[:40]
    before, after = load(model, device="cpu"), load(model / "onnx")
    np.testing.assert_allclose(after.logits(texts), before.logits(texts), atol=1e-4)
    onnx_int8.quantise(model / "onnx" / "model.onnx")
    by = load(model / "onnx")
    alone = np.concatenate([by.logits([text]) for text in texts])
    np.testing.assert_allclose(by.logits(texts), alone, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_a_family_that_cannot_be_exported_says_so(name, tmp_path):
    model, rows = classifier(name, tmp_path), rows_file(tmp_path)
    with pytest.raises(UsageError, match="cannot write XLNetForSequenceClassification as onnx"):
        export_run(model, rows=rows)


@pytest.mark.slow
def test_weights_beyond_a_message_of_protobuf_lie_beside_it(copy, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_write, "INSIDE", 10_000)
    for quantize, threshold in (("", 0.6), ("int8", 0.5)):
        Decision(temperature=2.0, threshold=threshold).write(copy)
        labels = load(copy, device="cpu").predict(TEXTS).labels
        place = tmp_path / f"out{quantize}"
        export_run(copy, place, Wanted(quantize=quantize, baked=True))
        assert (place / "model.onnx.data").is_file()
        assert load(place).decision == Decision()
        assert load(place).predict(TEXTS).labels == labels
