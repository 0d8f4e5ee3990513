"""Pushes into a whole service against restarts of it, side by side in one run.

    python -m tests.bench.fleet                       everything, about four minutes
    python -m tests.bench.fleet saturated             pushes into 4 uvicorn workers under wrk and 50 open websockets
    python -m tests.bench.fleet restarts              the same change by a push, by HUP and by --reload
    python -m tests.bench.fleet light                 4, 64 and 256 workers that only listen, and what they cost idle

It needs `wrk` (apt-get install wrk) and the extra `test`. With --svg FILE the restarts are drawn, too.
BENCH_STORE=redis://… in the environment measures with that store instead of the embedded one.
"""
