"""The shape of the package: what is shipped, which way imports run, how long things are."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import titlekit
from titlekit import Plugin
from titlekit.core.hooks.registry import builtins, load
from titlekit.core.hooks.specs import SLOT_ORDER

ROOT = Path(__file__).parents[1]
PACKAGES = ("core", "plugins", "cli", "testing")
FILES = [ROOT / "__init__.py", *(p for name in PACKAGES for p in (ROOT / name).rglob("*.py"))]
TREES = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_text("utf-8")) for path in sorted(FILES)
}

# Inside core an import runs from a later line to an earlier one, never back.
ORDER = [
    ["errors"],
    ["code", "options"],
    ["config", "device", "libraries", "run_folder", "signals"],
    ["hooks"],
    ["data"],
    ["encoder", "weights"],
    ["attention", "unpadded", "models"],
    ["inference"],
    ["training"],
    ["evidence"],
    ["prepare", "plan", "estimate", "model_card", "finish"],
    ["describe", "baseline", "single", "series", "session", "rough_time", "check"],
    ["packing", "parameters", "fitting", "classifier", "suspects"],
    ["testing"],
]
RANK = {name: place for place, names in enumerate(ORDER) for name in names}


def live(tree):
    """All nodes but those that only type checkers run."""
    todo = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            todo.extend(node.orelse)
            continue
        yield node
        todo.extend(ast.iter_child_nodes(node))


def imported(name):
    """The project's own modules that a file imports, as lists such as [core, hooks, step]."""
    package = name.split("/")[:-1]
    for node in live(TREES[name]):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            # ``from . import x``: x is the module.
            ends = [node.module] if node.module else [alias.name for alias in node.names]
            yield from ([*base, *end.split(".")] for end in ends)


def functions():
    """Every function of the project: where it stands, and its node."""
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{name}:{node.lineno} {node.name}", node


# What is shipped


def test_the_packages_are_the_folders():
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    folders = {path.parent for path in FILES if path.name == "__init__.py"}
    names = {".".join(["titlekit", *folder.relative_to(ROOT).parts]) for folder in folders}
    assert sorted(listed["packages"]) == sorted(names)
    assert {path.parent for path in FILES} == folders
    assert listed["package-dir"] == {"titlekit": "."}


def test_the_root_holds_one_python_file():
    assert [path.name for path in ROOT.glob("*.py")] == ["__init__.py"]
    assert (ROOT / "py.typed").is_file()


def test_every_public_name_resolves_and_is_listed():
    assert sorted(titlekit.__all__) == sorted(titlekit._HOMES)
    for name in titlekit.__all__:
        home = importlib.import_module(f"titlekit.{titlekit._HOMES[name]}")
        assert getattr(titlekit, name) is getattr(home, name)
    assert set(titlekit.__all__) <= set(dir(titlekit))
    with pytest.raises(AttributeError, match="module 'titlekit' has no attribute 'nothing'"):
        titlekit.nothing  # noqa: B018


# Which way imports run


def test_imports_inside_the_project_are_relative():
    found = []
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                modules = [node.module]
            found += [(name, module) for module in modules if module.split(".")[0] == "titlekit"]
    assert found == []


def test_plugins_import_core_and_core_imports_neither_plugins_nor_the_command_line():
    allowed = {"cli": ("cli", "core", "plugins"), "plugins": ("plugins", "core")}
    allowed |= {"core": ("core",), "testing": ("core",)}
    found = []
    for name in TREES:
        here = name.split("/")[0]
        for there in imported(name):
            if here in allowed and there[0] not in allowed[here]:
                found.append((name, ".".join(there)))
    assert found == []


def test_core_is_in_layers():
    found = []
    for name in TREES:
        here = name.removesuffix(".py").split("/")
        if here[0] != "core" or here[1] == "__init__":
            continue
        for there in imported(name):
            assert {here[1], there[1]} <= set(RANK), "say in this test where a new module stands"
            if RANK[there[1]] > RANK[here[1]]:
                found.append((name, ".".join(there)))
    assert found == []


def test_core_names_no_plugin():
    named = set(builtins())
    found = [
        (name, node.lineno, node.value)
        for name, tree in TREES.items()
        if name.startswith("core/")
        for node in live(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in named
    ]
    assert found == []


def test_the_command_line_answers_before_anything_heavy_is_loaded():
    code = (
        "import sys, titlekit, titlekit.cli.main\n"
        "from titlekit.core.hooks.registry import builtins, load\n"
        "[load(entry) for entry in builtins().values()]\n"
        "heavy = {'torch', 'transformers', 'tokenizers', 'sklearn', 'numpy', 'huggingface_hub'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# How long things are


def test_files_are_short():
    limits = {"core": 300, "plugins": 120, "cli": 200, "testing": 20, "__init__.py": 120}
    found = []
    for name in TREES:
        lines = len((ROOT / name).read_text("utf-8").splitlines())
        if lines > limits[name.split("/")[0]]:
            found.append((name, lines))
    assert found == []


def test_functions_are_short():
    found = [(where, n.end_lineno - n.lineno + 1) for where, n in functions()]
    assert [one for one in found if one[1] > 50] == []


def test_functions_take_few_arguments():
    found = []
    for where, node in functions():
        given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        count = len([one for one in given if one.arg not in ("self", "cls")])
        # click hands a command its options as arguments, scikit-learn an estimator its parameters.
        declared = (where.startswith("cli/") and node.decorator_list) or (
            where.startswith("core/classifier.py") and node.name == "__init__"
        )
        if count > 8 and not declared:
            found.append((where, count))
    assert found == []


def test_files_classes_and_functions_say_what_they_are_for():
    found = []
    for name, tree in TREES.items():
        classes = [part for part in tree.body if isinstance(part, ast.ClassDef)]
        public = [node for node in classes if not node.name.startswith("_")]
        parts = [tree, *(part for node in [tree, *public] for part in node.body)]
        for part in parts:
            if isinstance(part, ast.FunctionDef | ast.ClassDef) and part.name.startswith("_"):
                continue
            kinds = ast.Module | ast.FunctionDef | ast.ClassDef
            if isinstance(part, kinds) and not ast.get_docstring(part):
                found.append(f"{name}:{getattr(part, 'lineno', 1)}")
    # Each of core's defaults is a hook, which says it already.
    assert [where for where in found if not where.startswith("core/hooks/defaults.py")] == []


def test_annotations_are_never_evaluated():
    for name, tree in TREES.items():
        if len(tree.body) > 1:
            assert ast.unparse(tree.body[1]) == "from __future__ import annotations", name


# Plugins


@pytest.mark.parametrize("name", sorted(builtins()))
def test_a_plugin_file_is_one_plugin_that_says_what_it_is(name):
    tree = ast.parse((ROOT / "plugins" / f"{name.replace('-', '_')}.py").read_text("utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    plugins = [node for node in classes if "Plugin" in [ast.unparse(base) for base in node.bases]]
    assert len(plugins) == 1
    cls = load(builtins()[name])
    assert cls.__name__ == plugins[0].name
    assert issubclass(cls, Plugin)
    assert 10 <= len(cls.summary()) <= 70
    assert cls.description()
    assert 10 <= len(cls.when) <= 70
    assert "\n" not in cls.when
    assert cls.layout in ("any", "padded")
    assert cls.slot is None or cls.slot in SLOT_ORDER
    assert cls.paper or name in ("cross-entropy", "time-limit")
