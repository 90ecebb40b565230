"""Fetching public data, from a server on this machine: whole, cut off, wrong, absent, offline."""

from __future__ import annotations

import dataclasses
import hashlib
import http.server
import json
import re
import socket
import threading
import urllib.request

import pytest

from titlekit.core.data import fetch_http
from titlekit.core.data.fetch import cache_folder, fetch
from titlekit.core.data.fetch_http import allowed, git_blob
from titlekit.core.data.fetch_sources import SOURCES
from titlekit.core.data.folder import read_titles
from titlekit.core.data.folder import test_file as find_test_file

CITESEER = SOURCES["citeseer"]
FILES = {
    "positive_train.txt": b"A Theory of Titles\nOn Graphs\n" * 4000,
    "negative_train.txt": b"Abstract\nReferences\n",
    "testSet-1000.xlsx": bytes(range(256)) * 20,
}


def blob(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Files by path; `answers` are taken first, one a request: (status, headers, body)."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.files, self.answers, self.asked, self.ranges = {}, [], [], True


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        wanted = self.headers.get("Range", "")
        self.server.asked.append((self.path.rsplit("/", 1)[1], wanted))
        if self.server.answers:
            self.reply(*self.server.answers.pop(0))
        elif self.path not in self.server.files:
            self.reply(404, {}, b"no")
        else:
            content = self.server.files[self.path]
            begin = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) if wanted else 0
            if not wanted or not self.server.ranges:
                self.reply(200, {}, content)
            elif begin >= len(content):
                self.reply(416, {}, b"")
            else:
                place = f"bytes {begin}-{len(content) - 1}/{len(content)}"
                self.reply(206, {"Content-Range": place}, content[begin:])

    def reply(self, status, headers, body):
        self.send_response(status)
        for name, value in {"Content-Length": len(body), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch, tmp_path):
    blobs = {name: blob(content) for name, content in FILES.items()}
    monkeypatch.setitem(SOURCES, "citeseer", dataclasses.replace(CITESEER, blobs=blobs))
    monkeypatch.setattr(fetch_http, "PAUSE", 0)
    monkeypatch.setenv("TITLEKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # never used for this machine
    monkeypatch.delenv("TITLEKIT_MIRROR", raising=False)
    monkeypatch.chdir(tmp_path)
    server = Server()
    server.files = {f"/{CITESEER.path(name)}": content for name, content in FILES.items()}
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def cut(content, after):
    """An answer that promises the whole and gives a part."""
    return 200, {"Content-Length": len(content)}, content[:after]


def names(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def whole(folder):
    return {name: (folder / name).read_bytes() for name in FILES} == FILES


def test_the_table_names_the_pinned_commit():
    assert CITESEER.commit == "d4c2465b64eb917ebb81571438cba15049c700c1"
    assert list(CITESEER.blobs.values()) == [
        "ee9bde1e992152670d865bc3d231cbfc95b6c32c",
        "18a071aa95dd8975fe1021502053ee01f3d6d97a",
        "873f512e9936cedc5c76fbe523fd2ec91c6aa030",
    ]


def test_an_id_is_what_git_gives(tmp_path):
    (tmp_path / "a").write_bytes(b"hello\n")
    assert git_blob(tmp_path / "a") == "ce013625030ba8dba906f756967f9e9ca394464a"


def test_a_fetch_puts_all_files_and_their_licence_into_a_folder(server, console, tmp_path):
    code, out, err = console("data", "fetch", "citeseer", "--mirror", server.url + "/")
    folder = tmp_path / "citeseer"
    assert (code, whole(folder)) == (0, True)
    assert names(folder) == ["README.md", *sorted(FILES)]
    assert out.splitlines() == [
        "positive_train.txt  116,000 bytes",
        "negative_train.txt  20 bytes",
        "testSet-1000.xlsx   5,120 bytes",
        "from https://github.com/RaySoon/CUFE-Information-Retrieval-Course-Project-2 at "
        "d4c2465b64eb; licence: MIT, Copyright (c) 2018 RaySoon",
        "next: titlekit check citeseer; titlekit train citeseer",
    ]
    assert err.splitlines() == [f"{name}: from {server.url}" for name in FILES]
    readme = (folder / "README.md").read_text("utf-8")
    assert CITESEER.repository in readme
    assert "Licence: MIT, Copyright (c) 2018 RaySoon" in readme
    assert names(tmp_path / "cache" / "citeseer") == [".lock", *sorted(FILES)]
    rows = read_titles(str(folder))
    assert rows.labels == ["correct"] * 8000 + ["wrong"] * 2
    assert find_test_file(str(folder)) == str(folder / "testSet-1000.xlsx")


def test_what_is_there_or_cached_is_not_asked_for_again(server, tmp_path):
    assert fetch("citeseer", mirror=server.url)["downloaded"] == list(FILES)
    asked = len(server.asked)
    assert fetch("citeseer", mirror=server.url)["downloaded"] == []
    assert fetch("citeseer", "other/place", server.url)["downloaded"] == []
    assert whole(tmp_path / "other" / "place")
    assert len(server.asked) == asked == 3


def test_a_mirror_may_be_a_folder_with_the_files(server, tmp_path, monkeypatch):
    server.files = {f"/papers/{name}": content for name, content in FILES.items()}
    monkeypatch.setenv("TITLEKIT_MIRROR", f"{server.url}/papers")
    fetch("citeseer")
    assert whole(tmp_path / "citeseer")
    assert len(server.asked) == 6


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_that_is_cut_off_is_taken_up_or_begun_again(server, tmp_path, ranges):
    server.ranges = ranges
    server.answers = [cut(FILES["positive_train.txt"], 70_000)]
    fetch("citeseer", mirror=server.url)
    assert whole(tmp_path / "citeseer")
    assert server.asked[:2] == [("positive_train.txt", ""), ("positive_train.txt", "bytes=70000-")]
    assert len(server.asked) == 4


def test_a_download_that_stays_cut_off_goes_on_the_next_time(server, console, tmp_path):
    content = FILES["positive_train.txt"]
    place = {"Content-Range": f"bytes 40000-{len(content) - 1}/{len(content)}"}
    server.answers = [
        cut(content, 40_000),
        (206, place | {"Content-Length": len(content) - 40_000}, content[40_000:50_000]),
    ]
    code, _, err = console("data", "fetch", "citeseer", "--mirror", server.url, "-q")
    url = f"{server.url}/{CITESEER.path('positive_train.txt')}"
    assert (code, err) == (
        1,
        f"Error: {url}: cut off after 50,000 of 116,000 bytes; what helps: --mirror URL or "
        "TITLEKIT_MIRROR, a proxy in HTTPS_PROXY, or the files copied into "
        f"{tmp_path / 'cache' / 'citeseer'}\n",
    )
    assert not (tmp_path / "citeseer").exists()
    assert names(tmp_path / "cache") == [".lock", ".positive_train.txt.part"]
    fetch("citeseer", mirror=server.url)
    assert server.asked[2] == ("positive_train.txt", "bytes=50000-")
    assert whole(tmp_path / "citeseer")


@pytest.mark.parametrize(
    "left", [b"A Theory of Turtles", b"x" * 200_000, FILES["positive_train.txt"]]
)
def test_what_an_older_download_left_never_spoils_a_new_one(server, tmp_path, left):
    (tmp_path / "cache" / "citeseer").mkdir(parents=True)
    (tmp_path / "cache" / "citeseer" / ".positive_train.txt.part").write_bytes(left)
    fetch("citeseer", mirror=server.url)
    assert whole(tmp_path / "citeseer")
    assert names(tmp_path / "cache") == [".lock", *sorted(FILES)]


def test_wrong_content_is_refused_and_nothing_of_it_is_kept(server, console, tmp_path):
    server.files[f"/{CITESEER.path('negative_train.txt')}"] = b"Abstract\nReference\n"
    code, _, err = console("data", "fetch", "citeseer", "--mirror", server.url, "-q")
    url = f"{server.url}/{CITESEER.path('negative_train.txt')}"
    found, known = (blob(one)[:12] for one in (b"Abstract\nReference\n", b"Abstract\nReferences\n"))
    assert code == 1
    assert err.startswith(
        f"Error: {url}: not the known file (git blob {found}, expected {known}); nothing of it is "
        "kept; what helps: --mirror URL"
    )
    assert err.count("\n") == 1
    assert names(tmp_path) == [".lock", "positive_train.txt"]  # in the cache, where it is whole
    assert len(server.asked) == 2


def test_what_is_not_there_is_not_asked_for_twice(server, console, tmp_path):
    server.files = {}
    code, _, err = console("data", "fetch", "citeseer", "--mirror", server.url, "-q")
    url = f"{server.url}/{CITESEER.path('positive_train.txt')}"
    assert code == 1
    assert err.startswith(
        f"Error: positive_train.txt is not there: {url}: 404 Not Found, "
        f"{server.url}/positive_train.txt: 404 Not Found; what helps: "
    )
    assert len(server.asked) == 2
    assert names(tmp_path) == [".lock"]


def test_a_server_that_fails_is_asked_once_more(server, console, tmp_path):
    server.answers = [(500, {}, b"")]
    assert console("data", "fetch", "citeseer", "--mirror", server.url)[0] == 0
    assert whole(tmp_path / "citeseer")
    server.answers = [(503, {}, b"")] * 2
    (tmp_path / "cache" / "citeseer" / "testSet-1000.xlsx").unlink()
    code, _, err = console("data", "fetch", "citeseer", "--mirror", server.url, "-q", "--out", "b")
    assert code == 1
    assert "testSet-1000.xlsx: 503 Service Unavailable; what helps: " in err
    assert not (tmp_path / "b").exists()


def test_offline_reads_the_cache_alone(server, console, tmp_path):
    words = ("data", "fetch", "citeseer", "--offline", "--mirror", server.url)
    cached = tmp_path / "cache" / "citeseer" / "positive_train.txt"
    code, _, err = console(*words)
    assert (code, err) == (
        2,
        f"Error: --offline: positive_train.txt is not cached ({cached}); fetch it once without "
        "--offline, or copy the file there\n",
    )
    assert names(tmp_path) == []
    cached.parent.mkdir(parents=True)
    for name, content in FILES.items():
        cached.with_name(name).write_bytes(content)
    assert console(*words)[0] == 0
    assert whole(tmp_path / "citeseer")
    cached.write_bytes(b"damaged")
    code, _, err = console(*words, "--out", "b")
    assert code == 2
    assert f"positive_train.txt in the cache is damaged ({cached})" in err
    assert server.asked == []
    fetch("citeseer", "b", server.url)
    assert whole(tmp_path / "b")


def test_nothing_of_the_persons_is_overwritten(server, console, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "README.md").write_text("mine")
    (folder / "negative_train.txt").write_text("my own")
    words = ("data", "fetch", "citeseer", "--out", "mine", "--mirror", server.url)
    assert console(*words)[::2] == (
        2,
        "Error: --out mine: negative_train.txt is there and is not the known file; choose another "
        "folder or move it away\n",
    )
    assert server.asked == []
    (folder / "negative_train.txt").rename(folder / "other.txt")
    assert console(*words)[0] == 0
    assert names(folder) == ["README.md", "negative_train.txt", "other.txt", *sorted(FILES)[1:]]
    assert (folder / "README.md").read_text() == "mine"
    code, _, err = console(*words[:4], "mine/other.txt")
    assert (code, err) == (2, "Error: --out mine/other.txt: that is a file; name a folder\n")


def test_an_unreachable_network_is_one_line(server, console, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{free.getsockname()[1]}"
        code, _, err = console("data", "fetch", "citeseer", "--mirror", closed, "-q")
    assert code == 1
    assert re.fullmatch(r"Error: \S+: no connection \(.*refused\); what helps: .*\n", err)
    assert not (tmp_path / "citeseer").exists()


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("https://mirror.example.org/x", True),
        ("http://localhost:8000", True),
        ("http://127.0.0.1/x", True),
        ("http://[::1]:80/", True),
        ("http://mirror.example.org", False),
        ("http://127.0.0.1.example.org", False),
        ("file:///etc/passwd", False),
        ("ftp://localhost/x", False),
        ("https://", False),
        ("http://[", False),
        ("mirror.example.org", False),
    ],
)
def test_only_https_leaves_the_machine(url, may):
    assert allowed(url) is may


def test_a_wrong_mirror_is_refused_by_the_name_it_came_under(server, console, monkeypatch):
    monkeypatch.setenv("TITLEKIT_MIRROR", "http://mirror.example.org")
    assert console("data", "fetch", "citeseer")[::2] == (
        2,
        "Error: TITLEKIT_MIRROR http://mirror.example.org: expected an address that begins with "
        "https:// (http:// for this machine alone)\n",
    )


def test_redirects_stay_on_safe_ground(server, console, tmp_path):
    other = f"{server.url}/{CITESEER.path('positive_train.txt')}"
    server.answers = [(302, {"Location": other}, b"")]
    fetch("citeseer", mirror=server.url)
    assert whole(tmp_path / "citeseer")
    (tmp_path / "cache" / "citeseer" / "positive_train.txt").unlink()
    server.answers = [(302, {"Location": "http://mirror.example.org/x"}, b"")]
    code, _, err = console("data", "fetch", "citeseer", "--mirror", server.url, "--out", "b", "-q")
    assert (code, err) == (
        1,
        f"Error: {other} redirects to http://mirror.example.org/x; expected an https address\n",
    )
    follow = fetch_http._Redirects().redirect_request
    secure = urllib.request.Request("https://mirror.example.org/x")
    assert follow(secure, None, 302, "", {}, "https://other.example.org/x").host == (
        "other.example.org"
    )
    with open(tmp_path / "answer", "wb") as answer, pytest.raises(Exception, match="redirects to"):
        follow(secure, answer, 302, "", {}, "http://localhost/x")


def test_the_cache_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("TITLEKIT_CACHE", "/a/b")
    assert str(cache_folder()) == "/a/b"
    monkeypatch.delenv("TITLEKIT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert str(cache_folder()) == "/x/titlekit"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "titlekit"


def test_an_unknown_name_gets_the_nearest(console):
    assert console("data", "fetch", "citesser")[::2] == (
        2,
        "Error: no data set named 'citesser'; did you mean 'citeseer'?  (data sets: citeseer)\n",
    )
    code, _, err = console("data", "fech")
    assert code == 2
    assert err.startswith("Error: no command named 'fech'; did you mean 'fetch'?  (commands: ")
    assert err.endswith("  (titlekit data --help)\n")


def test_json_for_machines(server, console):
    code, out, _ = console("data", "fetch", "citeseer", "--mirror", server.url, "--json")
    assert code == 0
    found = json.loads(out)
    assert found["files"] == {name: len(content) for name, content in FILES.items()}
    assert found["downloaded"] == list(FILES)
    assert found["folder"] == "citeseer"
