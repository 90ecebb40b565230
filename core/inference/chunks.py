"""A file that is written chunk by chunk beside its name, and goes on after it was cut off."""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..data.targets import Encoder
from ..errors import UsageError

log = logging.getLogger("titlekit")

_FORMAT = 1  # of the journal


class Chunks:
    """Chunks that are safe on the disk: .NAME.part, and the journal that says what they are.

    `rows` of the input are done; `tally` is what was counted with them. A chunk counts once the
    journal names it: what stands behind that in the part was being written when it was cut off.
    """

    def __init__(self, target: str, encoder: Encoder, of: Mapping[str, Any] | None) -> None:
        self.target = target
        self.place = Path(target).resolve()  # where a link points; the link stays
        self.part = self.place.with_name(f".{self.place.name}.part")
        self.journal = self.part.with_name(f"{self.part.name}.json")
        self._made = self.part.with_suffix(".whole")  # from the part, where that is not the file
        self.rows = self.bytes = 0
        self.tally: dict[str, Any] = {}
        self._encoder = encoder
        self.write = encoder.write
        self._of = None if of is None else json.loads(json.dumps(of))  # as it is read again
        self._take_up()
        if not self.bytes:
            self._forget()  # first the journal: it must never speak of another part
        self._stream = self.part.open("r+b" if self.bytes else "wb")
        self._stream.truncate(self.bytes)
        self._stream.seek(self.bytes)

    def commit(self, rows: int, tally: dict[str, Any]) -> None:
        """Keep what was written since the last chunk, `rows` of the input."""
        data = self._encoder.take(first=not self.bytes)
        self._stream.write(data)
        self._stream.flush()
        os.fsync(self._stream.fileno())
        rows, size = self.rows + rows, self.bytes + len(data)
        if self._of is not None:
            said = {"titlekit_part": _FORMAT, "of": self._of, "rows": rows, "bytes": size}
            write_safely(self.journal, json.dumps({**said, "tally": tally}, ensure_ascii=False))
        self.rows, self.bytes, self.tally = rows, size, tally

    def whole(self) -> Path:
        """Return the file that is whole and waits for its name."""
        if not self.bytes:
            self.commit(0, self.tally)  # no rows: the header alone
        self._stream.close()
        return self._encoder.whole(self.part, self._made)

    def publish(self, whole: Path) -> None:
        """Give the file its name; what it was made from goes."""
        os.replace(whole, self.place)
        sync_folder(self.place.parent)
        self._forget()

    def stop(self) -> None:
        """Leave what can be taken up again, and nothing else."""
        self._stream.close()
        self._made.unlink(missing_ok=True)
        if self._of is None or not self.rows:
            self._forget()
            return
        log.warning(
            "-o %s: %s rows are kept; the same command goes on after them",
            self.target, f"{self.rows:,}",
        )  # fmt: skip

    def _forget(self) -> None:
        self.journal.unlink(missing_ok=True)
        self.part.unlink(missing_ok=True)

    def _take_up(self) -> None:
        """Find what an earlier run left, where it was doing the same."""
        if self._of is None or not self.part.is_file():
            return
        said = _read(self.journal)
        if said is None or self.part.stat().st_size < said["bytes"]:
            log.info("-o %s: begins anew: what an earlier run left is not whole", self.target)
            return
        there = said["of"]
        other = [name for name in {**self._of, **there} if self._of.get(name) != there.get(name)]
        if other:
            log.info(
                "-o %s: begins anew: %s rows of an earlier run are there, but of other %s",
                self.target, f"{said['rows']:,}", " and ".join(other),
            )  # fmt: skip
            return
        self.rows, self.bytes, self.tally = said["rows"], said["bytes"], said["tally"]
        log.info("-o %s: goes on after row %s", self.target, f"{self.rows:,}")


@contextlib.contextmanager
def open_chunks(target: str, encoder: Encoder, of: Mapping[str, Any] | None) -> Iterator[Chunks]:
    """Open a target for one writer; `of` says all that its bytes depend on, None: of a pipe.

    What an earlier run left of the same is taken up. An error or a signal leaves the chunks that
    are safe, where they can be taken up again.
    """
    with _locked(target):
        chunks = Chunks(target, encoder, of)
        try:
            yield chunks
        except BaseException:
            chunks.stop()
            raise


@contextlib.contextmanager
def _locked(target: str) -> Iterator[None]:
    from filelock import FileLock, Timeout

    place = Path(target).resolve()
    path = place.with_name(f".{place.name}.lock")
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise UsageError(
            f"-o {target} is being written by another titlekit; wait for it, or choose another name"
        ) from None
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        lock.release()


def write_safely(path: Path, text: str) -> None:
    """Replace a file by a text that is on the disk before it has the name.

    If the power fails the name may still mean the old file, never half of one.
    """
    beside = path.with_name(f"{'' if path.name.startswith('.') else '.'}{path.name}.tmp")
    try:
        with beside.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Make the names in a folder safe, where the system can."""
    with contextlib.suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def _read(journal: Path) -> dict[str, Any] | None:
    """Return a journal, None where it is missing or not as it was written."""
    try:
        said = json.loads(journal.read_text("utf-8"))
        fits = said["titlekit_part"] == _FORMAT and isinstance(said["of"], dict)
        counts = type(said["rows"]) is int and type(said["bytes"]) is int
        whole = fits and counts and isinstance(said["tally"], dict)
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return said if whole else None
