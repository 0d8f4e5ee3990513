"""The only code that touches running objects: it looks, swaps, executes, and can take everything back."""
