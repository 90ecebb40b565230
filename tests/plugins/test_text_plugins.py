"""character-noise and back-translation: texts of the training rows, anew in every epoch."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from console import write_table
from steps import plugins, random_rows, small_trainer
from titlekit import UsageError, train
from titlekit.core.data.plans import stream
from titlekit.core.hooks.assembly import Hooks
from titlekit.core.inference import translation
from titlekit.core.inference.translation import Decoding, there_and_back
from titlekit.core.training import state
from translators import number_translator, save_translator

TITLES = ["Modern information systems", "深度学习中的文本分类方法", "การเรียนรู้ของเครื่อง"] * 20
NUMBERS = random_rows().texts
FOLDER = number_translator()
BACK = f"back-translation(forward={FOLDER!r},backward={FOLDER!r},max_length=12"


def augmented(spelling, texts, epoch=0, seed=1):
    return ask(Hooks(plugins(spelling)), texts, epoch, seed)


def ask(hooks, texts, epoch=0, seed=1):
    return hooks.call.augment(
        texts=list(texts), labels=np.zeros(len(texts), np.int64),
        rng=lambda name: stream(seed, name, epoch),
    )  # fmt: skip


def changed(texts, new):
    return [row for row, (one, other) in enumerate(zip(texts, new, strict=True)) if one != other]


def refused(action, *given, **options):
    with pytest.raises(UsageError) as error:
        action(*given, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


# character-noise


def test_noise_depends_on_seed_and_epoch_alone():
    spelling = "character-noise(rate=0.2)"
    assert augmented(spelling, TITLES, 3) == augmented(spelling, TITLES, 3)
    ways = [augmented(spelling, TITLES, epoch, seed) for epoch, seed in ((3, 1), (4, 1), (3, 2))]
    assert len({tuple(way) for way in ways}) == 3


def test_a_share_of_the_rows_is_misread_in_every_script():
    rows = changed(TITLES * 10, augmented("character-noise(rate=1,share=0.3)", TITLES * 10))
    assert abs(len(rows) / 600 - 0.3) < 0.05
    assert {row % 3 for row in rows} == {0, 1, 2}
    assert changed(TITLES, augmented("character-noise(rate=1,share=1)", TITLES)) == [*range(60)]


@pytest.mark.parametrize("options", ["rate=0", "share=0"])
def test_no_noise_changes_nothing(options):
    texts = ["  two  spaces ", *TITLES]
    assert augmented(f"character-noise({options})", texts) == texts


def test_a_run_counts_the_rows_of_its_last_epoch():
    trainer = small_trainer("character-noise(rate=1,share=0.5)")
    trainer.fit()
    (plugin,) = trainer.hooks.plugins
    last = augmented("character-noise(rate=1,share=0.5)", NUMBERS, 1, trainer.config.seed)
    assert plugin.counts() == {"rows changed in the last epoch": len(changed(NUMBERS, last))}
    assert plugin.counts()["rows changed in the last epoch"] > 3


# back-translation


@pytest.fixture
def loaded(monkeypatch):
    """The texts that each model was given, in order."""
    seen, real = [], translation.translate

    def translate(texts, *rest):
        seen.append(list(texts))
        return real(texts, *rest)

    monkeypatch.setattr(translation, "translate", translate)
    return seen


def test_drawn_rows_pass_both_models():
    expected = there_and_back(NUMBERS, [Path(FOLDER)] * 2, "cpu", Decoding(max_length=12), 0)
    expected = [expected[text] or text for text in NUMBERS]
    assert augmented(f"{BACK},share=1)", NUMBERS) == expected
    some = augmented(f"{BACK},share=0.5)", NUMBERS)
    rows = changed(NUMBERS, some)
    assert 4 < len(rows) < 20
    assert all(some[row] == expected[row] for row in rows)


def test_the_likeliest_translation_is_made_once_and_other_rows_are_drawn_in_each_epoch(loaded):
    hooks = Hooks(plugins(f"{BACK},share=0.5)"))
    ways = [ask(hooks, NUMBERS, epoch) for epoch in (0, 1, 0)]
    assert ways[0] == ways[2] != ways[1]
    assert len(loaded) == 4  # both ways in two epochs; the third has nothing new
    assert not set(loaded[0]) & set(loaded[2])
    both = set(changed(NUMBERS, ways[0])) & set(changed(NUMBERS, ways[1]))
    assert both
    assert all(ways[0][row] == ways[1][row] for row in both)


def test_drawn_translations_are_others_in_each_epoch_and_the_same_for_one_seed():
    hooks = Hooks(plugins(f"{BACK},share=1,temperature=3)"))
    first, second = ask(hooks, NUMBERS, 0), ask(hooks, NUMBERS, 1)
    assert first != second
    assert ask(hooks, NUMBERS, 0) == first == augmented(f"{BACK},share=1,temperature=3)", NUMBERS)
    assert hooks.plugins[0].state_dict() == {"known": {}}


def test_without_a_share_nothing_is_loaded_and_blank_texts_stay(loaded):
    assert augmented("back-translation(share=0)", NUMBERS) == NUMBERS
    assert augmented(f"{BACK},share=1)", ["", " \u200b"]) == ["", " \u200b"]
    assert loaded == []


def test_what_has_no_whole_translation_stays():
    long = " ".join(["7"] * 20)
    assert augmented(f"{BACK},share=1)", [long]) == [long]
    short = BACK.replace("=12", "=3")
    assert augmented(f"{short},share=1)", ["7 8", "9"]) == ["7 8", "9"]


def test_a_new_run_begins_anew_and_a_resumed_one_goes_on(loaded):
    trainer = small_trainer(f"{BACK},share=1)")
    (plugin,) = trainer.hooks.plugins
    trainer.start()
    assert len(plugin.known) == len(set(NUMBERS))
    trainer.optimizer_step(trainer.feed.batch(0))
    saved = state.state_dict(trainer)
    again = small_trainer(f"{BACK},share=1)")
    state.load_state_dict(again, saved)
    loaded.clear()
    again.start()
    again.feed.batch(1)
    assert loaded == []
    assert again.hooks.plugins[0].known == plugin.known
    small_trainer(made=[plugin]).start()
    assert len(loaded) == 2


def test_beside_noise_the_translations_that_are_kept_do_not_pile_up():
    hooks = Hooks(plugins(f"{BACK},share=1),word-noise(delete=0,swap=0.9)"))
    for epoch in range(3):
        ask(hooks, NUMBERS, epoch)
        assert len(hooks.plugins[0].known) <= len(NUMBERS)


def test_the_device_and_the_network_are_the_runs(monkeypatch):
    told = {}

    def find(models, offline):
        told["offline"] = offline
        return [FOLDER, FOLDER]

    def passed(texts, folders, device, *rest):
        told["device"] = device
        return dict.fromkeys(texts, "")

    monkeypatch.setattr(translation, "find_translators", find)
    monkeypatch.setattr(translation, "there_and_back", passed)
    spelling = "back-translation(forward='a/b',backward='b/a')"
    small_trainer(spelling, offline=True, device="cpu").start()
    assert told == {"offline": True, "device": "cpu"}
    small_trainer(spelling, device="cpu").start()
    assert told["offline"] is False


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            "back-translation",
            "back-translation.forward: expected the folder or hub name of a sequence-to-sequence "
            "model, e.g. --set back-translation.forward=Helsinki-NLP/opus-mt-en-de",
        ),
        (
            f"back-translation(forward={FOLDER!r})",
            "back-translation.backward: expected the folder or hub name of a sequence-to-sequence "
            "model, e.g. --set back-translation.backward=Helsinki-NLP/opus-mt-en-de",
        ),
        (
            f"back-translation(forward={FOLDER!r},backward='./gone')",
            "back-translation.backward=./gone: no such folder; expected the folder or hub name of "
            "a sequence-to-sequence model",
        ),
    ],
    ids=["neither", "one", "gone"],  # the folder has another name in each process
)
def test_models_that_are_not_there_are_refused_before_training(options, sentence):
    assert refused(small_trainer, options) == sentence


def test_nothing_is_written_where_a_model_cannot_be_had(console, tmp_path):
    table = write_table(tmp_path / "train.csv")
    code, out, err = console(
        "train", table, "--model", "tiny", "--offline", "--out", tmp_path / "run",
        "--plugins", f"back-translation(forward={FOLDER!r},backward='nobody/nothing')",
    )  # fmt: skip
    assert (code, out) == (2, "")
    assert "back-translation.backward=nobody/nothing: no folder of that name" in err
    assert not (tmp_path / "run").exists()


def test_a_card_is_shown_without_any_model(console, loaded):
    code, out, _ = console("plugins", "back-translation")
    assert code == 0
    assert "titlekit train --plugins back-translation --set back-translation.forward=" in out
    assert loaded == []


@pytest.mark.slow
def test_only_training_texts_are_translated(tmp_path, loaded):
    table, valid = write_table(tmp_path / "train.csv"), write_table(tmp_path / "v.csv", 20, seed=6)
    texts = []
    for path in (table, valid):
        with path.open(encoding="utf-8", newline="") as opened:
            texts.append({row["title"] for row in csv.DictReader(opened)})
    words = sorted({word for text in texts[0] for word in text.split()})
    folder = save_translator(tmp_path / "translator", words)
    done = train(
        train=str(table), valid=str(valid), model="tiny", epochs=1, device="cpu",
        plugins=f"back-translation(forward={str(folder)!r},backward={str(folder)!r},max_length=24)",
        out=str(tmp_path / "run"),
    )  # fmt: skip
    counts = done.run["plugins"]["counters"]["back-translation"]
    assert 0 < counts["rows changed in the last epoch"] <= len(loaded[0])
    assert set(loaded[0]) <= texts[0]
    assert not set(loaded[0]) & (texts[1] - texts[0])
