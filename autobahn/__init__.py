"""The Autobahn TestSuite in a container, run against our clients and our server.

The TestSuite judges how a WebSocket endpoint behaves: its *fuzzing server* leads a client
through 517 cases, some of them hostile, and its *fuzzing client* does the same to a server.
It needs Python 2.7, so it lives in a container (``Dockerfile``) and nothing of it is ever
installed beside wsref.

How a run goes::

    cases ──► two shards of equal weight, each with
                 a container (``containers``)       wstest -m fuzzingserver | fuzzingclient
                 a process of ours (``endpoints``)  a real client           | wsref serve
    both done ──► results ──► counts, faults, one HTML page

Modules, in reading order: ``cases`` (which cases there are, which to run, how to share them
out), ``results`` (what the TestSuite reported), ``engine`` (docker or podman, the image,
containers), ``endpoints`` (our side of a case), ``runs`` (all of it together).

``python -m autobahn --help`` runs it by hand; ``pytest --autobahn=quick|full`` runs it as tests.
The name of this folder is that of a package of Crossbar's which wsref never imports.
"""
