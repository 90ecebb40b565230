"""Which rows form which batch: pure, whole, and the same number of steps every epoch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from titlekit.core.data.plans import (
    WINDOW,
    evaluation_steps,
    scoring_batches,
    similar_batches,
    steps_per_epoch,
    stream,
)

relaxed = settings(deadline=None, max_examples=60)


def lengths_of(rows, seed=0):
    return np.random.default_rng(seed).integers(3, 60, rows)


def batches_of(rows, batch_size, seed=1, epoch=0, lengths=None):
    order = stream(seed, "sampling", epoch).permutation(rows)
    lengths = lengths_of(rows) if lengths is None else lengths
    return similar_batches(order, lengths, batch_size, stream(seed, "plan", epoch))


@relaxed
@given(rows=st.integers(1, 700), batch_size=st.integers(1, 9), seed=st.integers(0, 2**63 - 1))
def test_every_row_stands_in_an_epoch_once(rows, batch_size, seed):
    batches = batches_of(rows, batch_size, seed)
    assert sorted(np.concatenate(batches)) == list(range(rows))
    assert len(batches) == steps_per_epoch(rows, batch_size)
    sizes = [len(batch) for batch in batches]
    assert max(sizes) <= batch_size
    assert sizes.count(batch_size) >= len(batches) - 1


def test_a_plan_is_a_pure_function():
    first, again = batches_of(500, 8), batches_of(500, 8)
    assert [batch.tolist() for batch in first] == [batch.tolist() for batch in again]
    other = batches_of(500, 8, epoch=1)
    assert [batch.tolist() for batch in first] != [batch.tolist() for batch in other]


def test_steps_depend_on_the_number_of_rows_alone():
    assert [steps_per_epoch(rows, 32) for rows in (1, 32, 33, 64, 1000)] == [1, 1, 2, 2, 32]
    for seed in range(3):
        assert len(batches_of(1000, 32, lengths=lengths_of(1000, seed))) == 32


def test_an_order_may_repeat_and_leave_out_rows():
    order = np.array([5, 5, 5, 0, 1])
    batches = similar_batches(order, lengths_of(6), 2, stream(0, "plan", 0))
    assert sorted(np.concatenate(batches)) == [0, 1, 5, 5, 5]


def test_rows_of_a_batch_are_alike_in_length_and_batches_are_mixed():
    rows, size = WINDOW * 8, 8
    lengths = lengths_of(rows)
    batches = batches_of(rows, size, lengths=lengths)
    spread = np.mean([np.ptp(lengths[batch]) for batch in batches])
    assert spread < 3  # rows at random: about 45
    means = np.array([lengths[batch].mean() for batch in batches])
    assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 0.3


def test_rows_move_only_within_their_window():
    rows, size = WINDOW * 4 * 2, 4
    order = stream(1, "sampling", 0).permutation(rows)
    batches = similar_batches(order, lengths_of(rows), size, stream(1, "plan", 0))
    halves = {row: place // (WINDOW * size) for place, row in enumerate(order)}
    assert all(len({halves[row] for row in batch}) == 1 for batch in batches)


def test_streams_are_named_and_the_same_everywhere():
    # Pinned: a resumed run on another machine must draw the same rows.
    assert stream(42, "sampling", 0).bit_generator.random_raw(2).tolist() == [
        8667878600828583973, 8328882080707847019,
    ]  # fmt: skip
    drawn = {
        tuple(stream(seed, name, epoch).integers(0, 1000, 4).tolist())
        for seed in (0, 1)
        for name in ("sampling", "plan")
        for epoch in (0, 1)
    }
    assert len(drawn) == 8


@pytest.mark.parametrize(
    ("total", "per_epoch", "every", "steps"),
    [
        (8, 4, 0.25, [1, 2, 3, 4, 5, 6, 7, 8]),
        (12, 4, 0.5, [2, 4, 6, 8, 10, 12]),
        (40, 10, 0.25, [2, 5, 8, 10, 12, 15, 18, 20, 22, 25, 28, 30, 32, 35, 38, 40]),
        (30, 10, 1, [10, 20, 30]),
        (25, 10, 1, [10, 20, 25]),
        (30, 10, 1.5, [15, 30]),
        (30, 10, 3, [30]),
        (30, 10, 100, [30]),
        (1, 1, 0.25, [1]),
        (3, 1, 0.25, [1, 2, 3]),
        (3, 2, 0.25, [1, 2, 3]),
        (5, 10, 1, [5]),
        (3, 100, 1e-12, [1, 2, 3]),
    ],
)
def test_steps_that_end_with_an_evaluation(total, per_epoch, every, steps):
    assert sorted(evaluation_steps(total, per_epoch, every)) == steps


@relaxed
@given(
    total=st.integers(1, 500), per_epoch=st.integers(1, 100), every=st.floats(1e-6, 20),
)  # fmt: skip
def test_evaluations_are_evenly_spaced_and_end_with_the_run(total, per_epoch, every):
    steps = sorted(evaluation_steps(total, per_epoch, every))
    assert steps[-1] == total
    assert steps[0] >= 1
    gaps = np.diff([0, *steps])
    wanted = max(1.0, every * per_epoch)
    assert gaps.max() <= wanted + 1
    assert all(gap >= wanted - 1 for gap in gaps[:-1])


@relaxed
@given(
    lengths=st.lists(st.integers(1, 200), max_size=80),
    budget=st.integers(1, 1000),
    most=st.integers(1, 20),
)
def test_scoring_batches_hold_every_row_within_the_budget(lengths, budget, most):
    lengths = np.array(lengths, np.int64)
    batches = scoring_batches(lengths, budget, most)
    rows = np.concatenate(batches) if batches else np.array([], np.int64)
    assert sorted(rows) == list(range(len(lengths)))
    assert (np.diff(lengths[rows]) >= 0).all()
    for batch in batches:
        assert 1 <= len(batch) <= most
        # A row longer than the budget stands alone.
        assert len(batch) == 1 or lengths[batch].max() * len(batch) <= budget


def test_scoring_batches_fill_the_budget():
    batches = scoring_batches(np.full(100, 10), budget=200, most=64)
    assert [len(batch) for batch in batches] == [20] * 5
    assert [len(batch) for batch in scoring_batches(np.full(100, 10))] == [100]
    assert [len(batch) for batch in scoring_batches(np.full(600, 4))] == [256, 256, 88]
