"""Training rows from tables: which columns are read, and what each row must have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import DataError, nearest
from .columns import (
    find_label_column,
    is_blank,
    known_column,
    label_column,
    row_cell,
    row_text,
    text_columns,
)
from .dataset import Rows
from .encoding import clip
from .labels import listed
from .readers import UNLABELLED, Table, open_table
from .repair import Damage
from .rows import Row
from .soft import is_answer, probabilities, soft_labels, weight

if TYPE_CHECKING:
    from ..config import TrainConfig


@dataclass(frozen=True)
class Columns:
    """The resolved columns of a table; "" and () where there is none of a kind."""

    text: tuple[str, ...] = ()
    label: str = ""
    pair: str = ""
    weight: str = ""
    group: str = ""
    soft: tuple[str, ...] = ()  # the labels of the columns p_LABEL, in class order


def read_tables(config: TrainConfig) -> tuple[Rows, Columns]:
    """Return the rows of the training tables that `config` names, and their columns."""
    rows, first = Rows(), Columns()
    for path in config.train:
        with open_table(path, config.encoding) as table:
            columns = resolve(
                table, config.text_column, config.labels or config.label_column,
                config.text_pair_column, weight=config.weight_column, group=config.group_column,
                soft=config.soft_targets,
            )  # fmt: skip
            first = first if first.text else columns
            _refuse_others(table.name, columns, config.train[0], first)
            rows.begin(path)
            read_table(table, columns, rows, config.blank, config.fix_text)
    return rows, first


def resolve(
    table: Table,
    text: str,
    label: str,
    pair: str,
    *,
    weight: str = "",
    group: str = "",
    soft: bool = False,
) -> Columns:
    """Return the columns that are asked for, else found by name; "" asks for nothing.

    With `soft` a label's column may be missing, and what predict appends is neither text nor
    label unless it is asked for. Raises DataError for a column that is not there or has two parts.
    """
    name, every = table.name, table.columns
    for column in (pair, weight, group):
        known_column(every, column, name)
    labels = soft_labels(every, name) if soft else []
    others = [c for c in every if not (soft and is_answer(c))]
    free = [c for c in others if c not in (weight, group)]
    # A usual name is the label even where another part is asked of it: that is refused below.
    label = label or find_label_column(others, "") or ""
    if not label and table.kind in UNLABELLED and not soft:
        raise DataError(_no_labels(table))
    if label or not soft:
        label = label_column(every if label else free, label, name)
    found = text_columns(every if text else free, text, name, label)
    parts = (("text", found), ("second text", [pair]), ("weight", [weight]), ("group", [group]))
    for role, columns in parts:
        if label and label in columns:
            raise DataError(
                f"{name}: column {label!r} is the label and cannot be the {role}; "
                "--label-column names another"
            )
    return Columns(tuple(found), label, pair, weight, group, tuple(labels))


def read_table(
    table: Table, columns: Columns, rows: Rows, blank: str, fix_text: bool = False
) -> None:
    """Add a table's rows; a row without any text is no row, like an empty line.

    `blank`: "skip" records blank texts apart, "error" refuses them. Damaged texts are reported,
    and mended with `fix_text`. Raises DataError with file, line and column.
    """
    name = table.name
    damage = Damage(name, fix_text)
    for row in table:
        label = row_cell(row, columns.label, name).strip() if columns.label else ""
        text = damage.take(row_text(row, columns.text, name), row.line)
        if is_blank(label):
            if _is_empty(row):
                continue
            if not columns.soft:
                raise DataError(f"{name}:{row.line}: column {columns.label!r}: no label")
            label = ""
        elif columns.soft and label not in columns.soft:
            raise DataError(_no_such_class(row, label, columns, name))
        if is_blank(text):
            if blank == "error":
                raise DataError(
                    f"{name}:{row.line}: column {listed(columns.text)!r}: blank text "
                    "(--blank skip leaves it out)"
                )
            rows.add_blank(label, row.line)
            continue
        if columns.soft:
            chances = probabilities(row, columns.soft, name)
            rows.targets.append(chances)
            label = label or columns.soft[chances.index(max(chances))]
        rows.texts.append(text)
        rows.labels.append(label)
        rows.lines.append(row.line)
        if columns.pair:
            rows.pairs.append(damage.take(row_cell(row, columns.pair, name), row.line))
        if columns.weight:
            rows.weights.append(weight(row, columns.weight, name))
        if columns.group:
            group = row_cell(row, columns.group, name).strip()
            rows.groups.append("" if is_blank(group) else group)
    damage.report()


def _refuse_others(name: str, columns: Columns, first_name: str, first: Columns) -> None:
    """Refuse a table whose columns are not those of the first one."""
    if (columns.text, columns.label) != (first.text, first.label):
        raise DataError(
            f"{name}: text and label are the columns {_spoken(columns)}, in {first_name} "
            f"{_spoken(first)}; --text-column and --label-column choose the same in both"
        )
    if columns.soft != first.soft:
        raise DataError(
            f"{name}: the columns p_LABEL are of the labels {listed(columns.soft)}, in "
            f"{first_name} of {listed(first.soft)}; expected the same in both"
        )


def _no_labels(table: Table) -> str:
    if table.kind == "txt":
        return (
            f"{table.name}: plain lines have no labels; train on a folder with positive.txt and "
            "negative.txt, on a table, or make wrong titles from correct ones: titlekit data make "
            f"--from {table.name} --out FOLDER"
        )
    return (
        f"{table.name}: a bibliography has titles and no labels; make wrong ones from them: "
        f"titlekit data make --from {table.name} --out FOLDER"
    )


def _spoken(columns: Columns) -> str:
    return listed([*columns.text, *([columns.label] if columns.label else [])])


def _no_such_class(row: Row, label: str, columns: Columns, name: str) -> str:
    return (
        f"{name}:{row.line}: column {columns.label!r}: label {clip(label)} has no column "
        f"{clip('p_' + label)}{nearest(label, columns.soft)} (labels: {listed(columns.soft)}); "
        "--label-column names another column, predicted_label for what was predicted"
    )


def _is_empty(row: Row) -> bool:
    return all(value is None or is_blank(str(value)) for value in row.values.values())
