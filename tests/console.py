"""Commands as a person types them, in this process or in one of their own."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

from titlekit.cli.main import main
from titlekit.core.data.synthetic import make_titles


class Console:
    """``console("train", ...)`` returns (exit code, stdout, stderr)."""

    def __init__(self, capsys) -> None:
        self.capsys = capsys

    def __call__(self, *words: object) -> tuple[int, str, str]:
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        out, err = self.capsys.readouterr()
        return int(ended.value.code or 0), out, err


def process(*words: object, cwd: Path, **environment: str) -> subprocess.Popen:
    """Start the command in a process of its own, on one thread, without a network."""
    return subprocess.Popen(
        [sys.executable, "-m", "titlekit.cli", *map(str, words)], cwd=cwd, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", **environment},
    )  # fmt: skip


def write_table(path: Path, rows: int = 120, seed: int = 5) -> Path:
    """Write synthetic titles as a csv with the columns title and label."""
    texts, labels = make_titles(rows, seed)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["title", "label"])
        writer.writerows(zip(texts, labels, strict=True))
    return path
