"""Public data into a folder, whole or not at all: from the cache, else from its source."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import UsageError, nearest
from .fetch_http import allowed, download, git_blob
from .fetch_sources import SOURCES, Source

log = logging.getLogger("titlekit")

RAW = "https://raw.githubusercontent.com"


def fetch(name: str, out: str = "", mirror: str = "", offline: bool = False) -> dict[str, Any]:
    """Put the files of a public data set, and a README with source and licence, into a folder.

    `out`: the folder, by default `name`; files that are there and right stay. `mirror`: a URL that
    stands for https://raw.githubusercontent.com, or of a folder with the files; else the
    environment's TITLEKIT_MIRROR. `offline`: only the cache is read. Returns name, folder, files
    (name -> bytes), downloaded (names), source, commit and licence. Raises UsageError, and RunError
    where the network or the source fails; then nothing has changed in the folder.
    """
    source = find_source(name)
    base = _base(mirror)
    folder = Path(out or name)
    lacking = _lacking(source, folder)
    downloaded = _fill_cache(source, lacking, base, offline) if lacking else []
    if lacking or not (folder / "README.md").exists():
        _place(source, lacking, folder)
    return {
        "name": name,
        "folder": str(folder),
        "files": {file: (folder / file).stat().st_size for file in source.blobs},
        "downloaded": downloaded,
        "source": f"https://github.com/{source.repository}",
        "commit": source.commit,
        "licence": source.licence,
    }


def find_source(name: str) -> Source:
    """Return a data set by its name, or raise UsageError with the nearest one."""
    if name not in SOURCES:
        raise UsageError(
            f"no data set named {name!r}{nearest(name, SOURCES)}  (data sets: {', '.join(SOURCES)})"
        )
    return SOURCES[name]


def cache_folder() -> Path:
    """Return where fetched data is kept: TITLEKIT_CACHE, else the user's cache folder."""
    asked = os.environ.get("TITLEKIT_CACHE")
    users = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(asked or os.path.join(users, "titlekit")).expanduser()


def _base(mirror: str) -> str:
    said = "--mirror" if mirror else "TITLEKIT_MIRROR"
    mirror = mirror or os.environ.get("TITLEKIT_MIRROR", "")
    if mirror and not allowed(mirror):
        raise UsageError(
            f"{said} {mirror}: expected an address that begins with https:// (http:// for this "
            "machine alone)"
        )
    return mirror.rstrip("/")


def _lacking(source: Source, folder: Path) -> list[str]:
    """Return the files that a folder lacks; refuse one that holds others of the same names."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--out {folder}: that is a file; name a folder")
    lacking = [file for file in source.blobs if not (folder / file).exists()]
    for file, blob in source.blobs.items():
        if file not in lacking and not _is(folder / file, blob):
            raise UsageError(
                f"--out {folder}: {file} is there and is not the known file; choose another folder "
                "or move it away"
            )
    return lacking


def _is(path: Path, blob: str) -> bool:
    return path.is_file() and git_blob(path) == blob


def _fill_cache(source: Source, files: list[str], base: str, offline: bool) -> list[str]:
    """Download what the cache lacks of these files; return their names."""
    cache = cache_folder() / source.name
    if offline:
        for file in files:
            if not _is(cache / file, source.blobs[file]):
                state = "in the cache is damaged" if (cache / file).exists() else "is not cached"
                raise UsageError(
                    f"--offline: {file} {state} ({cache / file}); fetch it once without --offline, "
                    "or copy the file there"
                )
        return []
    if all(_is(cache / file, source.blobs[file]) for file in files):
        return []
    downloaded = []
    with _locked(cache):
        for file in files:
            if _is(cache / file, source.blobs[file]):  # another process was faster
                continue
            places = [f"{base or RAW}/{source.path(file)}", *([f"{base}/{file}"] if base else ())]
            log.info("%s: from %s", file, base or RAW)
            download(places, cache / file, source.blobs[file], _helps(cache))
            downloaded.append(file)
    return downloaded


def _helps(cache: Path) -> str:
    return (
        "what helps: --mirror URL or TITLEKIT_MIRROR, a proxy in HTTPS_PROXY, or the files copied "
        f"into {cache}"
    )


@contextlib.contextmanager
def _locked(cache: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    cache.mkdir(parents=True, exist_ok=True)
    lock = FileLock(cache / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.info("another titlekit is downloading into %s; waiting for it", cache)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _place(source: Source, files: list[str], folder: Path) -> None:
    """Copy files from the cache into a folder, which appears with all of them at once."""
    target = folder.resolve()
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    beside.mkdir(parents=True)
    try:
        for file in files:
            with (cache_folder() / source.name / file).open("rb") as here:
                _write(beside / file, here)
        if not (target / "README.md").exists():
            (beside / "README.md").write_text(source.readme(), encoding="utf-8", newline="\n")
        try:
            os.rename(beside, target)
        except OSError:  # there is a folder: it keeps what else it holds
            target.mkdir(exist_ok=True)
            for path in beside.iterdir():
                os.replace(path, target / path.name)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _write(path: Path, content: Any) -> None:
    with path.open("wb") as stream:
        shutil.copyfileobj(content, stream)
        stream.flush()
        os.fsync(stream.fileno())
