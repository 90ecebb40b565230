"""``titlekit check`` as a person types it: the text, the JSON, the page, the exit codes."""

from __future__ import annotations

import html.parser
import json
import random
import re
import string

import pytest

import titlekit
from families import FAMILIES, save_family

KEYS = {
    "titlekit", "data", "columns", "labels", "positive", "model", "splits", "max_length", "near",
    "copies", "damage", "drift", "time", "findings",
}  # fmt: skip


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("titles.csv", 200, seed=5)


def write(name, rows, seed):
    """Sound rows: distinct texts of made-up words, the classes in turn."""
    rng = random.Random(seed)
    lines = ["title,label"]
    for row in range(rows):
        words = ("".join(rng.choices(string.ascii_lowercase, k=6)) for _ in range(5))
        lines.append(f"{' '.join(words)},{('correct', 'wrong')[row % 2]}")
    with open(name, "w", encoding="utf-8") as stream:
        stream.writelines(f"{line}\n" for line in lines)


def add(name, *lines):
    with open(name, "a", encoding="utf-8") as stream:
        stream.writelines(f"{line}\n" for line in lines)


class Page(html.parser.HTMLParser):
    """The tags that a page opens and the text that it shows."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)


def test_findings_come_first_and_tables_after_them(console):
    add("titles.csv", "the cafÃ© of logic,correct", "the cafÃ© of logic,wrong")
    code, out, err = console("check", "titles.csv", "--model", "tfidf-lr")
    assert (code, err) == (0, "202 rows read\n")
    lines = out.splitlines()
    assert lines[0] == "warning  train: 1 text bears more than one label (2 rows)"
    assert lines[1] == "         'the cafÃ© of logic': titles.csv:202 correct, titles.csv:203 wrong"
    assert lines[2] == "         -> decide which label is right and mend or drop the other rows"
    assert re.search(r"^class +train +train % +suggested weight$", out, re.M)
    assert re.search(r"^correct +101 +50\.0 +1$", out, re.M)
    assert re.search(r"^train +characters ", out, re.M)
    assert lines[-1] == "0 errors, 2 warnings, 2 notes"
    assert "tfidf-lr has no tokens" in out


def test_at_most_five_examples_and_how_many_more(console):
    words = ("logic", "reason", "sense", "thought", "method", "proof", "number")
    add("titles.csv", *(f"the cafÃ© of {word},correct" for word in words))
    _, out, _ = console("check", "titles.csv", "--model", "tfidf-lr", "--near", 0)
    assert out.count("the cafÃ© of") == 5
    assert "         … and 2 more (--json lists all)" in out


def test_tokens_lengths_and_time(console):
    code, out, _ = console("check", "titles.csv", "--model", "tiny", "--device", "cpu")
    assert code == 0
    assert re.search(r"^max length +rows cut +share +padding to it +to a batch's longest$", out,
                     re.M)  # fmt: skip
    assert re.search(r"^512 +0 +0\.0 % +9\d\.\d % ", out, re.M)
    assert re.search(r"^Recommended: --max-length \d+ \(99\.9 % of the training rows have", out,
                     re.M)  # fmt: skip
    assert re.search(r"^Training tiny would take about .+ here, on cpu: 3 epochs, 18 steps of "
                     r"\d\.\d\d s, 12 evaluations of \d+\.\d s$", out, re.M)  # fmt: skip
    code, out, _ = console("check", "titles.csv", "--model", "tiny", "--no-time")
    assert code == 0
    assert "would take" not in out


def test_the_time_counts_the_steps_of_the_run_that_is_asked_for(console):
    code, out, _ = console("check", "titles.csv", "--model", "tiny", "--device", "cpu", "--json",
                           "--epochs", "2", "--batch-size", "16", "--valid", "0")  # fmt: skip
    assert code == 0
    time = json.loads(out)["time"]
    assert (time["rows"], time["validation_rows"], time["steps"]) == (200, 0, 26)
    assert time["evaluations"] == 0
    assert time["seconds"] == pytest.approx(26 * time["seconds_per_step"])


def test_json_has_its_keys_and_nothing_else_on_stdout(console, tmp_path):
    write("test.csv", 40, seed=6)
    words = ("check", "titles.csv", "--test", "test.csv", "--model", "tiny", "--no-time", "--json")
    code, out, err = console(*words)
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert set(found) == KEYS
    assert list(found["splits"]) == ["train", "test"]
    assert set(found["splits"]["train"]) == {
        "files", "rows", "blank_rows", "sha256", "classes", "characters", "words", "tokens",
    }  # fmt: skip
    assert found["splits"]["train"]["files"] == ["titles.csv"]
    assert set(found["max_length"]) == {
        "recommended", "reason", "special_tokens", "limit", "batch_size", "cut_rows", "lengths",
    }  # fmt: skip
    assert set(found["model"]) == {"asked", "source", "revision"}
    assert (found["labels"], found["positive"], found["near"]) == (["correct", "wrong"], "correct",
                                                                   0.8)  # fmt: skip
    for finding in found["findings"]:
        assert set(finding) == {"level", "kind", "split", "text", "help", "rows", "examples"}
    same = titlekit.check(train="titles.csv", test="test.csv", model="tiny", time=False)
    assert json.loads(json.dumps(same.to_json())) == found


def test_the_sha256_is_that_of_a_run(console, tmp_path):
    _, out, _ = console("check", "titles.csv", "--model", "tfidf-lr", "--json")
    found = json.loads(out)["splits"]["train"]["sha256"]
    run = titlekit.train(train="titles.csv", model="tiny", valid="0", epochs=0.1, device="cpu",
                         out="run").run  # fmt: skip
    assert found == run["data"]["train"]["sha256"]


def test_strict_exits_3_where_something_is_wrong(console):
    code, _, err = console("check", "titles.csv", "--model", "tfidf-lr", "--strict", "-q")
    assert (code, err) == (0, "")  # notes do not count
    add("titles.csv", "the cafÃ© of logic,correct")
    code, out, err = console("check", "titles.csv", "--model", "tfidf-lr", "--strict", "-q")
    assert (code, err) == (3, "Error: --strict: 0 errors, 1 warning\n")
    assert "utf-8 read as cp1252" in out
    code, _, _ = console("check", "titles.csv", "--model", "tfidf-lr", "-q")
    assert code == 0


def test_the_page_is_whole_and_escaped(console, tmp_path):
    bad = "<script>alert('x')</script> & \x1b[31m <b onmouseover=x>"
    add("titles.csv", *(f'"{bad} {n} caf\u00c3\u00a9",correct' for n in range(3)))
    add("titles.csv", '"text of a strange class",<img src=x>', '"text of another",<img src=x>')
    words = ("check", "titles.csv", "--model", "tiny", "--html", "page.html", "--device", "cpu")
    code, out, _ = console(*words)
    assert code == 0
    assert out.endswith("\n\nWritten: page.html\n")
    text = (tmp_path / "page.html").read_text("utf-8")
    page = Page(text)
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "img", "link", "iframe", "b"}
    assert not any(name.startswith("on") or name in ("src", "href")
                   for _, attributes in page.tags for name in attributes)  # fmt: skip
    assert "url(" not in text
    assert "\x1b" not in text
    assert any("<script>alert('x')</script>" in word for word in page.words)
    assert any(word == "<img src=x>" for word in page.words)
    for heading in ("Findings", "Rows", "Classes", "Lengths", "Longest input", "Time"):
        assert heading in page.words
    bars = [attributes for tag, attributes in page.tags if tag == "rect"]
    assert bars
    assert all(float(bar["height"]) >= 0 for bar in bars)
    assert list(tmp_path.glob(".*")) == []


def test_a_page_in_a_wrong_place_is_refused_before_anything_is_read(console, tmp_path):
    for place, told in (
        ("page.txt", "--html page.txt: expected a name that ends in .html"),
        ("folder.html", "--html folder.html: that is a folder; name a file"),
        ("data.html", "--html data.html is data; choose another name"),
    ):
        (tmp_path / "folder.html").mkdir(exist_ok=True)
        (tmp_path / "data.html").write_text("title,label\n", "utf-8")
        data = "data.html" if place == "data.html" else "missing.csv"
        code, out, err = console("check", data, "--html", place)
        assert (code, out, err) == (2, "", f"Error: {told}\n")
    assert (tmp_path / "data.html").read_text("utf-8") == "title,label\n"


def test_a_page_that_cannot_be_written_leaves_the_old_one(console, tmp_path, monkeypatch):
    (tmp_path / "page.html").write_text("old", "utf-8")

    def full(*given):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    code, _, err = console("check", "titles.csv", "--model", "tfidf-lr", "--html", "page.html")
    assert (code, err.splitlines()[-1]) == (1, "Error: No space left on device")
    assert (tmp_path / "page.html").read_text("utf-8") == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["page.html", "titles.csv"]


def test_wrong_usage_is_one_line(console):
    for words, told in (
        ((), "Missing argument 'DATA...'."),
        (("titles.csv", "--near", "2"), "--near: expected a number from 0 to 1, got 2"),
        (("titles.csv", "--model", "tinny", "--offline"), "--model tinny: no folder of that name"),
        (("titels.csv",), "titels.csv: no such file; did you mean 'titles.csv'?"),
        (("titles.csv", "--test", "tset.csv"), "tset.csv: no such file"),
        (("titles.csv", "--text-column", "titel"), "titles.csv: no column 'titel'"),
    ):
        code, out, err = console("check", *words)
        assert (code, out) == (2, ""), words
        assert err.startswith(f"Error: {told.rstrip('.')}"), err
        assert err.count("\n") == 1


def test_without_a_model_here_the_rest_is_told(console, monkeypatch):
    def absent(name, offline=False):
        assert offline
        raise titlekit.UsageError("not here")

    monkeypatch.setattr("titlekit.core.check.resolve", absent)
    code, out, _ = console("check", "titles.csv")
    assert code == 0
    assert (
        "note     lengths in tokens and the time of a training are left out: minilm, the default "
        "model, is not on this machine\n"
        "         -> --model NAME counts with that model's tokens; --model tiny needs no download\n"
    ) in out
    assert re.search(r"^train +words ", out, re.M)
    assert "max length" not in out


def test_a_run_or_a_folder_is_a_model_and_its_positions_are_the_limit(console, tmp_path):
    from tiny import save_classifier

    save_classifier(tmp_path / "model")
    code, out, err = console("check", "titles.csv", "--model", "model", "--json", "--no-time")
    assert (code, err) == (0, "")
    found = json.loads(out)["max_length"]
    assert found["limit"] == 64
    fits = {row["max_length"]: row["fits"] for row in found["lengths"]}
    assert (fits[64], fits[96]) == (True, False)


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_the_limit_of_a_family_is_told_without_its_weights(name, tmp_path):
    from titlekit.core.check import _limit
    from titlekit.core.encoder import length_limit
    from titlekit.core.models import load_for_training, resolve
    from titlekit.core.weights import load_tokenizer

    folder = save_family(name, tmp_path / name)
    model, tokenizer = load_for_training(resolve(str(folder)), ["a", "b"], [], 1)
    assert _limit(folder, load_tokenizer(folder)) == length_limit(model, tokenizer)
