"""The pure core: what a source says (forms), what an edit means (diff), what must be done (plan), compiled (prepare).

Nothing here reads the clock, the file system, `sys` or a running object: facts come in as values.
"""
