"""titlekit plugins: the listing on one screen, one plugin's card, a package that is begun."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass

import pytest

from titlekit import Plugin, UsageError, hookimpl, option
from titlekit.cli import new_plugin, plugins, skeletons
from titlekit.core.hooks.assembly import HOOKS
from titlekit.core.hooks.registry import Entry, builtins, load


@dataclass(eq=False)
class Tally(Plugin):
    """Counts evaluations."""

    slot = "average"
    when = "you want to know how often the validation rows were scored, which nobody does"
    requires = ">=0.1"

    size: int = option(3, "how many")

    @hookimpl(wrapper=True)
    def evaluate(self):
        self.count("evaluations")
        return (yield)


@pytest.fixture
def offer(monkeypatch):
    """Return a function that offers classes as installed packages do; without it there are none."""

    def installed(**classes):
        def entry(name, cls):
            def made():
                if isinstance(cls, Exception):
                    raise cls
                return cls

            return [Entry(name, f"{name}-kit 1.2", made)]

        found = {name.replace("_", "-"): cls for name, cls in classes.items()}
        entries = {name: entry(name, cls) for name, cls in found.items()}
        for module in (plugins, new_plugin):
            monkeypatch.setattr(module, "external", lambda: entries)
        monkeypatch.setattr("titlekit.core.hooks.registry.external", lambda: entries)

    installed()
    return installed


def error(console, *words):
    code, out, text = console(*words)
    assert (code, out) == (2, "")
    return text.removesuffix("\n")


# The listing


def test_it_fits_on_one_screen_with_each_plugin_once(console, offer):
    code, out, _ = console("plugins")
    assert code == 0
    lines = out.splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 80
    assert sorted(re.findall(r"^ (\S+)", out, re.M)) == sorted(builtins())
    for name, entry in builtins().items():
        assert f"\n {name} {load(entry).when}\n" in re.sub(r"\n {3,}| +", " ", out), name


def test_groups_come_from_hooks_and_say_what_excludes_what(console, offer):
    assert sorted(hook for hooks in plugins.GROUPS.values() for hook in hooks) == sorted(HOOKS)
    out = console("plugins")[1]
    for line in (
        "loss: one of these",
        "rows and targets",
        "further passes: one of awp, fgm, pgd",
        "parameters and rates: one of constant, cosine",
        "averaging: one of these",
        "stopping",
    ):
        assert f"\n{line}\n" in out


def test_a_plugin_of_a_package_falls_into_its_group_with_its_source(console, offer):
    offer(tally=Tally, a_name_of_many_words=Tally, broken=UsageError("cannot load it"))
    lines = console("plugins")[1].splitlines()
    start = lines.index("averaging: one of these")
    assert lines[start + 1 : start + 9] == [
        " a-name-of-many-words",
        "                   you want to know how often the validation rows were scored,",
        "                   which nobody does (a-name-of-many-words-kit 1.2)",
        " ema               evaluations jump about from one to the next",
        " swa               a long run, or a constant rate, whose last steps wander",
        " tally             you want to know how often the validation rows were scored,",
        "                   which nobody does (tally-kit 1.2)",
        "stopping",
    ]
    assert "broken (broken-kit 1.2) cannot be used: cannot load it" in lines[-5:]
    rows = json.loads(console("plugins", "--json")[1])
    assert rows[-1] == {
        "name": "broken", "group": None, "slot": None, "when": "", "summary": "",
        "source": "broken-kit 1.2", "error": "cannot load it",
    }  # fmt: skip
    assert next(row for row in rows if row["name"] == "tally") == {
        "name": "tally", "group": "averaging", "slot": "average", "when": Tally.when,
        "summary": "Counts evaluations.", "source": "tally-kit 1.2", "error": "",
    }  # fmt: skip


def test_one_that_does_not_say_when_shows_its_summary_and_watches(console, offer):
    @dataclass(eq=False)
    class Quiet(Plugin):
        """Does nothing at all."""

    offer(quiet=Quiet)
    assert (
        "\nwatching\n quiet             Does nothing at all. (quiet-kit 1.2)\n"
        in (console("plugins")[1])
    )


# A card


def test_a_card_has_all_that_a_plugin_says_of_itself(console, offer):
    offer(tally=Tally)
    assert console("plugins", "tally")[1].splitlines() == [
        "tally: Counts evaluations.",
        "",
        "when        you want to know how often the validation rows were scored, which nobody does",
        "slot        average",
        "cost        1 forward pass a micro-batch (plain: 1)",
        "hooks       evaluate",
        "source      tally-kit 1.2",
        "works with  titlekit >=0.1",
        "",
        "option  type          default  bounds  help",
        "size    whole number  3                how many",
        "",
        "titlekit train --plugins tally --set tally.size=3",
    ]


def test_a_card_can_be_read_where_the_plugin_cannot_be_made(console, offer, monkeypatch):
    there = console("plugins", "lora")[1]
    monkeypatch.setattr("titlekit.plugins.lora.is_installed", lambda module: False)
    code, out, _ = console("plugins", "lora")
    assert code == 0
    lines = out.splitlines()
    hint = 'lora needs peft: pip install "titlekit[lora]"'
    assert [line for line in lines if hint in line] == [f"not here  {hint}"]
    lines.remove(f"not here  {hint}")
    assert [line.split() for line in lines] == [line.split() for line in there.splitlines()]
    assert json.loads(console("plugins", "lora", "--json")[1])["refusal"] == hint


def test_a_card_says_what_a_package_of_others_raises(console, offer):
    @dataclass(eq=False)
    class Shaky(Plugin):
        """Shakes."""

        sizes: list[float] = option([1.0], "sizes")

        def __post_init__(self):
            self.many = len(self.sizes)
            raise ValueError("two\nlines")

        def passes(self):
            return 1.0 + self.many

    offer(shaky=Shaky)
    lines = console("plugins", "shaky")[1].splitlines()
    assert "not here  ValueError: two lines" in lines
    assert "sizes   list of numbers  [1.0]            sizes" in lines
    assert not any(line.startswith("cost") for line in lines)  # it cannot say


def test_what_cannot_be_meant_is_refused(console, offer):
    hint = "no plugin named 'focl'; did you mean 'focal'?  (titlekit plugins lists them)"
    assert error(console, "plugins", "focl") == f"Error: {hint}"
    assert error(console, "plugins", "focal", "fgm") == (
        "Error: titlekit plugins focal fgm: expected one name"
    )
    assert error(console, "plugins", "focal", "--hook", "targets") == (
        "Error: --hook: it belongs to titlekit plugins new NAME"
    )


# A new package


@pytest.fixture
def empty(tmp_path, monkeypatch, offer):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_new_package_is_written_and_the_next_commands_are_told(console, empty):
    code, out, _ = console("plugins", "new", "my-loss")
    assert code == 0
    assert out.splitlines() == [
        "Written: titlekit-my-loss with README.md, pyproject.toml, "
        "tests/test_titlekit_my_loss.py, titlekit_my_loss.py",
        "Next:",
        '  pip install -e "titlekit-my-loss[test]"',
        "  python -m pytest titlekit-my-loss",
        "  titlekit plugins my-loss",
        "  titlekit train --model tiny --plugins my-loss",
    ]
    assert [path.name for path in empty.iterdir()] == ["titlekit-my-loss"]
    folder = empty / "titlekit-my-loss"
    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
    assert project["project"]["name"] == "titlekit-my-loss"
    assert project["project"]["entry-points"] == {
        "titlekit.plugins": {"my-loss": "titlekit_my_loss:MyLoss"}
    }
    assert project["tool"]["setuptools"]["py-modules"] == ["titlekit_my_loss"]
    (version,) = project["project"]["dependencies"]
    requires = version.removeprefix("titlekit")
    assert f'requires = "{requires}"' in (folder / "titlekit_my_loss.py").read_text("utf-8")
    found = json.loads(console("plugins", "new", "other", "--json", "--hook", "targets")[1])
    assert found == {
        "folder": str(empty / "titlekit-other"),
        "files": [
            "README.md", "pyproject.toml", "tests/test_titlekit_other.py", "titlekit_other.py",
        ],
    }  # fmt: skip


@pytest.mark.parametrize("hook", skeletons.HOOKS)
@pytest.mark.parametrize("name", ["my-x", "abcdefghij-klmnopqrst-uvwxyzab"])
def test_a_skeleton_is_clean_whatever_the_length_of_its_name(empty, hook, name):
    folder = new_plugin.new_plugin([name], hook, empty)
    text = "".join(path.read_text("utf-8") for path in folder.rglob("*.*"))
    assert "$cls" not in text
    assert "$module" not in text
    lint = ["check", "--extend-select", "I,UP,B,ANN,RUF,E501"]
    for words in (lint, ["format", "--check"]):
        command = [sys.executable, "-m", "ruff", *words, "--no-cache", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


RULE = (
    "cannot be a plugin's name: expected words in lower case with hyphens between, at most 30 "
    "characters"
)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ((), "titlekit plugins new: expected one name, e.g. my-loss"),
        (("a", "b"), "titlekit plugins new: expected one name, e.g. my-loss"),
        (("focal",), "'focal' cannot be a plugin's name: that is a built-in plugin; take another"),
        (
            ("core",),
            "'core' cannot be a plugin's name: titlekit uses that word itself; take another",
        ),
        (
            ("new",),
            "'new' cannot be a plugin's name: titlekit uses that word itself; take another",
        ),
        (
            ("tally",),
            "'tally' cannot be a plugin's name: tally-kit 1.2 offers one of that name; take "
            "another",
        ),
        (("MyLoss",), f"'MyLoss' {RULE}; did you mean 'my-loss'?"),
        (("my_loss",), f"'my_loss' {RULE}; did you mean 'my-loss'?"),
        (("My Loss!",), f"'My Loss!' {RULE}; did you mean 'my-loss'?"),
        (("../my-loss",), f"'../my-loss' {RULE}; did you mean 'my-loss'?"),
        (("2nd",), f"'2nd' {RULE}; did you mean 'nd'?"),
        (("my-2nd",), f"'my-2nd' {RULE}; did you mean 'my2nd'?"),
        (("a-b-c",), f"'a-b-c' {RULE}; did you mean 'abc'?"),
        (("",), f"'' {RULE}"),
        (("--", "-"), f"'-' {RULE}"),
        (("é",), f"'é' {RULE}"),
        (("x" * 31,), f"{'x' * 31!r} {RULE}"),
        (
            ("true",),
            "'true' cannot be a plugin's name: a class True would hide another of its module; "
            "take e.g. my-true",
        ),
        (
            ("plugin",),
            "'plugin' cannot be a plugin's name: a class Plugin would hide another of its module; "
            "take e.g. my-plugin",
        ),
        (
            ("there",),
            "titlekit-there is there already; move it away, or take another name",
        ),
        (
            ("my-loss", "--hook", "target"),
            "--hook target: no skeleton for that; did you mean 'targets'?  (there are: criterion, "
            "targets, augment, on_log)",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_begun_is_refused_and_nothing_written(console, empty, offer, words, reason):
    offer(tally=Tally)
    (empty / "titlekit-there").mkdir()
    assert error(console, "plugins", "new", *words) == f"Error: {reason}"
    assert [path.name for path in empty.rglob("*")] == ["titlekit-there"]


def test_nothing_half_written_is_left(console, empty, monkeypatch):
    def full(self, *given, **more):
        if self.name == "README.md":
            raise OSError(28, "No space left on device", str(self))
        return written(self, *given, **more)

    written = type(empty).write_text
    monkeypatch.setattr(type(empty), "write_text", full)
    code, out, text = console("plugins", "new", "my-loss")
    assert (code, out) == (1, "")
    assert text.startswith("Error: No space left on device (")
    assert list(empty.iterdir()) == []
