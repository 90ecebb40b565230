"""The estimator's parameters: a run's options by scikit-learn's names, and plugins' options."""

from __future__ import annotations

import dataclasses
import inspect
import logging

import numpy as np
import pytest
from sklearn.base import clone

from titlekit import Plugin, TitleClassifier, TrainConfig, UsageError, hookimpl, option
from titlekit.core.options import options_of
from titlekit.core.parameters import OPTIONS, OWN, new_plugins, plain, run_options

# Options of a run that rows in memory do not need.
ELSEWHERE = {
    "train", "test", "text_column", "text_pair_column", "label_column", "labels", "weight_column",
    "soft_targets", "group_column", "encoding", "fix_text", "save_every", "rows", "limit",
    "allow_code", "folds", "fold", "seeds",
}  # fmt: skip
# Defaults that are not the command line's: a new number for each fit, as scikit-learn has it.
OTHER_DEFAULTS = {"random_state"}


@dataclasses.dataclass(eq=False)
class Mine(Plugin):
    """A plugin of one's own."""

    strength: float = option(1.0, "how much", min=0)
    kept: list = dataclasses.field(default_factory=list)

    @hookimpl
    def after_step(self):
        """Count."""
        self.count("steps")
        self.kept.append(self.strength)


def options(given, **named):
    return {plugin.name: plugin.options() for plugin in new_plugins(given, named)}


# A run's options


def test_every_option_of_a_run_is_a_parameter_or_stands_elsewhere():
    signature = inspect.signature(TitleClassifier).parameters
    names = {name for name, one in signature.items() if one.kind is not one.VAR_KEYWORD}
    mapped = {OPTIONS.get(name, name) for name in names - set(OWN)} | {"plugins"}
    assert mapped | ELSEWHERE == set(options_of(TrainConfig))
    assert not mapped & ELSEWHERE
    assert set(OPTIONS) | set(OWN) <= names


def test_defaults_are_those_of_the_command_line():
    defaults = TrainConfig()
    for name, value in TitleClassifier().get_params().items():
        if name in OWN or name in OTHER_DEFAULTS:
            continue
        default = getattr(defaults, OPTIONS.get(name, name))
        assert value == default or str(value) == default or (value is None and not default), name
    assert TitleClassifier().plugins == defaults.plugins


def test_parameters_become_options_and_say_where_they_come_from(tmp_path):
    changed = {
        "learning_rate": np.float32(0.5), "validation_fraction": 0.25, "scoring": "accuracy",
        "tol": 0.01, "random_state": np.int64(3), "max_length": 64, "epochs": np.float64(2),
        "batch_size": np.int32(8), "pos_label": "b", "out": tmp_path, "warmup_steps": None,
    }  # fmt: skip
    config, origins = run_options({**TitleClassifier().get_params(), **changed})
    assert config == TrainConfig(
        lr=0.5, valid="0.25", metric="accuracy", min_delta=0.01, seed=3, max_length="64",
        epochs=2.0, batch_size=8, positive="b", out=str(tmp_path),
    )  # fmt: skip
    assert {name for name, origin in origins.items() if origin == "Python"} == {
        "lr", "valid", "metric", "min_delta", "seed", "max_length", "epochs", "batch_size",
        "positive", "out",
    }  # fmt: skip


def test_numbers_of_a_search_are_pythons():
    found = plain([np.float64(0.5), (np.int64(2), np.array([1.5]))])
    assert found == [0.5, [2, [1.5]]]
    assert [type(found[0]), type(found[1][0])] == [float, int]


# Plugins' options


def test_options_of_plugins_are_parameters():
    made = TitleClassifier(plugins="focal,fgm", focal__gamma=1.5, epochs=2)
    assert made.plugin_options == {"focal__gamma": 1.5}
    assert made.get_params()["focal__gamma"] == 1.5
    assert "focal__gamma" not in made.get_params(deep=False)
    assert made.set_params(focal__gamma=1, fgm__epsilon=0.5, epochs=3) is made
    assert made.get_params() == {
        **TitleClassifier(plugins="focal,fgm", epochs=3).get_params(),
        "plugin_options": {"focal__gamma": 1, "fgm__epsilon": 0.5},
        "focal__gamma": 1, "fgm__epsilon": 0.5,
    }  # fmt: skip
    assert TitleClassifier(plugin_options={"fgm__epsilon": 2}, focal__gamma=1).plugin_options == {
        "fgm__epsilon": 2, "focal__gamma": 1,
    }  # fmt: skip
    assert repr(made) == (
        "TitleClassifier(epochs=3,\n                plugin_options={'fgm__epsilon': 0.5, "
        "'focal__gamma': 1},\n                plugins='focal,fgm')"
    )


def test_a_clone_has_the_same_and_shares_nothing():
    mine = Mine(strength=2)
    made = TitleClassifier(plugins=[mine], mine__strength=3, random_state=1)
    again = clone(made)
    assert again.get_params(deep=True).keys() == made.get_params(deep=True).keys()
    assert again.plugin_options == {"mine__strength": 3}
    assert again.plugins[0] is not mine
    assert again.plugins[0].strength == 2
    again.set_params(mine__strength=4)
    assert made.plugin_options == {"mine__strength": 3}
    assert clone(again).plugin_options == {"mine__strength": 4}


@pytest.mark.parametrize(("name", "text"), [
    ("epoch", "TitleClassifier has no parameter 'epoch'; did you mean 'epochs'?  (parameters: "),
    ("focall__gamma", "no plugin named 'focall'; did you mean 'focal'?  (titlekit plugins lists "
     "them)"),
    ("focal__gama", "focal__gama: focal has no option 'gama'; did you mean 'gamma'?  (options: "
     "gamma, alpha)"),
    ("cross_entropy__x", "cross_entropy__x: cross_entropy has no option 'x'  (options: none)"),
    ("mine__strong", "mine__strong: mine has no option 'strong'; did you mean 'strength'?  "
     "(options: strength)"),
])  # fmt: skip
def test_a_wrong_name_is_refused_at_once(name, text):
    made = TitleClassifier(plugins=[Mine()], epochs=5)
    for ask in (
        lambda: made.set_params(**{"epochs": 7, name: 1}),
        lambda: TitleClassifier(plugins=[Mine()], **{name: 1}),
    ):
        with pytest.raises(UsageError) as error:
            ask()
        assert str(error.value).startswith(text)
        assert isinstance(error.value, ValueError)
    assert made.epochs == 5
    assert made.plugin_options is None


def test_a_fit_refuses_what_was_set_behind_its_back():
    made = TitleClassifier("tiny", "focal", plugin_options={"focal__gama": 1})
    with pytest.raises(UsageError, match=r"^focal__gama: focal has no option 'gama'"):
        made.fit(["a", "b"], [0, 1])
    made.set_params(plugin_options=3)
    with pytest.raises(UsageError, match=r"^plugin_options: expected a dictionary such as "):
        made.fit(["a", "b"], [0, 1])


def test_names_objects_and_files_make_plugins(tmp_path):
    expected = {
        "fgm": {"epsilon": 2.0, "at": "table", "every": 1}, "focal": {"gamma": 1.5, "alpha": None}
    }  # fmt: skip
    named = {"focal__gamma": np.float64(1.5), "fgm__epsilon": 2}
    assert options("focal,fgm", **named) == expected
    assert options(["focal(gamma=3)", "fgm"], **named) == expected
    assert options(np.array(["focal", "fgm"]), **named) == expected
    assert options("focal(gamma=1.5),fgm(epsilon=2)") == expected
    assert options("weighted-ce", weighted_ce__weights="sqrt") == {
        "weighted-ce": {"weights": "sqrt"}
    }
    assert options("focal", focal__alpha=np.array([0.5, 1])) == {
        "focal": {"gamma": 2.0, "alpha": [0.5, 1.0]}
    }
    assert options("") == options([]) == {}
    path = tmp_path / "own.py"
    path.write_text(
        "from dataclasses import dataclass\nfrom titlekit import Plugin, option\n"
        "@dataclass(eq=False)\nclass Own(Plugin):\n    'Own.'\n    x: int = option(1, 'x')\n"
    )
    assert options(f"{path}:Own", Own__x=4) == {f"{path}:Own": {"x": 4}}
    mine = Mine(strength=2)
    [copied] = new_plugins([mine], {"mine__strength": 3})
    assert (copied.strength, mine.strength) == (3.0, 2)
    with pytest.raises(
        UsageError, match=r"^mine.strength: expected a number of at least 0, got -1"
    ):
        new_plugins([mine], {"mine__strength": -1})
    with pytest.raises(UsageError, match=r"^focal.gamma: expected a number of at least 0, got 'a'"):
        new_plugins("focal", {"focal__gamma": "a"})
    with pytest.raises(UsageError, match="not both in one list"):
        new_plugins(["focal", mine], {})


def test_an_option_of_a_plugin_that_is_left_out_has_no_effect_and_is_named(caplog):
    with caplog.at_level(logging.WARNING):
        assert [plugin.name for plugin in new_plugins("fgm", {"focal__gamma": 1})] == ["fgm"]
    assert caplog.messages == ["focal__gamma has no effect: that plugin is not among plugins (fgm)"]


def test_a_fit_works_on_copies_of_plugin_objects():
    mine = Mine()
    made = TitleClassifier("tiny", [mine], epochs=1, validation_fraction=0, random_state=0)
    made.fit(["A Title", "Pages 1-2"] * 8, [1, 0] * 8)
    assert made.plugin_counts_ == {"mine": {"steps": 1}}
    assert (mine.kept, mine.counts(), made.plugins[0] is mine) == ([], {}, True)
