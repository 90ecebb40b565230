"""The two plugins: that they keep the contract, and what they compute."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest
import torch
from titlekit.testing import check_plugin

from titlekit_example import Curve, Squentropy


def test_the_loss_keeps_the_contract() -> None:
    assert check_plugin(Squentropy, weight=0.5).notes == ()


def test_the_notice_keeps_the_contract(tmp_path: Path) -> None:
    assert check_plugin(Curve, file=str(tmp_path / "curve.csv")).notes == ()


def test_a_loss_by_hand() -> None:
    loss = Squentropy(weight=0.5).criterion()
    logits = torch.tensor([[0.0, math.log(2.0), 0.0]])  # p = 1/4, 1/2, 1/4
    found = loss(logits, torch.tensor([[1.0, 0.0, 0.0]]))
    assert found.tolist() == pytest.approx([math.log(4.0) + 0.5 * math.log(2.0) ** 2 / 2])
    # Of a target that is half one class and half another, half of each square is left.
    found = loss(logits, torch.tensor([[0.5, 0.5, 0.0]]))
    entropy = (math.log(4.0) + math.log(2.0)) / 2
    assert found.tolist() == pytest.approx([entropy + 0.5 * 0.5 * math.log(2.0) ** 2 / 2])


def test_without_weight_it_is_cross_entropy() -> None:
    logits, labels = torch.randn(5, 3), torch.tensor([0, 1, 2, 1, 0])
    plain = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
    found = Squentropy(weight=0.0).criterion()(logits, torch.eye(3)[labels])
    torch.testing.assert_close(found, plain)


def test_rows_are_written_and_kept_over_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "curve.csv"
    first, second = (Curve(file=str(file)) for _ in range(2))
    first.on_log({"step": 50, "loss": 0.7, "skipped_steps": 0})
    assert file.read_text("utf-8").splitlines() == ["step,loss", "50,0.7"]
    second.load_state_dict(first.state_dict())
    second.on_log({"step": 60, "loss": 0.5, "valid_f1": 0.8, "valid_mcc": math.nan})
    with file.open(encoding="utf-8", newline="") as stream:
        assert list(csv.reader(stream)) == [
            ["step", "loss", "valid_f1", "valid_mcc"], ["50", "0.7", "", ""],
            ["60", "0.5", "0.8", ""],
        ]  # fmt: skip
    assert second.counts() == {"rows": 1}
