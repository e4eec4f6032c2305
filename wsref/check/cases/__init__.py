"""The cases, a module for each part of the RFCs, in the order in which they are run."""

from __future__ import annotations

from typing import Final

from ..catalogue import Case
from . import (
    closing,
    compression,
    conduct,
    control,
    extensions,
    failing,
    fragmentation,
    framing,
    negotiation,
    request,
    robustness,
    stress,
    subprotocol,
    utf8,
    version,
)

__all__ = ["ALL"]

ALL: Final[tuple[Case, ...]] = (
    *conduct.CASES,
    *request.CASES,
    *version.CASES,
    *subprotocol.CASES,
    *extensions.CASES,
    *framing.CASES,
    *control.CASES,
    *fragmentation.CASES,
    *utf8.CASES,
    *closing.CASES,
    *failing.CASES,
    *robustness.CASES,
    *negotiation.CASES,
    *compression.CASES,
    *stress.CASES,
)
