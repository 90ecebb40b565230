"""What core reads from an encoder's structure, over the families people use."""

from __future__ import annotations

import pytest
import torch
import transformers

from titlekit.core.encoder import depths, length_limit, with_features

SIZE = {
    "vocab_size": 60, "hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2,
    "intermediate_size": 32, "num_labels": 3,
}  # fmt: skip
DISTIL = {
    "vocab_size": 60, "dim": 16, "n_layers": 3, "n_heads": 2, "hidden_dim": 32, "num_labels": 3,
    "max_position_embeddings": 40,
}  # fmt: skip
DEBERTA = {
    **SIZE, "relative_attention": True, "position_buckets": 8, "norm_rel_ebd": "layer_norm",
    "pos_att_type": ["p2c", "c2p"], "share_att_key": True, "position_biased_input": False,
    "type_vocab_size": 0, "conv_kernel_size": 3, "pooler_hidden_size": 16,
    "pooler_hidden_act": "gelu", "pooler_dropout": 0.0, "max_position_embeddings": 40,
}  # fmt: skip
# Family -> config values, layers, longest input.
FAMILIES = {
    "Bert": ({**SIZE, "max_position_embeddings": 40}, 3, 40),
    "Roberta": ({**SIZE, "max_position_embeddings": 42, "pad_token_id": 1}, 3, 40),
    "XLMRoberta": ({**SIZE, "max_position_embeddings": 42, "pad_token_id": 1}, 3, 40),
    "Camembert": ({**SIZE, "max_position_embeddings": 42, "pad_token_id": 1}, 3, 40),
    "Electra": ({**SIZE, "max_position_embeddings": 40, "embedding_size": 8}, 3, 40),
    "DistilBert": (DISTIL, 3, 40),
    "Albert": ({**SIZE, "max_position_embeddings": 40, "embedding_size": 8}, 1, 40),
    "MPNet": ({**SIZE, "max_position_embeddings": 42}, 3, 40),
    "DebertaV2": (DEBERTA, 3, 40),
    "ModernBert": ({**SIZE, "max_position_embeddings": 40, "pad_token_id": 0,
                    "cls_token_id": 1, "sep_token_id": 2, "bos_token_id": 1, "eos_token_id": 2},
                   3, 40),
}  # fmt: skip


class AnyTokenizer:
    model_max_length = int(1e30)  # what a tokenizer says that knows no limit


@pytest.fixture(params=sorted(FAMILIES))
def family(request):
    values, layers, limit = FAMILIES[request.param]
    torch.manual_seed(0)
    config = getattr(transformers, f"{request.param}Config")(**values)
    model = getattr(transformers, f"{request.param}ForSequenceClassification")(config)
    return request.param, model.eval(), layers, limit


def test_places_that_names_would_get_wrong():
    values, _, _ = FAMILIES["DebertaV2"]
    config = transformers.DebertaV2Config(**values)
    places, _ = depths(transformers.DebertaV2ForSequenceClassification(config))
    assert places["deberta.encoder.rel_embeddings.weight"] == 0
    assert places["deberta.encoder.LayerNorm.weight"] == 0
    assert places["deberta.encoder.layer.2.output.dense.weight"] == 3
    assert places["pooler.dense.weight"] == 4
    values, _, _ = FAMILIES["ModernBert"]
    config = transformers.ModernBertConfig(**values)
    places, _ = depths(transformers.ModernBertForSequenceClassification(config))
    assert places["model.final_norm.weight"] == 3
    assert places["model.embeddings.norm.weight"] == 0
    assert places["head.dense.weight"] == 4
    values, _, _ = FAMILIES["Electra"]
    config = transformers.ElectraConfig(**values)
    places, _ = depths(transformers.ElectraForSequenceClassification(config))
    assert places["electra.embeddings_project.weight"] == 0


def test_the_longest_input_is_what_positions_allow(family):
    _, model, _, limit = family
    assert length_limit(model, AnyTokenizer()) == limit
    ids = torch.randint(5, 60, (1, limit))
    assert model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits.shape == (1, 3)


def test_features_are_what_the_last_linear_layer_receives(family):
    _, model, _, _ = family
    forward, handle = with_features(model)
    ids = torch.randint(5, 60, (2, 7))
    logits, features = forward({"input_ids": ids, "attention_mask": torch.ones_like(ids)})
    assert features.shape[0] == 2
    heads = [m for m in model.modules() if isinstance(m, torch.nn.Linear) and m.out_features == 3]
    assert torch.allclose(heads[-1](features), logits, atol=1e-6)
    handle.remove()
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_lists_side_by_side_are_parts_of_the_same_layers():
    config = transformers.XLMConfig(vocab_size=60, emb_dim=16, n_layers=3, n_heads=2, num_labels=3)
    places, layers = depths(transformers.XLMForSequenceClassification(config))
    assert layers == 3
    for part in ("attentions.{}.q_lin", "layer_norm1.{}", "ffns.{}.lin1", "layer_norm2.{}"):
        found = [places[f"transformer.{part.format(layer)}.weight"] for layer in range(3)]
        assert found == [1, 2, 3]
    assert places["transformer.embeddings.weight"] == 0
    assert places["transformer.layer_norm_emb.weight"] == 0
    assert places["sequence_summary.summary.weight"] == 4


def test_a_list_of_lists_is_one():
    config = transformers.FunnelConfig(
        vocab_size=60, block_sizes=[1, 2], d_model=16, n_head=2, d_head=8, d_inner=32, num_labels=3
    )
    places, layers = depths(transformers.FunnelForSequenceClassification(config))
    assert layers == 3
    blocks = ("blocks.0.0", "blocks.1.0", "blocks.1.1")
    found = [places[f"funnel.encoder.{block}.ffn.linear_1.weight"] for block in blocks]
    assert found == [1, 2, 3]
    assert places["funnel.embeddings.word_embeddings.weight"] == 0
    assert {place for name, place in places.items() if name.startswith("classifier")} == {4}


def test_without_layers_all_but_the_head_is_embeddings():
    class Bag(torch.nn.Module):
        base_model_prefix = "bag"

        def __init__(self):
            super().__init__()
            self.bag = torch.nn.ModuleDict({"embeddings": torch.nn.Embedding(5, 4)})
            self.classifier = torch.nn.Linear(4, 2)

    assert depths(Bag()) == (
        {"bag.embeddings.weight": 0, "classifier.weight": 1, "classifier.bias": 1}, 0
    )  # fmt: skip
