"""Many processes as one service: doors to get in, and the rollout of a push over all workers.

listen ── door ── ops          inside a service: light until the first request
attach ── service ── client    outside: the same verbs on all workers at once
          rollout              the decisions of a push, pure
rundir, discovery, wire        where doors are, which are alive, what is said through them
"""

PROTOCOL = 2
"""What both ends of a door must agree on; counts up when an older end could misunderstand."""
