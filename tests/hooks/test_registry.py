"""Which plugins there are: built in, installed by others, or one class of a file."""

from __future__ import annotations

import hashlib
import inspect
import sys
import textwrap
from importlib import metadata

import pytest

from titlekit import Plugin, UsageError
from titlekit.core.hooks import registry
from titlekit.core.hooks.registry import (
    GROUP,
    builtins,
    code_hash,
    create,
    external,
    find,
    load,
    spell_plugins,
)
from titlekit.core.hooks.spelling import parse

NAMES = [
    "amp", "awp", "back-translation", "balanced-sampler", "character-noise", "checkpointing",
    "class-balanced", "constant", "cosine", "cross-entropy", "early-stopping", "ema", "fgm",
    "focal", "freeze", "gce", "label-smoothing", "llrd", "lora", "pgd", "r-drop", "swa",
    "time-limit", "weighted-ce", "word-noise",
]  # fmt: skip

VERSION = metadata.version("titlekit")

GOOD = '''
    from __future__ import annotations

    from dataclasses import dataclass, field
    from typing import TYPE_CHECKING, ClassVar

    from titlekit import Plugin, hookimpl, option

    if TYPE_CHECKING:
        from torch import Tensor


    @dataclass(eq=False)
    class Noise(Plugin):
        """Adds noise."""

        limits: ClassVar[tuple[int, int]] = (0, 1)
        rate: float = option(0.1, "how much", min=0, max=1)
        seen: list[Tensor] = field(default_factory=list, init=False)

        @hookimpl
        def train_end(self, run):
            pass
'''


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Make installed distributions on the spot, each in a folder of its own."""

    def install(distribution, version, points, files):
        root = tmp_path / distribution
        info = root / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        )
        lines = [f"{name} = {target}" for name, target in points.items()]
        (info / "entry_points.txt").write_text(f"[{GROUP}]\n" + "\n".join(lines) + "\n")
        for name, text in files.items():
            (root / name).write_text(textwrap.dedent(text))
            sys.modules.pop(name.removesuffix(".py"), None)
        monkeypatch.syspath_prepend(str(root))
        return root

    before = set(sys.modules)
    yield install
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def refusal(action, *arguments):
    with pytest.raises(UsageError) as error:
        action(*arguments)
    assert "\n" not in str(error.value)
    return str(error.value)


# Built in


def test_built_ins_are_the_files_of_the_plugins_package():
    assert sorted(builtins()) == NAMES
    assert {entry.source for entry in builtins().values()} == {"built-in"}


@pytest.mark.parametrize("name", NAMES)
def test_a_built_in_is_created_by_name_and_named_after_its_file(name):
    plugin = create((name, {}))
    assert isinstance(plugin, Plugin)
    assert plugin.name == name
    # Made without the registry it has the same name.
    assert type(plugin)().name == name
    assert plugin.counts() == {}


def test_classes_are_named_in_words():
    made = {name: type(name, (Plugin,), {}).name for name in ("RDrop", "GCE", "WordNoise", "Swa2x")}
    assert made == {"RDrop": "r-drop", "GCE": "gce", "WordNoise": "word-noise", "Swa2x": "swa2x"}
    assert type("Long", (Plugin,), {"name": "short"}).name == "short"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("focl", "; did you mean 'focal'?"),
        ("Focal", "; did you mean 'focal'?"),
        ("early_stopping", "; did you mean 'early-stopping'?"),
        ("zebra", ""),
    ],
)
def test_an_unknown_name_offers_the_nearest(name, hint):
    assert refusal(find, name) == f"no plugin named {name!r}{hint}  (titlekit plugins lists them)"


def test_options_are_checked_when_a_plugin_is_created():
    plugin = create(("focal", {"gamma": "1.5", "alpha": [1, 2]}))
    assert plugin.options() == {"gamma": 1.5, "alpha": [1.0, 2.0]}
    assert refusal(create, ("focal", {"gama": 2})) == (
        "focal has no option 'gama'; did you mean 'gamma'?  (options: gamma, alpha)"
    )
    assert refusal(create, ("focal", {"gamma": "two"})) == (
        "focal.gamma: expected a number of at least 0, got 'two'"
    )


def test_plugins_are_spelled_by_name_with_what_differs():
    made = [create(call) for call in parse("pgd(steps=3,at='inputs'),focal(gamma=1),amp")]
    assert spell_plugins(made) == "amp,focal(gamma=1.0),pgd(at='inputs')"


def test_what_plugins_say_of_themselves():
    plugin = create(("fgm", {"every": 4}))
    assert plugin.summary() == "Adversarial training on word embeddings, one extra pass (FGM)."
    assert plugin.description().startswith("r = epsilon g / ||g||_2")
    assert plugin.passes() == 1.25
    assert [plugin.phase(number) for number in range(5)] == [0, 1, 1, 1, 0]
    assert create(("pgd", {"steps": 3})).passes() == 4.0
    assert create(("focal", {})).passes() == 1.0
    assert type("Silent", (Plugin,), {})().summary() == ""


def test_counters_add_numbers_and_tensors():
    import torch

    plugin = create(("focal", {}))
    plugin.count("rows", 2)
    plugin.count("rows", torch.tensor(3))
    plugin.count("steps")
    assert plugin.counts() == {"rows": 5, "steps": 1}
    other = create(("focal", {}))
    other.set_counts(plugin.counts())
    other.count("steps")
    assert other.counts() == {"rows": 5, "steps": 2}


# Installed packages


def test_an_installed_plugin_is_listed_but_loaded_only_when_named(package, tmp_path):
    mark = tmp_path / "imported"
    code = f"{textwrap.dedent(GOOD)}\nopen({str(mark)!r}, 'w').close()\n"
    package("noise-kit", "1.2", {"noise": "noise_kit_a:Noise"}, {"noise_kit_a.py": code})
    entry = external()["noise"][0]
    assert (entry.name, entry.source, entry.sha256) == ("noise", "noise-kit 1.2", "")
    assert find("focal").source == "built-in"
    create(("focal", {}))
    assert not mark.exists()
    with pytest.raises(UsageError):
        find("nois")
    assert not mark.exists()
    plugin = create(("noise", {"rate": "0.5"}))
    assert mark.exists()
    assert (plugin.name, plugin.rate, plugin.seen) == ("noise", 0.5, [])
    assert spell_plugins([plugin]) == "noise(rate=0.5)"


def test_unknown_names_are_compared_with_installed_plugins_too(package):
    package("noise-kit", "1.2", {"noise": "noise_kit_b:Noise"}, {"noise_kit_b.py": GOOD})
    assert refusal(find, "noize") == (
        "no plugin named 'noize'; did you mean 'noise'?  (titlekit plugins lists them)"
    )


def test_an_environment_variable_limits_installed_plugins(package, monkeypatch):
    points = dict.fromkeys(["one", "two", "three"], "noise_kit_c:Noise")
    package("noise-kit", "1.2", points, {"noise_kit_c.py": GOOD})
    assert set(points) <= set(external())
    monkeypatch.setenv("TITLEKIT_EXTERNAL", "one, three")
    assert list(external()) == ["one", "three"]
    monkeypatch.setenv("TITLEKIT_EXTERNAL", "")
    assert external() == {}
    assert find("focal").source == "built-in"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (
            "import no_such_module_here",
            "ModuleNotFoundError: No module named 'no_such_module_here'",
        ),
        ("raise OSError('two\\nlines')", "OSError: two lines"),
        ("def broken(:", "SyntaxError: invalid syntax (bad_kit_d.py, line 1)"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("x = 1", "AttributeError: module 'bad_kit_d' has no attribute 'Bad'"),
    ],
)
def test_a_broken_package_is_one_line_with_its_name_and_version(package, code, reason):
    package("bad-kit", "0.3", {"bad": "bad_kit_d:Bad"}, {"bad_kit_d.py": code})
    assert refusal(create, ("bad", {})) == f"cannot load 'bad' from bad-kit 0.3: {reason}"
    assert create(("focal", {})).name == "focal"


def test_the_name_of_a_built_in_cannot_be_taken(package):
    package("sly-kit", "6", {"focal": "sly_kit_e:Noise"}, {"sly_kit_e.py": GOOD})
    assert create(("focal", {})).options() == {"gamma": 2.0, "alpha": None}
    assert refusal(load, external()["focal"][0]) == (
        "sly_kit_e:Noise cannot be named 'focal': that is a built-in plugin"
    )
    assert "sly_kit_e" not in sys.modules


def test_two_packages_with_one_name_are_both_named(package):
    package("first-kit", "1", {"noise": "kit_f:Noise"}, {"kit_f.py": GOOD})
    package("second-kit", "2", {"noise": "kit_g:Noise"}, {"kit_g.py": GOOD})
    text = refusal(find, "noise")
    kits = sorted(["first-kit 1", "second-kit 2"], key=text.index)
    assert text == f"{' and '.join(kits)} both offer a plugin named 'noise'; uninstall one"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("class Bad: pass", " is not a subclass of titlekit.Plugin"),
        ("def Bad(): pass", " is not a subclass of titlekit.Plugin"),
        ("class Bad(Plugin): pass", ": mark the class @dataclass(eq=False)"),
        (
            "@dataclass(eq=False)\nclass Base(Plugin): pass\nclass Bad(Base): pass",
            ": mark the class @dataclass(eq=False)",
        ),
        ("@dataclass\nclass Bad(Plugin): pass", ": write @dataclass(eq=False)"),
        ("@dataclass(unsafe_hash=True)\nclass Bad(Plugin): pass", ": write @dataclass(eq=False)"),
        (
            "@dataclass(eq=False, frozen=True)\nclass Bad(Plugin): pass",
            ": write @dataclass(eq=False)",
        ),
        (
            "@dataclass(eq=False)\nclass Bad(Plugin):\n    def __eq__(self, other): return True",
            ": write @dataclass(eq=False)",
        ),
        (
            "@dataclass(eq=False)\nclass Bad(Plugin):\n    size: int",
            ": the field 'size' has no default; write size: ... = option(DEFAULT, HELP)",
        ),
        (
            "@dataclass(eq=False)\nclass Bad(Plugin):\n    size: 'Missing' = option(1, 'a size')",
            ": the type of an option cannot be read: name 'Missing' is not defined",
        ),
    ],
)
def test_a_class_that_is_no_plugin_is_told_what_to_write(package, code, reason):
    head = "from dataclasses import dataclass\nfrom titlekit import Plugin, option\n"
    package("bad-kit", "0.3", {"bad": "bad_kit_h:Bad"}, {"bad_kit_h.py": head + code})
    assert refusal(create, ("bad", {})) == f"'bad' from bad-kit 0.3{reason}"


def requiring(package, requires):
    """Return the class of a plugin that says which titlekit it works with, or the refusal."""
    code = textwrap.dedent(GOOD).replace("    limits", f"    requires = {requires!r}\n    limits")
    package("noise-kit", "1.2", {"noise": "noise_kit_i:Noise"}, {"noise_kit_i.py": code})
    return external()["noise"][0]


@pytest.mark.parametrize("requires", ["", f"=={VERSION}", ">=0.0.1", ">=0.0.1,<99"])
def test_a_plugin_for_this_version_is_loaded(package, requires):
    assert load(requiring(package, requires)).requires == requires


@pytest.mark.parametrize(
    ("requires", "reason"),
    [
        (
            ">=99",
            f" requires titlekit >=99, and this is {VERSION}; install another version of either",
        ),
        (
            "<0.0.1",
            f" requires titlekit <0.0.1, and this is {VERSION}; install another version of either",
        ),
        (
            "0.1",
            ": requires = '0.1' is no version specifier; expected one such as '>=0.1,<2'",
        ),
        (
            "titlekit>=0.1",
            ": requires = 'titlekit>=0.1' is no version specifier; expected one such as '>=0.1,<2'",
        ),
        (
            1,
            ": requires = 1 is no version specifier; expected one such as '>=0.1,<2'",
        ),
    ],
)
def test_a_plugin_for_another_version_is_refused(package, requires, reason):
    entry = requiring(package, requires)
    assert refusal(load, entry) == f"'noise' from noise-kit 1.2{reason}"


def test_a_plugin_for_another_version_need_not_be_right_for_this_one(package):
    code = "from titlekit import Plugin\nclass Noise(Plugin):\n    requires = '>=99'\n"
    package("noise-kit", "1.2", {"noise": "noise_kit_j:Noise"}, {"noise_kit_j.py": code})
    assert "requires titlekit >=99" in refusal(load, external()["noise"][0])


def test_a_development_version_is_one_too(package, monkeypatch):
    entry = requiring(package, ">=1.2")
    monkeypatch.setattr(registry.metadata, "version", lambda name: "1.3.dev0")
    assert load(entry).__name__ == "Noise"


@pytest.mark.parametrize("name", ["core", "new"])
def test_the_words_of_titlekit_cannot_be_taken(package, name):
    package("sly-kit", "6", {name: "sly_kit_k:Noise"}, {"sly_kit_k.py": GOOD})
    assert refusal(load, external()[name][0]) == (
        f"sly_kit_k:Noise cannot be named {name!r}: titlekit uses that word itself"
    )


def test_a_fault_of_a_built_in_keeps_its_traceback(monkeypatch):
    entry = builtins()["focal"]

    def broken():
        raise RuntimeError("ours")

    with pytest.raises(RuntimeError, match="ours"):
        load(type(entry)(entry.name, entry.source, broken))


# A file


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "mine.py"
    path.write_text(textwrap.dedent(GOOD))
    return path


def test_a_class_of_a_file_is_a_plugin(file):
    ((name, options),) = parse("./mine.py:Noise(rate=0.5)")
    entry = find(name)
    plugin = create((name, options))
    assert (plugin.name, plugin.rate) == ("./mine.py:Noise", 0.5)
    assert entry.source == "./mine.py"
    assert entry.sha256 == code_hash(name) == hashlib.sha256(file.read_bytes()).hexdigest()
    assert spell_plugins([plugin]) == "./mine.py:Noise(rate=0.5)"
    assert inspect.getsource(type(plugin)).startswith("@dataclass(eq=False)\nclass Noise")
    assert sorted(path.name for path in file.parent.iterdir()) == ["mine.py"]


def test_the_file_runs_as_it_was_hashed(file):
    entry = find("mine.py:Noise")
    file.write_text("raise RuntimeError('changed since')")
    assert load(entry).__name__ == "Noise"
    assert find("mine.py:Noise").sha256 != entry.sha256


def test_the_file_runs_by_its_own_rules(file):
    file.write_text(file.read_text().replace("from __future__ import annotations", ""))
    file.write_text(file.read_text().replace("list[Tensor]", "list"))
    assert load(find("mine.py:Noise")).__annotations__["rate"] is float


def test_two_files_of_one_name_are_two_modules(file):
    other = file.parent / "other" / "mine.py"
    other.parent.mkdir()
    other.write_text(textwrap.dedent(GOOD).replace("0.1", "0.2"))
    first, second = create(("mine.py:Noise", {})), create(("other/mine.py:Noise", {}))
    assert (first.rate, second.rate) == (0.1, 0.2)
    assert type(first).__module__ != type(second).__module__


def test_a_hash_is_for_files_alone():
    assert code_hash("focal") == ""


def test_a_missing_file_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert refusal(find, "./mine.py:Mine") == (
        "no file './mine.py' for the plugin './mine.py:Mine'; expected FILE.py:Class"
    )


def test_a_missing_class_offers_the_nearest(file):
    assert refusal(create, ("mine.py:Noize", {})) == (
        "mine.py has no class 'Noize'; did you mean 'Noise'?"
    )


def test_a_broken_file_is_one_line(file):
    file.write_text("x = 1\nimport no_such_module_here\n")
    assert refusal(create, ("mine.py:Noise", {})) == (
        "cannot load 'mine.py:Noise' from mine.py: ModuleNotFoundError: "
        "No module named 'no_such_module_here'"
    )
