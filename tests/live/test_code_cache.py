from __future__ import annotations

import json
import marshal
import subprocess
import sys
from types import CodeType

import pytest

from livecode.live import code_cache
from livecode.live.code_cache import (
    CodeCache,
    WantedModule,
    WantedStatements,
    key_of,
    packed,
    seal,
    unpacked,
    unseal,
    wanted,
)

SECRET = b"s" * 32
SOURCE = "import os\n\n\ndef f(a):\n    return os.path.join(a, 'b')\n"
MODULE = WantedModule("shop.py", SOURCE)
STATEMENTS = WantedStatements("shop.py", 0, ("os",), (("def f(a):\n    return os.getcwd()\n", 7, False),))


def test_what_was_sealed_is_what_is_unsealed() -> None:
    """A blob gives back its payload, and that the code objects, one by one."""
    key = key_of(MODULE.plain())
    payload = unseal(seal(packed(MODULE.compiled()), key, SECRET), key, SECRET)
    assert payload is not None
    (code,) = map(marshal.loads, unpacked(payload))
    assert code == compile(SOURCE, "shop.py", "exec", dont_inherit=True)


def test_a_flipped_bit_anywhere_is_seen() -> None:
    """A blob of which any single byte is another one is not loaded, and neither is a shorter or longer one."""
    key = key_of(MODULE.plain())
    blob = seal(packed(MODULE.compiled()), key, SECRET)
    for place in range(len(blob)):
        changed = bytearray(blob)
        changed[place] ^= 1 << place % 8
        assert unseal(bytes(changed), key, SECRET) is None, place
    for wrong in (blob[:-1], blob + b"\0", b"", blob[:40]):
        assert unseal(wrong, key, SECRET) is None


def test_a_blob_of_another_key_or_secret_is_not_loaded() -> None:
    """What was sealed for something else, or by who does not know the secret, is not believed."""
    key, other = key_of(MODULE.plain()), key_of(STATEMENTS.plain())
    blob = seal(b"payload", key, SECRET)
    assert unseal(blob, key, SECRET) == b"payload"
    assert unseal(blob, other, SECRET) is None
    assert unseal(blob, key, b"t" * 32) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [("FORMAT", 2), ("MAGIC_NUMBER", b"1234"), ("sys", type("Other", (), {"version": "3.11.7 (other build)"}))],
)
def test_keys_depend_on_the_build(name: str, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another format of ours, another magic number and another build of the same version make another key."""
    key = key_of(MODULE.plain())
    if name == "sys":
        for kept in ("implementation", "flags", "maxsize"):
            setattr(value, kept, getattr(sys, kept))
    monkeypatch.setattr(code_cache, name, value)
    code_cache.build.cache_clear()
    try:
        assert key_of(MODULE.plain()) != key
    finally:
        monkeypatch.undo()
        code_cache.build.cache_clear()
    assert key_of(MODULE.plain()) == key


@pytest.mark.parametrize("options", [["-O"], ["-OO"], ["-X", "no_debug_ranges"]])
def test_keys_depend_on_options_of_the_compiler(options: list[str]) -> None:
    """Optimisation and left out columns make another build; the same options make the same."""
    assert build_with(*options) != build_with()
    assert build_with(*options) == build_with(*options)
    assert build_with() == code_cache.build()


def build_with(*options: str) -> str:
    """The build that a Python with these options says to be."""
    script = "from livecode.live.code_cache import build; print(build())"
    return subprocess.run([sys.executable, *options, "-c", script], check=True, capture_output=True, text=True).stdout[
        :-1
    ]


DIFFERENT = [
    WantedModule("shop.py", SOURCE + "\n"),
    WantedModule("other.py", SOURCE),
    STATEMENTS,
    WantedStatements("other.py", *(0, ("os",), STATEMENTS.statements)),
    WantedStatements("shop.py", *(1 << 24, ("os",), STATEMENTS.statements)),
    WantedStatements("shop.py", *(0, ("os", "sys"), STATEMENTS.statements)),
    WantedStatements("shop.py", *(0, ("os",), (("def f(a):\n    return os.getcwd()\n", 8, False),))),
    WantedStatements("shop.py", *(0, ("os",), (("def f(a):\n    return os.getcwd()\n", 7, True),))),
]


def test_keys_depend_on_all_that_is_wanted() -> None:
    """Source, chunk name, flags, imported names, lines and places each make another key."""
    keys = [key_of(each.plain()) for each in (MODULE, *DIFFERENT)]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("each", [MODULE, *DIFFERENT])
def test_what_is_wanted_travels_as_json(each: WantedModule | WantedStatements) -> None:
    """What comes out of JSON is wanted as it was."""
    assert wanted(json.loads(json.dumps(each.plain()))) == each


def test_statements_compile_where_they_stand() -> None:
    """A statement's code has the lines, the chunk name and the calls that it has within its module."""
    whole = compile("import os\n" + "\n" * 5 + STATEMENTS.statements[0][0], "shop.py", "exec", dont_inherit=True)
    (code,) = STATEMENTS.compiled()
    assert function(code) == function(whole)


def function(code: CodeType) -> CodeType:
    """The code of the function in it."""
    return next(each for each in code.co_consts if isinstance(each, CodeType))


def test_the_cache_is_bounded() -> None:
    """The cache holds no more bytes than it may: what was not used for longest goes."""
    cache = CodeCache(most_bytes=100)
    for number in range(50):
        cache.put(bytes([number]), b"x" * 30)
        assert cache.get(b"\0") is not None  # always used last but one
        assert cache.size_bytes <= 100
    assert len(cache) == 3
    cache.put(b"large", b"x" * 101)
    assert cache.get(b"large") is None
    cache.put(b"\0", b"x" * 30)
    assert (len(cache), cache.size_bytes) == (3, 90)
