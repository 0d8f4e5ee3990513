"""Source files as text, and text as source files: as Python reads them, with clear errors for what is no source."""

from __future__ import annotations

import codecs
import io
import stat
import tokenize
from pathlib import Path

from livecode.engine.check import MAX_SOURCE_BYTES
from livecode.engine.line_ends import unified, with_line_ends
from livecode.errors import UsageError


def read_source(path: str | Path) -> str:
    """The text of a Python source file, with ``\\n`` line ends.

    Raises:
        UsageError: It is missing, a folder, too large, binary, or not in the encoding that it claims.
    """
    path = Path(path)
    try:
        at = path.stat()
        size = at.st_size
        if not stat.S_ISREG(at.st_mode):  # whoever opens a pipe waits for somebody at its other end
            what = "a folder" if stat.S_ISDIR(at.st_mode) else "no regular file"
            raise UsageError(f"{path}: cannot be read: it is {what}")
        if size > MAX_SOURCE_BYTES:
            limit = MAX_SOURCE_BYTES // 1048576
            raise UsageError(f"{path}: {size / 1048576:.1f} MiB, more than the {limit} MiB that are accepted as source")
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error
    try:
        return decode_source(data)
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from error


def decode_source(data: bytes) -> str:
    """Source bytes as text, by their byte order mark or encoding cookie (PEP 263), UTF-8 otherwise.

    Raises:
        ValueError: They are not text in that encoding.
    """
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        raise ValueError(f"not Python source: null byte in line {line} (a binary file?)")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
    except SyntaxError as error:
        raise ValueError(f"not Python source: {error.msg}") from error
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ValueError(f"not Python source: line {line} is not {error.encoding} text: {error.reason}") from error
    return io.IncrementalNewlineDecoder(None, translate=True).decode(text, final=True)


def encode_source(source: str, like: bytes = b"") -> bytes:
    """The bytes of a source file: in the encoding that the source claims (PEP 263), UTF-8 if it claims none.

    Args:
        source: What the file is to say.
        like: The bytes of the file that it takes the place of, whose line ends and byte order mark it keeps.

    Raises:
        ValueError: Python could not read it again as this text.
    """
    encoding = claimed_encoding(source.encode("utf-8", "surrogatepass"))
    if encoding == "utf-8" and like.startswith(codecs.BOM_UTF8):
        encoding = "utf-8-sig"
    text = with_line_ends(source, _raw_text(like))
    try:
        data = text.encode(encoding)
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        raise ValueError(f"line {line} has {text[error.start]!a}, which {encoding} cannot say") from error
    except LookupError as error:  # a codec that makes no bytes of text, such as rot13
        raise ValueError(f"the encoding {encoding} that it claims is none of text") from error
    if decode_source(data) != unified(source):
        raise ValueError(f"Python would read something else from it in the encoding {encoding} that it claims")
    return data


def claimed_encoding(data: bytes) -> str:
    """The encoding that a source file claims.

    Raises:
        ValueError: Python knows none of that name.
    """
    try:
        return tokenize.detect_encoding(io.BytesIO(data).readline)[0]
    except SyntaxError as error:
        raise ValueError(f"not Python source: {error.msg}") from error


def _raw_text(data: bytes) -> str:
    """The text of a file with the line ends that it has."""
    try:
        return data.decode(claimed_encoding(data))
    except (ValueError, LookupError):  # broken: its line ends show all the same
        return data.decode("latin-1")
