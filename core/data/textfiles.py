"""Text files opened in their encoding and read line by line."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import TextIO

from ..errors import DataError
from .encoding import Undecodable, decode_fault, find_encoding
from .files import READ_FAULTS, open_unpacked, read_fault
from .rows import Rejects, Row, RowFault, set_aside, unreadable

log = logging.getLogger("titlekit")

_LINE = 1 << 26  # characters of the longest line


def open_text(
    path: str, encoding: str = "", newline: str = "", lenient: bool = False
) -> io.TextIOWrapper:
    """Open a file for reading in the encoding that is asked for or found, said in the log.

    The data of .gz, .bz2 and .xz comes unpacked. `lenient`: bytes that do not decode come as
    surrogateescape has them, where the rest of the file says which encoding it is in.
    """
    try:
        codec, sentence = find_encoding(path, encoding)
    except Undecodable as fault:
        if not lenient:
            raise
        codec, sentence = fault.codec, ""
    if sentence:
        log.warning("%s", sentence)
    errors = "surrogateescape" if lenient else "strict"
    return io.TextIOWrapper(open_unpacked(path), codec, errors, newline)


def read_lines(stream: TextIO, name: str, lenient: bool = False) -> Iterator[str]:
    """Yield the lines of a text with their ends; DataError at a fault, with its line.

    `lenient`: lines that are no text come too, for `unreadable` to tell.
    """
    number = 0
    try:
        while line := stream.readline(_LINE):
            number += 1
            if "\0" in line and not lenient:
                raise RowFault(f"{name}:{number}: {unreadable(line)}")
            if len(line) == _LINE:
                raise DataError(f"{name}:{number}: a line of more than 64 MB; is it a text file?")
            yield line if number > 1 else line.removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        codec = (stream.encoding or "").removesuffix("-sig")
        raise RowFault(
            f"{decode_fault(name, number + 1, None, error)} does not decode as {codec}; name the "
            "encoding with --encoding"
        ) from None
    except READ_FAULTS as error:
        raise read_fault(name, number + 1, error) from None


def read_plain(
    lines: Iterator[str], name: str, rejects: Rejects | None = None
) -> tuple[list[str], Iterator[Row]]:
    """Return the column `text` and the rows of a file that has a text on each line."""
    return ["text"], _rows(lines, name, rejects)


def _rows(lines: Iterator[str], name: str, rejects: Rejects | None) -> Iterator[Row]:
    for number, line in enumerate(lines, 1):
        if rejects and (reason := unreadable(line)):
            set_aside(rejects, name, number, reason, line)
        else:
            yield Row(number, {"text": line.rstrip("\r\n")})
