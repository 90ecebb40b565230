"""Each way to break the contract of plugins, in a plugin that is broken in no other way."""

from __future__ import annotations

import dataclasses
import random
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch

from sound import Sound
from titlekit import Output, Plugin, UsageError, borrowed, hookimpl, option
from titlekit.core.hooks import assembly
from titlekit.core.hooks.precision import float32
from titlekit.core.testing.check import CHECKS
from titlekit.testing import PluginFault, check_plugin

ROWS: list[tuple[str, type[Plugin], str]] = []


def caught(check: str, line: str):
    """The class below is broken in one way: this check gives this line, and no other gives any."""

    def note(cls):
        ROWS.append((check, cls, line))
        return cls

    return note


def here(mark: str) -> str:
    """The place of a line of this file, as a traceback would name it."""
    lines = Path(__file__).read_text("utf-8").splitlines()
    (number,) = [n for n, line in enumerate(lines, 1) if line.endswith(f"# {mark}")]
    return f"test_faults.py, line {number}"


# Each way to break it


@caught("words", "docstring: there is none; its first line is what titlekit plugins NAME shows")
@dataclass(eq=False)
class Silent(Sound):
    pass


@caught(
    "words",
    "docstring: the first line has 71 characters; expected a summary of at most 70",
)
@dataclass(eq=False)
class Talkative(Sound):
    """Counts the steps that moved the weights, and says so in too many words."""


@caught("words", "when: expected one line of at most 70 characters, which says when to use it")
@dataclass(eq=False)
class Whenever(Sound):
    """Counts."""

    when = ""


@caught(
    "options",
    "rate: a field that is no option; write rate = ... without a type, option(DEFAULT, HELP), or "
    "field(init=False)",
)
@dataclass(eq=False)
class Hidden(Sound):
    """Counts."""

    rate: float = 0.5


@caught(
    "options",
    "rate: expected a number of at most 1, got 2; that is the option's own default",
)
@dataclass(eq=False)
class Outside(Sound):
    """Counts."""

    rate: float = option(2.0, "how often", max=1)


@caught("options", "rate: the option's help is empty; say what it does")
@dataclass(eq=False)
class Helpless(Sound):
    """Counts."""

    rate: float = option(0.5, "")


@caught(
    "spelling",
    "percent: spelled percent(percent=0.5), which is read back as percent=0.005; leave an option "
    "as it was given, and keep what is made of it elsewhere",
)
@dataclass(eq=False)
class Percent(Sound):
    """Counts."""

    percent: float = option(50.0, "of all steps", min=0, max=100)

    def __post_init__(self):
        self.percent /= 100


@caught(
    "spelling",
    "rate=0: ZeroDivisionError: float division by zero; raise UsageError, or declare other bounds",
)
@dataclass(eq=False)
class Divides(Sound):
    """Counts."""

    rate: float = option(0.5, "how often", min=0)

    def __post_init__(self):
        self.every = 1 / self.rate


@caught(
    "spelling",
    "the defaults: spelled my plugin, which cannot be read: --plugins: cannot read 'my plugin'; "
    "expected name or name(option=value), ...",
)
@dataclass(eq=False)
class Spaced(Sound):
    """Counts."""

    name: ClassVar[str] = "my plugin"


@caught(
    "hooks", "train_end: a method of a hook's name that is not marked; write @hookimpl above it"
)
@dataclass(eq=False)
class Unmarked(Sound):
    """Counts."""

    def train_end(self, run):
        self.count("ends")


@caught("hooks", "no hook is implemented, so nothing would ever happen; mark a method @hookimpl")
@dataclass(eq=False)
class Idle(Plugin):
    """Does nothing."""

    when = "never"


@caught(
    "hooks",
    "slot: it is 'loss', and criterion is not implemented; implement it, or take the slot away",
)
@dataclass(eq=False)
class Lossless(Sound):
    """Counts."""

    slot = "loss"


@caught("declarations", "layout: expected 'any' or 'padded', got 'packed'")
@dataclass(eq=False)
class Packed(Sound):
    """Counts."""

    layout = "packed"


@caught("declarations", "capture_safe: expected True or False, got 'yes'")
@dataclass(eq=False)
class Sure(Sound):
    """Counts."""

    capture_safe = "yes"


@caught("declarations", "passes(): expected a number above 0, got 0")
@dataclass(eq=False)
class Free(Sound):
    """Counts."""

    def passes(self):
        return 0


@caught("declarations", "accumulates(): expected True or False, got None")
@dataclass(eq=False)
class Undecided(Sound):
    """Counts."""

    def accumulates(self):
        pass


@caught("declarations", "phase(): expected a whole number for each step, got 0.0")
@dataclass(eq=False)
class Fraction(Sound):
    """Counts."""

    def phase(self, number):
        return number / 2


@caught(
    "declarations", "phase(): answers differently when asked again; it depends on the number alone"
)
@dataclass(eq=False)
class Moody(Sound):
    """Counts."""

    asked = 0

    def phase(self, number):
        self.asked += 1
        return self.asked


@dataclass(eq=False)
class Loss(Plugin):
    """Cross-entropy."""

    slot = "loss"
    when = "in these tests"

    @hookimpl
    def criterion(self):
        self.count("losses set")
        return self.losses

    def losses(self, logits, targets):
        return -(targets * logits.log_softmax(-1)).sum(-1)


@caught("criterion", "criterion: expected one loss a row, (6,), got (); do not average")
@dataclass(eq=False)
class Mean(Loss):
    """Cross-entropy, averaged."""

    def losses(self, logits, targets):
        return super().losses(logits, targets).mean()


@caught("criterion", "criterion: expected losses in float32, got torch.float64")
@dataclass(eq=False)
class Double(Loss):
    """Cross-entropy, in double."""

    def losses(self, logits, targets):
        return super().losses(logits.double(), targets)


@caught("criterion", "criterion: it changes its logits or targets in place; work on a copy")
@dataclass(eq=False)
class InPlace(Loss):
    """Cross-entropy, smoothed on the way."""

    def losses(self, logits, targets):
        return super().losses(logits, targets.mul_(0.9).add_(0.1 / targets.shape[-1]))


@caught("criterion", "criterion: the losses have no gradient; do not detach them")
@dataclass(eq=False)
class Detached(Loss):
    """Cross-entropy, detached."""

    def losses(self, logits, targets):
        return super().losses(logits.detach(), targets)


@caught("criterion", "criterion: the loss of a row changes with the other rows of its batch")
@dataclass(eq=False)
class Relative(Loss):
    """Cross-entropy, by its mean."""

    def losses(self, logits, targets):
        losses = super().losses(logits, targets)
        return losses * losses / losses.mean()


@caught(
    "criterion",
    "criterion: a loss or its gradient is not finite where the right logit is 200 and others are "
    "-200; use log_softmax, keep powers away from 0",
)
@dataclass(eq=False)
class Naive(Loss):
    """Cross-entropy, as it is written."""

    def losses(self, logits, targets):
        return -(targets * logits.softmax(-1).log()).sum(-1)


@caught(
    "criterion",
    "criterion: its gradient is not the slope of the losses (off by 25%); a backward of its own is "
    "wrong, or a factor is detached",
)
@dataclass(eq=False)
class Shortened(Loss):
    """Focal loss, its factor detached."""

    def losses(self, logits, targets):
        losses = super().losses(logits, targets)
        return (1 - (-losses).exp()).detach() * losses


@caught(
    "param_groups",
    "param_groups: a group without 'name'; each has params, lr, weight_decay, name",
)
@dataclass(eq=False)
class Nameless(Plugin):
    """One group for all."""

    slot = "groups"
    when = "in these tests"

    @hookimpl
    def param_groups(self, model, lr, weight_decay):
        self.count("groups")
        return [{"params": list(model.parameters()), "lr": lr, "weight_decay": weight_decay}]


@dataclass(eq=False)
class Table(Plugin):
    """A warm-up, then down."""

    slot = "schedule"
    when = "in these tests"

    @hookimpl
    def schedule(self, total_steps, warmup_steps):
        self.count("schedules set")
        return self.factors(total_steps, warmup_steps)


@caught(
    "schedule",
    "schedule(total_steps=12, warmup_steps=12): ZeroDivisionError: division by zero",
)
@dataclass(eq=False)
class NoRoom(Table):
    """A warm-up, then down."""

    def factors(self, total, warmup):
        return [(total - step) / (total - warmup) for step in range(total + 1)]


@caught(
    "schedule",
    "schedule(total_steps=1, warmup_steps=0): a factor is below 0 or not finite: [1.0, -0.5]",
)
@dataclass(eq=False)
class Sinking(Table):
    """A warm-up, then down."""

    def factors(self, total, warmup):
        return [1.0] * total + [1.0 if total > 1 else -0.5]


@caught(
    "schedule",
    "schedule(total_steps=12, warmup_steps=3): schedule: the schedule has 12 factors, expected one "
    "for each of 12 steps and one more",
)
@dataclass(eq=False)
class TooShort(Table):
    """A warm-up, then down."""

    def factors(self, total, warmup):
        return [1.0] * total


@caught("precision", "precision: expected a titlekit.Precision, got dict")
@dataclass(eq=False)
class Casual(Plugin):
    """Computes in float32."""

    slot = "precision"
    when = "in these tests"

    @hookimpl
    def precision(self, device):
        self.count("runs")
        return {"name": "fp32"}


@caught(
    "precision",
    "precision: step() must return a tensor of no dimension that is true or false",
)
@dataclass(eq=False)
class Stepless(Plugin):
    """Computes in float32."""

    slot = "precision"
    when = "in these tests"

    @hookimpl
    def precision(self, device):
        self.count("runs")
        return dataclasses.replace(float32(device), step=lambda optimizer: optimizer.step())


@dataclass(eq=False)
class Sampler(Plugin):
    """Draws rows."""

    slot = "sampling"
    when = "in these tests"

    @hookimpl
    def sampling(self, labels, rng):
        return self.rows(labels, rng)

    @hookimpl
    def on_log(self):
        self.count("records")


@caught(
    "sampling",
    "sampling: asked again with the same rng it draws other rows; take randomness from rng alone",
)
@dataclass(eq=False)
class Wild(Sampler):
    """Draws rows."""

    def rows(self, labels, rng):
        return np.random.permutation(len(labels))


@caught("sampling", "sampling: it changes the labels it is given; work on a copy")
@dataclass(eq=False)
class Sorting(Sampler):
    """Draws rows."""

    def rows(self, labels, rng):
        labels.sort()
        return rng.permutation(len(labels))


@dataclass(eq=False)
class Softer(Plugin):
    """Changes targets."""

    when = "in these tests"

    @hookimpl(wrapper=True)
    def targets(self, labels, num_classes):
        rows = yield
        self.count("batches")
        return self.soften(rows)


@caught("targets", "targets: expected a tensor of shape (6, 3), a row of probabilities each")
@dataclass(eq=False)
class OneColumn(Softer):
    """Changes targets."""

    def soften(self, rows):
        return rows[:, :1]


@caught(
    "targets",
    "targets: a row is no set of probabilities: none below 0, and their sum is 1",
)
@dataclass(eq=False)
class Halved(Softer):
    """Changes targets."""

    def soften(self, rows):
        return rows / 2


@caught(
    "targets",
    "targets: it changes the rows' own probabilities in place; work on a copy",
)
@dataclass(eq=False)
class Overwriting(Softer):
    """Changes targets."""

    def soften(self, rows):
        return rows.mul_(0.9).add_(0.1 / rows.shape[-1])


@dataclass(eq=False)
class Noise(Plugin):
    """Changes texts."""

    when = "in these tests"

    @hookimpl(wrapper=True)
    def augment(self, rng):
        texts = yield
        return self.changed(texts, rng("noise"))

    @hookimpl
    def on_log(self):
        self.count("records")


@caught("augment", "augment: expected a list of texts")
@dataclass(eq=False)
class Wordy(Noise):
    """Changes texts."""

    def changed(self, texts, rng):
        return [text.split() for text in texts]


@caught(
    "augment",
    "augment: asked again with the same rng it returns other texts; take randomness from rng alone",
)
@dataclass(eq=False)
class Chance(Noise):
    """Changes texts."""

    def changed(self, texts, rng):
        return [text if random.random() < 0.5 else "7 8" for text in texts]


@caught("setup", f"setup: RuntimeError: no such layer ({here('raises at setup')})")
@dataclass(eq=False)
class Brittle(Sound):
    """Counts."""

    @hookimpl
    def prepare_model(self, model):
        raise RuntimeError("no such layer")  # raises at setup


@caught("setup", "setup: this loss needs seven classes")
@dataclass(eq=False)
class Demanding(Sound):
    """Counts."""

    @hookimpl
    def prepare_model(self, model):
        raise UsageError("this loss needs seven classes")


@dataclass(eq=False)
class Objective(Plugin):
    """Changes the losses."""

    when = "in these tests"

    @hookimpl(wrapper=True)
    def objective(self, step):
        output = yield
        self.count("passes", torch.ones((), dtype=torch.int64))
        return self.changed(step, output)


@caught("results", "objective: expected a titlekit.Output, got Tensor")
@dataclass(eq=False)
class Bare(Objective):
    """Changes the losses."""

    def changed(self, step, output):
        return output.losses


@caught(
    "results",
    "objective: expected losses of shape (7,) in float32, got () in torch.float32",
)
@dataclass(eq=False)
class Averaged(Objective):
    """Changes the losses."""

    def changed(self, step, output):
        return dataclasses.replace(output, losses=output.losses.mean())


@dataclass(eq=False)
class Attack(Plugin):
    """A second pass on a moved table."""

    slot = "adversary"
    when = "in these tests"

    def passes(self):
        return 2.0

    @hookimpl(wrapper=True)
    def backward(self, step):
        losses = yield
        self.count("passes", torch.ones((), dtype=torch.int64))
        return self.second(step, losses)

    def second(self, step, losses):
        with borrowed(step.run.embedding) as table:
            step.run.embedding.detach().copy_(table * 1.1)
            step.backward(step.objective().losses)
        return losses


@caught("results", "objective: a loss is not finite")
@dataclass(eq=False)
class Undefined(Objective):
    """Changes the losses."""

    def changed(self, step, output):
        return dataclasses.replace(output, losses=output.losses * float("nan"))


@caught("results", "backward: its losses must be detached, or the memory of each step is kept")
@dataclass(eq=False)
class Attached(Attack):
    """A second pass on a moved table."""

    def second(self, step, losses):
        second = step.objective().losses
        step.backward(second)
        return second


@caught("results", "backward: expected losses of shape (7,); return what yield gave")
@dataclass(eq=False)
class Summed(Attack):
    """A second pass on a moved table."""

    def second(self, step, losses):
        return super().second(step, losses).sum()


@caught("training", "should_stop: expected a reason as text, or None; got True")
@dataclass(eq=False)
class Yes(Sound):
    """Counts."""

    @hookimpl
    def should_stop(self, run):
        return run.step == run.total_steps


@caught("training", "evaluate: metrics are missing; return what yield gave, or more")
@dataclass(eq=False)
class Forgetful(Sound):
    """Counts."""

    @hookimpl(wrapper=True)
    def evaluate(self, run):
        metrics = yield
        return {run.metric: metrics[run.metric]}


@caught("training", "run.log('scale'): a record holds JSON values, and a Tensor is none")
@dataclass(eq=False)
class Logging(Sound):
    """Counts."""

    @hookimpl(wrapper=True)
    def evaluate(self, run):
        run.log("scale", torch.ones(()))
        return (yield)


@caught("training", "on_log: it changes the record, which others read after it; copy it")
@dataclass(eq=False)
class Writing(Sound):
    """Counts."""

    @hookimpl
    def on_log(self, record):
        record["mine"] = 1


@caught(
    "training",
    "count(): nothing was counted in a whole run, which is warned about as a plugin that did "
    "nothing; call self.count(...) where it acts",
)
@dataclass(eq=False)
class Modest(Sound):
    """Counts nothing."""

    @hookimpl
    def after_step(self):
        pass


@caught(
    "training",
    "train_end: the finished model has other weights than the loaded one (more.weight), so the "
    "run's folder would not open; take out what prepare_model put in",
)
@dataclass(eq=False)
class Grown(Sound):
    """Counts."""

    @hookimpl
    def prepare_model(self, model):
        model.more = torch.nn.Linear(2, 2, bias=False)


@caught("training", "train_end: hooks are left on classifier of the finished model; remove them")
@dataclass(eq=False)
class Hooked(Sound):
    """Counts."""

    @hookimpl
    def prepare_model(self, model):
        model.classifier.register_forward_hook(lambda *given: None)


@caught("training", "train_end: torch's float32 matmul precision is left changed; put it back")
@dataclass(eq=False)
class Faster(Sound):
    """Counts."""

    @hookimpl
    def train_start(self):
        torch.set_float32_matmul_precision("high")


@caught("training", f"training: KeyError: 'ends' ({here('raises at the end')})")
@dataclass(eq=False)
class Endless(Sound):
    """Counts."""

    @hookimpl
    def train_end(self):
        self.counts()["ends"]  # raises at the end


def left(what: str, where: str = "a micro-batch") -> str:
    return (
        f"{where} leaves changed: {what}; put it back in a finally (titlekit.borrowed does so for "
        "a parameter, by copying)"
    )


@caught("put back", left("values of bert.embeddings.word_embeddings.weight"))
@dataclass(eq=False)
class Careless(Attack):
    """A second pass on a moved table."""

    def second(self, step, losses):
        with torch.no_grad():
            step.run.embedding.mul_(1.1)
        step.backward(step.objective().losses)
        return losses


@caught("put back", left("storage of bert.embeddings.word_embeddings.weight"))
@dataclass(eq=False)
class Rebound(Attack):
    """A second pass on a moved table."""

    def second(self, step, losses):
        try:
            return super().second(step, losses)
        finally:
            step.run.embedding.data = step.run.embedding.data.clone()


@caught("put back", left("requires_grad of classifier.bias"))
@dataclass(eq=False)
class Freezing(Objective):
    """Changes the losses."""

    def changed(self, step, output):
        step.run.model.classifier.bias.requires_grad_(False)
        return output


@caught("put back", left("hooks on dropout"))
@dataclass(eq=False)
class Watching(Objective):
    """Changes the losses."""

    def changed(self, step, output):
        handle = step.run.model.dropout.register_forward_hook(lambda *given: None)
        self.handles = [*getattr(self, "handles", []), handle]
        return output

    @hookimpl
    def train_end(self):
        for handle in self.handles:
            handle.remove()


@caught("put back", left("train/eval mode of dropout and 1 more"))
@dataclass(eq=False)
class Sober(Objective):
    """Changes the losses."""

    def changed(self, step, output):
        step.run.model.dropout.eval()
        step.run.model.classifier.eval()
        return output


@caught("put back", left("torch's seed"))
@dataclass(eq=False)
class Seeding(Objective):
    """Changes the losses."""

    def changed(self, step, output):
        torch.manual_seed(step.number)
        return output


@caught("put back", left("torch's default dtype", "a step"))
@dataclass(eq=False)
class Doubled(Sound):
    """Counts."""

    @hookimpl
    def after_step(self, run, stepped):
        self.count("steps", stepped)
        torch.set_default_dtype(torch.float64)

    @hookimpl
    def train_end(self):
        torch.set_default_dtype(torch.float32)


@caught("put back", left("values of classifier.bias", "an evaluation"))
@dataclass(eq=False)
class Swapping(Sound):
    """Counts."""

    @hookimpl(wrapper=True)
    def evaluate(self, run):
        with torch.no_grad():
            run.model.classifier.bias.add_(1)
        return (yield)


def broken(what: str, where: str) -> str:
    return (
        f"an error in {where} leaves changed: {what}; put it back in a finally (titlekit.borrowed "
        "does so for a parameter)"
    )


@caught(
    "interrupted",
    broken("values of bert.embeddings.word_embeddings.weight", "forward pass 2 of a micro-batch"),
)
@dataclass(eq=False)
class Trusting(Attack):
    """A second pass on a moved table."""

    def second(self, step, losses):
        table = step.run.embedding.detach()
        before = table.clone()
        table.mul_(1.1)
        step.backward(step.objective().losses)
        table.copy_(before)
        return losses


@caught(
    "interrupted",
    broken("values of bert.embeddings.word_embeddings.weight", "backward pass 2 of a micro-batch"),
)
@dataclass(eq=False)
class HalfCareful(Attack):
    """A second pass on a moved table."""

    def second(self, step, losses):
        with borrowed(step.run.embedding) as table:
            step.run.embedding.detach().copy_(table * 1.1)
            second = step.objective().losses
        before = step.run.embedding.detach().clone()
        step.run.embedding.detach().mul_(0.5)
        step.backward(second)
        step.run.embedding.detach().copy_(before)
        return losses


@caught("interrupted", broken("values of classifier.bias", "an evaluation"))
@dataclass(eq=False)
class Optimist(Sound):
    """Counts."""

    @hookimpl(wrapper=True)
    def evaluate(self, run):
        bias = run.model.classifier.bias.detach()
        before = bias.clone()
        bias.add_(1)
        metrics = yield
        bias.copy_(before)
        return metrics


@caught("interrupted", "an error in forward pass 2 of a micro-batch is swallowed; let it pass")
@dataclass(eq=False)
class Deaf(Attack):
    """A second pass on a moved table."""

    def second(self, step, losses):
        try:
            return super().second(step, losses)
        except Exception:
            return losses


@caught(
    "interrupted",
    "an error in forward pass 2 of a micro-batch becomes another: ValueError: it failed; let it "
    "pass",
)
@dataclass(eq=False)
class Translating(Attack):
    """A second pass on a moved table."""

    def second(self, step, losses):
        try:
            return super().second(step, losses)
        except Exception as error:
            raise ValueError("it failed") from error


@caught(
    "accumulation",
    "accumulates(): it says True, and 3 micro-batches differ from the whole batch by 7.2% of "
    "the largest gradient; return False, or compute row by row",
)
@dataclass(eq=False)
class Batchwise(Objective):
    """Changes the losses."""

    def changed(self, step, output):
        largest = output.losses.detach().max()
        return dataclasses.replace(output, losses=output.losses / largest)


@caught(
    "accumulation",
    "accumulates(): it says False, and micro-batches are not the mean of themselves alone either; "
    "use this one's gradient (titlekit.isolated_grad) and no other's",
)
@dataclass(eq=False)
class Entangled(Attack):
    """A second pass on a moved table."""

    def accumulates(self):
        return False

    def second(self, step, losses):
        with borrowed(step.run.embedding) as table:
            gradient = step.run.embedding.grad
            step.run.embedding.detach().copy_(table + gradient / gradient.norm())
            step.backward(step.objective().losses)
        return losses


@caught(
    "layout",
    'layout: it says "any", and without padding gradients differ from those of padded batches by '
    "85.7% of the largest; see which row a token is of in step.row_of_token, or leave layout at "
    '"padded"',
)
@dataclass(eq=False)
class Counting(Objective):
    """Changes the losses."""

    layout = "any"

    def changed(self, step, output):
        return dataclasses.replace(output, losses=output.losses / len(step.inputs["input_ids"]))


@caught(
    "cost",
    "passes(): it says 1, and 2 forward passes a micro-batch were counted in 1 step; return what "
    "is run on average",
)
@dataclass(eq=False)
class Cheap(Attack):
    """A second pass on a moved table."""

    def passes(self):
        return 1.0


@caught(
    "cost",
    "passes(): it says 2, and 1.33333 forward passes a micro-batch were counted in 3 steps; return "
    "what is run on average",
)
@dataclass(eq=False)
class Rare(Attack):
    """A second pass in every third step."""

    def phase(self, number):
        return int(number % 3 != 0)

    def second(self, step, losses):
        return losses if self.phase(step.number) else super().second(step, losses)


@caught(
    "cost",
    "passes(): it says 2, and 1.5 forward passes a micro-batch were counted in 6 steps; return "
    "what is run on average",
)
@dataclass(eq=False)
class Late(Attack):
    """A second pass in later steps."""

    def phase(self, number):
        return int(number < 3)

    def second(self, step, losses):
        return losses if self.phase(step.number) else super().second(step, losses)


def waits(what: str, mark: str) -> str:
    return (
        f"{here(mark)}: {what}, and a GPU waits there in every step; keep it a tensor, or set "
        "capture_safe = False"
    )


@caught("hot path", waits("reads a tensor on the host (item)", "item"))
@dataclass(eq=False)
class Reading(Sound):
    """Counts."""

    @hookimpl(wrapper=True)
    def backward(self, step):
        losses = yield
        losses.sum().item()  # item
        return losses

    slot = "adversary"


@caught("hot path", waits("reads a tensor on the host (tolist)", "list"))
@dataclass(eq=False)
class Listing(Sound):
    """Counts."""

    @hookimpl(wrapper=True)
    def targets(self, labels):
        labels.tolist()  # list
        return (yield)


@caught("hot path", waits("reads a tensor on the host (_local_scalar_dense)", "float"))
@dataclass(eq=False)
class Printing(Sound):
    """Counts."""

    @hookimpl
    def after_step(self, run, stepped):
        self.count("steps", stepped)
        f"{run.real_steps}"  # float


@caught("hot path", waits("reads a tensor on the host (index)", "mask"))
@dataclass(eq=False)
class Masking(Loss):
    """Cross-entropy."""

    capture_safe = True

    def losses(self, logits, targets):
        losses = super().losses(logits, targets)
        losses.detach()[losses > 0]  # mask
        return losses


@caught("hot path", waits("reads a tensor on the host (_local_scalar_dense)", "largest label"))
@dataclass(eq=False)
class Guessing(Sound):
    """Changes targets."""

    @hookimpl(wrapper=True)
    def targets(self, labels):
        # Told how many classes there are, it would read nothing on a GPU.
        torch.nn.functional.one_hot(labels)  # largest label
        return (yield)


@caught("hot path", waits("copies a value from the host (tensor)", "copy"))
@dataclass(eq=False)
class Copying(Loss):
    """Cross-entropy."""

    capture_safe = True

    def losses(self, logits, targets):
        return super().losses(logits, targets) * torch.tensor(1.0)  # copy


@caught(
    "hot path",
    "number: Python state that changes in every step; keep it in a tensor, or set capture_safe = "
    "False",
)
@dataclass(eq=False)
class Numbered(Sound):
    """Counts."""

    def __post_init__(self):
        self.number = 0

    @hookimpl
    def after_step(self, stepped):
        self.count("steps", stepped)
        self.number += 1


@caught(
    "hot path",
    "count('steps'): Python state that changes in every step; keep it in a tensor, or set "
    "capture_safe = False",
)
@dataclass(eq=False)
class Tallying(Sound):
    """Counts."""

    @hookimpl
    def after_step(self):
        self.count("steps")


@caught(
    "hot path",
    "phase(): steps 1 and 2 are both variant 0, and differ in what they run; return another number "
    "for each variant",
)
@dataclass(eq=False)
class Alternating(Objective):
    """Changes the losses."""

    def changed(self, step, output):
        if step.number % 2:
            return dataclasses.replace(output, losses=output.losses * 1.0)
        return output


@caught("resume", "state_dict(): a state may hold tensors and plain values, not set")
@dataclass(eq=False)
class Collecting(Sound):
    """Counts."""

    def state_dict(self):
        return {"seen": {1, 2}}


@caught(
    "resume",
    "two runs of one seed differ; draw from step.generator, from torch, or from the rng that a "
    "hook is given, for nothing else is seeded",
)
@dataclass(eq=False)
class Rolling(Objective):
    """Changes the losses."""

    def changed(self, step, output):
        return dataclasses.replace(output, losses=output.losses * np.random.uniform(0.5, 1.0))


@caught(
    "resume",
    "state_dict(): a resumed run ends with other weights; return all that the next steps depend "
    "on, and take it over in load_state_dict()",
)
@dataclass(eq=False)
class OwnStream(Objective):
    """Changes the losses."""

    def __post_init__(self):
        self.stream, self.scale = np.random.default_rng(0), 1.0

    def changed(self, step, output):
        return dataclasses.replace(output, losses=output.losses * self.scale)

    @hookimpl
    def after_step(self):
        self.scale = self.stream.uniform(0.5, 1.0)


@caught(
    "resume",
    "state_dict(): a resumed run stops otherwise; return all that the next steps depend on, and "
    "take it over in load_state_dict()",
)
@dataclass(eq=False)
class Impatient(Sound):
    """Counts."""

    def __post_init__(self):
        self.looks = 0

    @hookimpl
    def should_stop(self):
        self.looks += 1
        return "seen enough" if self.looks == 2 else None


@caught(
    "resume",
    "count(): a resumed run has counted {'epochs': 3}, and the same run without a stop "
    "{'epochs': 2}; an epoch's rows and texts are asked for once more, so set their counters in "
    "on_log",
)
@dataclass(eq=False)
class Recounting(Plugin):
    """Changes texts."""

    when = "in these tests"

    @hookimpl(wrapper=True)
    def augment(self):
        self.count("epochs")
        return (yield)


@caught("resume", "load_state_dict(): 'steps' of state_dict() is another after a restart")
@dataclass(eq=False)
class Lossy(Sound):
    """Counts."""

    capture_safe = False

    def __post_init__(self):
        self.steps = 0

    @hookimpl
    def after_step(self, stepped):
        self.count("moves", stepped)
        self.steps += 1

    def state_dict(self):
        return {"steps": self.steps}


@caught(
    "used again",
    "train_start: the same object ends otherwise in a second run; where run.step is 0, begin anew "
    "there",
)
@dataclass(eq=False)
class Worn(Objective):
    """Changes the losses."""

    def __post_init__(self):
        self.scale = torch.ones(())

    def changed(self, step, output):
        return dataclasses.replace(output, losses=output.losses * self.scale)

    @hookimpl
    def after_step(self):
        self.scale = 0.9 * self.scale

    def state_dict(self):
        return {"scale": self.scale}

    def load_state_dict(self, state):
        self.scale = state["scale"]


@caught(
    "beside others",
    "beside label-smoothing: IndexError: index 1 is out of bounds for dimension 0 with size 0",
)
@dataclass(eq=False)
class Hard(Objective):
    """Changes the losses."""

    def changed(self, step, output):
        right = (step.targets == 1).nonzero()[:, 1]
        return dataclasses.replace(output, losses=output.losses + 0.0 * right[1])


@caught("beside others", "beside label-smoothing: a gradient is not finite")
@dataclass(eq=False)
class Steep(Objective):
    """Changes the losses."""

    def changed(self, step, output):
        sure = (step.targets.amax(-1) > 0.99).float()
        return dataclasses.replace(output, losses=output.losses / sure)


@caught(
    "beside others",
    "beside fgm: a micro-batch leaves changed: train/eval mode of dropout",
)
@dataclass(eq=False)
class Toggling(Objective):
    """Changes the losses."""

    def changed(self, step, output):
        step.run.model.dropout.train(step is not self.last)
        self.last = step
        return output

    def __post_init__(self):
        self.last = None


EACH = pytest.mark.parametrize(
    ("check", "cls", "line"), ROWS, ids=[f"{check}-{cls.__name__}" for check, cls, _ in ROWS]
)


@EACH
def test_a_fault_is_told_by_its_check(check, cls, line, neighbours, checks):
    checks(check)
    assert faults(cls, check, neighbours) == [line]


@pytest.mark.slow
@EACH
def test_a_fault_is_told_by_one_check_alone(check, cls, line, neighbours):
    assert faults(cls, check, neighbours) == [line]


def faults(cls, check, neighbours):
    if check == "beside others":
        neighbours("label-smoothing", "fgm")
    with pytest.raises(PluginFault) as error:
        check_plugin(cls)
    return error.value.faults


def test_every_check_has_caught_something():
    assert {check for check, _, _ in ROWS} == {check.name for check in CHECKS}


def test_an_order_that_depends_on_the_list_is_told(neighbours, checks, monkeypatch):
    """Core sorts plugins, so that none can break this alone; here it is made to forget it."""

    @dataclass(eq=False)
    class Squared(Softer):
        """Changes targets."""

        def soften(self, rows):
            squares = rows * rows
            return squares / squares.sum(-1, keepdim=True)

    checks("beside others")
    neighbours("label-smoothing", "ema")
    check_plugin(Squared)
    monkeypatch.setattr(assembly, "_rank", lambda plugin: (0, ""))
    with pytest.raises(PluginFault) as error:
        check_plugin(Squared)
    assert error.value.faults == [
        "beside label-smoothing: the gradients depend on which of the two is listed first"
    ]


# What is no fault but worth a note


def test_a_host_read_is_a_note_where_nothing_else_was_claimed(checks):
    checks("hot path")

    @dataclass(eq=False)
    class Honest(Objective):
        """Changes the losses."""

        def changed(self, step, output):
            output.losses.max().item()  # honest
            return output

    place = here("honest")
    assert check_plugin(Honest).notes == (
        f"{place}: reads a tensor on the host (item): a GPU waits there in every step",
    )


def test_what_is_computed_once_is_no_copy_in_every_step(checks):
    checks("hot path")

    @dataclass(eq=False)
    class Cached(Loss):
        """Cross-entropy."""

        capture_safe = True

        def losses(self, logits, targets):
            if not hasattr(self, "one"):
                self.one = torch.tensor(1.0)
            return super().losses(logits, targets) * self.one

    assert check_plugin(Cached).notes == ()


def test_targets_made_from_labels_alone_are_a_note(checks):
    checks("targets", "hot path")

    @dataclass(eq=False)
    class Deaf(Plugin):
        """Changes targets."""

        when = "in these tests"

        @hookimpl(wrapper=True)
        def targets(self, labels, num_classes):
            yield
            self.count("batches")
            return torch.nn.functional.one_hot(labels, num_classes).float()

    assert check_plugin(Deaf).notes == (
        "targets: what rows bring along (--soft-targets) is thrown away",
    )


def test_micro_batches_that_add_up_after_all_are_a_note(checks):
    checks("accumulation")

    @dataclass(eq=False)
    class Shy(Sound):
        """Counts."""

        def accumulates(self):
            return False

    assert check_plugin(Shy).notes == (
        "accumulates(): it says False, and micro-batches added up exactly",
    )


def test_what_is_drawn_is_not_compared(checks):
    checks("criterion", "accumulation")

    @dataclass(eq=False)
    class Drawing(Objective):
        """Changes the losses."""

        def changed(self, step, output):
            noise = torch.rand(output.losses.shape, generator=step.generator)
            return Output(output.losses * noise, output.logits, output.features)

    @dataclass(eq=False)
    class DrawingLoss(Loss):
        """Cross-entropy."""

        def losses(self, logits, targets):
            return super().losses(logits, targets) * torch.rand(len(logits))

    drawn = "accumulates(): the plugin draws at random, so the sums were not compared"
    assert check_plugin(Drawing).notes == (drawn,)
    assert check_plugin(DrawingLoss).notes == (
        "criterion: it draws at random, so its values were not checked",
        drawn,
    )


def test_a_clock_is_not_lost(checks):
    checks("resume")

    import time

    @dataclass(eq=False)
    class Clock(Sound):
        """Counts."""

        def state_dict(self):
            return {"now": time.monotonic()}

    assert check_plugin(Clock).notes == ()


# What is asked, and how it is told


def test_a_class_that_is_no_plugin_is_told_before_anything_is_run():
    @dataclass
    class Equal(Sound):
        """Counts."""

    @dataclass(eq=False)
    class Newer(Sound):
        """Counts."""

        requires = ">=99"

    told = []
    for cls in (object, Equal, Newer):
        with pytest.raises(PluginFault) as error:
            check_plugin(cls)
        told += error.value.faults
    assert told[:2] == [
        "object is not a subclass of titlekit.Plugin",
        "Equal: write @dataclass(eq=False)",
    ]
    assert told[2].startswith("Newer requires titlekit >=99, and this is ")


def test_options_are_set_and_refused():
    @dataclass(eq=False)
    class Choosy(Sound):
        """Counts."""

        rate: float = option(0.5, "how often", min=0, max=1)

        def passes(self):
            return 1.0 if self.rate == 0.5 else -1.0

    with pytest.raises(PluginFault) as error:
        check_plugin(Choosy, rate=0.25)
    assert error.value.faults == ["passes(): expected a number above 0, got -1.0"]
    for given, line in (
        ({"rate": 2}, "choosy.rate: expected a number from 0 to 1, got 2"),
        ({"rat": 1}, "choosy has no option 'rat'; did you mean 'rate'?  (options: rate)"),
    ):
        with pytest.raises(UsageError) as error:
            check_plugin(Choosy, **given)
        assert str(error.value) == line


def test_all_faults_are_told_at_once():
    @dataclass(eq=False)
    class Bad(Plugin):
        """A loss."""

        when = "never"
        layout = "packed"

        @hookimpl
        def criterion(self, label):
            pass

        @hookimpl
        def objective(self, step=None):
            pass

    with pytest.raises(PluginFault) as error:
        check_plugin(Bad)
    assert isinstance(error.value, AssertionError)
    assert (
        str(error.value)
        == """\
bad does not keep the contract of plugins (5 faults):
- bad implements criterion but its slot is None; write slot = 'loss'
- bad.criterion: the hook has no argument 'label'; did you mean 'labels'?  (arguments: labels, \
class_counts)
- bad.objective: objective is a pipe; write @hookimpl(wrapper=True) and yield
- bad.objective: the argument 'step' has a default; remove it
- layout: expected 'any' or 'padded', got 'packed'"""
    )
