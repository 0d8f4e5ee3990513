"""Programs that know nothing of livecode: started with a door (`livecode run`), or given one later (`livecode inject`).

start ── site/sitecustomize ── begin ── children      run: a new Python, in which livecode begins before the program
inject ── processes ── begin                          a process that is there, by `sys.remote_exec`
name                                                  what a program is called as a service

`livecode run` must not be felt: `start` is imported before click is, and imports next to nothing.
"""
