"""How `titlekit data label` labels titles whose labels are known.

    python benchmarks/label_from_catalogue.py TEST --lines FOLDER

TEST: the public test table (id, "title given by manchine", "Y/N", "original title"). Its catalogue
has the original title of the N rows and the title itself of the Y rows. FOLDER: training lines,
of which pairs are made that differ in one way; the thresholds were chosen on these. Rows that stand
in benchmarks/results/label_from_catalogue.json are not measured again.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import random
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

from record import Record

from titlekit.core.data.folder import read_titles
from titlekit.core.data.match import Rules, judge
from titlekit.core.data.match_tables import Join, label_file
from titlekit.core.data.readers import open_table
from titlekit.core.data.synthetic import make_titles

TITLE, LABEL, ORIGINAL = "title given by manchine", "Y/N", "original title"
PAIRS = 2000  # a kind
SPEED = 200_000  # rows

Change = Callable[[str, random.Random], str]


def _misread(letters: int) -> Change:
    def change(title: str, rng: random.Random) -> str:
        signs = list(title)
        for at in rng.sample(range(len(signs)), letters):
            signs[at] = rng.choice("abcdefghijklmnopqrstuvwxyz01")
        return "".join(signs)

    return change


def _words(begin: int, end: int | None) -> Change:
    return lambda title, rng: " ".join(title.split()[begin:end])


def _divided(title: str, rng: random.Random) -> str:
    at = rng.randrange(1, len(title))
    return f"{title[:at]}- {title[at:]}"


# What a catalogue and an extraction may differ in though the title is right, and where it is wrong.
RIGHT: dict[str, Change] = {
    "upper case": lambda title, rng: title.upper(),
    "no punctuation": lambda title, rng: re.sub(r"[^\w\s]", "", title),
    "divided at a line's end": _divided,
    "no spaces": lambda title, rng: title.replace(" ", ""),
    "ligatures lost": lambda title, rng: re.sub("ffi|fi|fl|ff", " ", title),
    "1 letter misread": _misread(1),
    "2 letters misread": _misread(2),
    "3 letters misread": _misread(3),
    "a footnote's digit": lambda title, rng: f"{title} 1",
}
WRONG: dict[str, Change] = {
    "last word lost": _words(0, -1),
    "last two words lost": _words(0, -2),
    "second half lost": lambda title, rng: title[: len(title) // 2],
    "first word lost": _words(1, None),
    "Abstract glued on": lambda title, rng: f"{title} Abstract",
    "1 Introduction before": lambda title, rng: f"1 Introduction {title}",
}


def made_pairs(record: Record, folder: str) -> None:
    """Measure how many pairs of each difference come out as correct, unsure and wrong."""
    rows = read_titles(folder)
    pairs = list(zip(rows.texts, rows.labels, strict=True))
    bad = [text for text, label in pairs if label == "wrong"]
    headers = [text for text in bad if len(text.split()) < 5]
    rng = random.Random(0)
    good = [text for text, label in pairs if label == "correct" and _has_four_words(text)]
    titles = rng.sample(good, min(PAIRS, len(good)))
    others: dict[str, Change] = {
        "a header glued before": lambda title, rng: f"{rng.choice(headers)} {title}",
        "another text": lambda title, rng: rng.choice(bad),
    }
    for truth, kinds in (("correct", RIGHT), ("wrong", WRONG | others)):
        for kind, change in kinds.items():
            if record.has(part="pairs", difference=kind):
                continue
            changed = [(change(title, random.Random(title)), title) for title in titles]
            counts = Counter(
                judge(text, [title], Rules()).label for text, title in changed if text != title
            )
            shares = {label: counts[label] for label in ("correct", "unsure", "wrong")}
            record.add({"part": "pairs", "difference": kind, "truth": truth, **shares})


def _has_four_words(title: str) -> bool:
    words = title.split()
    return len(words) > 3 and words[0].isalnum() and words[-1].isalnum()


def labelled(source: str, own: bool) -> dict[str, Any]:
    """Return how the rows of a test table come out, by their own label.

    With `own` the Y rows that have an original title are compared with that one; nothing else.
    """
    with open_table(source) as table:
        rows = [row.values for row in table]
    if own:
        rows = [row for row in rows if row[LABEL] == "Y" and row[ORIGINAL].strip()]
    truth = {row["id"]: row[LABEL] for row in rows}
    with tempfile.TemporaryDirectory() as place:
        extracted, catalogue = f"{place}/extracted.csv", f"{place}/catalogue.csv"
        _write(extracted, ["id", "title"], [[row["id"], row[TITLE]] for row in rows])
        right = [ORIGINAL if own or row[LABEL] == "N" else TITLE for row in rows]
        pairs = [[row["id"], row[column]] for row, column in zip(rows, right, strict=True)]
        _write(catalogue, ["id", "title"], pairs)
        counts = label_file(Join(extracted, catalogue, "id"), f"{place}/out.csv", Rules())
        written: list[dict[str, Any]] = []
        for name in ("out.csv", "out.unsure.csv"):
            with open_table(f"{place}/{name}") as table:
                written += [row.values for row in table]
    outcome = Counter((truth[row["id"]], row["label"]) for row in written)
    why = [(truth[row["id"]], row["label_reason"]) for row in written]
    reasons = Counter(one for one in why if one[1])
    return {
        "rows": counts["rows"],
        **{
            f"{key} {label}": outcome[key, label]
            for key in sorted(set(truth.values()), reverse=True)
            for label in ("correct", "unsure", "wrong")
        },
        "reasons": {f"{key}: {reason}": n for (key, reason), n in sorted(reasons.items())},
    }


def speed() -> dict[str, Any]:
    """Time the labels of synthetic titles against a catalogue of as many."""
    texts, labels = make_titles(SPEED, 1)
    right = [text for text, label in zip(texts, labels, strict=True) if label == "correct"]
    with tempfile.TemporaryDirectory() as place:
        extracted, catalogue = f"{place}/extracted.csv", f"{place}/catalogue.csv"
        dois = [f"10.1000/{number}" for number in range(SPEED)]
        _write(extracted, ["doi", "title"], zip(dois, texts, strict=True))
        titles = (right[number % len(right)] for number in range(SPEED))
        _write(catalogue, ["doi", "title"], zip(dois, titles, strict=True))
        began = time.process_time()
        label_file(Join(extracted, catalogue, "doi"), f"{place}/out.csv", Rules())
        return {"rows": SPEED, "catalogue_rows": SPEED, "cpu_seconds": time.process_time() - began}


def _write(path: str, columns: list[str], rows: Any) -> None:
    with open(path, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(rows)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def main() -> None:
    """Measure what the result file lacks."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("test")
    parser.add_argument("--lines", required=True)
    given = parser.parse_args()
    lines = [Path(given.lines) / name for name in ("positive.txt", "negative.txt")]
    rules = Rules()
    with open_table(given.test) as table:
        rows = sum(1 for _ in table)
    data = {
        "rows": rows,
        "sha256": _sha256(Path(given.test)),
        "lines_sha256": {path.name: _sha256(path) for path in lines},
        "correct_up_to": rules.correct,
        "wrong_from": rules.wrong,
    }
    about = {
        "command": "python benchmarks/label_from_catalogue.py TEST --lines FOLDER",
        "data": data,
        "rapidfuzz": metadata.version("rapidfuzz"),
    }
    record = Record("label_from_catalogue", about)
    made_pairs(record, given.lines)
    for part, measure in PARTS.items():
        if not record.has(part=part):
            record.add({"part": part, **measure(given.test)})


PARTS: dict[str, Callable[[str], dict[str, Any]]] = {
    "test": lambda test: labelled(test, own=False),
    "Y rows with an original title": lambda test: labelled(test, own=True),
    "speed": lambda test: speed(),
}

if __name__ == "__main__":
    main()
