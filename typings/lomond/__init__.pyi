from collections.abc import Iterator
from typing import Self

from . import session as session
from .events import Event

class _State:
    session: object

class WebSocket:
    state: _State
    @property
    def key(self) -> bytes: ...
    def __init__(
        self,
        url: str,
        proxies: dict[str, str] | None = ...,
        protocols: list[str] | None = ...,
        agent: str | None = ...,
        compress: bool = ...,
    ) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, exc_type: object, exc_value: object, traceback: object) -> None: ...
    def connect(
        self,
        *,
        poll: float = ...,
        ping_rate: float = ...,
        ping_timeout: float | None = ...,
        auto_pong: bool = ...,
        close_timeout: float | None = ...,
    ) -> Iterator[Event]: ...
    def feed(self, data: bytes) -> Iterator[Event]: ...
    def send_binary(self, data: bytes, compress: bool = ...) -> None: ...
    def send_text(self, text: str, compress: bool = ...) -> None: ...
    def close(self, code: int = ..., reason: str | bytes = ...) -> None: ...
