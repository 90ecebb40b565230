"""The options of a run: layers, origins, recipes, and what is refused."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from titlekit import TrainConfig, UsageError
from titlekit.core.config import flag, merge, read_toml, resolve_paths, write_toml
from titlekit.core.hooks.spelling import parse
from titlekit.core.options import hints_of, options_of

FIELDS = options_of(TrainConfig)


def refusal(**given):
    with pytest.raises(UsageError) as error:
        merge([("here", given)])
    return str(error.value)


# Layers


def test_later_layers_win_and_origins_are_kept():
    config, origins = merge(
        [
            ("recipe.toml", {"epochs": 2, "lr": 1e-4, "batch_size": 8, "plugins": "focal"}),
            ("command line", {"epochs": "4", "batch-size": "16", "seed": None}),
        ]
    )
    assert (config.epochs, config.lr, config.batch_size) == (4.0, 1e-4, 16)
    assert (config.plugins, config.seed, config.weight_decay) == ("focal", 42, 0.01)
    told = {name: origin for name, origin in origins.items() if origin != "default"}
    assert told == {
        "epochs": "command line", "batch_size": "command line",
        "lr": "recipe.toml", "plugins": "recipe.toml",
    }  # fmt: skip
    assert list(origins) == list(FIELDS)


def test_a_value_of_none_says_nothing():
    config, origins = merge([("recipe.toml", {"lr": 0.5}), ("command line", {"lr": None})])
    assert (config.lr, origins["lr"]) == (0.5, "recipe.toml")
    config, origins = merge([("recipe.toml", {"lr": 0.5}), ("command line", {"lr": "none"})])
    assert (config.lr, origins["lr"]) == (None, "command line")


def test_no_layers_are_the_defaults():
    config, origins = merge([])
    assert config == TrainConfig()
    assert set(origins.values()) == {"default"}


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("batchsize", "recipe.toml: no option 'batchsize'; did you mean 'batch_size'?"),
        ("warmup-step", "recipe.toml: no option 'warmup-step'; did you mean 'warmup_steps'?"),
        ("zebra", "recipe.toml: no option 'zebra'"),
    ],
)
def test_an_unknown_key_names_its_origin_and_the_nearest(key, sentence):
    with pytest.raises(UsageError) as error:
        merge([("recipe.toml", {key: 1})])
    assert str(error.value) == sentence


def test_values_are_converted_by_their_declared_type():
    given = {
        "epochs": "1e0", "warmup_steps": "none", "limit": "100", "offline": "yes",
        "blank": "error", "max_length": 64, "valid": 0.2, "positive": 1, "out": Path("run"),
    }  # fmt: skip
    config, _ = merge([("Python", given)])
    assert (config.epochs, config.warmup_steps, config.limit, config.offline) == (
        1,
        None,
        100,
        True,
    )
    assert (config.max_length, config.valid, config.positive) == ("64", "0.2", "1")
    assert (config.blank, config.out) == ("error", "run")


@pytest.mark.parametrize(
    ("raw", "paths"),
    [
        ("a.csv", ["a.csv"]),
        (["a.csv", "b.csv"], ["a.csv", "b.csv"]),
        (("a.csv",), ["a.csv"]),
        (Path("x") / "a.csv", [str(Path("x") / "a.csv")]),
        ([Path("a.csv"), "b.csv"], ["a.csv", "b.csv"]),
        ([], []),
    ],
)
def test_training_data_is_one_path_or_several(raw, paths):
    assert merge([("Python", {"train": raw})])[0].train == paths


# Refusals


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"train": 3}, "--train: expected text or a list of texts, got 3"),
        ({"train": ["a", 3]}, "--train: expected text or a list of texts, got ['a', 3]"),
        ({"epochs": 0}, "--epochs: expected a number above 0, got 0"),
        ({"epochs": "-1"}, "--epochs: expected a number of at least 0, got -1"),
        ({"epochs": "nan"}, "--epochs: expected a number of at least 0, got 'nan'"),
        ({"epochs": "ten"}, "--epochs: expected a number of at least 0, got 'ten'"),
        ({"lr": 0}, "--lr: expected a number above 0, got 0"),
        ({"lr": -1.0}, "--lr: expected a number of at least 0, or none, got -1"),
        ({"eval_every": 0}, "--eval-every: expected a number above 0, got 0"),
        ({"save_every": 0}, "--save-every: expected a number above 0, got 0"),
        ({"batch_size": 0}, "--batch-size: expected a whole number of at least 1, got 0"),
        ({"batch_size": "8.5"}, "--batch-size: expected a whole number of at least 1, got '8.5'"),
        ({"warmup_ratio": 2}, "--warmup-ratio: expected a number from 0 to 1, got 2"),
        (
            {"seed": -1},
            "--seed: expected a whole number from 0 to 9223372036854775807, got -1",
        ),
        ({"blank": "drop"}, "--blank: expected skip or error, got 'drop'"),
        (
            {"truncation": "heads"},
            "--truncation: expected head or tail or head-tail, got 'heads'; did you mean 'head'?",
        ),
        ({"offline": "perhaps"}, "--offline: expected true or false, got 'perhaps'"),
        ({"model": True}, "--model: expected text, got True"),
        ({"plugins": ["focal"]}, "--plugins: expected text, got ['focal']"),
        (
            {"batch_size": 4, "grad_accum": 5},
            "--grad-accum 5: a batch of 4 rows cannot be cut into more micro-batches than rows; "
            "--batch-size is the rows of one optimizer step",
        ),
        *(
            (
                {"max_length": raw},
                f"--max-length: expected auto or a whole number above 3, got {raw!r}",
            )
            for raw in ("3", "-8", "long", "", "1.5", "²")
        ),
        *(
            (
                {"valid": raw},
                f"--valid: expected a share of at least 0 and below 1, or a file, got {raw!r}",
            )
            for raw in ("1", "-0.1", "nan", "inf", "")
        ),
    ],
)  # fmt: skip
def test_values_that_no_run_can_use_are_refused(given, sentence):
    assert refusal(**given) == sentence


def test_a_config_made_by_hand_is_checked_the_same():
    with pytest.raises(UsageError, match=r"^--epochs: expected a number above 0, got -1$"):
        TrainConfig(epochs=-1).check()
    TrainConfig().check()


def test_validation_is_a_share_or_a_file():
    assert TrainConfig(valid="0.25").valid_share == 0.25
    assert TrainConfig(valid="0").valid_share == 0.0
    assert TrainConfig(valid="valid.csv").valid_share is None
    assert TrainConfig(valid="valid.csv").check() is None


def test_every_option_is_declared_whole():
    for name, field in FIELDS.items():
        assert re.fullmatch(r"[^\n]{3,80}", field.metadata["help"]), name
        assert re.fullmatch(r"--[a-z-]+", flag(name)), name
    assert [field.name for field in dataclasses.fields(TrainConfig)] == list(FIELDS)
    # The defaults fit their own bounds.
    given = {k: v for k, v in dataclasses.asdict(TrainConfig()).items() if v is not None}
    assert merge([("again", given)])[0] == TrainConfig()


# Recipes


def recipe(tmp_path, text):
    path = tmp_path / "recipe.toml"
    path.write_text(text, "utf-8")
    return read_toml(str(path))


def test_plugins_are_text_or_tables(tmp_path):
    assert recipe(tmp_path, 'plugins = "focal,fgm"')["plugins"] == "focal,fgm"
    given = recipe(
        tmp_path,
        "epochs = 2\n[plugins.focal]\ngamma = 1.5\nalpha = [1, 2]\n[plugins.early-stopping]\n"
        '[plugins.weighted-ce]\nweights = "wrong=1,it\'s \\"(=2"\n'
        "[plugins.'./my dir/x.py:Mine']\nflag = true\n",
    )
    assert parse(given["plugins"]) == [
        ("focal", {"gamma": 1.5, "alpha": [1, 2]}),
        ("early-stopping", {}),
        ("weighted-ce", {"weights": "wrong=1,it's \"(=2"}),
        ("./my dir/x.py:Mine", {"flag": True}),
    ]
    assert given["epochs"] == 2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("epochs = ", "{path} is not valid TOML: Invalid value (at end of document)"),
        (
            'plugins = "focal"\n[plugins.focal]\ngamma = 1',
            "{path} is not valid TOML: Cannot overwrite a value (at line 2, column 15)",
        ),
        ("[plugins]\nfocal = 2", "{path}: plugins.focal: expected a table of options"),
    ],
)
def test_a_recipe_that_cannot_be_read_names_its_place(tmp_path, text, sentence):
    with pytest.raises(UsageError) as error:
        recipe(tmp_path, text)
    assert str(error.value) == sentence.format(path=tmp_path / "recipe.toml")


def test_a_recipe_that_is_no_text_file_is_refused(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError) as error:
        read_toml(str(path))
    assert str(error.value).startswith(f"{path} is not valid TOML: 'utf-8' codec can't decode")
    with pytest.raises(UsageError) as error:
        read_toml(str(tmp_path / "none.toml"))
    assert str(error.value) == f"--config {tmp_path / 'none.toml'}: no such file"
    with pytest.raises(UsageError) as error:
        read_toml(str(tmp_path))
    assert str(error.value) == f"--config {tmp_path}: Is a directory"


def reread(tmp_path, config):
    given = recipe(tmp_path, write_toml(config))
    given.pop("code", None)
    return merge([("config.toml", given)])[0]


def test_a_run_is_repeated_from_what_it_wrote(tmp_path):
    config = TrainConfig(
        train=[r"C:\new\titles.csv", 'a "quoted" name.csv', "题目.csv"],
        plugins=r"""weighted-ce(weights='it\'s=1,"b"=2'),C:\me\x.py:Mine(path='C:\\new')""",
        lr=3e-5, warmup_steps=7, epochs=0.1, limit=None, offline=True, positive="\x7f\t\n",
    )  # fmt: skip
    assert reread(tmp_path, config) == config


def test_where_a_run_went_and_what_code_it_may_run_is_not_repeated(tmp_path):
    config = TrainConfig(out="runs/007", allow_code=True, seed=5)
    assert reread(tmp_path, config) == TrainConfig(seed=5)
    assert "none" not in write_toml(config).lower()


def test_the_code_of_a_recipe_is_written_with_its_hash(tmp_path):
    code = {r"C:\it's\x.py:Mine": "0a1b", './a "b".py:C': "2c"}
    text = write_toml(TrainConfig(), code)
    assert recipe(tmp_path, text)["code"] == code
    assert "[code]" not in write_toml(TrainConfig())


def strategies():
    kinds = {
        str: st.text(), bool: st.booleans(), list[str]: st.lists(st.text(), max_size=3),
        int: st.integers(0, 2**63 - 1), float: st.floats(0, 1e300),
    }  # fmt: skip
    kinds |= {
        kind | None: st.none() | values for kind, values in kinds.items() if kind in (int, float)
    }
    fixed = {
        "blank": st.sampled_from(["skip", "error"]),
        "truncation": st.sampled_from(["head", "tail", "head-tail"]),
        "max_length": st.just("auto") | st.integers(4, 999).map(str),
        "valid": st.floats(0, 0.99).map(str) | st.text(st.sampled_from("ab'\\. "), min_size=1),
        "batch_size": st.integers(100, 999),
        "grad_accum": st.integers(1, 100),
        "rows": st.integers(20, 99),
        "limit": st.none() | st.integers(2, 99),
        "folds": st.integers(9, 99),
        "fold": st.none() | st.integers(1, 9),
        "seeds": st.none(),
        "seed": st.integers(0, 2**63 - 1),
        "lr": st.none() | st.floats(1e-300, 1),
        "warmup_ratio": st.floats(0, 1),
        **dict.fromkeys(["epochs", "eval_every"], st.floats(1e-300, 1e300)),
        "save_every": st.none() | st.floats(1e-300, 1e300),
        "out": st.just(""),
        "allow_code": st.just(False),
        "labels": st.just(""),  # which goes with no --label-column
    }
    hints = hints_of(TrainConfig)
    return {name: fixed.get(name, kinds[hints[name]]) for name in FIELDS}


@settings(deadline=None, max_examples=60)
@given(st.builds(TrainConfig, **strategies()))
def test_any_config_reads_back_the_same(tmp_path_factory, config):
    config.check()
    assert reread(tmp_path_factory.getbasetemp(), config) == config


def test_existing_paths_become_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.csv", "valid.csv", "0.1"):
        Path(name).touch()
    Path("model").mkdir()
    found = resolve_paths(
        TrainConfig(train=["a.csv", "b.csv"], valid="valid.csv", test="a.csv", model="model")
    )
    assert found.train == [str(tmp_path / "a.csv"), "b.csv"]
    assert (found.valid, found.test) == (str(tmp_path / "valid.csv"), str(tmp_path / "a.csv"))
    assert found.model == str(tmp_path / "model")
    kept = resolve_paths(TrainConfig(model="minilm"))
    assert (kept.train, kept.valid, kept.test, kept.model) == ([], "0.1", "", "minilm")
