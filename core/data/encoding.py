"""Which character encoding a file has: named, marked, UTF-8, or detected and then said."""

from __future__ import annotations

import codecs
import encodings.aliases
import io
from collections.abc import Callable, Iterator

from ..errors import DataError, UsageError, nearest
from .files import READ_FAULTS, foreign_kind, open_unpacked, read_fault
from .rows import RowFault

_CHUNK = 1 << 20  # bytes decoded at once: bounds memory whatever the file's size
_SAMPLE = 1 << 16  # bytes of undecodable lines that the detection looks at
_PIECE = 1 << 14  # bytes of one line that the detection looks at
_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\r")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Undecodable(RowFault):
    """A file that is in `codec` but for some bytes."""

    def __init__(self, text: str, codec: str) -> None:
        super().__init__(text)
        self.codec = codec


def find_encoding(path: str, asked: str = "") -> tuple[str, str]:
    """Return the codec that decodes the whole of a file, and a sentence where it was guessed.

    `asked` wins; else a byte order mark; else UTF-8; else what charset-normalizer finds in the
    lines that are not UTF-8. The sentence shows one of them decoded; the caller prints it.
    Raises UsageError for an unknown codec and DataError, with file, line and character, for bytes
    that the codec (or any codec) cannot decode.
    """
    if asked:
        codec = _unmarked(path, find_codec(asked))
        fault = _fault(path, codec)
        if fault:
            raise Undecodable(
                f"{fault} does not decode as {asked}; without --encoding the encoding is detected",
                codec,
            )
        return codec, ""
    start = _start(path, 8)
    marked = next((codec for mark, codec in _MARKS if start.startswith(mark)), None)
    fault = _fault(path, marked or "utf-8")
    if fault and marked:
        raise Undecodable(
            f"{fault} does not decode as {marked}, which the mark at the file's start stands for; "
            "--encoding NAME overrides",
            marked,
        )
    if not fault:
        return marked or "utf-8", ""
    if kind := foreign_kind(start):
        raise DataError(f"{path}: this is {kind}")
    return _detected(path, fault)


def find_codec(asked: str) -> str:
    """Return Python's name of a text encoding, or raise UsageError with the nearest one."""
    try:
        "a".encode(asked)  # refuses codecs from bytes to bytes, such as zip
        codecs.getincrementaldecoder(asked)
        codec = codecs.lookup(asked).name
    except (LookupError, UnicodeError, ValueError):
        known = {*encodings.aliases.aliases, *encodings.aliases.aliases.values()}
        hint = nearest(asked.lower(), sorted(known))
        raise UsageError(f"--encoding: no character encoding {asked!r}{hint}") from None
    return "utf-8-sig" if codec == "utf-8" else codec


def clip(text: str, most: int = 60) -> str:
    """Return a text in quotes for a message: control characters escaped, long ones cut."""
    return repr(text if len(text) <= most else text[:most] + "…")


def decode_fault(path: str, line: int, column: int | None, error: UnicodeDecodeError) -> str:
    """Return file, line, byte and character of a fault, for a message.

    `line` and `column` count, from 1 and from 0, up to the piece that was being decoded; the
    character is left out where `column` is not known.
    """
    before = error.object[: error.start].decode(error.encoding, "ignore")
    line += before.count("\n")
    place = f"{path}:{line}: byte 0x{error.object[error.start]:02x}"
    if column is None and "\n" not in before:
        return place
    return f"{place} at character {_column(before, column or 0) + 1}"


def _column(text: str, column: int) -> int:
    """Return how many characters stand on the line on which a text ends, begun at `column`."""
    return len(text) - text.rfind("\n") - 1 if "\n" in text else column + len(text)


def _start(path: str, size: int) -> bytes:
    with open_unpacked(path) as stream:
        try:
            return stream.read(size)
        except READ_FAULTS as error:
            raise read_fault(path, 0, error) from None


def _fault(path: str, codec: str) -> str:
    """Return file, line, byte and character of what does not decode, "" where all does."""
    line, column, last, seen = 1, 0, b"", False
    decoder = codecs.getincrementaldecoder(codec)("strict")
    with open_unpacked(path) as stream:
        try:
            while last := stream.read1(_CHUNK):  # not read: it loses what stands before damage
                text, seen = decoder.decode(last), True
                line, column = line + text.count("\n"), _column(text, column)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            return decode_fault(path, line, column, error)
        except UnicodeError:  # some codecs raise it without a place
            return f"{path}:{line}: byte 0x{(last or b'?')[0]:02x} or one after it"
        except READ_FAULTS as error:
            raise read_fault(path, line if seen else 0, error) from None
    return ""


def _unmarked(path: str, codec: str) -> str:
    """Return a codec that reads UTF-16 and UTF-32 without their mark too."""
    if codec not in ("utf-16", "utf-32"):
        return codec
    start = _start(path, 4096)
    if any(start.startswith(mark) for mark, name in _MARKS if name == codec):
        return codec
    big = start[::2].count(0) > start[1::2].count(0) if codec == "utf-16" else start[:1] == b"\0"
    return f"{codec}-{'be' if big else 'le'}"


def _detected(path: str, fault: str) -> tuple[str, str]:
    sample, healthy = _undecodable(path)
    if any(b"\0" in piece for piece in sample):
        line = fault.removeprefix(f"{path}:").partition(":")[0]
        raise DataError(f"{path}:{line}: NUL bytes; is it UTF-16? --encoding utf-16")
    if healthy > len(sample):
        raise Undecodable(
            f"{fault} is not UTF-8, yet {healthy} other lines are; mend this line, or name the "
            "encoding of the whole file with --encoding",
            "utf-8",
        )
    codecs_found = _fitting(sample)
    for codec in codecs_found:
        if not _fault(path, codec):
            shown = clip(sample[0].decode(codec).strip())
            return codec, f"{path}: not UTF-8; read as {codec}: {shown}; --encoding NAME overrides"
    for codec in codecs_found:
        raise Undecodable(
            f"{_fault(path, codec)} does not decode as {codec}, which the rest looks like; mend "
            "this line, or name another encoding with --encoding",
            codec,
        )
    raise DataError(f"{fault} is not UTF-8 and no other encoding fits; name it with --encoding")


def _fitting(sample: list[bytes]) -> list[str]:
    """Return the codecs that make the most sense of some lines, the likeliest first."""
    from charset_normalizer import from_bytes

    joined = b"\n".join(sample).translate(None, _CONTROLS)
    scores: dict[str, float] = {}
    for codec, is_odd in _RULES.items():
        matches = from_bytes(joined, cp_isolation=[codec], threshold=0.4, enable_fallback=False)
        for match in matches:
            if match.encoding == codec:
                scores[codec] = match.chaos + _odd_share(str(match), is_odd)
    # Near the best score the order of _RULES decides: short samples fit several encodings.
    low = min(scores.values(), default=1.0)
    return [codec for codec, score in scores.items() if score < 0.5 and score <= low + 0.05]


def _undecodable(path: str) -> tuple[list[bytes], int]:
    """Return the first lines that are not UTF-8, and how many others use more than ASCII."""
    sample: list[bytes] = []
    healthy = 0
    for line in _pieces(path):
        if line.isascii():
            continue
        try:
            line.decode("utf-8")
            healthy += 1
        except UnicodeDecodeError:
            sample.append(line)
            if sum(map(len, sample[-400:])) > _SAMPLE or len(sample) >= 400:
                break
    return sample, healthy


def _pieces(path: str) -> Iterator[bytes]:
    """Yield the beginning of each line, without its end."""
    with open_unpacked(path) as stream:
        begins = True
        while piece := _line(stream, path):
            ends = piece.endswith(b"\n")
            if begins and ends:
                yield piece.rstrip(b"\r\n")
            elif begins:
                # These bytes are never the second half of a character: a safe place to cut.
                cut = max(piece.rfind(sign) for sign in (b" ", b",", b'"', b"\t"))
                yield piece[:cut] if cut > 0 and len(piece) == _PIECE else piece
            begins = ends


def _line(stream: io.BufferedReader, path: str) -> bytes:
    try:
        return stream.readline(_PIECE)
    except READ_FAULTS as error:
        raise read_fault(path, 0, error) from None


def _odd_share(text: str, is_odd: Callable[[str, str, str], bool]) -> float:
    """Return the share of the signs beyond ASCII that a writer of that encoding hardly uses."""
    signs = sum(not sign.isascii() for sign in text)
    odd = sum(map(is_odd, " " + text, text, text[1:] + " "))
    return odd / max(signs, 1)


def _double_byte(
    kernel: str, common: Callable[[int, int], bool], spaced: bool
) -> Callable[..., bool]:
    """Return a test for signs outside a double-byte set's common part, and for stray spaces."""

    def is_odd(before: str, sign: str, after: str) -> bool:
        if sign.isascii():
            # Chinese and Japanese put no spaces between words.
            between = before.isalpha() and after.isalpha() and not (before + after).isascii()
            return sign == " " and not spaced and between and not before.isascii()
        code = sign.encode(kernel, "ignore")
        return len(code) != 2 or code[0] < 0xA1 or not common(code[0], code[1])

    return is_odd


def _single_byte(before: str, sign: str, after: str) -> bool:
    """Return whether a sign that is no letter stands inside a word."""
    inside = before.isalpha() and after.isalpha()
    return inside and not sign.isascii() and not sign.isalpha() and sign != "’"


def _common_gb(lead: int, trail: int) -> bool:
    # Level 1 of GB 2312 (3,755 characters), and its signs without kana (rows 4 and 5).
    return (0xB0 <= lead <= 0xD7 and trail >= 0xA1) or lead in (0xA1, 0xA2, 0xA3, 0xA6, 0xA7, 0xA8)


# Candidates, the likelier first: common level 1 of each national set, then single bytes.
_RULES: dict[str, Callable[[str, str, str], bool]] = {
    "gb18030": _double_byte("gbk", _common_gb, spaced=False),
    "big5": _double_byte("big5", lambda lead, _: lead <= 0xC5, spaced=False),
    "big5hkscs": _double_byte("big5", lambda lead, _: lead <= 0xC5, spaced=False),
    "cp949": _double_byte("euc_kr", lambda lead, _: lead <= 0xC8, spaced=True),
    "euc_jp": _double_byte("euc_jp", lambda lead, _: lead <= 0xCF, spaced=False),
    "cp932": _double_byte("euc_jp", lambda lead, _: lead <= 0xCF, spaced=False),
    "cp1252": _single_byte,
    "cp1250": _single_byte,
    "cp1251": _single_byte,
    "koi8_r": _single_byte,
    "cp1253": _single_byte,
}
