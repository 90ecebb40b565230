"""The vocabulary of `tiny`: plain counting that depends on nothing but the words."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from titlekit.core.data.vocabulary import SPECIAL, count_vocabulary, make_tokenizer

TEXTS = [
    "Learning to Rank",
    "Learning with Graphs",
    "Ranking and Learning: Zürich 题目",
    "Deep Learning",
]


def test_words_pieces_and_characters_by_hand():
    # ab x3, abc x2. Letters: a 5, ##b 5, ##c 2, then those never seen in that place.
    found = count_vocabulary(["ab", "abc", "ab", "abc", "ab"], 100)
    assert found == [
        "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]",
        "##b", "a", "##c", "##a", "b", "c",
        "ab", "abc",
    ]  # fmt: skip


def test_pieces_stand_in_where_many_words_share_them():
    words = [f"inter{letter}" for letter in "abcdefgh"]
    found = count_vocabulary(words, 200)
    assert {"in", "int", "inte", "inter"} <= set(found)
    assert not set(words) & set(found)  # each seen once: not worth an entry
    # Fewer than eight words earn no piece.
    assert "inter" not in count_vocabulary(words[:7], 200)


def test_order_of_the_words_does_not_matter():
    words = [word for text in TEXTS for word in text.lower().split()] * 3
    shuffled = words[:]
    random.Random(1).shuffle(shuffled)
    assert shuffled != words
    assert count_vocabulary(shuffled, 60) == count_vocabulary(words, 60)


@settings(deadline=None, max_examples=60)
@given(words=st.lists(st.text(st.sampled_from("abcdé题"), min_size=1)), size=st.integers(10, 60))
def test_the_vocabulary_keeps_its_size_and_names_nothing_twice(words, size):
    found = count_vocabulary(words, size)
    assert found[:5] == list(SPECIAL)
    assert len(found) <= size
    assert len(set(found)) == len(found)


def test_the_tokenizer_is_a_lower_casing_bert_one():
    tokenizer = make_tokenizer(TEXTS)
    assert tokenizer.tokenize("LEARNING Zürich") == tokenizer.tokenize("learning zurich")
    assert tokenizer.tokenize("learning") == ["learning"]
    assert tokenizer.tokenize("题目") == ["题", "目"]
    found = tokenizer("learning", "deep")
    words = tokenizer.convert_ids_to_tokens(found["input_ids"])
    assert words[:3] == ["[CLS]", "learning", "[SEP]"]
    assert words[-1] == "[SEP]"
    assert found["token_type_ids"] == [0] * 3 + [1] * (len(words) - 3)
    assert tokenizer.pad_token_id == 0
    assert tokenizer.model_max_length == 512


def test_every_word_of_the_texts_can_be_written():
    tokenizer = make_tokenizer(TEXTS)
    pieces = tokenizer(TEXTS, add_special_tokens=False)["input_ids"]
    assert all(tokenizer.unk_token_id not in row for row in pieces)
    assert tokenizer.decode(pieces[0]) == "learning to rank"
    # Letters that stood in other places still spell a new word; foreign ones do not.
    assert "[UNK]" not in tokenizer.tokenize("karaoke")
    assert tokenizer.tokenize("書") == ["[UNK]"]


@pytest.mark.parametrize("texts", [[], [""], ["  "]])
def test_texts_without_words_leave_the_special_tokens(texts):
    tokenizer = make_tokenizer(texts)
    assert len(tokenizer) == len(SPECIAL)
    assert tokenizer.tokenize("word") == ["[UNK]"]


def test_the_size_bounds_the_tokenizer():
    assert len(make_tokenizer(TEXTS, size=30)) <= 30


def test_it_is_saved_and_loaded_whole(tmp_path):
    from transformers import AutoTokenizer

    made = make_tokenizer(TEXTS)
    made.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert loaded(TEXTS, TEXTS)["input_ids"] == made(TEXTS, TEXTS)["input_ids"]
    assert loaded.model_input_names == made.model_input_names
    assert loaded.model_max_length == 512
