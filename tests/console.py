"""Commands as a person types them, in this process or in one of their own."""

from __future__ import annotations

import csv
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
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
    """Start the command in a new interpreter, on one thread, without a network."""
    return subprocess.Popen(
        [sys.executable, "-m", "titlekit.cli", *map(str, words)], cwd=cwd, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **_PLAIN, **environment},
    )  # fmt: skip


_PLAIN = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
_FORKS = multiprocessing.get_context("forkserver")
_HEAVY = ["pytest", "titlekit.core.session", "titlekit.core.training.trainer"]
_HEAVY += ["transformers.models.bert.modeling_bert", "transformers.models.bert.tokenization_bert"]


class Forked:
    """A command in a process of its own, begun in milliseconds: who forks it has imported torch.

    It can be killed and sent signals as any other, and is used as a subprocess.Popen.
    """

    def __init__(self, *words: object, cwd: Path, stdin: Path | str = os.devnull) -> None:
        self._folder = Path(tempfile.mkdtemp())
        self._texts = [self._folder / "out", self._folder / "err"]
        _FORKS.set_forkserver_preload(_HEAVY)
        streams = [str(path) for path in (stdin, *self._texts)]
        given = [str(word) for word in words], str(cwd), streams
        self._process = _FORKS.Process(target=_command, args=given)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in _PLAIN.items():
                patch.setenv(name, value)  # for the one who forks, where it is begun here
            self._process.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self._process.kill()

    def communicate(self, timeout: float) -> tuple[str, str]:
        self._process.join(timeout)
        assert self._process.exitcode is not None, f"still running after {timeout} s"
        out, err = (path.read_text("utf-8") if path.exists() else "" for path in self._texts)
        shutil.rmtree(self._folder)
        return out, err


def _command(words: list[str], cwd: str, streams: list[str]) -> None:
    os.chdir(cwd)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background has none
    for number, path in enumerate(streams):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT if number else os.O_RDONLY), number)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)  # multiprocessing has replaced it
    main(words)


def write_table(path: Path, rows: int = 120, seed: int = 5) -> Path:
    """Write synthetic titles as a csv with the columns title and label."""
    texts, labels = make_titles(rows, seed)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["title", "label"])
        writer.writerows(zip(texts, labels, strict=True))
    return path
