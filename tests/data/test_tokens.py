"""Token arrays: what the tokenizer itself would give, cut and padded as asked."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from titlekit import UsageError
from titlekit.core.data import tokens as module
from titlekit.core.data.tokens import (
    Examples,
    TextEncoder,
    Tokens,
    automatic_length,
    learn_template,
    tokenise,
)
from titlekit.core.data.vocabulary import make_tokenizer

TEXTS = [
    "A Survey of Graph Kernels",
    "Graph",
    "",
    "Deep deep deep deep networks for very long and unseparableness titles: a study, part 2",
    "Zürich 题目 naïve",
    "  [SEP] spaced\tout  ",
]
relaxed = settings(deadline=None, max_examples=60)


@pytest.fixture(scope="module")
def tokenizer():
    return make_tokenizer(TEXTS[:4], size=200)


def byte_tokenizer(template):
    """A byte-level tokenizer with RoBERTa's special tokens and no token types."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {sign: place for place, sign in enumerate(["<s>", "</s>", "<pad>", *letters])}
    made = Tokenizer(models.BPE(vocabulary, []))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.post_processor = processors.TemplateProcessing(
        single=template[0], pair=template[1], special_tokens=[("<s>", 0), ("</s>", 1)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token="<s>", eos_token="</s>", pad_token="<pad>",
        model_input_names=["input_ids", "attention_mask"],
    )  # fmt: skip


@pytest.fixture(scope="module")
def roberta():
    return byte_tokenizer(("<s> $A </s>", "<s> $A </s> </s> $B </s>"))


def own(tokenizer, texts, pairs, length):
    """What transformers gives."""
    cut = "longest_first" if pairs is not None else True
    return tokenizer(texts, pairs, truncation=cut, max_length=length, padding=True)


def check_against_own(tokenizer, texts, pairs, length):
    wanted = own(tokenizer, texts, pairs, length)
    found = TextEncoder(tokenizer, length)(texts, pairs).padded(range(len(texts)))
    assert sorted(found) == sorted(wanted)
    for key, rows in wanted.items():
        assert found[key].tolist() == rows, key


@pytest.mark.parametrize("length", [3, 4, 9, 128])
def test_a_text_is_encoded_as_the_tokenizer_does(tokenizer, roberta, length):
    for one in (tokenizer, roberta):
        check_against_own(one, TEXTS, None, length)


@pytest.mark.parametrize("length", [4, 5, 6, 7, 12, 13, 128])
def test_a_pair_is_encoded_and_cut_as_the_tokenizer_does(tokenizer, roberta, length):
    for one in (tokenizer, roberta):
        check_against_own(one, TEXTS, TEXTS[::-1], length)
        check_against_own(one, TEXTS, [TEXTS[3]] * len(TEXTS), length)


@relaxed
@given(
    first=st.integers(0, 30), second=st.integers(0, 30), length=st.integers(4, 40), data=st.data()
)
def test_any_pair_of_lengths_is_shared_as_the_tokenizer_does(first, second, length, data):
    one = _CACHE.setdefault("one", make_tokenizer(["a b c d"], size=50))
    words = st.sampled_from("abcd")
    texts = [
        " ".join(data.draw(st.lists(words, min_size=n, max_size=n))) for n in (first, second)
    ]  # fmt: skip
    check_against_own(one, texts[:1], texts[1:], length)


_CACHE = {}


def words_of(tokenizer, row):
    return [tokenizer.convert_ids_to_tokens(int(token)) for token in row]


@pytest.mark.parametrize(
    ("truncation", "length", "kept"),
    [
        ("head", 6, "a b c d"),
        ("tail", 6, "e f g h"),
        ("head-tail", 6, "a b g h"),
        ("head-tail", 7, "a b c g h"),
        ("head-tail", 3, "a"),
        ("tail", 3, "h"),
        ("head", 2, ""),
        ("tail", 2, ""),
        ("head-tail", 2, ""),
        ("tail", 10, "a b c d e f g h"),
    ],
)
def test_what_is_kept_of_a_longer_text(truncation, length, kept):
    tokenizer = make_tokenizer(["a b c d e f g h"], size=50)
    found = TextEncoder(tokenizer, length, truncation)(["a b c d e f g h"])
    assert words_of(tokenizer, found.ids[0]) == ["[CLS]", *kept.split(), "[SEP]"]


def test_both_texts_of_a_pair_are_cut_at_the_asked_end():
    tokenizer = make_tokenizer(["a b c d e f g h"], size=50)
    encode = TextEncoder(tokenizer, 7, "tail")
    found = encode(["a b c d", "a"], ["e f g h", "b c d e f g"])
    assert words_of(tokenizer, found.ids[0]) == ["[CLS]", *"cd", "[SEP]", *"gh", "[SEP]"]
    assert words_of(tokenizer, found.ids[1]) == ["[CLS]", "a", "[SEP]", *"efg", "[SEP]"]
    assert found.types[1].tolist() == [0, 0, 0, 1, 1, 1, 1]


def test_rows_are_padded_to_the_longest_of_the_asked_rows(tokenizer):
    found = TextEncoder(tokenizer, 32)(["graph", "deep deep deep graph", "graph graph"])
    assert found.lengths.tolist() == [3, 6, 4]
    batch = found.padded(np.array([2, 0]))
    first, second = found.ids[2].tolist(), found.ids[0].tolist()
    assert batch["input_ids"].tolist() == [first, [*second, tokenizer.pad_token_id]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1], [1, 1, 1, 0]]
    assert batch["token_type_ids"].tolist() == [[0] * 4, [0] * 4]
    assert {rows.dtype for rows in batch.values()} == {np.dtype(np.int64)}
    assert found.padded([1])["input_ids"].shape == (1, 6)


def test_token_types_only_where_the_model_takes_them(tokenizer, roberta):
    assert TextEncoder(tokenizer, 32)(["graph"]).types is not None
    plain = TextEncoder(roberta, 32)(["graph"])
    assert plain.types is None
    assert sorted(plain.padded([0])) == ["attention_mask", "input_ids"]


def test_arrays_are_flat_and_small(tokenizer):
    found = TextEncoder(tokenizer, 32)(TEXTS)
    assert (found.ids.values.dtype, found.ids.offsets.dtype) == (np.int32, np.int64)
    assert len(found) == len(found.ids) == len(TEXTS)
    assert found.ids.offsets[-1] == len(found.ids.values) == found.lengths.sum()
    assert len(Examples(found, np.zeros(len(TEXTS), np.int64))) == len(TEXTS)
    empty = TextEncoder(tokenizer, 32)([])
    assert (len(empty), empty.lengths.tolist()) == (0, [])


def test_tokens_without_specials_are_not_cut(tokenizer):
    text = "deep " * 700
    raw = tokenise(tokenizer, [text, "graph"])
    assert raw.lengths.tolist() == [700, 1]
    assert list(raw[1]) == tokenizer("graph", add_special_tokens=False)["input_ids"]


def test_chunks_change_nothing(tokenizer, monkeypatch):
    whole = tokenise(tokenizer, TEXTS)
    monkeypatch.setattr(module, "_CHUNK", 2)
    pieces = tokenise(tokenizer, TEXTS)
    assert np.array_equal(whole.values, pieces.values)
    assert np.array_equal(whole.offsets, pieces.offsets)


def test_a_tokenizer_that_pads_and_cuts_by_itself_gives_each_title_its_length(tokenizer, tmp_path):
    from transformers import AutoTokenizer

    stored = make_tokenizer(TEXTS[:4], size=200)
    stored.backend_tokenizer.enable_padding(length=64)
    stored.backend_tokenizer.enable_truncation(max_length=8)
    stored.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert loaded.backend_tokenizer.padding["length"] == 64
    titles = ["graph", "deep " * 20]
    assert tokenise(loaded, titles).lengths.tolist() == [1, 20]
    assert TextEncoder(loaded, 128)(titles).lengths.tolist() == [3, 22]
    # The probe too must not be padded.
    assert learn_template(loaded, False) == learn_template(tokenizer, False)


def test_the_template_is_learnt(tokenizer, roberta):
    cls, sep = tokenizer.cls_token_id, tokenizer.sep_token_id
    single = learn_template(tokenizer, False)
    assert (single.before, single.between, single.after) == ((cls,), (), (sep,))
    pair = learn_template(tokenizer, True)
    assert (pair.before, pair.between, pair.after) == ((cls,), (sep,), (sep,))
    assert (pair.types, pair.size) == ((0, 0, 0, 1, 1), 3)
    pair = learn_template(roberta, True)
    assert (pair.before, pair.between, pair.after) == ((0,), (1, 1), (1,))
    assert (pair.types, pair.size) == ((0, 0, 0, 0, 0), 4)
    bare = learn_template(byte_tokenizer(("$A", "$A $B")), True)
    assert (bare.before, bare.between, bare.after, bare.size) == ((), (), (), 0)


def test_a_tokenizer_that_loses_the_probe_is_refused():
    from tokenizers import normalizers

    hollow = make_tokenizer(["a b"], size=50)
    hollow.backend_tokenizer.normalizer = normalizers.Replace("a", "")
    with pytest.raises(UsageError) as error:
        learn_template(hollow, False)
    assert str(error.value) == (
        "this tokenizer changes a text when it adds special tokens; use another model"
    )


@pytest.mark.parametrize(
    ("lengths", "special", "limit", "length"),
    [
        ([], 2, 128, 128),
        ([0], 2, 128, 8),
        ([6], 2, 128, 8),
        ([7], 2, 128, 16),
        ([14] * 10, 2, 128, 16),
        ([14] * 10, 3, 128, 24),
        ([200], 2, 128, 128),
        ([500], 2, 512, 504),
        ([10] * 9999 + [300], 2, 128, 16),  # one row in ten thousand may be cut
        ([10] * 99 + [60], 2, 128, 64),
        ([100], 2, 40, 40),
        ([100], 2, 50, 50),
    ],
)
def test_the_automatic_length(lengths, special, limit, length):
    assert automatic_length(np.array(lengths, np.int64), special, limit) == length


def test_padding_uses_the_pad_token_of_the_tokenizer(roberta):
    found = TextEncoder(roberta, 16)(["a", "abc"])
    assert isinstance(found, Tokens)
    assert found.pad_id == 2
    assert found.padded([0, 1])["input_ids"][0].tolist()[-2:] == [2, 2]
