"""The core: RFC 6455 and RFC 7692 as immutable values and pure functions, both roles.

Nothing here does I/O, reads a clock or draws randomness, and nothing outside this
folder is needed: it can be copied alone.  To read it beside the RFCs, begin with
:mod:`~wsref.protocol.frames`, then ``messages``, ``closing``, ``connection``,
``handshake`` and ``deflate``.
"""
