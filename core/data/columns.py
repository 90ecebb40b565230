"""Which columns of a table are the text, the second text and the label."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Sequence

from ..errors import DataError, nearest
from .labels import listed
from .rows import Row, cell_text

TEXT_NAMES = (
    "text",
    "title",
    "title given by manchine",  # as the public test file spells it
    "title given by machine",
    "sentence",
    "content",
    "document",
    "abstract",
    "review",
    "question",
    "query",
    "文本",
    "标题",
    "题目",
    "内容",
)
LABEL_NAMES = (
    "label",
    "labels",
    "class",
    "target",
    "category",
    "y",
    "y/n",
    "label_text",
    "标签",
    "类别",
    "分类",
)


def text_columns(columns: Sequence[str], asked: str, name: str, label: str = "") -> list[str]:
    """Return the columns that make the text: those `asked` for, else one with a usual name.

    `asked` lists names with commas between; a name that holds a comma stands alone or in double
    quotes. Without a usual name: the only column, or the one of two that is not the label (the
    column `label`, or one with a label's usual name). Raises DataError for table `name`.
    """
    if asked:
        return _asked_columns(columns, asked, name, "--text-column")
    others = [column for column in columns if column != label]
    usual = _usual(others, TEXT_NAMES)
    if usual is not None:
        return [usual]
    label_found = label or _usual(columns, LABEL_NAMES)
    rest = [column for column in columns if column != label_found]
    if len(columns) <= 2 and len(rest) == 1:
        return rest
    raise DataError(
        f"{name}: which column is the text? name it with --text-column "
        f"(columns: {listed(columns)}); the first line is taken as the header: "
        "a file without one needs a first line such as title,label"
    )


def label_column(columns: Sequence[str], asked: str, name: str) -> str:
    """Return the label's column: `asked`, else a usual name, else the one beside the text."""
    found = find_label_column(columns, asked)
    if found is not None:
        return found
    if asked:
        raise DataError(_unknown(columns, asked, name))
    text = _usual(columns, TEXT_NAMES)
    rest = [column for column in columns if column != text]
    if len(columns) == 2 and len(rest) == 1:
        return rest[0]
    raise DataError(
        f"{name}: which column is the label? name it with --label-column "
        f"(columns: {listed(columns)}); the first line is taken as the header: "
        "a file without one needs a first line such as title,label"
    )


def find_label_column(columns: Sequence[str], asked: str) -> str | None:
    """Return the label's column by the `asked` name or else a usual one, None if it is absent."""
    if asked:
        return asked if asked in columns else None
    return _usual(columns, LABEL_NAMES)


def pair_column(columns: Sequence[str], asked: str, name: str) -> str:
    """Return the column of the second text, "" where none is asked for."""
    return known_column(columns, asked, name)


def known_column(columns: Sequence[str], asked: str, name: str) -> str:
    """Return the column that is asked for, "" for none; DataError where table `name` lacks it."""
    if asked and asked not in columns:
        raise DataError(_unknown(columns, asked, name))
    return asked


def join_names(columns: Sequence[str]) -> str:
    """Return names as one text that `text_columns` takes apart again."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(columns)
    return line.getvalue() if len(columns) > 1 else "".join(columns)


def row_text(row: Row, columns: Sequence[str], name: str) -> str:
    """Return the row's text: the cells of `columns` that are not blank, a space between."""
    if len(columns) == 1:
        return row_cell(row, columns[0], name)
    cells = [row_cell(row, column, name) for column in columns]
    return " ".join(cell for cell in cells if not is_blank(cell))


def row_cell(row: Row, column: str, name: str) -> str:
    """Return a cell as text; DataError with file, line and column where it is a list or object."""
    value = row.values[column]
    if isinstance(value, str):
        return value
    try:
        return cell_text(value)
    except ValueError as error:
        raise DataError(
            f"{name}:{row.line}: column {column!r}: expected text, got {error}"
        ) from None


def is_blank(text: str) -> bool:
    """Return whether a text shows nothing: white space, control and zero-width characters."""
    # A letter at the start spares nearly every text the slow look.
    if text[:1].isalnum():
        return False
    return all(
        sign.isspace() or unicodedata.category(sign) in ("Cc", "Cf", "Zs", "Zl", "Zp")
        for sign in text
    )


def _usual(columns: Sequence[str], names: Sequence[str]) -> str | None:
    plain = {column.strip().casefold(): column for column in reversed(columns)}
    return next((plain[name] for name in names if name in plain), None)


def _asked_columns(columns: Sequence[str], asked: str, name: str, flag: str) -> list[str]:
    if asked in columns:
        return [asked]
    parts = next(csv.reader([asked]))
    found = []
    for part in parts:
        part = part if part in columns else part.strip()
        if part not in columns:
            raise DataError(_unknown(columns, part, name))
        found.append(part)
    if len(set(found)) < len(found):
        raise DataError(f"{name}: {flag} {asked}: a column is named twice")
    return found


def _unknown(columns: Sequence[str], asked: str, name: str) -> str:
    hint = nearest(asked, columns)
    return f"{name}: no column {asked!r}{hint} (columns: {listed(columns)})"
