"""The scikit-learn estimator: a run on rows in memory, held in memory."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state, compute_sample_weight
from sklearn.utils.validation import check_is_fitted

from .data.arrays import (
    NAME,
    as_classes,
    as_texts,
    as_weights,
    class_names,
    known_classes,
    make_rows,
    training_data,
)
from .data.columns import is_blank
from .device import pick_device
from .errors import DataError, UsageError, nearest
from .fitting import hold, run, told
from .inference.bag import BagPredictor
from .inference.predictor import Predictor
from .inference.scoring import softmax
from .packing import pack, unpack
from .parameters import check_names, in_these_words, new_plugins, plain, run_options

if TYPE_CHECKING:
    from typing import Self


class TitleClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Fine-tune a transformer encoder on texts, with plugins, as a scikit-learn classifier.

    Parameters are the options of a run, in scikit-learn's words where it has one. A plugin's
    option is one too: ``TitleClassifier(plugins="focal,fgm", focal__gamma=1.5)``; all of those
    are kept in `plugin_options`. Parameters are checked by fit, their names at once. What a
    person can mend is a ValueError: titlekit's UsageError or DataError.
    """

    def __init__(
        self, model: str = "minilm", plugins: Any = "", *,
        max_length: int | str = "auto", truncation: str = "head", blank: str = "skip",
        batch_size: int = 32, grad_accum: int = 1, epochs: float = 3.0,
        learning_rate: float | None = None, warmup_ratio: float = 0.06,
        warmup_steps: int | None = None, weight_decay: float = 0.01, max_grad_norm: float = 1.0,
        validation_fraction: float = 0.1, split_seed: int = 42, eval_every: float = 0.25,
        scoring: str | None = None, tol: float = 0.0, pos_label: Any = None,
        class_weight: Any = None, random_state: Any = None, device: str = "auto",
        offline: bool = False, out: Any = None, overwrite: bool = False, verbose: int = 0,
        plugin_options: Mapping[str, Any] | None = None, **options: Any,
    ) -> None:  # fmt: skip
        self.model, self.plugins = model, plugins
        self.max_length, self.truncation, self.blank = max_length, truncation, blank
        self.batch_size, self.grad_accum, self.epochs = batch_size, grad_accum, epochs
        self.learning_rate, self.weight_decay = learning_rate, weight_decay
        self.warmup_ratio, self.warmup_steps = warmup_ratio, warmup_steps
        self.max_grad_norm, self.class_weight = max_grad_norm, class_weight
        self.validation_fraction, self.split_seed = validation_fraction, split_seed
        self.eval_every, self.scoring, self.tol = eval_every, scoring, tol
        self.pos_label, self.random_state = pos_label, random_state
        self.device, self.offline, self.verbose = device, offline, verbose
        self.out, self.overwrite = out, overwrite
        self.plugin_options = plugin_options
        if options:
            self.set_params(**options)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name; `deep` adds the options of plugins that were set."""
        params: dict[str, Any] = super().get_params(deep=False)
        if deep and isinstance(self.plugin_options, Mapping):
            params |= self.plugin_options
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters and options of plugins, e.g. ``set_params(focal__gamma=1.0)``.

        Raises UsageError for a name that is neither, with the nearest match; nothing is set then.
        """
        known = self.get_params(deep=False)
        own = {name: value for name, value in params.items() if name in known}
        options = {name: value for name, value in params.items() if name not in known}
        with in_these_words():
            for name in options:
                if "__" not in name:
                    raise UsageError(
                        f"TitleClassifier has no parameter {name!r}{nearest(name, known)}  "
                        f"(parameters: {', '.join(known)}, or PLUGIN__OPTION)"
                    )
            check_names(options, own.get("plugins", self.plugins))
        for name, value in own.items():
            setattr(self, name, value)
        if options:
            self.plugin_options = {**(self.plugin_options or {}), **options}
        return self

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, X_val: Any = None, y_val: Any = None
    ) -> Self:
        """Train anew on texts X [N] and labels y [N]; the best weights are kept.

        `sample_weight` [N]: how much a row counts in the loss. `X_val`, `y_val`: rows to validate
        on, in place of a share of X.
        """
        with in_these_words(), told(self.verbose):
            plugins = new_plugins(self.plugins, self.plugin_options)
            classes, numbers = as_classes(y)
            names = class_names(classes)
            given = self.get_params(deep=False)
            given["random_state"] = seed = self._seed()
            given["pos_label"] = self._positive(classes, names)
            config, origins = run_options(given)
            config = dataclasses.replace(config, train=[NAME])
            weights = self._weights(y, as_weights(sample_weight, len(numbers)))
            whole = make_rows(as_texts(X), numbers, names, weights, "X", config.blank)
            valid = None
            if X_val is not None or y_val is not None:
                found = known_classes(y_val, classes, "y_val")
                valid = make_rows(as_texts(X_val, "X_val"), found, names, None, "X_val")
            data = training_data(whole, valid, names, config)
            done = run(config, origins, plugins, data, self.overwrite)
        shares = np.bincount(whole.labels, whole.weights, len(names))
        self.classes_, self.class_prior_, self.seed_ = classes, shares / shares.sum(), seed
        self._predictor, self._packed = done.predictor, None
        self.max_length_ = done.predictor.max_length
        self.history_, self.plugin_counts_ = done.history, done.counts
        self.n_iter_ = max(1, math.ceil(done.epochs))
        self.best_validation_score_ = done.best
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the likeliest class of each text [N]."""
        chances = self.predict_proba(X)
        return np.asarray(self.classes_[chances.argmax(axis=1)])

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return probabilities [N, C], columns as in classes_.

        A blank text, of which nothing is known, has the classes' shares of the training rows
        (class_prior_); with blank="error" it is refused.
        """
        return softmax(self._logits(X))

    def decision_function(self, X: Any) -> np.ndarray:
        """Return logits [N, C]; for two classes how far the second is above the first [N]."""
        logits = self._logits(X)
        return logits[:, 1] - logits[:, 0] if logits.shape[1] == 2 else logits

    def _logits(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        with in_these_words():
            texts = as_texts(X)
            titled = np.array([not is_blank(text) for text in texts], bool)
            if self.blank == "error" and not titled.all():
                raise DataError(f"X[{int(titled.argmin())}]: blank text")
        logits = np.tile(np.log(self.class_prior_), (len(texts), 1))
        if titled.any():
            rows = np.flatnonzero(titled)
            logits[rows] = self._loaded().logits([texts[row] for row in rows])
        return logits

    def _loaded(self) -> Predictor:
        """Return the trained model, made from its bytes after a pickle was read."""
        if self._predictor is None:
            model, encoder = unpack(self._packed)
            names = class_names(self.classes_)
            self._predictor = hold(model, encoder, pick_device(self.device), names)
            self._packed = None
        return self._predictor

    def __getstate__(self) -> dict[str, Any]:
        """Return what a pickle holds: parameters, plain values, and the model as bytes."""
        state: dict[str, Any] = dict(super().__getstate__())
        # A bag of n-grams is numbers and texts: a pickle holds it as it is.
        if not isinstance(state.get("_predictor"), BagPredictor | None):
            predictor = state["_predictor"]
            state |= {"_packed": pack(predictor.model, predictor.encoder), "_predictor": None}
        return state

    def __sklearn_tags__(self) -> Any:
        """Say that X is one column of texts, where some may be missing."""
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = tags.input_tags.string = tags.input_tags.allow_nan = True
        tags.input_tags.two_d_array = False
        return tags

    def _seed(self) -> Any:
        state = plain(self.random_state)
        if state is None or isinstance(state, np.random.RandomState):
            return int(check_random_state(state).randint(np.iinfo(np.int32).max))
        return state

    def _positive(self, classes: np.ndarray, names: list[str]) -> str | None:
        """Return the name of the positive class: pos_label, else the second of two."""
        if self.pos_label is None:
            return names[1] if len(names) == 2 else None
        known = dict(zip(classes.tolist(), names, strict=True))
        return str(known.get(plain(self.pos_label), self.pos_label))

    def _weights(self, y: Any, weights: np.ndarray | None) -> np.ndarray | None:
        """Return the rows' weights times those of their classes."""
        if self.class_weight is None:
            return weights
        try:
            found = np.asarray(compute_sample_weight(self.class_weight, np.asarray(y).ravel()))
        except ValueError as error:
            raise UsageError(f"class_weight: {' '.join(str(error).split())}") from error
        return found if weights is None else found * weights
