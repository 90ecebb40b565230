"""Near duplicates against brute force: what is found is near, and nearly all are found."""

from __future__ import annotations

import random
import string

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from titlekit.core.data import near
from titlekit.core.data.near import jaccard, near_duplicates
from titlekit.core.data.splits import normalise
from titlekit.core.data.synthetic import make_titles


def noisy(text, rng):
    """The text with one to six letters changed, dropped or added."""
    letters = list(text)
    for _ in range(rng.randint(1, 6)):
        place = rng.randrange(len(letters))
        letters[place] = rng.choice(["", letters[place] * 2, rng.choice(string.ascii_lowercase)])
    return "".join(letters)


def titles(count, seed=3):
    """Distinct normalised titles, a third of them damaged copies of others."""
    rng = random.Random(seed)
    made, _ = make_titles(count * 2 // 3, seed)
    made = [normalise(text) for text in made]
    copies = [noisy(rng.choice(made), rng) for _ in range(count - len(made))]
    return list(dict.fromkeys([*made, *copies]))


def brute_force(texts, threshold):
    """All pairs at or above the threshold, by the definition: intersections as a matrix product."""
    from scipy.sparse import csr_matrix

    pieces = [sorted({text[at : at + 3] for at in range(len(text) - 2)}) for text in texts]
    known = {piece: n for n, piece in enumerate(sorted({p for some in pieces for p in some}))}
    columns = [known[piece] for some in pieces for piece in some]
    starts = np.cumsum([0, *map(len, pieces)])
    shape = (len(texts), len(known))
    matrix = csr_matrix((np.ones(len(columns)), columns, starts), shape)
    shared = (matrix @ matrix.T).tocoo()
    sizes = np.diff(starts)
    share = shared.data / (sizes[shared.row] + sizes[shared.col] - shared.data)
    keep = (share >= threshold) & (shared.row < shared.col)
    pairs = zip(shared.row[keep].tolist(), shared.col[keep].tolist(), strict=True)
    return dict(zip(pairs, share[keep].tolist(), strict=True))


def found(texts, threshold=0.8):
    pairs = near_duplicates(texts, threshold)
    places = zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)
    answer = dict(zip(places, pairs.similarity.tolist(), strict=True))
    assert len(answer) == len(pairs)
    assert list(answer) == sorted(answer)
    assert all(first < second for first, second in answer)
    return answer


@pytest.mark.parametrize("threshold", [0.8, 0.9])
def test_nothing_false_is_found_and_hardly_anything_is_missed(threshold):
    texts = titles(3000)
    wanted, got = brute_force(texts, threshold), found(texts, threshold)
    assert len(wanted) > 100
    assert set(got) <= set(wanted)
    assert got == pytest.approx({pair: wanted[pair] for pair in got})
    assert len(got) >= 0.99 * len(wanted)


def test_the_similarity_is_what_jaccard_says():
    texts = titles(200)
    for (first, second), similarity in found(texts, 0.7).items():
        assert similarity == pytest.approx(jaccard(texts[first], texts[second]))
    assert jaccard("abcd", "abce") == pytest.approx(1 / 3)
    assert jaccard("ab", "ab") == 0
    assert jaccard("abcabc", "abcabc") == 1


def test_the_order_of_the_texts_changes_nothing():
    texts = titles(900)
    answer = {frozenset((texts[a], texts[b])): s for (a, b), s in found(texts).items()}
    assert len(answer) > 50
    for seed in (1, 2):
        shuffled = random.Random(seed).sample(texts, len(texts))
        again = found(shuffled)
        assert {frozenset((shuffled[a], shuffled[b])): s for (a, b), s in again.items()} == answer


def test_work_in_small_chunks_is_the_same(monkeypatch):
    texts = titles(400)
    whole = found(texts)
    monkeypatch.setattr(near, "_CHUNK", 300)
    assert whole
    assert found(texts) == whole


def test_a_crowd_of_like_texts_costs_no_more_than_a_window_each():
    texts = [f"proceedingsoftheinternationalconferenceonneuralnetworks{n:04}" for n in range(800)]
    got = found(texts)
    assert set(range(800)) == {number for pair in got for number in pair}
    assert len(got) <= 20 * 16 * len(texts)
    assert len(got) < len(texts) ** 2 / 20


def test_texts_that_are_too_short_or_alone_are_near_to_none():
    assert found([]) == {}
    assert found(["a"]) == {}
    assert found(["", "ab", "ab", "xy"]) == {}
    assert found(["abc", "xyz"]) == {}
    assert found(["abc", "abc"]) == {(0, 1): 1.0}


def test_characters_of_every_plane_and_half_ones_are_characters():
    start = "深度学习在文本分类中的应用研究综述与展望"
    one, other = start + "讨论", start + "探讨"
    assert found([one, "x" * 9, other], 0.7) == {(0, 2): pytest.approx(jaccard(one, other))}
    high = "\U0001f600\U0010ffff\ud800abcdefghij"
    assert found([high + "k", high + "l"], 0.8) == {(0, 1): pytest.approx(11 / 13)}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text("ab ", max_size=12), max_size=12), st.integers(0, 10**6))
def test_any_texts_in_any_order(texts, seed):
    wanted = brute_force(texts, 0.6) if any(len(text) > 2 for text in texts) else {}
    got = found(texts, 0.6)
    assert {pair: wanted[pair] for pair in got} == pytest.approx(got)
    numbers = random.Random(seed).sample(range(len(texts)), len(texts))
    again = found([texts[number] for number in numbers], 0.6)

    def words(pairs, order):
        return sorted(tuple(sorted((texts[order[a]], texts[order[b]]))) for a, b in pairs)

    assert words(again, numbers) == words(got, range(len(texts)))
