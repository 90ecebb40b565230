"""What each built-in plugin is tried with, alone and in combinations."""

from __future__ import annotations

from translators import number_translator

_TRANSLATOR = number_translator()

# One row a plugin: options under which it acts in these few steps, and whether the micro-batches
# of a batch add up exactly with it. A plugin without a row fails the first test.
CASES: dict[str, tuple[str, bool]] = {
    "amp": ("amp(dtype='bf16')", False),  # bfloat16 rounds, so sums differ in its last bit
    "awp": ("awp(rho=0.05)", False),  # each micro-batch moves the weights its own way
    "back-translation": (
        f"back-translation(forward={_TRANSLATOR!r},backward={_TRANSLATOR!r},max_length=8)", True,
    ),
    "balanced-sampler": ("balanced-sampler", True),
    "character-noise": ("character-noise(rate=0.2)", True),
    "checkpointing": ("checkpointing", True),
    "class-balanced": ("class-balanced(beta=0.9)", True),
    "constant": ("constant", True),
    "cosine": ("cosine", True),
    "cross-entropy": ("cross-entropy", True),
    "early-stopping": ("early-stopping(patience=50)", True),
    "ema": ("ema(decay=0.9)", True),
    "fgm": ("fgm(at='inputs')", True),
    "focal": ("focal(gamma=1.5)", True),
    "freeze": ("freeze(layers=1)", True),
    "gce": ("gce(q=0.5)", True),
    "label-smoothing": ("label-smoothing(epsilon=0.2)", True),
    "llrd": ("llrd(decay=0.8)", True),
    "lora": ("lora(rank=2)", True),
    "pgd": ("pgd(steps=2,at='inputs')", True),
    "r-drop": ("r-drop(alpha=0.5)", True),
    "swa": ("swa(start=0)", True),
    "time-limit": ("time-limit(minutes=30)", True),
    "weighted-ce": ("weighted-ce(weights='sqrt')", True),
    "word-noise": ("word-noise", True),
}  # fmt: skip
CLOCKS = {"time-limit"}  # whose state is seconds, never twice the same
