"""A real Jupyter kernel inside a running service, one for each notebook that asks for one.

    front ends                        the service's process
    JupyterLab   provisioner ─┐
    VS Code      proxy        ├─ door ─ desk ─ seat ─ routes      (the process-wide changes, and their end)
    console      connect     ─┘               │
                                              └─ threads: kernel, shell, output, runs

A service that only listens imports nothing of this: `livecode.fleet.ops` imports `desk` by its name when the first
notebook asks. From then on `zmq` and `ipykernel` are in the process; its threads, files and changes go with the last
notebook.
"""
