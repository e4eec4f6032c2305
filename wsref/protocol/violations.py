"""A peer's violation of the protocol, and the status code that answers it.

A violation names the requirement it breaks by its id in the catalogue (such as
``RFC6455-5.4-03``).  It is raised deep inside the core and caught in one place,
:meth:`Connection.receive`, which turns it into a failed connection (RFC 6455
§7.1.7): a ``ProtocolError`` event and one Close frame.
"""

from __future__ import annotations

from .status import Status

__all__ = ["Violation"]

#: Requirements whose violation has a status code of its own; for all others the
#: RFC's general answer is 1002, protocol error (RFC 6455 §7.4.1).
_STATUS_CODES = {
    "RFC6455-5.5.1-05": Status.BAD_DATA,
    "RFC6455-8.1-01": Status.BAD_DATA,
    "RFC6455-8.1-03": Status.BAD_DATA,
    "RFC6455-10.4-01": Status.MESSAGE_TOO_LARGE,
    "RFC6455-10.4-03": Status.MESSAGE_TOO_LARGE,
    "RFC7692-6.1-09": Status.BAD_DATA,
    "RFC7692-7.2.2-02": Status.BAD_DATA,
    "RFC7692-7.2.2-03": Status.BAD_DATA,
    "RFC7692-7.2.2-04": Status.BAD_DATA,
    "RFC7692-7.2.2-14": Status.BAD_DATA,
}


class Violation(Exception):
    """The peer broke a requirement.

    Attributes:
        clause: the id of the requirement, such as ``RFC6455-5.4-03``.
        detail: what was wrong, in our words, for people who debug the peer.
    """

    def __init__(self, clause: str, detail: str) -> None:
        super().__init__(clause, detail)
        self.clause = clause
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.detail} ({self.clause})"

    @property
    def status_code(self) -> Status:
        """The status code for our Close frame (RFC 6455 §7.4.1)."""
        return _STATUS_CODES.get(self.clause, Status.PROTOCOL_ERROR)
