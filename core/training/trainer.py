"""The training loop and nothing else; hooks/specs.py draws it."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..config import TrainConfig
from ..data.labels import positive_label
from ..data.plans import evaluation_steps
from ..data.tokens import Examples
from ..device import pick_device
from ..encoder import with_features
from ..errors import InterruptedRun
from ..hooks.assembly import Hooks, verify_groups
from ..hooks.plugin import Plugin
from ..hooks.run import Run
from ..hooks.step import Step
from ..inference.scoring import score, softmax
from ..unpadded import refuse
from .checkpoint import BestWeights
from .feed import Feed
from .layout import choose
from .memory import advised, backward_in_memory, say_what_is_cut
from .meter import Meter
from .metrics import METRICS, default_metric, evaluate_scores, make_metric
from .optim import check_schedule, clip, set_rates, warmup
from .own_metric import short_name
from .progress import progress
from .rehearsal import rehearse
from .watch import Watch

if TYPE_CHECKING:
    import torch
    from torch import Tensor

log = logging.getLogger("titlekit")

LOG_EVERY = 50  # steps between records of the training loss


class Trainer:
    """Trains a model on tokenised rows, with plugins; keeps the best weights in it.

    `train` and `valid` are Examples, `labels` the class names in index order, `config` the options
    of a run (those about data, model and output have no effect here). With a `folder` the best
    weights are kept there, else in memory. ``on_record`` is given each record of metrics.jsonl;
    training/state.py saves and restores a trainer between two steps.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        train: Examples,
        valid: Examples | None,
        *,
        labels: Sequence[str],
        config: TrainConfig | None = None,
        plugins: Sequence[Plugin] = (),
        folder: Path | None = None,
    ) -> None:
        import torch

        config = config or TrainConfig()
        config.check()
        self.config, self.valid, self.labels = config, valid, list(labels)
        self.positive = positive_label(self.labels, config.positive)
        metric = self._metric = config.metric or default_metric(self.labels, self.positive)
        self._measure = make_metric(metric, self.labels, self.positive)
        device = pick_device(config.device)
        self.hooks = Hooks(plugins)
        for plugin in self.hooks.plugins:
            plugin.set_counts({})  # the object may have counted in a run before
        self.hooks.call.prepare_model(model=model)
        model.to(device)
        layout = choose(model, self.hooks.plugins, train, valid)
        self.feed = Feed(train, self.hooks, config.batch_size, config.seed, layout)
        counts = np.bincount(train.labels, minlength=len(self.labels)).tolist()
        total = max(1, round(config.epochs * self.feed.steps_per_epoch))
        criterion = self.hooks.call.criterion(labels=self.labels, class_counts=counts)
        optimizer = self._make_optimizer(model, total)
        precision = self.hooks.call.precision(device=device)
        forward, self._handle = with_features(model)
        self.run = Run(
            model=model, labels=self.labels, class_counts=counts, device=device,
            hooks=self.hooks, precision=precision, criterion=criterion,
            optimizer=optimizer, model_forward=forward,
            generator=torch.Generator().manual_seed(config.seed), total_steps=total,
            steps_per_epoch=self.feed.steps_per_epoch, metric=short_name(metric),
            offline=config.offline, micro_batches=min(config.grad_accum, config.batch_size),
            real_steps=torch.zeros((), dtype=torch.int64, device=device),
            evaluate_here=self._score_and_keep,
        )  # fmt: skip
        self.best = BestWeights(folder)
        self.watch, self.meter = Watch(), Meter(device)
        self.stop_signal: int | None = None  # set by a signal handler: save and leave
        self.on_record: Callable[[dict[str, Any]], None] | None = None
        self._started = False

    def _make_optimizer(self, model: torch.nn.Module, total: int) -> torch.optim.Optimizer:
        """Return the optimizer, with its groups checked; rates and factors are kept."""
        config, call = self.config, self.hooks.call
        lr = 5e-5 if config.lr is None else config.lr
        groups = call.param_groups(model=model, lr=lr, weight_decay=config.weight_decay)
        verify_groups(groups, model, self.hooks.owner("groups"))
        self.base_rates = [float(group["lr"]) for group in groups]
        optimizer: torch.optim.Optimizer = call.optimizer(groups=groups, lr=lr)
        factors = call.schedule(total_steps=total, warmup_steps=warmup(config, total))
        self.factors = check_schedule(factors, total, self.hooks.owner("schedule"))
        return optimizer

    def start(self) -> None:
        """Begin the training, and in a new run try a step before the first: fit() calls it.

        Called before it, a run that cannot train is refused before anything is written.
        """
        import torch

        if self._started:
            return
        run = self.run
        try:
            run.model.train()
            if run.step == 0:
                # Dropout depends on the seed alone, not on what was drawn to build the model.
                torch.manual_seed(self.config.seed)
            self.hooks.call.train_start(run=run)
            say_what_is_cut(run)
            if run.step == 0:
                self._rehearse()
        except BaseException:
            self._release()
            raise
        self._started = True

    def fit(self, save: Callable[[], None] | None = None) -> Run:
        """Train to the end, or until a plugin stops it; return the run, best weights loaded.

        `save` is called when the state should be saved; without it nothing is.
        """
        self.start()
        try:
            self._train(save)
            self._restore_best()
            self.run.model.eval()
            self.hooks.call.train_end(run=self.run)
        finally:
            self._release()
        return self.run

    def _train(self, save: Callable[[], None] | None) -> None:
        run, config = self.run, self.config
        due = evaluation_steps(run.total_steps, run.steps_per_epoch, config.eval_every)
        saves = evaluation_steps(
            run.total_steps, run.steps_per_epoch, config.save_every or config.eval_every
        )
        with progress(run) as advance, advised():
            while run.step < run.total_steps and not run.stop_reasons:
                self.optimizer_step(self.feed.batch(run.step))
                if run.step in due:
                    self._evaluate()
                elif run.step % LOG_EVERY == 0:
                    self._record({})
                if save and (run.step in saves or self.stop_signal or run.stop_reasons):
                    save()
                advance()
                if self.stop_signal is not None and run.step < run.total_steps:
                    raise InterruptedRun(f"stopped at step {run.step}", self.stop_signal)

    def _restore_best(self) -> None:
        run = self.run
        if run.best_step:
            self.best.restore(run.model, run.best_step)
        if run.best_metrics and run.best is None:
            log.warning(
                "%s was not a number in any evaluation, so none was the best and the last weights "
                "are kept; choose another --metric, or validation rows for which it is defined",
                run.metric,
            )  # fmt: skip

    def _release(self) -> None:
        """Take core's own hooks off the model."""
        self._started = False
        if self._handle is not None:
            self._handle.remove()
        refuse(self.run.model)

    def optimizer_step(self, rows: np.ndarray) -> None:
        """Run one optimizer step on a batch of training rows."""
        run = self.run
        set_rates(run.optimizer, self.base_rates, self.factors, self._real())
        run.optimizer.zero_grad(set_to_none=True)
        loss = backward_in_memory(self, rows)
        run.precision.unscale(run.optimizer)
        # In the model's order, whatever the groups: the norm's sum must not depend on a plugin.
        norm = clip(list(run.model.parameters()), self.config.max_grad_norm)
        stepped = run.precision.step(run.optimizer)
        assert run.real_steps is not None
        run.real_steps += stepped
        run.step += 1
        self.meter.add(loss, norm, stepped)
        self.hooks.call.after_step(run=run, stepped=stepped)
        if run.device.type == "cpu":  # reading costs nothing here: a fault is told at once
            real = bool(stepped)
            self.watch.after_steps(run, float(loss) * real, float(norm) if real else 0.0, 1, real)

    def backward(self, rows: np.ndarray) -> Tensor:
        """Add the gradients of a batch of training rows; return its loss, detached."""
        run, total = self.run, self.feed.total_weight(rows)
        losses = []
        parts = self.feed.micro_batches(rows, run.micro_batches, run.device)
        for inputs, numbers, labels, soft, weights in parts:
            targets = self.hooks.call.targets(
                labels=labels, num_classes=len(self.labels), soft=soft
            )
            step = Step(run, run.step, inputs, numbers, labels, targets, weights, total)
            losses.append(step.loss(self.hooks.call.backward(step=step)))
        return sum(losses[1:], losses[0])

    def _real(self) -> int:
        # Only a scaler skips steps; without one the host knows the number of real steps.
        return int(self.run.real_steps) if self.run.precision.may_skip else self.run.step  # type: ignore[arg-type]

    def _rehearse(self) -> None:
        rehearse(self)

    def _evaluate(self) -> None:
        run = self.run
        run.metrics = self.hooks.call.evaluate(run=run)
        reasons = self.hooks.call.should_stop(run=run, metrics=run.metrics) if run.metrics else []
        run.stop_reasons.extend(reason for reason in reasons if reason)
        self._record(run.metrics)
        for reason in run.stop_reasons:
            log.info("stopped: %s", reason)

    def _score_and_keep(self) -> dict[str, float]:
        """Core's evaluation: validation metrics, and the best weights are kept."""
        run, valid = self.run, self.valid
        if valid is None:
            run.best_step = run.step
            self.best.keep(run.model, run.step)
            return {}
        run.model.eval()
        try:
            logits = score(
                lambda inputs: run.model_forward(inputs)[0], valid.tokens, run.device,
                self.feed.layout, run.precision.autocast,
            )  # fmt: skip
        finally:
            run.model.train()
        chances = softmax(logits)
        found = evaluate_scores(chances, valid.labels, self.labels, self.positive)
        metrics = {k: float(v) for k, v in found.items() if isinstance(v, float | int)}
        known = self._metric in METRICS
        value = found[self._metric] if known else self._measure(chances, valid.labels)
        metrics[run.metric] = value
        self.watch.after_evaluation(chances.argmax(1), valid.labels, run)
        number = not math.isnan(value)
        # As long as it never was a number nothing is the best, and the newest weights are kept.
        if run.best is None or (number and value > run.best + self.config.min_delta):
            run.best = value if number else None
            run.best_step, run.best_metrics = run.step, metrics
            run.evaluations_since_best = 0
            self.best.keep(run.model, run.step)
        else:
            run.evaluations_since_best += 1
        return metrics

    def _record(self, metrics: dict[str, float]) -> None:
        """Write what happened since the last record, and look for faults."""
        run = self.run
        loss, norm, tried, real = self.meter.read()
        if run.device.type != "cpu":
            self.watch.after_steps(run, loss, norm, tried, real)
        self.meter.start_again()
        record = {
            "step": run.step, "epoch": round(run.epoch, 6), "loss": loss, "max_grad_norm": norm,
            "learning_rate": run.optimizer.param_groups[-1]["lr"], "skipped_steps": tried - real,
            **{f"valid_{name}": value for name, value in metrics.items()}, **run.logged,
        }  # fmt: skip
        run.logged = {}
        if metrics:
            best = " (best)" if run.best is not None and run.best_step == run.step else ""
            log.info(
                "step %d of %d, epoch %.2f: loss %.4f, validation %s %.4f%s",
                run.step, run.total_steps, run.epoch, loss, run.metric, metrics[run.metric], best,
            )  # fmt: skip
        self.hooks.call.on_log(run=run, record=record)
        if self.on_record is not None:
            self.on_record(record)
