"""Labels and columns: order, the positive one, and finding them by name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from titlekit.core.data.columns import (
    find_label_column,
    join_names,
    label_column,
    pair_column,
    row_text,
    text_columns,
)
from titlekit.core.data.labels import label_index, listed, natural_order, positive_label
from titlekit.core.data.readers import Row
from titlekit.core.errors import DataError, UsageError


@pytest.mark.parametrize(
    "expected",
    [
        ["0", "1", "2", "10"],
        ["-1", "0", "1"],
        ["0.25", "0.5", "1", "10.0"],
        ["01", "1"],
        ["a", "B", "c"],
        ["v2", "v10", "v10b"],
        ["chapter 2 part 10", "chapter 10 part 2"],
        ["7", "x"],
        ["体育", "教育", "科技"],
        ["9" * 5000, "1" + "0" * 5000],
        ["²", "³"],
        [""],
        [],
    ],
)
def test_natural_order(expected):
    assert natural_order(expected) == expected
    assert natural_order(reversed(expected * 2)) == expected


@given(st.lists(st.text(max_size=6)))
def test_natural_order_depends_on_nothing_but_the_labels(labels):
    ordered = natural_order(labels)
    assert sorted(ordered) == sorted(set(labels))
    assert natural_order(ordered[::-1]) == ordered


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["0", "1"], "1"),
        (["N", "Y"], "Y"),
        (["wrong", "correct"], "correct"),
        (["False", "True"], "True"),
        (["negative", "positive"], "positive"),
        (["no", "Yes"], "Yes"),
        (["ham", "spam"], None),
        (["1", "yes"], None),
        (["0", "1", "2"], None),
    ],
)
def test_positive_label(labels, expected):
    assert positive_label(labels, "") == expected


def test_positive_label_asked():
    assert positive_label(["ham", "spam"], "ham") == "ham"
    with pytest.raises(UsageError) as caught:
        positive_label(["wrong", "correct"], "corect")
    assert str(caught.value) == (
        "--positive: no label 'corect'; did you mean 'correct'? (labels: wrong, correct)"
    )
    with pytest.raises(UsageError) as caught:
        positive_label(["0", "1", "2"], "1")
    assert str(caught.value) == "--positive: expected two classes, there are 3"


def test_label_index():
    assert label_index(" b ", ["a", "b"]) == 1
    assert label_index("B", ["a", "b"]) is None
    assert label_index("1", ["01", "1"]) == 1
    assert label_index("Y", ["0", "1"]) is None
    folder = ["wrong", "correct"]
    for text in ("correct", "Y", "y", "Yes", "1", "TRUE", " true "):
        assert label_index(text, folder) == 1
    for text in ("wrong", "N", "no", "0", "False"):
        assert label_index(text, folder) == 0
    assert label_index("maybe", folder) is None
    assert label_index("Y", ["correct", "wrong"]) == 0
    assert label_index("N", ["correct", "wrong"]) == 1


def test_listed():
    assert listed(["a", "", "b\x1b"]) == "a, '', 'b\\x1b'"
    assert listed([str(n) for n in range(12)]) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, … (12 in all)"


@pytest.mark.parametrize(
    ("columns", "asked", "expected"),
    [
        (["id", "Title", "label"], "", ["Title"]),
        (["title", "text"], "", ["text"]),
        (["id", "title given by manchine", "Y/N", "original title"], "", None),
        (["编号", "标题", "类别"], "", ["标题"]),
        (["x"], "", ["x"]),
        (["x", "label"], "", ["x"]),
        (["y", "x"], "", ["x"]),
        (["a", "b", "c"], "c,a", ["c", "a"]),
        (["a", "b", "c"], "c, a", ["c", "a"]),
        (["a,b", "c"], "a,b", ["a,b"]),
        (["a,b", "c"], '"a,b",c', ["a,b", "c"]),
        ([" a", "c"], " a,c", [" a", "c"]),
    ],
)
def test_text_columns(columns, asked, expected):
    assert text_columns(columns, asked, "t.csv") == (expected or ["title given by manchine"])


def test_the_label_is_never_taken_for_the_text():
    assert text_columns(["text", "title"], "", "t.csv", label="text") == ["title"]
    assert text_columns(["x", "kind"], "", "t.csv", label="kind") == ["x"]


@pytest.mark.parametrize(
    ("columns", "asked", "message"),
    [
        (["title", "b"], "titel", "no column 'titel'; did you mean 'title'? (columns: title, b)"),
        (["title", "b"], "title,q", "no column 'q' (columns: title, b)"),
        (["title", "b"], "b,b", "--text-column b,b: a column is named twice"),
        (
            ["Foo bar", "1"],
            "",
            "which column is the text? name it with --text-column (columns: Foo bar, 1); the "
            "first line is taken as the header: "
            "a file without one needs a first line such as title,label",
        ),
        (
            ["a", "b", "label"],
            "",
            "which column is the text? name it with --text-column (columns: a, b, label); the "
            "first line is taken as the header: "
            "a file without one needs a first line such as title,label",
        ),
    ],
)
def test_text_column_faults(columns, asked, message):
    with pytest.raises(DataError) as caught:
        text_columns(columns, asked, "t.csv")
    assert str(caught.value) == f"t.csv: {message}"


def test_label_column():
    assert label_column(["id", "title", "Y/N"], "", "t.csv") == "Y/N"
    assert label_column(["title", "LABEL"], "", "t.csv") == "LABEL"
    assert label_column(["title", "genre"], "", "t.csv") == "genre"
    assert label_column(["a", "b"], "b", "t.csv") == "b"
    assert find_label_column(["title", "genre"], "") is None
    assert find_label_column(["title", "genre"], "genre") == "genre"
    assert find_label_column(["title", "genre"], "label") is None
    assert find_label_column(["title", "Class"], "") == "Class"


def test_label_and_pair_column_faults():
    with pytest.raises(DataError) as caught:
        label_column(["title", "lable"], "label", "t.csv")
    assert str(caught.value) == (
        "t.csv: no column 'label'; did you mean 'lable'? (columns: title, lable)"
    )
    with pytest.raises(DataError) as caught:
        label_column(["id", "title", "x"], "", "t.csv")
    assert str(caught.value) == (
        "t.csv: which column is the label? name it with --label-column (columns: id, title, x); "
        "the first line is taken as the header: "
        "a file without one needs a first line such as title,label"
    )
    assert pair_column(["a"], "", "t.csv") == ""
    assert pair_column(["a", "b"], "b", "t.csv") == "b"
    with pytest.raises(DataError, match=r"^t\.csv: no column 'q' \(columns: a\)$"):
        pair_column(["a"], "q", "t.csv")


@given(st.lists(st.text("ab, \"'", min_size=1, max_size=5), min_size=1, max_size=4, unique=True))
def test_joined_names_are_read_back(columns):
    trimmed = {column.strip(): column for column in columns}
    columns = list(trimmed)
    if "" not in columns:
        assert text_columns(columns, join_names(columns), "t.csv") == columns


def test_row_text_joins_cells_that_are_not_blank():
    row = Row(7, {"a": " A ", "b": "\u200b", "c": 3.0, "d": ["x"]})
    assert row_text(row, ["a"], "t") == " A "
    assert row_text(row, ["a", "b", "c"], "t") == " A  3"
    with pytest.raises(DataError) as caught:
        row_text(row, ["d"], "t.jsonl")
    assert str(caught.value) == "t.jsonl:7: column 'd': expected text, got a list"
