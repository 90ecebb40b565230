"""The report on data before it is trusted: what ``titlekit check`` prints."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from .config import BASELINE, TrainConfig, merge
from .data.near import THRESHOLD
from .data.report.characters import damage, find_damage
from .data.report.classes import describe_classes, drift, find_blanks, find_classes, find_drift
from .data.report.copies import find_all_copies, find_copies, find_two_labels
from .data.report.corpus import Corpus, read_corpus
from .data.report.findings import LEVELS, Finding
from .data.report.lengths import describe_lengths
from .data.report.page import page
from .data.report.tokenised import Tokenised, find_lengths, measure
from .encoder import length_limit
from .errors import UsageError
from .models import Resolved, resolve
from .rough_time import is_quick, training_time

log = logging.getLogger("titlekit")


@dataclasses.dataclass(frozen=True)
class Report:
    """What was found, the worst first, and the facts behind it as JSON values by name."""

    findings: list[Finding]
    facts: dict[str, Any]

    def count(self, level: str) -> int:
        """Return the number of findings of a level: error, warning or note."""
        return sum(finding.level == level for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Return everything that was found; docs/check.md lists the keys."""
        return {**self.facts, "findings": [finding.to_json() for finding in self.findings]}

    def to_html(self) -> str:
        """Return one page that needs nothing beside it."""
        return page(self.to_json())


def check(
    config: TrainConfig | None = None,
    *,
    near: float = THRESHOLD,
    time: bool | None = None,
    origins: Mapping[str, str] | None = None,
    **options: Any,
) -> Report:
    """Look at data as `titlekit check` does, e.g. ``check(train="t.csv", test="test.csv")``.

    Give the options of a training by name or as a TrainConfig; those that name data, columns and
    a model count. `near`: similarity from which texts are near duplicates, 0 looks for none.
    `time`: whether to try how long a training takes; None: where that is quick. Raises DataError
    for a file that cannot be read.
    """
    if config is None:
        config, origins = merge([("Python", options)])
    elif options:
        raise UsageError("give a TrainConfig or options by name, not both")
    if not 0 <= near <= 1:
        raise UsageError(f"--near: expected a number from 0 to 1, got {near:g}")
    asked = (origins or {}).get("model", "default") != "default"
    found, why = _model(config, asked)
    with _told_once():
        corpus = read_corpus(config)
    log.info("%d rows read", len(corpus))
    tokens = _tokenised(config, corpus, found) if found else None
    copies, damaged = find_all_copies(corpus, near), damage(corpus)
    findings = [
        *find_classes(corpus), *find_copies(corpus, copies), *find_two_labels(corpus),
        *find_damage(corpus, damaged, config.fix_text), *find_drift(corpus), *find_blanks(corpus),
        *(find_lengths(corpus, tokens, config.model) if tokens else [_no_tokens(why)]),
    ]  # fmt: skip
    facts = {
        **_facts(config, corpus, tokens, found),
        "near": near,
        "copies": [one.to_json() for one in copies],
        "damage": {kind.replace(" ", "-"): len(rows) for kind, rows in damaged.items()},
        "drift": drift(corpus),
        "time": _timed(config, corpus, tokens, found, findings, time),
    }  # fmt: skip
    return Report(sorted(findings, key=lambda one: LEVELS.index(one.level)), facts)


def _facts(
    config: TrainConfig, corpus: Corpus, tokens: Tokenised | None, found: Resolved | None
) -> dict[str, Any]:
    """Return what was read, and how long its rows are."""
    columns = corpus.columns
    return {
        "titlekit": metadata.version("titlekit"),
        "data": list(config.train),
        "columns": {"text": list(columns.text), "label": columns.label, "pair": columns.pair},
        "labels": corpus.labels,
        "positive": corpus.positive,
        "model": None if found is None else {
            "asked": found.asked, "source": found.source, "revision": found.revision
        },
        "splits": {split: _split(corpus, split, tokens) for split in corpus.splits},
        "max_length": tokens.described if tokens else None,
    }  # fmt: skip


def _model(config: TrainConfig, asked: bool) -> tuple[Resolved | None, str]:
    """Return the model that counts tokens, or None and why there is none."""
    if config.model == BASELINE:
        return None, f"{BASELINE} has no tokens"
    if asked:
        return resolve(config.model, config.offline), ""
    try:
        return resolve(config.model, offline=True), ""
    except UsageError:
        return None, f"{config.model}, the default model, is not on this machine"


@contextlib.contextmanager
def _told_once() -> Iterator[None]:
    """Keep back what reading says of damaged texts: the report says it, and of all rows."""

    def others(record: logging.LogRecord) -> bool:
        return record.module != "repair"

    log.addFilter(others)
    try:
        yield
    finally:
        log.removeFilter(others)


def _no_tokens(why: str) -> Finding:
    return Finding(
        "note", "no-tokens", "",
        f"lengths in tokens and the time of a training are left out: {why}",
        "--model NAME counts with that model's tokens; --model tiny needs no download",
    )  # fmt: skip


def _tokenised(config: TrainConfig, corpus: Corpus, found: Resolved) -> Tokenised:
    from .weights import load_tokenizer

    if found.folder is None:
        from .data.vocabulary import make_tokenizer

        tokenizer = make_tokenizer([corpus.rows.texts[row] for row in corpus.where("train")])
        return measure(config, corpus, tokenizer, tokenizer.model_max_length)
    tokenizer = load_tokenizer(found.folder)
    return measure(config, corpus, tokenizer, _limit(found.folder, tokenizer))


def _limit(folder: Path, tokenizer: Any) -> int:
    """Return the longest input in tokens that a model takes, without its weights."""
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    auto: Any = AutoModelForSequenceClassification  # its makers have no types
    if (folder / "run.json").is_file():
        tokenizer.model_max_length = 10**30  # what that run cut to is no limit of the encoder
    try:
        shape = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        with torch.device("meta"):
            model = auto.from_config(shape)
    except (ValueError, OSError, KeyError, RuntimeError) as error:
        first = str(error).strip().splitlines()[0]
        raise UsageError(f"{folder}: cannot load it as a text classifier: {first}") from error
    return length_limit(model, tokenizer)


def _split(corpus: Corpus, split: str, tokens: Tokenised | None) -> dict[str, Any]:
    rows = corpus.where(split)
    texts = [corpus.rows.texts[row] for row in rows]
    place = corpus.splits.index(split)
    files = sorted({*corpus.file_of[rows], *corpus.blank_file_of[corpus.blank_split_of == place]})
    return {
        "files": [corpus.files[file] for file in files],
        "rows": len(rows),
        "blank_rows": int(np.count_nonzero(corpus.blank_split_of == place)),
        "sha256": corpus.dataset(split).sha256,
        "classes": describe_classes(corpus, split),
        "characters": describe_lengths(np.array([len(text) for text in texts], np.int64)),
        "words": describe_lengths(np.array([len(text.split()) for text in texts], np.int64)),
        "tokens": tokens.splits[split] if tokens else None,
    }


def _timed(
    config: TrainConfig,
    corpus: Corpus,
    tokens: Tokenised | None,
    found: Resolved | None,
    findings: list[Finding],
    asked: bool | None,
) -> dict[str, Any] | None:
    stopped = any(finding.kind == "not-trainable" for finding in findings)
    if found is None or tokens is None or stopped or asked is False:
        return None
    if asked is None and not is_quick(found, config.device):
        return None
    valid = corpus.dataset("valid") if "valid" in corpus.splits else None
    settled = config.max_length == "auto"
    length = tokens.described["recommended"] if settled else int(config.max_length)
    return training_time(config, corpus.dataset("train"), valid, corpus.labels, length)
