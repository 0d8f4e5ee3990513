"""Source files as text: decoded as Python decodes them, with clear errors for what is no source."""

from __future__ import annotations

import io
import tokenize
from pathlib import Path

from livecode.engine.check import MAX_SOURCE_BYTES
from livecode.errors import UsageError


def read_source(path: str | Path) -> str:
    """The text of a Python source file, with ``\\n`` line ends.

    Raises:
        UsageError: It is missing, a folder, too large, binary, or not in the encoding that it claims.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
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
    return io.IncrementalNewlineDecoder(None, translate=True).decode(text)
