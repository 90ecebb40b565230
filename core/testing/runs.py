"""Whole small runs: to the end, twice, interrupted and resumed, and beside other plugins."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..hooks.plugin import Plugin
from ..hooks.registry import builtins, create, load
from ..training import state
from ..training.checkpoint import pack, unpack
from ..training.trainer import Trainer
from .bench import ROWS, Bench, gradients, same, started
from .shape import told
from .state import changes, hooks_of, seen, settings

if TYPE_CHECKING:
    from torch import Tensor

_SAVED = 4  # steps before the state is saved: in the middle of an epoch
_EVALUATED = (2, 5)


def training(bench: Bench) -> Iterator[str]:
    """A run comes to its end; records, reasons and counters are as they should be."""
    before = settings()
    trainer = bench.trainer()
    trainer.run.evaluate_here = trainer._score_and_keep
    faults: list[str] = []
    _check_answers(trainer, faults)
    run = trainer.fit()
    yield from dict.fromkeys(faults)
    for reason in run.stop_reasons:
        if not isinstance(reason, str):
            yield f"should_stop: expected a reason as text, or None; got {reason!r}"
    if not any(bench.own(trainer).counts().values()):
        yield (
            "count(): nothing was counted in a whole run, which is warned about as a plugin that "
            "did nothing; call self.count(...) where it acts"
        )
    yield from _finished(bench, trainer, before)


def _check_answers(trainer: Trainer, faults: list[str]) -> None:
    """Look at what evaluate returns and what on_log leaves of its record, while a run goes on."""
    call, run = trainer.hooks.call, trainer.run
    evaluate, on_log, core = call.evaluate, call.on_log, run.evaluate_here
    found: dict[str, float] = {}

    def evaluated(run: Any) -> Any:
        answer = evaluate(run=run)
        if not isinstance(answer, dict) or not found.keys() <= answer.keys():
            faults.append("evaluate: metrics are missing; return what yield gave, or more")
            return dict(found)
        return answer

    def here() -> dict[str, float]:
        found.clear()
        found.update(core())
        return dict(found)

    def logged(run: Any, record: dict[str, Any]) -> None:
        for name, value in record.items():
            try:
                json.dumps(value)
            except TypeError:
                faults.append(
                    f"run.log({name!r}): a record holds JSON values, and a {type(value).__name__} "
                    "is none"
                )
        before = repr(record)
        on_log(run=run, record=record)
        if repr(record) != before:
            faults.append("on_log: it changes the record, which others read after it; copy it")

    call.evaluate, call.on_log, run.evaluate_here = evaluated, logged, here


def _finished(bench: Bench, trainer: Trainer, before: dict[str, Any]) -> Iterator[str]:
    """The finished model is an ordinary one again, and torch is set as it was."""
    plain, model = bench.trainer([]).run.model, trainer.run.model
    more = sorted(set(model.state_dict()) ^ set(plain.state_dict()))
    if more:
        yield (
            f"train_end: the finished model has other weights than the loaded one ({more[0]}), so "
            "the run's folder would not open; take out what prepare_model put in"
        )
    left = [name or "the model itself" for name in hooks_of(model)]
    if left:
        yield f"train_end: hooks are left on {left[0]} of the finished model; remove them"
    # fit() itself sets the seed.
    after = {name: value for name, value in settings().items() if name != "seed"}
    changed = [name for name, value in after.items() if before[name] != value]
    if changed:
        yield f"train_end: torch's {changed[0]} is left changed; put it back"


def resume(bench: Bench) -> Iterator[str]:
    """Two runs of one seed are the same bits, and so is one saved, loaded and continued."""
    whole, twin = bench.trainer(), bench.trainer()
    saved: dict[str, Any] = {}
    for trainer in (whole, twin):
        started(trainer)._rehearse()
        _walk(trainer, 0, _SAVED)
        if trainer is whole:
            try:
                saved = _through_a_file(trainer)
            except TypeError as error:
                yield f"state_dict(): {error}"
                return
        _walk(trainer, _SAVED, trainer.run.total_steps)
    if _outcome(whole) != _outcome(twin):
        yield (
            "two runs of one seed differ; draw from step.generator, from torch, or from the rng "
            "that a hook is given, for nothing else is seeded"
        )
        return
    again = bench.trainer()
    state.load_state_dict(again, saved)
    again.run.model.train()
    again.hooks.call.train_start(run=again.run)
    _walk(again, _SAVED, again.run.total_steps)
    yield from _lost(bench, whole, twin, again)


def used_again(bench: Bench) -> Iterator[str]:
    """An object that was in a run before is as good as a new one in the next."""
    plugin, found = bench.make(), []
    for _ in range(2):
        trainer = started(bench.trainer([plugin]))
        trainer._rehearse()
        _walk(trainer, 0, trainer.run.total_steps)
        found.append((_outcome(trainer), plugin.counts()))
    if found[0] != found[1]:
        yield (
            "train_start: the same object ends otherwise in a second run; where run.step is 0, "
            "begin anew there"
        )


def _walk(trainer: Trainer, first: int, last: int) -> None:
    """Take some steps as fit() does."""
    for number in range(first, last):
        trainer.optimizer_step(trainer.feed.batch(number))
        if trainer.run.step in _EVALUATED:
            trainer._evaluate()


def _through_a_file(trainer: Trainer) -> dict[str, Any]:
    tensors: dict[str, Tensor] = {}
    text = json.dumps(pack(state.state_dict(trainer), tensors))
    found: dict[str, Any] = unpack(json.loads(text), tensors)
    return found


def _outcome(trainer: Trainer) -> tuple[dict[str, list[Any]], list[str]]:
    weights = trainer.run.model.state_dict()
    return {name: value.tolist() for name, value in weights.items()}, trainer.run.stop_reasons


def _lost(bench: Bench, whole: Trainer, twin: Trainer, again: Trainer) -> Iterator[str]:
    if _outcome(whole) != _outcome(again):
        what = "stops otherwise" if same(*_weights(whole, again)) else "ends with other weights"
        yield (
            f"state_dict(): a resumed run {what}; return all that the next steps depend on, and "
            "take it over in load_state_dict()"
        )
        return
    here, there = (bench.own(trainer).counts() for trainer in (whole, again))
    if here != there:
        yield (
            f"count(): a resumed run has counted {there}, and the same run without a stop {here}; "
            "an epoch's rows and texts are asked for once more, so set their counters in on_log"
        )
    held = [_packed(bench.own(trainer)) for trainer in (whole, twin, again)]
    for key, value in held[0].items():
        # What two equal runs already differ in is time.
        if value == held[1].get(key) and value != held[2].get(key):
            yield f"load_state_dict(): {key!r} of state_dict() is another after a restart"


def _weights(*trainers: Trainer) -> list[dict[str, Tensor]]:
    return [trainer.run.model.state_dict() for trainer in trainers]


def _packed(plugin: Plugin) -> dict[str, Any]:
    """Return each entry of a plugin's state as something that can be compared."""
    found = {}
    for key, value in plugin.state_dict().items():
        tensors: dict[str, Tensor] = {}
        packed = pack(value, tensors)
        found[key] = (packed, [tensor.tolist() for tensor in tensors.values()])
    return found


def beside(bench: Bench) -> Iterator[str]:
    """Beside each built-in plugin it may be combined with it trains, in either order of listing."""
    for name in builtins():
        slot = load(builtins()[name]).slot
        if name == bench.cls.name or (slot is not None and slot == bench.cls.slot):
            continue  # refused by core itself
        try:
            fault = _pair_fault(bench, name)
        except UsageError as error:
            if not _refused_alone(bench, name):
                bench.notes.append(f"beside {name} it is refused: {error}")
        except Exception as error:
            yield f"beside {name}: {told(error)}"
        else:
            if fault:
                yield f"beside {name}: {fault}"


def _refused_alone(bench: Bench, name: str) -> bool:
    """Return whether a built-in plugin cannot run with its defaults, whatever stands beside it."""
    try:
        bench.trainer([create((name, {}))])
    except UsageError:
        return True
    return False


def _refused(bench: Bench, name: str) -> bool:
    """Return whether a plugin is refused by itself, e.g. for a library or an option that lacks."""
    try:
        started(bench.trainer([create((name, {}))]))
    except UsageError:
        return True
    return False


def _pair_fault(bench: Bench, name: str) -> str:
    mine, other = bench.make(), create((name, {}))
    trainer = started(bench.trainer([mine, other]))
    before = seen(trainer)
    trainer.backward(ROWS)
    left = changes(before, seen(trainer))
    if left:
        return f"a micro-batch leaves changed: {', '.join(left)}"
    trainer.run.precision.unscale(trainer.run.optimizer)
    found = {n: p.grad for n, p in trainer.run.model.named_parameters() if p.grad is not None}
    if not all(bool(gradient.isfinite().all()) for gradient in found.values()):
        return "a gradient is not finite"
    other, mine = create((name, {})), bench.make()
    if not same(found, gradients(bench.trainer([other, mine]))):
        return "the gradients depend on which of the two is listed first"
    return ""
