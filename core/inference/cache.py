"""Scores that were computed before, in a file of SQLite that several processes may use."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ..errors import DataError, UsageError

_MARK = 0x7469746C  # "titl": says in the file's head whose it is
_SCHEMA = 1
_TABLES = (
    "CREATE TABLE models (id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE)",
    "CREATE TABLE scores (model INTEGER NOT NULL, text BLOB NOT NULL, scores BLOB NOT NULL, "
    "PRIMARY KEY (model, text)) WITHOUT ROWID",
    f"PRAGMA application_id = {_MARK}",
    f"PRAGMA user_version = {_SCHEMA}",
)
_PATIENCE = 60.0  # seconds that another process may hold the file
_ASKED = 500  # texts a query


class Cache:
    """Scores by model and text. Texts stand in it as digests; scores bit for bit."""

    def __init__(self, path: str, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection

    def find(self, model: str, keys: Sequence[bytes], width: int) -> dict[bytes, np.ndarray]:
        """Return the scores [C = width] float64 that are there, by key."""
        found: dict[bytes, np.ndarray] = {}
        with _faults(self.path), self._transaction("BEGIN"):
            number = self._number(model)
            for start in range(0, len(keys) if number else 0, _ASKED):
                asked = keys[start : start + _ASKED]
                marks = ",".join("?" * len(asked))
                query = f"SELECT text, scores FROM scores WHERE model = ? AND text IN ({marks})"
                for key, scores in self._connection.execute(query, (number, *asked)):
                    found[key] = np.frombuffer(scores, "<f8")
        if not all(len(one) == width and np.isfinite(one).all() for one in found.values()):
            raise DataError(_damaged(self.path, "scores that are no probabilities"))
        return found

    def keep(self, model: str, keys: Sequence[bytes], scores: np.ndarray) -> None:
        """Keep scores [N, C] float64 by key, all or none; what is there already stays."""
        values = [row.tobytes() for row in np.ascontiguousarray(scores, "<f8")]
        with _faults(self.path), self._transaction("BEGIN IMMEDIATE"):
            self._connection.execute("INSERT OR IGNORE INTO models (digest) VALUES (?)", (model,))
            number = self._number(model)
            self._connection.executemany(
                "INSERT OR IGNORE INTO scores VALUES (?, ?, ?)",
                # In the order of the table, whose pages are then written once.
                sorted((number, key, value) for key, value in zip(keys, values, strict=True)),
            )

    def _number(self, model: str) -> int | None:
        query = "SELECT id FROM models WHERE digest = ?"
        row = self._connection.execute(query, (model,)).fetchone()
        return None if row is None else int(row[0])

    @contextlib.contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        self._connection.execute(begin)
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")


@contextlib.contextmanager
def open_cache(path: str) -> Iterator[Cache]:
    """Open a cache, made where there is none; one line refuses a file that is something else."""
    folder = Path(path).parent
    if not folder.is_dir():
        raise UsageError(f"--cache {path}: there is no folder {str(folder)!r}")
    if Path(path).exists() and not Path(path).is_file():
        raise UsageError(f"--cache {path}: expected a file, that is a folder or a device")
    with _faults(path):
        connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)
    with contextlib.closing(connection):
        with _faults(path):
            _check(path, connection)
        yield Cache(path, connection)


def text_key(text: str, pair: str | None = None) -> bytes:
    """Return the digest that stands for a text, or for a text and a second one."""
    first = text.encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(first, digest_size=16)
    if pair is not None:
        digest.update(b"\0" + len(first).to_bytes(8, "little"))  # where the first one ends
        digest.update(pair.encode("utf-8", "surrogatepass"))
    return digest.digest()


def _check(path: str, connection: sqlite3.Connection) -> None:
    """Refuse what is no cache of this schema; make one of an empty file."""
    if not _said(connection, "application_id") and not _tables(connection):
        connection.execute("BEGIN IMMEDIATE")
        if not _tables(connection):  # no other process was quicker
            for statement in _TABLES:
                connection.execute(statement)
        connection.execute("COMMIT")
    if _said(connection, "application_id") != _MARK:
        raise UsageError(f"--cache {path}: a database of something else; choose another name")
    if (version := _said(connection, "user_version")) != _SCHEMA:
        raise UsageError(
            f"--cache {path}: written by another version of titlekit (its schema is {version}, "
            f"expected {_SCHEMA}); choose another name"
        )


def _said(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])


def _tables(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])


@contextlib.contextmanager
def _faults(path: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise UsageError(f"--cache {path}: {error}") from None
    except sqlite3.DatabaseError as error:
        raise DataError(_damaged(path, str(error))) from None


def _damaged(path: str, reason: str) -> str:
    return f"--cache {path}: not a cache of titlekit, or a damaged one ({reason}); delete it or " \
        "choose another name"  # fmt: skip
