"""Soft targets from the columns p_LABEL: as predict writes them, and what is refused."""

import json

import numpy as np
import openpyxl
import pytest

from tiny import FAULTS, TITLES, save_classifier
from titlekit import load
from titlekit.core.config import TrainConfig
from titlekit.core.data.dataset import fingerprint, select
from titlekit.core.data.load import load_training, read_training
from titlekit.core.data.readers import open_table
from titlekit.core.errors import TitlekitError
from titlekit.core.inference.stream import predict_file

TEXTS = [*TITLES, *FAULTS]
ROWS = [("Graph Kernels", 0.9, 0.1), ("Caching", 0.25, 0.75), ("Sorting", 0.5, 0.5)]
ROWS += [("Program Repair", 0.0, 1.0), ("Speech Networks", 1.0, 0.0), ("Parsing", 0.4, 0.6)]


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    caplog.set_level("INFO", "titlekit")


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    return load(save_classifier(tmp_path_factory.mktemp("model")), device="cpu")


def write(rows=ROWS, head="title,p_b,p_a", name="a.csv"):
    with open(name, "w", encoding="utf-8") as stream:
        stream.write("\n".join([head, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return name


def train(*paths, **options):
    return load_training(TrainConfig(train=list(paths), **{"soft_targets": True, **options}))


def refused(*paths, **options):
    with pytest.raises(TitlekitError) as caught:
        train(*paths, **options)
    return str(caught.value)


def test_the_columns_are_the_labels_and_the_likeliest_class_is_the_label(caplog):
    data = train(write(), valid="0")
    assert data.labels == ["a", "b"]  # natural order, whatever the order of the columns
    assert (data.text_columns, data.label_column) == (["title"], "")
    assert data.train.targets.dtype == np.float32
    expected = np.array([[a, b] for _, b, a in ROWS], np.float32)
    assert np.array_equal(data.train.targets, expected)
    assert data.train.labels.tolist() == [1, 0, 0, 0, 1, 0]  # the first one of a tie
    assert caplog.messages[0] == (
        "a.csv: no label column, so a row's label is its likeliest class: validation measures how "
        "well those are met"
    )
    assert train(write(head="title,p_10,p_2"), valid="0").labels == ["2", "10"]


def test_a_label_column_gives_the_labels_of_the_rows(caplog):
    rows = [(*row, label) for row, label in zip(ROWS, "abab b", strict=True)]
    data = train(write(rows, "title,p_b,p_a,label"), valid="0")
    assert data.label_column == "label"
    assert data.train.labels.tolist() == [0, 1, 0, 1, 1, 1]  # the fifth has none: its likeliest
    assert not any("no label column" in message for message in caplog.messages)
    data = train(write(rows, "title,p_b,p_a,mine"), label_column="mine", valid="0")
    assert data.train.labels.tolist() == [0, 1, 0, 1, 1, 1]
    rows[2] = (*ROWS[2], "c")
    assert refused(write(rows, "title,p_b,p_a,label")) == (
        "a.csv:4: column 'label': label 'c' has no column 'p_c' (labels: a, b); --label-column "
        "names another column, predicted_label for what was predicted"
    )


@pytest.mark.parametrize("source", ["in.csv", "in.tsv", "in.jsonl"])
@pytest.mark.parametrize("columns", [["id", "title"], ["title"], ["words"], ["title", "label"]])
def test_what_predict_writes_is_read_with_no_other_option(source, columns, predictor, caplog):
    cells = {
        "id": list(range(21)),
        "title": [*TEXTS, " "],
        "words": [*TEXTS, ""],
        "label": ["correct"] * 10 + ["wrong"] * 11,
    }
    rows = [
        dict(zip(columns, row, strict=True)) for row in zip(*map(cells.get, columns), strict=True)
    ]
    with open(source, "w", encoding="utf-8") as stream:
        if source.endswith("jsonl"):
            stream.writelines(json.dumps(row) + "\n" for row in rows)
        else:
            sign = "\t" if source.endswith("tsv") else ","
            lines = [columns, *([f'"{cell}"' for cell in row.values()] for row in rows)]
            stream.writelines(sign.join(line) + "\n" for line in lines)
    answers = f"answers{source[2:]}"
    with open_table(source) as table:
        predict_file(predictor, table, answers, text_column=columns[-1 if "id" in columns else 0],
                     proba=True)  # fmt: skip
    data = train(answers, valid="0.2")
    assert data.labels == ["correct", "wrong"]
    assert data.positive == "correct"
    assert data.text_columns == ["words" if "words" in columns else "title"]
    assert data.label_column == ("label" if "label" in columns else "")
    whole = read_training(TrainConfig(train=[answers], soft_targets=True)).train
    assert whole.texts == TEXTS
    # A blank text with nothing beside it is an empty line, and no row.
    assert len(whole.blank_lines) == (len(columns) - 1)
    expected = predictor.predict(TEXTS)
    assert np.allclose(whole.targets, expected.probabilities[:, ::-1], atol=2e-6)
    assert np.allclose(whole.targets.sum(1), 1, atol=1e-7)
    if "label" in columns:
        assert whole.labels.tolist() == [0] * 10 + [1] * 10
        assert whole.blank_labels.tolist() == [1]
    else:
        assert [data.labels[label] for label in whole.labels] == expected.labels
        assert whole.blank_labels.tolist() == [-1] * (len(columns) - 1)
    places = [whole.lines.index(line) for line in data.train.lines]
    assert np.array_equal(data.train.targets, whole.targets[places])
    assert data.valid.targets is None


def test_what_was_predicted_is_neither_text_nor_label_unless_asked():
    rows = [(title, "x", "ba"[a > b], 0.9, b, a) for title, b, a in ROWS]
    head = "words,note,predicted_label,score,p_b,p_a"
    assert refused(write(rows, head)) == (
        "a.csv: which column is the text? name it with --text-column (columns: words, note); the "
        "first line is taken as the header: a file without one needs a first line such as "
        "title,label"
    )
    data = train(write(rows, head), text_column="words", valid="0")
    assert (data.text_columns, data.label_column) == (["words"], "")
    data = train("a.csv", text_column="words", label_column="predicted_label", valid="0")
    assert data.label_column == "predicted_label"
    assert data.train.labels.tolist() == [1, 0, 1, 0, 1, 0]
    # How sure the teacher was may be what a row weighs.
    weighted = train("a.csv", text_column="words", weight_column="score", valid="0")
    assert weighted.train.weights.tolist() == [0.9] * 6
    one = write([row[:1] + row[2:] for row in rows], "words,predicted_label,score,p_b,p_a", "b.csv")
    assert train(one, valid="0").text_columns == ["words"]


def test_an_xlsx_and_several_files():
    book = openpyxl.Workbook()
    book.active.append(["title", "p_b", "p_a"])
    for row in ROWS:
        book.active.append(row)
    book.save("a.xlsx")
    write()
    data = train("a.csv", "a.xlsx", valid="0")
    assert np.array_equal(data.train.targets[:6], data.train.targets[6:])
    write([(*row[:2], 0, row[2]) for row in ROWS], "title,p_b,p_c,p_a", "b.csv")
    assert refused("a.csv", "b.csv") == (
        "b.csv: the columns p_LABEL are of the labels a, b, c, in a.csv of a, b; expected the same "
        "in both"
    )


def test_rounded_probabilities_are_scaled_to_1():
    rows = [*ROWS, ("Vision", "0.3333", "0.667")]
    targets = train(write(rows), valid="0").train.targets
    assert np.allclose(targets[-1], [0.667 / 1.0003, 0.3333 / 1.0003], atol=1e-7)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (
            ("", ""),
            "a text without probabilities: the columns p_a, p_b are empty; fill them in, or leave "
            "the row out",
        ),
        (("", "1"), "column 'p_b': expected a probability from 0 to 1, got ''"),
        (("x", "1"), "column 'p_b': expected a probability from 0 to 1, got 'x'"),
        (("1.2", "-0.2"), "column 'p_a': expected a probability from 0 to 1, got '-0.2'"),
        (("nan", "1"), "column 'p_b': expected a probability from 0 to 1, got 'nan'"),
        (("inf", "0"), "column 'p_b': expected a probability from 0 to 1, got 'inf'"),
        (("0.5", "0.4"), "the probabilities in the columns p_a, p_b sum to 0.9; expected 1"),
        (("0.5", "0.502"), "the probabilities in the columns p_a, p_b sum to 1.002; expected 1"),
    ],
)
def test_what_are_no_probabilities(cells, message):
    assert refused(write([*ROWS, ("Vision", *cells)])) == f"a.csv:8: {message}"


def test_tables_without_soft_targets():
    head = "expected the probability of each class in a column p_LABEL, as titlekit predict --proba"
    assert refused(write([(t, "x") for t, _, _ in ROWS], "title,label")) == (
        f"a.csv: --soft-targets: {head} writes them (columns: title, label)"
    )
    assert refused(write([(t, b) for t, b, _ in ROWS], "title,p_b")) == (
        f"a.csv: --soft-targets: {head} writes them (columns: title, p_b)"
    )
    assert refused(soft_targets=True) == "--soft-targets: synthetic data has no columns"
    assert refused(write([("", 0.5, 0.5)])) == "a.csv: no rows with a text (1 are blank)"


def test_rows_of_one_class_cannot_validate():
    one = write([(title, 0.4, 0.6) for title, _, _ in ROWS])
    assert refused(one) == (
        "a.csv: all 6 rows are 'a' by their likeliest class, so none of them could validate; "
        "--valid FILE names other rows, --valid 0 goes without"
    )
    assert train(one, valid="0").train.labels.tolist() == [0] * 6
    with open("v.csv", "w", encoding="utf-8") as stream:
        stream.write("title,label\nIndexing,a\nVision,b\n")
    assert train(one, valid="v.csv").valid.targets is None


def test_a_class_may_be_likeliest_in_no_row():
    rows = [(title, 0.1, 0.9 * a, 0.9 * b) for title, b, a in ROWS]
    data = train(write(rows, "title,p_b,p_a,p_c"), valid="0")
    assert np.bincount(data.train.labels, minlength=3).tolist() == [4, 0, 2]


def test_the_hash_knows_the_targets():
    write([(title, float(b > a), float(a >= b)) for title, b, a in ROWS])
    hard = train("a.csv", valid="0").train
    soft = train(write(), valid="0").train
    assert hard.labels.tolist() == soft.labels.tolist()
    assert hard.sha256 != soft.sha256
    names = [["a", "b"][label] for label in soft.labels]
    assert fingerprint(soft.texts, None, names) not in (hard.sha256, soft.sha256)
    again = select(soft, np.arange(6), ["a", "b"])
    assert again.sha256 == soft.sha256
    weights = np.ones(6)
    assert fingerprint(soft.texts, None, names, weights, soft.targets) != soft.sha256
