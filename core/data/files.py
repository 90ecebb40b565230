"""Files as bytes: opened, unpacked by their suffix, and what is said where that fails."""

from __future__ import annotations

import bz2
import gzip
import io
import itertools
import lzma
import os
import zlib
from typing import Any, BinaryIO

from ..errors import DataError, nearest

PACKED = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz"}
# What a read can raise: the disk, and what the three unpackers say of damaged data.
READ_FAULTS = (OSError, EOFError, zlib.error, lzma.LZMAError)

_SIGNATURES = (
    (b"\x1f\x8b", "gzip data; its name should end in .gz"),
    (b"BZh", "bzip2 data; its name should end in .bz2"),
    (b"\xfd7zXZ\0", "xz data; its name should end in .xz"),
    (b"PK\x03\x04", "a zip archive; unpack it, or is it an .xlsx?"),
    (b"PAR1", "a parquet file; its name should end in .parquet"),
    (b"%PDF", "a PDF; expected a text file"),
)


def open_bytes(path: str) -> BinaryIO:
    """Open a file for reading; DataError with the nearest name in its folder where it is absent."""
    try:
        return open(path, "rb")
    except FileNotFoundError:
        folder, name = os.path.split(path)
        try:
            with os.scandir(folder or ".") as entries:
                near = nearest(name, [entry.name for entry in itertools.islice(entries, 2000)])
        except OSError:
            near = f"; there is no folder {folder!r}"
        raise DataError(f"{path}: no such file{near}") from None
    except IsADirectoryError:
        raise DataError(f"{path}: expected a file, this is a folder") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: {getattr(error, 'strerror', None) or error}") from None


def open_unpacked(path: str) -> io.BufferedReader:
    """Open a file for reading; the data of .gz, .bz2 and .xz comes unpacked.

    Reading it raises READ_FAULTS, for which `read_fault` has the words.
    """
    stream: Any = open_bytes(path)
    kind = PACKED.get(os.path.splitext(path)[1].lower())
    if kind is not None:
        stream.close()
        unpack: Any = {"gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open}[kind]
        stream = unpack(path, "rb")
    found: io.BufferedReader = stream  # or what reads like one
    return found


def unpacked_name(path: str) -> str:
    """Return a file's name without the suffix of its packing: a.csv.gz -> a.csv."""
    stem, suffix = os.path.splitext(path)
    return stem if suffix.lower() in PACKED else path


def read_fault(path: str, line: int, error: Exception) -> DataError:
    """Return what is said where reading a line of a file fails; line 0 is the file's beginning."""
    kind = PACKED.get(os.path.splitext(path)[1].lower())
    if kind is None or getattr(error, "errno", None):
        return DataError(f"{path}: {getattr(error, 'strerror', None) or error}")
    if line:
        return DataError(f"{path}:{line}: the {kind} data is damaged or cut off from here on")
    return DataError(f"{path}: not {kind} data, or damaged from its beginning on")


def foreign_kind(start: bytes) -> str:
    """Return what a file that is no text begins like, "" where nothing is known of it."""
    return next((kind for mark, kind in _SIGNATURES if start.startswith(mark)), "")
