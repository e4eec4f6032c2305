"""How fast wsref is, next to its neighbours; every comparison interleaved in one run.

    python -m bench.core          the protocol alone, no sockets
    python -m bench.roundtrip     blocking clients against one fast echo server

Ratios come first (a peer's time divided by ours: above 1, we are faster), since the
machine's speed changes from minute to minute while ratios taken in one run do not.
``--json FILE`` writes every figure.
"""
