"""One file over HTTP: resumed where it was cut off, retried once, kept only if it is the one."""

from __future__ import annotations

import hashlib
import http.client
import ipaddress
import logging
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import RunError

log = logging.getLogger("titlekit")

TIMEOUT = 30  # seconds without a byte
PAUSE = 1.0  # seconds before the second try
_CHUNK = 1 << 16
_MOST = 1 << 28  # bytes of a file; what is longer is not what was asked for
_PASSING = (408, 429, 500, 502, 503, 504)  # answers that another try may change


class Missing(Exception):
    """The place answers, and does not give the file; the text is its answer."""


class _Fault(Exception):
    """The network failed, or the server for the moment."""


def download(places: Sequence[str], target: Path, blob: str, helps: str) -> None:
    """Write the file with this git blob id, from the first of `places` that has it, to `target`.

    It appears when it is whole and verified. What a cut-off download left stands beside it and is
    taken up again. `helps` ends the RunError for a network that cannot be reached.
    """
    part = target.with_name(f".{target.name}.part")
    refused = []
    for url in places:
        try:
            _try_twice(url, part, blob, helps)
        except Missing as answer:
            refused.append(f"{url}: {answer}")
            continue
        with part.open("rb+") as stream:
            os.fsync(stream.fileno())
        os.replace(part, target)
        return
    raise RunError(f"{target.name} is not there: {', '.join(refused)}; {helps}")


def git_blob(path: Path) -> str:
    """Return the id that git gives a file's content."""
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def allowed(url: str) -> bool:
    """Return whether a URL is https, or plain http on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and _is_here(host)))


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _try_twice(url: str, part: Path, blob: str, helps: str) -> None:
    if part.is_file() and git_blob(part) == blob:
        return
    for last in (False, True):
        try:
            had = _receive(url, part)
        except _Fault as fault:
            if last:
                raise RunError(f"{url}: {fault}; {helps}") from None
            log.info("%s: %s; trying again", url, fault)
        else:
            found = git_blob(part)
            if found == blob:
                return
            part.unlink()
            # What was continued may be another file's beginning: once more from the start.
            if last or not had:
                raise RunError(
                    f"{url}: not the known file (git blob {found[:12]}, expected {blob[:12]}); "
                    f"nothing of it is kept; {helps}"
                )
        time.sleep(PAUSE)


def _receive(url: str, part: Path) -> int:
    """Append to `part` what it lacks, or write it anew; return the bytes that were kept."""
    had = part.stat().st_size if part.is_file() else 0
    chunks = _chunks(url, had)
    started: int
    started, length = next(chunks)
    with part.open("ab" if started else "wb") as stream, _bar(part, started, length) as bar:
        for chunk, _ in chunks:
            stream.write(chunk)
            bar.update(len(chunk))
            if stream.tell() > _MOST:
                raise RunError(f"{url}: more than {_MOST >> 20} MB; expected a smaller file")
    if length is not None and part.stat().st_size < started + length:
        raise _Fault(f"cut off after {part.stat().st_size:,} of {started + length:,} bytes")
    return started


def _chunks(url: str, had: int) -> Iterator[tuple[Any, Any]]:
    """Yield (byte that the answer begins at, its length or None), then (bytes, None) each.

    Raises _Fault for whatever the network does; a full disk is the caller's own error.
    """
    request = urllib.request.Request(url, headers={"User-Agent": "titlekit"})
    if had:
        request.add_header("Range", f"bytes={had}-")
    try:
        with _opener(url).open(request, timeout=TIMEOUT) as answer:
            begins = answer.headers.get("Content-Range", "").startswith(f"bytes {had}-")
            length = answer.headers.get("Content-Length", "")
            yield had if answer.status == 206 and begins else 0, _number(length)
            while chunk := answer.read(_CHUNK):
                yield chunk, None
    except urllib.error.HTTPError as error:
        error.close()
        said = f"{error.code} {error.reason}".strip()
        if error.code == 416:  # what is here is not a beginning of what is there
            yield from _chunks(url, 0)
        elif error.code in _PASSING:
            raise _Fault(said) from None
        else:
            raise Missing(said) from None
    except (OSError, http.client.HTTPException) as error:
        reason = str(getattr(error, "reason", None) or error) or type(error).__name__
        raise _Fault(f"no connection ({reason})") from None


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


class _Redirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        # From https to https; this machine may also name another address of itself.
        if not allowed(newurl) or (newurl.startswith("http:") and req.type != "http"):
            fp.close()
            raise RunError(f"{req.full_url} redirects to {newurl}; expected an https address")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener(url: str) -> urllib.request.OpenerDirector:
    """Return what opens a URL: through the environment's proxy, unless it is on this machine."""
    proxies = {} if _is_here(urlsplit(url).hostname or "") else urllib.request.getproxies()
    return urllib.request.build_opener(urllib.request.ProxyHandler(proxies), _Redirects())


def _bar(part: Path, had: int, length: int | None) -> Any:
    from tqdm import tqdm

    hidden = None if log.isEnabledFor(logging.INFO) else True  # None: hidden without a terminal
    total = None if length is None else had + length
    name = part.name.removeprefix(".").removesuffix(".part")
    return tqdm(
        total=total, initial=had, desc=name, unit="B", unit_scale=True, disable=hidden,
        file=sys.stderr,
    )  # fmt: skip
