"""What a run will do, read from its parts: the same facts for a dry run and for run.json."""

from __future__ import annotations

from typing import Any

from .data.plans import evaluation_steps
from .hooks.assembly import HOOKS
from .prepare import Job


def plan(job: Job) -> dict[str, Any]:
    """Return order of the hooks, parameter groups, batches, steps and passes, as JSON values."""
    trainer = job.trainer
    run, hooks, config = trainer.run, trainer.hooks, job.config
    evaluations = evaluation_steps(run.total_steps, run.steps_per_epoch, config.eval_every)
    return {
        "hooks": {name: hooks.order(name) for name in HOOKS if hooks.order(name)},
        "groups": [
            {
                "name": str(group.get("name", "")), "lr": rate,
                "weight_decay": group["weight_decay"], "tensors": len(group["params"]),
                "parameters": sum(parameter.numel() for parameter in group["params"]),
            }
            for group, rate in zip(run.optimizer.param_groups, trainer.base_rates, strict=True)
        ],
        "rows": len(trainer.feed.examples),
        "rows_per_epoch": trainer.feed.drawn,
        "validation_rows": len(trainer.valid) if trainer.valid else 0,
        "batch_size": config.batch_size,
        "micro_batches": run.micro_batches,
        "steps_per_epoch": run.steps_per_epoch,
        "steps": run.total_steps,
        "evaluations": len(evaluations),
        "passes": hooks.passes(),
        "max_length": job.encoder.max_length,
        "mean_length": float(trainer.feed.examples.tokens.lengths.mean()),
        "parameters": sum(parameter.numel() for parameter in run.model.parameters()),
        "trainable_parameters": sum(
            parameter.numel() for parameter in run.model.parameters() if parameter.requires_grad
        ),
        "device": str(run.device),
        "precision": run.precision.name,
    }  # fmt: skip
