"""``python -m livecode`` is the `livecode` command, where that is not on the PATH."""

from importlib import import_module

if __name__ == "__main__":
    import_module("livecode.front.cli").main()  # by name: lower layers import this package
