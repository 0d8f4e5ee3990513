"""The `livecode` command, also as ``python -m livecode``, where it is not on the PATH.

``livecode run`` adds to the start of a program, so it is told apart before anything is imported that commands need.
"""

import sys
from importlib import import_module


def main() -> None:
    """Entry point of the `livecode` command."""
    if sys.argv[1:2] == ["run"]:
        import_module("livecode.program.start").run(sys.argv[2:])  # comes back where there is something to explain
    import_module("livecode.front.cli").main()  # by name: lower layers import this package


if __name__ == "__main__":
    main()
