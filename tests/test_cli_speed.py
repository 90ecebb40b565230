"""Help and wrong usage answer at once: nothing heavy is imported before it is needed."""

from __future__ import annotations

import re
import resource
import subprocess
import sys

import pytest

HEAVY = {"torch", "transformers", "tokenizers", "numpy", "sklearn", "huggingface_hub", "openpyxl"}
LIMIT = 0.5  # seconds of a processor: those of a clock depend on what else runs

QUESTIONS = [
    (("--help",), 0),
    (("--version",), 0),
    (("train", "--help"), 0),
    (("evaluate", "--help"), 0),
    (("predict", "--help"), 0),
    (("export", "--help"), 0),
    (("plugins", "--help"), 0),
    (("doctor", "--help"), 0),
    (("check", "--help"), 0),
    (("data", "--help"), 0),
    (("data", "label", "--help"), 0),
    (("data", "fetch", "--help"), 0),
    (("plugins",), 0),
    (("trian",), 2),
    (("train", "--epoch", "3"), 2),
    (("train", "--epochs", "three"), 2),
    (("train", "--plugins", "focal", "--set", "fgm.epsilon=1"), 2),
    (("predict", "runs/001"), 2),
]


def ask(words, *flags):
    command = [sys.executable, *flags, "-m", "titlekit.cli", *words]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize(("words", "code"), QUESTIONS, ids=lambda value: str(value))
def test_it_answers_without_anything_heavy(words, code):
    done = ask(words, "-X", "importtime")
    assert done.returncode == code
    imported = set(re.findall(r"^import time:.*\| +([\w.]+)$", done.stderr, re.M))
    assert "click" in imported
    assert {name.split(".")[0] for name in imported} & HEAVY == set()


@pytest.mark.parametrize(("words", "code"), QUESTIONS[:3] + QUESTIONS[-3:], ids=str)
def test_it_answers_within_half_a_second(words, code):
    seconds = []
    for _ in range(3):
        began = _processor_seconds()
        assert ask(words).returncode == code
        seconds.append(_processor_seconds() - began)
        if seconds[-1] < LIMIT:
            return
    pytest.fail(f"best of 3: {min(seconds):.2f} seconds")


def _processor_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
