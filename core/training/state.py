"""Everything a run needs to go on bit for bit, as one dictionary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..errors import UsageError

if TYPE_CHECKING:
    from ..hooks.plugin import Plugin
    from ..hooks.run import Run
    from .trainer import Trainer

# What of a Run changes while it runs, besides what the model and optimizer hold.
_FIELDS = (
    "step", "forwards", "metrics", "best", "best_metrics", "best_step", "evaluations_since_best",
    "stop_reasons", "logged", "micro_batches",
)  # fmt: skip


def random_state(run: Run) -> dict[str, Any]:
    """Return the random streams that training draws from."""
    import torch

    state: dict[str, Any] = {"cpu": torch.get_rng_state(), "run": run.generator.get_state()}
    if run.device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(run.device)
    return state


def set_random_state(run: Run, state: dict[str, Any]) -> None:
    """Set the random streams to saved states."""
    import torch

    torch.set_rng_state(state["cpu"])
    run.generator.set_state(state["run"])
    if run.device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], run.device)


def plugin_states(plugins: Sequence[Plugin]) -> dict[str, Any]:
    """Return each plugin's state and counters by name."""
    return {p.name: {"state": p.state_dict(), "counts": p.counts()} for p in plugins}


def load_plugin_states(plugins: Sequence[Plugin], states: dict[str, Any]) -> None:
    """Give each plugin its saved state and counters."""
    for plugin in plugins:
        plugin.set_counts(states[plugin.name]["counts"])
        if states[plugin.name]["state"]:
            plugin.load_state_dict(states[plugin.name]["state"])


def state_dict(trainer: Trainer) -> dict[str, Any]:
    """Return the state of a run between two optimizer steps."""
    run = trainer.run
    return {
        "version": 1,
        "run": {name: getattr(run, name) for name in _FIELDS},
        "real_steps": run.real_steps,
        "model": run.model.state_dict(),
        "optimizer": run.optimizer.state_dict(),
        "precision": {"name": run.precision.name, "state": run.precision.state()},
        "plugins": plugin_states(trainer.hooks.plugins),
        "random": random_state(run),
        "watch": trainer.watch.state_dict(),
        "meter": trainer.meter.state_dict(),
    }


def load_state_dict(trainer: Trainer, state: dict[str, Any]) -> None:
    """Continue from a saved state; the trainer was built from the same options and data."""
    run = trainer.run
    names, saved = {p.name for p in trainer.hooks.plugins}, set(state["plugins"])
    if state["version"] != 1 or names != saved:
        raise UsageError(
            f"the state was saved with the plugins {', '.join(sorted(saved)) or 'none'}, not "
            f"{', '.join(sorted(names)) or 'none'}"
        )
    if state["precision"]["name"] != run.precision.name:
        raise UsageError(
            f"the state was saved in {state['precision']['name']}, and this run computes in "
            f"{run.precision.name}; continue on a device like the first one"
        )
    run.model.load_state_dict(state["model"])
    run.optimizer.load_state_dict(state["optimizer"])
    run.precision.load_state(state["precision"]["state"])
    for name in _FIELDS:
        setattr(run, name, state["run"][name])
    run.real_steps = state["real_steps"].to(run.device)
    load_plugin_states(trainer.hooks.plugins, state["plugins"])
    trainer.watch.load_state_dict(state["watch"])
    trainer.meter.load_state_dict(state["meter"])
    set_random_state(run, state["random"])
