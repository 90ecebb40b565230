"""Text files opened in their encoding and read line by line."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import TextIO

from ..errors import DataError
from .encoding import find_encoding, lines_before, open_bytes

log = logging.getLogger("titlekit")

_LINE = 1 << 26  # characters of the longest line


def open_text(path: str, encoding: str = "", newline: str = "") -> io.TextIOWrapper:
    """Open a file for reading in the encoding that is asked for or found, said in the log."""
    codec, sentence = find_encoding(path, encoding)
    if sentence:
        log.warning("%s", sentence)
    return io.TextIOWrapper(open_bytes(path), codec, newline=newline)


def read_lines(stream: TextIO, name: str) -> Iterator[str]:
    """Yield the lines of a text with their ends; DataError at a fault, with its line."""
    number = 0
    try:
        while line := stream.readline(_LINE):
            number += 1
            if "\0" in line:
                raise DataError(f"{name}:{number}: NUL bytes; is it UTF-16? --encoding utf-16")
            if len(line) == _LINE:
                raise DataError(f"{name}:{number}: a line of more than 64 MB; is it a text file?")
            yield line if number > 1 else line.removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line_number = number + 1 + lines_before(error)
        raise DataError(
            f"{name}:{line_number}: byte 0x{error.object[error.start]:02x} does not decode as "
            f"{(stream.encoding or '').removesuffix('-sig')}; name the encoding with --encoding"
        ) from None
