"""A package of the real world, loaded in one release, is brought to the next one while it runs; then it is judged.

    python -m tests.bench.hotupgrade prepare ROOT [NAME…]            downloads the releases of `packages`
    python -m tests.bench.hotupgrade run ROOT ENGINE [NAME…]         fresh, nothing, livecode, or one of the peers
    python -m tests.bench.hotupgrade table ROOT                      what was measured, as Markdown

`fresh` comes first: it says which tests pass on the new release in a process of its own, and what its modules hold.

    live    functions held since before whose code differs between the releases, that run the new code
    lines   functions held since before that carry the line numbers of the new source
    class   classes held since before that their names still lead to
    same    modules, and classes in them, whose names and attributes are those of the fresh process
    silent  how much of what is not as it should be the report has no word on
    tests   tests that pass in the fresh process, and here
"""
