"""A small real classifier, made and saved on the spot."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

TITLES = [
    "A Survey of Graph Kernels",
    "Learning to Rank with Trees",
    "On the Complexity of Query Answering",
    "Fast Sparse Matrix Products",
    "Deep Networks for Speech",
    "An Empirical Study of Caching",
    "Efficient Mining of Frequent Patterns",
    "Parallel Algorithms for Sorting",
    "Semantic Parsing of Questions",
    "A Theory of Program Repair",
]
FAULTS = [
    "Abstract",
    "1 Introduction",
    "Proceedings of the 5th Workshop, pp. 12-19",
    "Department of Computer Science",
    "J. Smith and A. Jones",
    "Table of Contents",
    "Submitted to the Journal of",
    "References",
    "http://www.example.org/",
    "Vol. 12, No. 3, 1999",
]


def save_classifier(
    folder: Path,
    texts: Sequence[str] = (*TITLES, *FAULTS),
    labels: Sequence[str] = ("wrong", "correct"),
    seed: int = 0,
) -> Path:
    """Save an untrained two-layer BERT with a head for `labels`; its answers vary."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    from titlekit.core.data.vocabulary import make_tokenizer

    torch.manual_seed(seed)
    tokenizer = make_tokenizer(texts, size=400)
    tokenizer.model_max_length = 64
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        id2label=dict(enumerate(labels)),
        label2id={name: number for number, name in enumerate(labels)},
        # Wide first weights, so that an untrained model has opinions.
        initializer_range=0.5,
    )
    model = BertForSequenceClassification(config).eval()
    with torch.inference_mode():
        inputs = tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt")
        # Centred, so that every label is the answer to some text.
        model.classifier.bias -= model(**inputs).logits.mean(dim=0)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def mark_as_run(folder: Path, **given: Any) -> Path:
    """Write the part of run.json that a predictor reads."""
    found = {"max_length": 32, "truncation": "head", "text_columns": [], "positive": "correct"}
    (folder / "run.json").write_text(json.dumps({"input": found | given}), "utf-8")
    return folder
