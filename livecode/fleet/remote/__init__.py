"""A service on another machine, in a container, in a pod: all through one program's standard input and output.

    near: who pushes                                  far: where the service runs
    service ── line ── link ─────────── frames ─────────── link ── relay ── the Service of that machine
    address   dial     └─ ssh, docker exec, kubectl exec: its stdin, its stdout ─┘

    address, programs      what a URL means, what is started for it, what its failure means: pure
    frames                 many streams in one, with flow control: pure
    link                   the threads that read and write them, the same on both sides
    verbs                  what is asked and answered, the same on both sides
    relay                  the far side: `livecode relay`
    dial, line, service    the near side: starts a relay, keeps it, and speaks through it

Verbs travel, not what they are made of: a push is driven by the relay, beside the workers. It opens their doors, reads
and writes their store, SQLite or another, and is their pusher: if it is killed in the middle, they see that at once and
take the push back, as they do with any other. A bad link makes a push slower to hear of, and never half done.
"""

RELAY_PROTOCOL = 1
"""What both ends of a link must agree on, beside the protocol of doors; counts up when that changes."""
