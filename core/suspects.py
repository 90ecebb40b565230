"""Likely wrong labels of training data: every row answered by a model that has not seen it."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping

import numpy as np

from .config import TrainConfig
from .data.dataset import Dataset
from .data.load import TrainingData, deal_rows, read_training, split_training
from .evidence.suspects import Suspects, find_suspects
from .evidence.suspects_table import read_out_of_fold
from .fitting import run
from .single import check_job

log = logging.getLogger("titlekit")


@dataclasses.dataclass(frozen=True, eq=False)
class Suspicion:
    """The rows that were looked at, the names of their labels, and what was found."""

    data: Dataset
    labels: list[str]
    suspects: Suspects


def suspicious_rows(
    config: TrainConfig, origins: Mapping[str, str] | None = None, answers: str = ""
) -> Suspicion:
    """Rank the rows whose label is likely wrong.

    `config.folds` models of `config.model` answer the rows that they were not trained on; or
    `answers` names the out_of_fold.csv of a finished training. Raises DataError for rows that
    cannot be used.
    """
    if not answers:
        check_job(config, origins or {}, [])  # what is wrong is told before any data is read
    whole = read_training(config)
    if answers:
        probabilities = read_out_of_fold(answers, whole.train, whole.labels)
    else:
        probabilities = out_of_fold(config, origins or {}, whole)
    found = find_suspects(whole.train.labels, probabilities)
    return Suspicion(whole.train, whole.labels, found)


def out_of_fold(config: TrainConfig, origins: Mapping[str, str], whole: TrainingData) -> np.ndarray:
    """Return for each row the probabilities [N, C] of a model that was trained without it."""
    folds = deal_rows(config, whole)
    found = np.empty((len(whole.train), len(whole.labels)))
    for fold in range(1, (config.folds or 0) + 1):
        log.info("fold %d of %d", fold, config.folds)
        one = dataclasses.replace(config, fold=fold)
        data = split_training(one, whole, folds)
        assert data.fold is not None
        predictor = run(one, origins, [], data, overwrite=False).predictor
        found[folds == fold] = predictor.class_probabilities(data.fold.texts, data.fold.pairs)
    return found
