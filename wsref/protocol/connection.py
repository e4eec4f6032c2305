"""A connection as a value: both roles, from the opening handshake to the end.

A step is a function from a :class:`Connection` and an input to the next connection,
some events and some bytes to write::

    connection, events, output = connection.receive(data)

Nothing else happens: no I/O, no clock, no randomness.  A connection can be kept,
compared, copied, forked and replayed; stepping it again, differently, is not seen by
anyone who stepped it before.  A step that leaves no trace returns the very same object, so
that the commonest by far, a whole unfragmented message, costs no new state.

What a connection consists of:

``settings``   what does not change while it is open: role, limits, what was agreed on
``state``      its place in the table of :mod:`~wsref.protocol.closing`
``reading``    where :mod:`~wsref.protocol.reading` stands; its type tells what is read
``sending``    where :mod:`~wsref.protocol.sending` stands
``closes``     the Close frames received and sent

A violation by the peer is raised as :class:`Violation` wherever it is found and caught
in one place, :meth:`Connection.receive`.  A caller's mistake is an ordinary exception
from the call, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

from . import handshake
from .chunks import EMPTY
from .closing import (
    NO_CLOSE,
    CloseBody,
    CloseFrames,
    Input,
    State,
    Transport,
    parse_close,
    serialize_close,
    transition,
    transport_of,
    truncated_reason,
)
from .deflate import (
    DEFAULT_POLICY,
    DeflateOffer,
    DeflateParameters,
    DeflatePolicy,
    deflating,
    inflating,
)
from .errors import WebSocketClosed, WebSocketClosing, WebSocketError, WebSocketUnavailable
from .events import (
    Closed,
    Closing,
    Disconnected,
    Event,
    Ping,
    Pong,
    ProtocolError,
    Ready,
    Rejected,
    Requested,
)
from .frames import FIN, serialize_frame
from .handshake import Agreement
from .http import Headers, parse_request, parse_response
from .limits import DEFAULT_LIMITS, Limits
from .opcode import BINARY, CLOSE, PING, PONG, TEXT
from .reading import (
    AT_BOUNDARY,
    NOTHING_MORE,
    AwaitingRequest,
    AwaitingResponse,
    ControlFrame,
    Frames,
    NothingMore,
    Reading,
    Undecided,
    at_boundary,
    is_back,
    lost_within,
    split_head,
    take_frames,
    take_whole_messages,
)
from .records import new_record
from .sending import (
    SEED_BYTES,
    Sending,
    checked_control_payload,
    checked_text,
    send_continuation,
    send_frame,
    send_message,
)
from .status import Status
from .uri import WebSocketURI
from .violations import Violation

__all__ = ["Connection", "Settings", "Step"]

# Module names are quicker than an enum's attributes.
_CONNECTING: Final = State.CONNECTING
_OPEN: Final = State.OPEN
_CLOSE_SENT: Final = State.CLOSE_SENT
_CLOSE_RECEIVED: Final = State.CLOSE_RECEIVED


class Settings(NamedTuple):
    """What holds for the whole life of a connection."""

    is_client: bool
    limits: Limits
    auto_pong: bool
    agreement: Agreement | None = None  # None until the opening handshake is complete


class Step(NamedTuple):
    """What a step results in.

    Attributes:
        connection: the next state; the same object where the step leaves no trace, as a whole
            message does that nothing was read of before.
        events: what to tell the application, in order.
        output: bytes to write to the peer.
    """

    connection: Connection
    events: tuple[Event, ...]
    output: bytes

    def __repr__(self) -> str:
        return f"Step({self.connection!r}, {self.events!r}, output of {len(self.output)} bytes)"


class Connection(NamedTuple):
    """One endpoint's whole protocol state; begin with :meth:`connect` or :meth:`listen`."""

    settings: Settings
    state: State
    reading: Reading
    sending: Sending
    closes: CloseFrames = NO_CLOSE

    # The opening handshake (RFC 6455 §4)

    @staticmethod
    def connect(
        uri: WebSocketURI,
        nonce: bytes,
        *,
        seed: bytes,
        subprotocols: Sequence[str] = (),
        offers: Sequence[DeflateOffer] = (),
        headers: Headers = (),
        origin: str | None = None,
        user_agent: str | None = None,
        limits: Limits = DEFAULT_LIMITS,
        auto_pong: bool = True,
    ) -> Step:
        """Begin as a client (RFC 6455 §4.1).

        Args:
            uri: where to, from :func:`~wsref.protocol.uri.parse_uri`.
            nonce: 16 random bytes, new for every connection.
            seed: 32 secret random bytes, for the masking keys that no call provides.
            subprotocols: wanted subprotocols, the most preferred first.
            offers: permessage-deflate as offered, the most preferred first.
            headers: further header fields of the request.
            origin: the Origin header, for clients that act on behalf of a page.
            user_agent: the User-Agent header.
            limits: the most to accept from the server.
            auto_pong: whether Pings are answered without being asked to.

        Returns:
            A step whose output is the request.

        Raises:
            TypeError, ValueError: an argument that cannot be sent.
        """
        if not isinstance(uri, WebSocketURI):
            raise TypeError(f"uri must be a WebSocketURI, not {type(uri).__name__}")
        if not isinstance(seed, bytes):
            raise TypeError(f"seed must be bytes, not {type(seed).__name__}")
        if len(seed) != SEED_BYTES:
            raise ValueError(f"seed must have {SEED_BYTES} bytes, not {len(seed)}")
        request, asked = handshake.build_request(
            uri,
            nonce,
            subprotocols=subprotocols,
            offers=offers,
            headers=headers,
            origin=origin,
            user_agent=user_agent,
        )
        connection = Connection(
            Settings(True, limits, auto_pong),
            _CONNECTING,
            AwaitingResponse(b"", asked),
            Sending(seed),
        )
        return Step(connection, (), request)

    @staticmethod
    def listen(*, limits: Limits = DEFAULT_LIMITS, auto_pong: bool = True) -> Connection:
        """Begin as a server that waits for a client's request (RFC 6455 §4.2).

        Args:
            limits: the most to accept from the client.
            auto_pong: whether Pings are answered without being asked to.
        """
        return Connection(
            Settings(False, limits, auto_pong), _CONNECTING, AwaitingRequest(b""), Sending(b"")
        )

    def accept(
        self,
        *,
        subprotocols: Sequence[str] = (),
        deflate: DeflatePolicy | None = DEFAULT_POLICY,
        headers: Headers = (),
        now: float = 0.0,
    ) -> Step:
        """Accept the client's request (RFC 6455 §4.2.2).

        Args:
            subprotocols: those supported; the first that the client named is chosen.
            deflate: how to agree on permessage-deflate, None to decline it.
            headers: further header fields of the response.
            now: the time for the events, in seconds since the epoch.

        Returns:
            A step with the 101 response and a Ready event, and with the events of any
            frames that came behind the request.

        Raises:
            WebSocketError: there is no request to accept.
            TypeError, ValueError: an argument that cannot be sent.
        """
        reading = self.reading
        if not isinstance(reading, Undecided):
            raise WebSocketError("there is no request to accept")
        response_bytes, response, agreement = handshake.build_acceptance(
            reading.request,
            subprotocol=handshake.choose_subprotocol(reading.request, subprotocols),
            deflate_policy=deflate,
            headers=headers,
        )
        connection = self._opened(agreement)
        ready = Ready(response, agreement.subprotocol, agreement.extensions, received_time=now)
        connection, events, output = connection.receive(reading.early.joined(), now)
        return Step(connection, (ready, *events), response_bytes + output)

    def reject(self, status: int = 403, headers: Headers = (), body: bytes = b"") -> Step:
        """Refuse the client's request with an HTTP error (RFC 6455 §4.2.2).

        Args:
            status: the HTTP status code, 300 to 599.
            headers: further header fields of the response.
            body: what a person will read.

        Raises:
            WebSocketError: there is no request to refuse.
            TypeError, ValueError: an argument that cannot be sent.
        """
        if not isinstance(self.reading, Undecided):
            raise WebSocketError("there is no request to reject")
        return Step(self._failed(), (), handshake.build_rejection(status, headers, body))

    # Receiving (RFC 6455 §6.2)

    def receive(self, data: bytes, now: float = 0.0) -> Step:
        """Take bytes from the peer, whatever they are.

        Args:
            data: any bytes, cut in any way.
            now: the time for the events, in seconds since the epoch.

        Returns:
            A step with an event for every message and control frame that is complete.  Its
            output holds the Pongs owed and, after a violation, our Close.  After a
            ``Closing`` event it is the caller's turn to :meth:`close`.

        Raises:
            TypeError: *data* is not bytes.
        """
        if data.__class__ is not bytes:
            data = _as_bytes(data)
        if self.reading is AT_BOUNDARY:
            settings = self.settings
            events, position = take_whole_messages(
                data,
                from_client=not settings.is_client,
                size_limit=settings.limits.message_size,
                now=now,
            )
            if position == len(data):
                return new_record(Step, (self, tuple(events), b""))
            return self._receive_anything(data, position, now, events)
        return self._receive_anything(data, 0, now, [])

    def sound_length(self, data: bytes) -> int:
        """Return how many bytes of *data* can be received before the connection fails.

        A violation may come right behind messages, in the same read.  Whoever wants to answer
        those first receives that many bytes, and the others when that is done.  Steps are
        pure, so it is simply tried out.

        Args:
            data: bytes that make :meth:`receive` fail the connection.
        """
        sound, failing = 0, len(data)
        while failing - sound > 1:
            middle = (sound + failing) // 2
            if self.receive(data[:middle]).connection.state is State.FAILED:
                failing = middle
            else:
                sound = middle
        return sound

    def receive_eof(self, now: float = 0.0, reason: str = "", detail: str = "") -> Step:
        """Take note that the transport has ended, in whatever way (RFC 6455 §7.1.4, §7.2.1).

        Args:
            now: the time for the event, in seconds since the epoch.
            reason: what happened, for people; by default told from the state.
            detail: what the transport says about it, added to the default reason unless the
                end was a clean one.

        Returns:
            A step with a Disconnected event; its ``graceful`` is True if a Close had gone
            each way.  A second call changes nothing.
        """
        if self.state is State.CLOSED:
            return Step(self, (), b"")
        settings, state, reading, sending, closes = self
        clean = state is State.CLOSE_EXCHANGED
        connection = Connection(
            settings, transition(state, Input.TRANSPORT_ENDED), NOTHING_MORE, sending, closes
        )
        code = connection.closing_code
        if not reason:
            reason = "closed" if clean else _lost_while(state, reading)
            if detail and not clean:
                reason = f"{reason}; {detail}"
        return Step(
            connection,
            (
                Disconnected(
                    reason,
                    clean,
                    Status.ABNORMAL if code is None else code,
                    received_time=now,
                ),
            ),
            b"",
        )

    # Sending (RFC 6455 §6.1)

    def send_text(
        self,
        text: str,
        compress: bool = True,
        *,
        fin: bool = True,
        masking_key: bytes | None = None,
    ) -> Step:
        """Send a text message, or its first fragment.

        Args:
            text: the message.
            compress: whether to compress it, if permessage-deflate was agreed on.
            fin: False if more is to come by :meth:`send_continuation` (RFC 6455 §5.4).
            masking_key: (client) four unpredictable bytes; derived from the seed if None.

        Raises:
            TypeError: *text* is not a string.
            ValueError: *text* holds a lone surrogate, or *masking_key* is not four bytes.
            WebSocketUnavailable: the connection is not open; after our Close
                WebSocketClosing, at the end WebSocketClosed.
            FrameBuildError: a fragmented message is unfinished.
        """
        return self._send_message(TEXT, checked_text(text), compress, fin, masking_key)

    def send_binary(
        self,
        data: bytes,
        compress: bool = True,
        *,
        fin: bool = True,
        masking_key: bytes | None = None,
    ) -> Step:
        """Send a binary message, or its first fragment; otherwise like :meth:`send_text`.

        Raises:
            TypeError: *data* is not bytes.
        """
        if not isinstance(data, bytes):  # here, since a call would cost every message something
            raise TypeError(f"data must be bytes, not {type(data).__name__}")
        return self._send_message(BINARY, data, compress, fin, masking_key)

    def send_continuation(
        self, data: str | bytes, *, fin: bool = True, masking_key: bytes | None = None
    ) -> Step:
        """Send a further fragment of a message begun with ``fin=False`` (RFC 6455 §5.4).

        Args:
            data: more of a text message as str, of a binary message as bytes.
            fin: whether this is the last fragment.
            masking_key: (client) four unpredictable bytes; derived from the seed if None.

        Raises:
            TypeError: *data* is not of the message's type.
            FrameBuildError: no message has begun.
            ValueError, WebSocketUnavailable: as for :meth:`send_text`.
        """
        self._check_may_send_data()
        return self._sent(*send_continuation(self.sending, data, fin=fin, masking_key=masking_key))

    def send_ping(self, data: bytes = b"", *, masking_key: bytes | None = None) -> Step:
        """Send a Ping (RFC 6455 §5.5.2).

        Args:
            data: at most 125 bytes, to come back in the Pong.
            masking_key: (client) four unpredictable bytes; derived from the seed if None.

        Raises:
            TypeError: *data* is not bytes.
            ValueError: *data* is too long, or *masking_key* is not four bytes.
            WebSocketUnavailable: as for :meth:`send_text`.
        """
        payload = checked_control_payload(data)
        self._check_may_send_data()
        return self._send(FIN | PING, payload, masking_key)

    def send_pong(self, data: bytes, *, masking_key: bytes | None = None) -> Step:
        """Send a Pong, asked for or not (RFC 6455 §5.5.3).

        It may still be sent after our Close, for Pings that the peer sent before its own;
        otherwise like :meth:`send_ping`.
        """
        payload = checked_control_payload(data)
        if self.state is not _CLOSE_SENT:
            self._check_may_send_data()
        return self._send(FIN | PONG, payload, masking_key)

    def close(
        self,
        code: int | None = Status.NORMAL,
        reason: str = "",
        *,
        masking_key: bytes | None = None,
    ) -> Step:
        """Send our Close: the first of the closing handshake, or the reply (RFC 6455 §7.1.2, §7.3).

        Args:
            code: the status code, None for a Close without a body.
            reason: at most 123 bytes of UTF-8, for people who debug the peer.
            masking_key: (client) four unpredictable bytes; derived from the seed if None.

        Returns:
            A step; the same connection and no output if our Close was sent before, or the
            connection has failed or ended.

        Raises:
            TypeError, ValueError: a code or reason that may not be sent.
            WebSocketUnavailable: the opening handshake is not complete.
        """
        body = CloseBody(code, reason)
        payload = serialize_close(body)
        if code == Status.EXTENSION_FAILED and not self.settings.is_client:
            raise ValueError(f"code: {code} may only be sent by a client")
        if self.state is _CONNECTING:
            raise WebSocketUnavailable("not open yet")
        if self.state is not _OPEN and self.state is not _CLOSE_RECEIVED:
            return Step(self, (), b"")
        connection, _events, output = self._send(FIN | CLOSE, payload, masking_key)
        settings, state, reading, sending, closes = connection
        connection = Connection(
            settings,
            transition(state, Input.SEND_CLOSE),
            reading,
            Sending(sending.seed, sending.derived),
            CloseFrames(closes.received, body),
        )
        return Step(connection, (), output)

    # What the state tells

    @property
    def is_client(self) -> bool:
        """Whether this is the client's end."""
        return self.settings.is_client

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol agreed on, if any."""
        agreement = self.settings.agreement
        return None if agreement is None else agreement.subprotocol

    @property
    def extensions(self) -> frozenset[str]:
        """The names of the extensions agreed on."""
        agreement = self.settings.agreement
        return frozenset() if agreement is None else agreement.extensions

    @property
    def deflate(self) -> DeflateParameters | None:
        """The parameters of permessage-deflate, if it was agreed on."""
        agreement = self.settings.agreement
        return None if agreement is None else agreement.deflate

    @property
    def reads(self) -> bool:
        """Whether bytes from the peer still mean anything."""
        return not isinstance(self.reading, NothingMore)

    @property
    def may_send_data(self) -> bool:
        """Whether messages may be sent: the connection is open and our Close is not sent."""
        return self.state is _OPEN or self.state is _CLOSE_RECEIVED

    @property
    def sent_close(self) -> bool:
        """Whether our Close was sent."""
        return self.closes.sent is not None

    @property
    def reply_code(self) -> int | None:
        """The status code for our reply to the peer's Close: the one received.

        None, for a Close without a body, if that had none or is not ours to send: 1010 is
        for clients only (RFC 6455 §7.4.1).
        """
        received = self.closes.received
        if received is None:
            return None
        if received.code == Status.EXTENSION_FAILED and not self.settings.is_client:
            return None
        return received.code

    @property
    def closing_code(self) -> int | None:
        """The status code of the connection's end, None as long as it is not known.

        That of the first Close received, 1005 if it had none, 1006 if the connection failed
        or ended before one came (RFC 6455 §7.1.5).
        """
        received = self.closes.received
        if received is not None:
            return Status.NO_STATUS if received.code is None else received.code
        if self.state is State.FAILED or self.state is State.CLOSED:
            return Status.ABNORMAL
        return None

    @property
    def closing_reason(self) -> str:
        """The reason in the first Close received, or "" (RFC 6455 §7.1.6)."""
        received = self.closes.received
        return "" if received is None else received.reason

    @property
    def transport(self) -> Transport:
        """What to do with the TCP connection now (RFC 6455 §7.1.1)."""
        return transport_of(self.state, is_client=self.settings.is_client)

    def __repr__(self) -> str:
        role = "client" if self.settings.is_client else "server"
        return f"<Connection {role} {self.state.value}>"

    # Receiving, in detail

    def _receive_anything(
        self, data: bytes, position: int, now: float, events: list[Event]
    ) -> Step:
        """Take the bytes from *position* on, in whatever state we are."""
        connection = self
        output: list[bytes] = []
        try:
            while position < len(data):
                settings, state, reading, sending, closes = connection
                if isinstance(reading, Frames):
                    now_reading, data, position, control = take_frames(
                        reading,
                        data,
                        position,
                        events,
                        from_client=not settings.is_client,
                        limits=settings.limits,
                        now=now,
                    )
                    if now_reading is not reading:
                        connection = new_record(
                            Connection, (settings, state, now_reading, sending, closes)
                        )
                    if control is None:
                        break
                    connection, event, reply = connection._receive_control_frame(control, now)
                elif isinstance(reading, NothingMore):
                    break
                else:
                    connection, data, event, reply = connection._receive_handshake(
                        reading, data[position:], now
                    )
                    position = 0
                if event is not None:
                    events.append(event)
                if reply:
                    output.append(reply)
        except Violation as violation:
            # The only place where a violation becomes an event (RFC 6455 §7.1.7, §10.7).
            connection, event, reply = connection._fail(violation, now)
            events.append(event)
            output.append(reply)
        if connection is not self and connection._is_like(self):
            connection = self
        return new_record(Step, (connection, tuple(events), b"".join(output)))

    def _receive_control_frame(self, frame: ControlFrame, now: float) -> _Reaction:
        """Act upon a control frame (RFC 6455 §5.5)."""
        opcode, payload = frame
        if opcode == PONG:
            return self, Pong(payload, received_time=now), b""
        if opcode == PING:
            event = Ping(payload, received_time=now)
            if not self.settings.auto_pong:
                return self, event, b""
            connection, _events, pong = self._send(FIN | PONG, payload, None)
            return connection, event, pong
        settings, state, _reading, sending, closes = self
        body = parse_close(payload)
        connection = Connection(
            settings,
            transition(state, Input.RECEIVE_CLOSE),
            NOTHING_MORE,
            sending,
            CloseFrames(body, closes.sent),
        )
        code = Status.NO_STATUS if body.code is None else body.code
        if state is _OPEN:
            return connection, Closing(code, body.reason, received_time=now), b""
        return connection, Closed(code, body.reason, received_time=now), b""

    def _fail(self, violation: Violation, now: float) -> tuple[Connection, Event, bytes]:
        """Fail the connection (RFC 6455 §7.1.7, §10.7), or the opening handshake (§7.2.2)."""
        code = violation.status_code
        connection = self
        output = b""
        if self.state is _OPEN:
            body = CloseBody(code, truncated_reason(violation.detail))
            connection, _events, output = self._send(FIN | CLOSE, serialize_close(body), None)
            connection = connection._replace(closes=CloseFrames(self.closes.received, body))
        elif self.state is _CONNECTING and not self.settings.is_client:
            output = handshake.rejection_for(violation)
        event = ProtocolError(
            str(violation), self.state is not _OPEN, violation.clause, code, received_time=now
        )
        return connection._failed(), event, output

    def _failed(self) -> Connection:
        settings, state, _reading, sending, closes = self
        return Connection(settings, transition(state, Input.FAIL), NOTHING_MORE, sending, closes)

    def _is_like(self, before: Connection) -> bool:
        """Whether a step has led back to where it began."""
        settings, state, reading, sending, closes = before
        return (
            is_back(self.reading, reading)
            and self.sending is sending
            and self.state is state
            and self.closes is closes
            and self.settings is settings
        )

    # The opening handshake, in detail

    def _receive_handshake(
        self, reading: AwaitingRequest | AwaitingResponse | Undecided, data: bytes, now: float
    ) -> _Progress:
        """Take more of the opening handshake (RFC 6455 §4)."""
        settings, state, _reading, sending, closes = self
        if isinstance(reading, Undecided):
            request, early = reading
            early = early.add(data)
            if early.size > settings.limits.message_size:
                raise Violation("RFC6455-4.1-38", "too many bytes before the handshake's answer")
            undecided = Undecided(request, early)
            return Connection(settings, state, undecided, sending, closes), b"", None, b""
        head, rest = split_head(reading.head, data, settings.limits)
        if rest is None:
            more = reading._replace(head=head)
            return Connection(settings, state, more, sending, closes), b"", None, b""
        if isinstance(reading, AwaitingRequest):
            request = parse_request(head)
            handshake.check_request(request)
            undecided = Undecided(request, EMPTY)
            connection = Connection(settings, state, undecided, sending, closes)
            return connection, rest, Requested(request, received_time=now), b""
        response = parse_response(head)
        try:
            agreement = handshake.check_response(response, reading.asked)
        except Violation as violation:
            rejected = Rejected(response, violation.detail, received_time=now)
            return self._failed(), b"", rejected, b""
        ready = Ready(response, agreement.subprotocol, agreement.extensions, received_time=now)
        return self._opened(agreement), rest, ready, b""

    def _opened(self, agreement: Agreement) -> Connection:
        """Return the connection as it is once the opening handshake is complete."""
        (is_client, limits, auto_pong, _none), state, _reading, sending, closes = self
        parameters = agreement.deflate
        reading = AT_BOUNDARY
        if parameters is not None:
            reading = at_boundary(inflating(parameters, is_client))
            sending = Sending(sending.seed, sending.derived, deflating(parameters, is_client))
        settings = Settings(is_client, limits, auto_pong, agreement)
        return Connection(settings, transition(state, Input.OPENED), reading, sending, closes)

    # Sending, in detail

    def _send_message(
        self, opcode: int, payload: bytes, compress: bool, fin: bool, masking_key: bytes | None
    ) -> Step:
        """Send an unfragmented message, or the first fragment of one."""
        settings, state, _reading, sending, _closes = self
        if state is not _OPEN and state is not _CLOSE_RECEIVED:
            raise _unavailable(state)
        _seed, _derived, context, message = sending
        if (
            (context is None or not compress)
            and fin
            and message is None
            and isinstance(masking_key, bytes)
            and len(masking_key) == 4
            and settings.is_client
        ):
            # By far the commonest way to send: nothing about the connection changes.
            output = serialize_frame(FIN | opcode, payload, masking_key)
            return new_record(Step, (self, (), output))
        now_sending, output = send_message(
            sending, opcode, payload, compress=compress, fin=fin, masking_key=masking_key
        )
        return self._sent(now_sending, output)

    def _send(self, first_byte: int, payload: bytes, masking_key: bytes | None) -> Step:
        """Send one frame."""
        return self._sent(*send_frame(self.sending, first_byte, payload, masking_key))

    def _sent(self, now_sending: Sending, output: bytes) -> Step:
        settings, state, reading, sending, closes = self
        if now_sending is sending:
            return new_record(Step, (self, (), output))
        connection = Connection(settings, state, reading, now_sending, closes)
        return new_record(Step, (connection, (), output))

    def _check_may_send_data(self) -> None:
        if not self.may_send_data:
            raise _unavailable(self.state)


#: The next state, an event, and bytes to write.
_Reaction: TypeAlias = tuple[Connection, Event | None, bytes]

#: The next state, the bytes not taken yet, an event, and bytes to write.
_Progress: TypeAlias = tuple[Connection, bytes, Event | None, bytes]


def _lost_while(state: State, reading: Reading) -> str:
    """Say what the end of the transport interrupted."""
    if state is _CONNECTING:
        return "connection lost during the opening handshake"
    if state is State.FAILED:
        return "connection failed"
    if state is _OPEN and isinstance(reading, Frames):
        return "connection lost" + lost_within(reading)
    return "connection lost during the closing handshake"


def _unavailable(state: State) -> WebSocketUnavailable:
    """Return the error for sending in a state that does not allow it."""
    if state is _CONNECTING:
        return WebSocketUnavailable("not open yet; nothing was sent")
    if state is State.CLOSED:
        return WebSocketClosed("closed; nothing was sent")
    return WebSocketClosing("closing; nothing was sent")


def _as_bytes(data: object) -> bytes:
    """Return other byte strings as bytes, which nobody can change behind our back."""
    if isinstance(data, (bytes, bytearray)):
        return bytes(data)
    if isinstance(data, memoryview):
        return data.tobytes()
    raise TypeError(f"data must be bytes, not {type(data).__name__}")
