"""From files and options to datasets, and each sentence that refuses them."""

import json
import time
from pathlib import Path

import numpy as np
import openpyxl
import pytest

from titlekit.core.config import TrainConfig
from titlekit.core.data import load
from titlekit.core.data.load import Dataset, leak, load_labelled, load_training
from titlekit.core.data.splits import normalise
from titlekit.core.errors import DataError, TitlekitError, UsageError

WORDS = ["Learning", "Graphs", "Parsing", "Storage", "Indexing", "Routing", "Proofs", "Vision"]
CHINESE = {
    "体育": ["足球比赛", "篮球联赛冠军", "奥运会开幕", "马拉松赛事", "乒乓球世界杯"],
    "科技": ["量子计算", "人工智能芯片", "卫星发射成功", "新型电池", "机器人手术"],
    "财经": ["股票市场", "央行利率下调", "债券基金", "外汇储备", "房地产税"],
}


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    caplog.set_level("INFO", "titlekit")


def write(name, data, encoding="utf-8"):
    with open(name, "wb") as stream:
        stream.write(data.encode(encoding) if isinstance(data, str) else data)
    return name


def titles(count, start=0):
    return [f"{WORDS[n % 8]} and {WORDS[n // 8 % 8]} {n}" for n in range(start, start + count)]


def table(name="a.csv", rows=40, head="title,label", labels=("0", "1"), start=0):
    lines = [f"{title},{labels[n % len(labels)]}" for n, title in enumerate(titles(rows, start))]
    return write(name, "\n".join([head, *lines]) + "\n")


def train(*paths, **options):
    return load_training(TrainConfig(train=list(paths), **options))


def refused(*paths, **options):
    with pytest.raises(TitlekitError) as caught:
        train(*paths, **options)
    return str(caught.value)


def folder(name="data", positive=12, negative=8):
    Path(name).mkdir()
    write(f"{name}/positive.txt", "\n".join(titles(positive)) + "\n")
    write(f"{name}/negative.txt", "\n".join(titles(negative, 50)) + "\n")
    return name


def test_a_table(caplog):
    data = train(table())
    assert (data.labels, data.positive) == (["0", "1"], "1")
    assert (data.text_columns, data.label_column, data.pair_column) == (["title"], "label", "")
    assert (len(data.train), len(data.valid)) == (36, 4)
    assert data.train.name == "a.csv"
    assert data.train.pairs is None
    assert data.train.labels.dtype == np.int64
    for part in (data.train, data.valid):
        assert [titles(40)[line - 2] for line in part.lines] == part.texts
        assert [(line - 2) % 2 for line in part.lines] == part.labels.tolist()
        assert part.lines == sorted(part.lines)
    assert caplog.messages == ["a.csv: 36 rows to train on (0 18, 1 18), 4 to validate on"]


def test_the_split_follows_its_own_seed():
    path = table()
    first = train(path, seed=1)
    assert first.valid.texts == train(path, seed=2).valid.texts
    assert first.valid.texts != train(path, split_seed=2).valid.texts
    assert first.train.sha256 == train(path).train.sha256
    assert first.train.sha256 != train(path, split_seed=2).train.sha256


def test_the_hash_is_of_the_rows():
    first = train(table("a.csv"), valid="0").train.sha256
    lines = [{"label": n % 2, "title": title} for n, title in enumerate(titles(40))]
    write("b.jsonl", "\n".join(map(json.dumps, lines)))
    assert train("b.jsonl", valid="0").train.sha256 == first
    assert train(table("c.csv", labels=("0", "2")), valid="0").train.sha256 != first
    assert len(first) == 64


def test_no_validation_and_a_validation_file():
    path = table()
    assert train(path, valid="0").valid is None
    assert len(train(path, valid="0").train) == 40
    other = table("v.csv", 10, start=35)
    data = train(path, valid=other)
    assert (len(data.train), len(data.valid), data.valid.name) == (40, 10, "v.csv")
    assert leak(data.train, data.valid) == 5
    assert data.valid.lines == list(range(2, 12))


def test_a_validation_file_has_the_training_columns():
    path = table(head="text,label")
    assert refused(path, valid=table("v.csv")) == (
        "v.csv: no column 'text' (columns: title, label)"
    )
    assert refused(path, valid=table("w.csv", head="text,label", labels=("0", "7"))) == (
        "w.csv:3: column 'label': unknown label '7' (labels: 0, 1)"
    )
    assert refused(path, valid="nowhere.xyz") == "nowhere.xyz: no such file"


def test_several_files(caplog):
    table("a.csv", 20)
    write("b.tsv", "label\ttitle\n" + "".join(f"1\t{title}\n" for title in titles(10, 60)))
    data = train("a.csv", "b.tsv", valid="0")
    assert data.train.name == "a.csv, b.tsv"
    assert data.train.lines == [*range(2, 22), *range(2, 12)]
    assert data.train.labels.sum() == 20
    table("c.csv", head="text,label")
    assert refused("a.csv", "c.csv") == (
        "c.csv: text and label are the columns text, label, in a.csv title, label; "
        "--text-column and --label-column choose the same in both"
    )


def test_columns_are_joined_and_paired():
    rows = [f"{a},{n} more,{n % 2}" for n, a in enumerate(titles(8))] + ["Only a title,,1"]
    path = write("a.csv", "title,abstract,label\n" + "\n".join(rows))
    joined = train(path, text_column="title,abstract", valid="0")
    assert joined.text_columns == ["title", "abstract"]
    assert joined.train.texts[0] == f"{titles(1)[0]} 0 more"
    assert joined.train.texts[-1] == "Only a title"
    paired = train(path, text_pair_column="abstract", valid="0.3")
    assert paired.pair_column == "abstract"
    for part in (paired.train, paired.valid):
        assert len(part.pairs) == len(part.texts)
    whole = train(path, text_pair_column="abstract", valid="0").train
    assert whole.pairs[-1] == ""
    assert whole.sha256 != train(path, valid="0").train.sha256
    assert leak(whole, paired.valid) == len(paired.valid)
    assert leak(train(path, valid="0").train, paired.valid) == 0
    assert refused(path, text_column="titel") == (
        "a.csv: no column 'titel'; did you mean 'title'? (columns: title, abstract, label)"
    )
    assert refused(path, text_column="label") == (
        "a.csv: column 'label' is the label and cannot be the text; --label-column names another"
    )
    assert refused(path, text_pair_column="label") == (
        "a.csv: column 'label' is the label and cannot be the second text; --label-column names "
        "another"
    )


def test_labels_keep_their_names():
    rows = [
        f"{title},{label}"
        for title, label in zip(titles(16), ["10", "2", "01", " 1 "] * 4, strict=True)
    ]
    data = train(write("a.csv", "title,label\n" + "\n".join(rows)), valid="0")
    assert data.labels == ["01", "1", "2", "10"]
    assert data.positive is None
    assert data.train.labels[:4].tolist() == [3, 2, 0, 1]


def test_the_positive_label():
    path = table(labels=("spam", "ham"))
    assert train(path).positive is None
    assert train(path, positive="spam").positive == "spam"
    assert refused(path, positive="span") == (
        "--positive: no label 'span'; did you mean 'spam'? (labels: ham, spam)"
    )


def test_blank_texts(caplog):
    blanks = ["", " ", "\u200b", "\u3000"]
    rows = [f"{title},{n % 2}" for n, title in enumerate([*blanks, *titles(20)])]
    path = write("a.csv", "title,label\n" + "\n".join([*rows, ",", " , "]) + "\n")
    data = train(path)
    assert len(data.train) + len(data.valid) == 20
    assert data.train.blank_lines == [2, 3, 4, 5]
    assert data.train.blank_labels.tolist() == [0, 1, 0, 1]
    assert data.valid.blank_lines == []
    assert len(data.valid.blank_labels) == 0
    assert caplog.messages[0] == "a.csv: 4 blank texts skipped"
    assert refused(path, blank="error") == (
        "a.csv:2: column 'title': blank text (--blank skip leaves it out)"
    )


def test_a_missing_label():
    rows = [*table_rows(4), "Title without a label, "]
    assert refused(write("a.csv", "title,label\n" + "\n".join(rows))) == (
        "a.csv:6: column 'label': no label"
    )
    write("a.jsonl", '{"title": "A", "label": 1}\n{"title": "B"}\n')
    assert refused("a.jsonl") == "a.jsonl:2: column 'label': no label"
    write("b.jsonl", '{"title": "A", "label": [1]}\n')
    assert refused("b.jsonl") == "b.jsonl:1: column 'label': expected text, got a list"


def table_rows(count):
    return [f"{title},{n % 2}" for n, title in enumerate(titles(count))]


def test_texts_with_two_labels_are_said(caplog):
    rows = [*table_rows(10), "Twice\x1b[1m,1", "TWICE [1m,0", "Twice [1m!,0", "...,0", "...,1"]
    train(write("a.csv", "title,label\n" + "\n".join(rows)), valid="0")
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warnings == [
        "a.csv: 1 text is damaged (control characters in 1), e.g. a.csv:12: 'Twice\\x1b[1m'; "
        "--fix-text mends what is sure",
        "a.csv: 1 text bears more than one label, e.g. 'TWICE [1m': 1, 0",
    ]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "a.csv: no rows with a text"),
        ([",0", ",1"], "a.csv: no rows with a text (2 are blank)"),
        (
            ["A,1", "B,1", "C,1"],
            "a.csv: one class only, all 3 rows are '1'; expected two or more",
        ),
        (
            ["A,1", "B,1", "C,0"],
            "a.csv: class '0' has 1 row with a text; expected 2 or more of each class",
        ),
        (
            ["A,1", "B,1", ",0", ",0"],
            "a.csv: class '0' has no row with a text (2 are blank); expected 2 or more of each "
            "class",
        ),
        (
            ["A,1", "A,1", "B,0", "B,0"],
            "a.csv: each class has one distinct text, so none is left to validate on; --valid "
            "FILE names other rows, --valid 0 goes without",
        ),
        (
            [f"T{n},{n}" for n in range(5)],
            "a.csv: column 'label' has 5 labels in 5 rows; is it the label? --label-column names "
            "another",
        ),
        (
            [f"T{n},{n // 2}" for n in range(2002)],
            "a.csv: column 'label' has 1001 labels in 2002 rows; is it the label? --label-column "
            "names another",
        ),
    ],
)
def test_rows_that_nothing_can_be_learnt_from(rows, message):
    assert refused(write("a.csv", "\n".join(["title,label", *rows]))) == message


def test_wrong_files():
    assert refused(write("a.csv", "")) == "a.csv: the file is empty"
    assert refused("b.csv") == "b.csv: no such file; did you mean 'a.csv'?"
    assert refused(write("a.csv", "A title,1\nAnother,0\n")) == (
        "a.csv: which column is the label? name it with --label-column (columns: A title, 1); "
        "the first line is taken as the header: "
        "a file without one needs a first line such as title,label"
    )
    assert refused(write("a.csv", "title,label\nA\0B,1\n")) == (
        "a.csv:2: NUL bytes; is it UTF-16? --encoding utf-16"
    )
    assert refused(write("a.csv", "id,words,label\n1,A,1\n")) == (
        "a.csv: which column is the text? name it with --text-column (columns: id, words, label); "
        "the first line is taken as the header: "
        "a file without one needs a first line such as title,label"
    )


def test_a_chinese_table_with_many_classes(caplog):
    rows = [f"{title},{label}" for label, group in CHINESE.items() for title in group]
    path = write("a.csv", "标题,类别\n" + "\n".join(rows), "gbk")
    data = train(path, valid="0.2")
    assert data.labels == ["体育", "科技", "财经"]
    assert (data.positive, data.text_columns, data.label_column) == (None, ["标题"], "类别")
    assert np.bincount(data.valid.labels).tolist() == [1, 1, 1]
    assert caplog.messages == [
        "a.csv: not UTF-8; read as gb18030: '标题,类别'; --encoding NAME overrides",
        "a.csv: 12 rows to train on (体育 4, 科技 4, 财经 4), 3 to validate on",
    ]


def test_many_classes_are_not_all_listed(caplog):
    table(labels=[f"c{n}" for n in range(12)], rows=60)
    train("a.csv", valid="0")
    assert caplog.messages[-1] == (
        "a.csv: 60 rows to train on (c0 5, c1 5, c2 5, c3 5, c4 5, c5 5, c6 5, c7 5, c8 5, c9 5, "
        "… (12 classes)), none to validate on"
    )


def test_limit():
    path = table(rows=200)
    data = train(path, limit=21)
    assert len(data.train) == 21
    assert len(data.valid) == 20
    assert data.valid.texts == train(path).valid.texts
    assert data.train.lines == sorted(data.train.lines)
    assert data.train.sha256 != train(path).train.sha256
    table("b.csv", labels="abc")
    assert refused("b.csv", limit=2) == "--limit 2: expected a row for each of the 3 classes"


def test_synthetic_titles(caplog):
    data = train(rows=200, seed=1)
    assert (data.labels, data.positive) == (["wrong", "correct"], "correct")
    assert (data.text_columns, data.label_column, data.pair_column) == ([], "", "")
    assert data.train.name == "synthetic titles"
    assert len(data.train) + len(data.valid) == 200
    assert data.train.sha256 == train(rows=200, seed=2).train.sha256
    assert data.train.sha256 != train(rows=200, split_seed=2).train.sha256
    assert refused(text_pair_column="x") == "--text-pair-column: synthetic data has no columns"


def test_the_folder_layout(caplog):
    path = folder()
    write("data/negative.txt", "\n".join([*titles(8, 50), "", "  "]) + "\n")
    data = train(path, valid="0")
    assert (data.labels, data.positive) == (["wrong", "correct"], "correct")
    assert (data.text_columns, data.label_column) == ([], "")
    assert data.train.labels.tolist() == [1] * 12 + [0] * 8
    assert data.train.texts == [*titles(12), *titles(8, 50)]
    assert data.train.lines == [*range(1, 13), *range(1, 9)]
    assert data.train.blank_lines == [9, 10]
    assert caplog.messages == [
        "data: 2 blank texts skipped",
        "data: 20 rows to train on (wrong 8, correct 12), none to validate on",
    ]
    assert refused(path, blank="error") == (
        "data/negative.txt:9: blank text (--blank skip leaves it out)"
    )
    assert refused(path, text_pair_column="x") == "--text-pair-column: data has no columns"
    assert refused(path, "a.csv") == "data: a folder stands alone; give files, or one folder"


def test_titles_keep_stray_returns_and_their_own_encoding(tmp_path):
    path = folder()
    write("data/positive.txt", "One\rtwo\r\nThree, four\r\n“Five”\r\n", "gbk")
    assert train(path, valid="0").train.texts[:3] == ["One\rtwo", "Three, four", "“Five”"]


def test_the_public_names(tmp_path):
    path = folder()
    (tmp_path / "data/positive.txt").rename("data/positive_train.txt")
    (tmp_path / "data/negative.txt").rename("data/Negative-2020.TXT")
    assert len(train(path, valid="0").train) == 20
    write("data/positive.txt", "\n".join(titles(30)))
    assert len(train(path, valid="0").train) == 38  # positive.txt before positive_train.txt
    write("data/negative-2021.txt", "x")
    assert refused(path) == (
        "data: expected one negative.txt, found Negative-2020.TXT, negative-2021.txt"
    )


def test_folders_that_lack_a_file(tmp_path):
    path = folder()
    (tmp_path / "data/positive.txt").unlink()
    table("data/train.csv")
    assert refused(path) == (
        "data: no positive.txt or positive_train.txt; a folder of training data holds "
        "positive.txt and negative.txt, this one holds negative.txt, train.csv"
    )
    (tmp_path / "empty").mkdir()
    assert refused("empty") == (
        "empty: no positive.txt or positive_train.txt; a folder of training data holds "
        "positive.txt and negative.txt, this one holds nothing"
    )


def test_the_folder_test_set_is_not_read_in_training():
    path = folder()
    write("data/test.csv", b"\0not a table")
    assert len(train(path, valid="0").train) == 20


def test_the_public_test_file():
    path = folder()
    book = openpyxl.Workbook()
    book.active.append(["id", "title given by manchine", "Y/N", "original title"])
    book.active.append(["10.1.1.1.txt", "A Correct Title", "Y", None])
    book.active.append(["10.1.1.2.txt", None, "N", "The Lost Title"])
    book.active.append(["10.1.1.3.txt", "NA", "N", "North America"])
    book.save("data/testSet-1000.xlsx")
    assert load.test_file(path) == "data/testSet-1000.xlsx"
    data = load_labelled(path, ["wrong", "correct"])
    assert data.name == "data/testSet-1000.xlsx"
    assert (data.texts, data.labels.tolist(), data.lines) == (
        ["A Correct Title", "NA"],
        [1, 0],
        [2, 4],
    )
    assert (data.blank_lines, data.blank_labels.tolist()) == ([3], [0])
    assert load_labelled(load.test_file(path), ["wrong", "correct"]).sha256 == data.sha256
    write("data/test-a.csv", "title,label\n")
    with pytest.raises(DataError) as caught:
        load.test_file(path)
    assert str(caught.value) == (
        "data: several test files, name one of them: test-a.csv, testSet-1000.xlsx"
    )


def test_a_folder_without_a_test_file_gives_its_titles(caplog):
    path = folder()
    assert load.test_file(path) is None
    data = load_labelled(path, ["wrong", "correct"])
    assert len(data) == 20
    assert caplog.messages == ["data: no test table, so its positive and negative titles are read"]
    assert load.test_file(table("test.csv")) is None
    with pytest.raises(UsageError) as caught:
        load_labelled(path, ["wrong", "correct"], pair_column="x")
    assert str(caught.value) == "--text-pair-column: data has no columns"
    with pytest.raises(DataError) as caught:
        load_labelled(path, ["0", "1"])
    assert str(caught.value) == "data:1: unknown label 'correct' (labels: 0, 1)"


def test_a_label_that_stands_in_the_test_file_only():
    path = write("test.csv", "title,label\nA,0\nB,1\nC,maybe\n")
    with pytest.raises(DataError) as caught:
        load_labelled(path, ["0", "1"])
    assert str(caught.value) == "test.csv:4: column 'label': unknown label 'maybe' (labels: 0, 1)"
    write("test.csv", "title,label\nA,corect\n")
    with pytest.raises(DataError) as caught:
        load_labelled(path, ["wrong", "correct"])
    assert str(caught.value) == (
        "test.csv:2: column 'label': unknown label 'corect'; did you mean 'correct'? (labels: "
        "wrong, correct)"
    )
    with pytest.raises(DataError, match=r"^test\.csv: no row with a text$"):
        load_labelled(write("test.csv", "title,label\n,1\n"), ["0", "1"])


def test_a_test_file_by_named_columns():
    write("t.csv", "a;b;c\nAlpha;Beta;1\nGamma;Delta;0\n", "utf-16-le")
    data = load_labelled(
        "t.csv", ["0", "1"], text_column="b", pair_column="a", label_column="c", encoding="utf-16"
    )
    assert (data.texts, data.pairs) == (["Beta", "Delta"], ["Alpha", "Gamma"])
    assert data.labels.tolist() == [1, 0]
    one_class = load_labelled(write("o.csv", "title,label\nA,1\n"), ["0", "1"])
    assert (len(one_class), one_class.labels.tolist()) == (1, [1])


def test_equal_texts_stay_on_one_side():
    rows = [f"{title}{'!' * (n % 3)},{n % 2}" for title in titles(30) for n in (0, 2, 4)]
    rows += [f"{title},1" for title in titles(30, 100)]
    data = train(write("a.csv", "title,label\n" + "\n".join(rows)), valid="0.25")
    assert leak(data.train, data.valid) == 0
    assert {normalise(text) for text in data.valid.texts}


def test_leak_counts_rows():
    def data(*texts):
        return Dataset("x", list(texts), np.zeros(len(texts), np.int64), [])

    assert leak(data("A b", "..."), data("a-B", "A B!", "c", "...")) == 2
    assert len(data("a", "b")) == 2


def test_many_rows_in_little_time(tmp_path):
    rows = [f'{n},"{title}, and more, {n}",{n % 2}' for n, title in enumerate(titles(58_000))]
    write("big.csv", "id,title,label\n" + "\n".join(rows))
    start = time.process_time()
    data = train("big.csv")
    assert time.process_time() - start < 6  # a linear pass takes 1 s
    assert (len(data.train), len(data.valid)) == (52_200, 5_800)
