"""The four parameters, in offers and in answers (RFC 7692 §7, §7.1)."""

from __future__ import annotations

import pytest

from wsref.protocol.deflate import (
    DEFAULT_OFFER,
    DEFAULT_POLICY,
    DeflateOffer,
    DeflateParameters,
    DeflatePolicy,
    answer_offers,
    check_answer,
    offer_extension,
)
from wsref.protocol.headers import Extension, parse_extensions, serialize_extensions
from wsref.protocol.violations import Violation

BAD_WINDOW_BITS = ["0", "7", "16", "99", "08", "015", "-9", "9.5", "abc", "1_0", "+9", "1e1"]
FLAGS = ["server_no_context_takeover", "client_no_context_takeover"]
WINDOWS = ["server_max_window_bits", "client_max_window_bits"]


def answer(parameters: str, policy: DeflatePolicy = DEFAULT_POLICY) -> str | None:
    """Return the parameters that a server answers; None if it declines."""
    agreed = answer_offers(parse_extensions([f"permessage-deflate{parameters}"]), policy)
    if agreed is None:
        return None
    return serialize_extensions([agreed[1]]).removeprefix("permessage-deflate")


def check(parameters: str, offer: DeflateOffer = DEFAULT_OFFER) -> DeflateParameters:
    """Have a client that made *offer* read an answer with these parameters."""
    (extension,) = parse_extensions([f"permessage-deflate{parameters}"])
    return check_answer(extension, [offer])


def refused_by(parameters: str, offer: DeflateOffer = DEFAULT_OFFER) -> str:
    """Return the clause by which the client refuses the answer."""
    with pytest.raises(Violation) as caught:
        check(parameters, offer)
    return caught.value.clause


@pytest.mark.rfc("RFC6455-9.1-06")
@pytest.mark.rfc("RFC7692-7-01")
@pytest.mark.parametrize("parameters", ["; foo", "; foo=1", "; Server_no_context_takeover"])
def test_server_declines_unknown_parameters(parameters: str) -> None:
    """Names are compared as they are."""
    assert answer(parameters) is None


@pytest.mark.rfc("RFC6455-9-04")
@pytest.mark.rfc("RFC7692-7-02")
@pytest.mark.parametrize("name", WINDOWS)
@pytest.mark.parametrize("value", BAD_WINDOW_BITS)
def test_server_declines_impossible_windows(name: str, value: str) -> None:
    """From 8 to 15, in decimal, without leading zeros."""
    assert answer(f"; {name}={value}") is None


@pytest.mark.rfc("RFC7692-7-03")
@pytest.mark.parametrize("name", FLAGS)
@pytest.mark.parametrize("value", ["1", "true", '"1"'])
def test_server_declines_a_takeover_parameter_with_a_value(name: str, value: str) -> None:
    """The parameters say all by being there."""
    assert answer(f"; {name}={value}") is None


@pytest.mark.rfc("RFC7692-7-03", "RFC7692-7-02")
@pytest.mark.parametrize("name", [*FLAGS, *WINDOWS])
def test_server_declines_a_parameter_with_an_empty_value(name: str) -> None:
    """An empty value is not the same as none."""
    assert answer_offers([Extension("permessage-deflate", ((name, ""),))]) is None


@pytest.mark.rfc("RFC7692-7-04")
def test_server_declines_its_window_without_a_value() -> None:
    """Only that of the client can do without."""
    assert answer("; server_max_window_bits") is None


@pytest.mark.rfc("RFC7692-7-05")
@pytest.mark.parametrize("parameter", [*FLAGS, "server_max_window_bits=9", WINDOWS[1]])
def test_server_declines_repeated_parameters(parameter: str) -> None:
    """The same twice is no better than two values."""
    assert answer(f"; {parameter}; {parameter}") is None
    assert answer("; server_max_window_bits=9; server_max_window_bits=10") is None


@pytest.mark.rfc("RFC7692-7-12")
def test_quoted_value_means_the_same() -> None:
    """Both roles read "10" as 10."""
    assert answer('; server_max_window_bits="10"') == "; server_max_window_bits=10"
    assert check('; server_max_window_bits="10"').server_max_window_bits == 10


@pytest.mark.rfc("RFC7692-7.1.1.1-01", "RFC7692-7.1.1.1-02", "RFC7692-7.1.1.1-03")
@pytest.mark.rfc("RFC7692-7.1.1.1-05")
def test_server_confirms_that_it_forgets() -> None:
    """The parameter comes back without a value."""
    offer = offer_extension(DeflateOffer(True, client_max_window_bits=None))
    agreed = answer_offers([offer])
    assert agreed == (DeflateParameters(server_no_context_takeover=True), offer)


@pytest.mark.rfc("RFC7692-7.1.1.2-01", "RFC7692-7.1.1.2-02", "RFC7692-7.1.1.2-03")
def test_server_holds_the_client_to_its_hint() -> None:
    """What the client means to do anyway saves us a window."""
    offer = offer_extension(
        DeflateOffer(client_no_context_takeover=True, client_max_window_bits=10)
    )
    agreed = answer_offers([offer])
    expected = DeflateParameters(client_no_context_takeover=True, client_max_window_bits=10)
    assert agreed == (expected, offer)


@pytest.mark.rfc("RFC7692-7.1.2.1-03", "RFC7692-7.1.2.1-04", "RFC7692-7-06", "RFC7692-7.1.2.1-01")
@pytest.mark.parametrize("bits", range(8, 16))
def test_server_keeps_its_window_within_the_offer(bits: int) -> None:
    """The answer always has the parameter, also for 15, and never a greater value."""
    assert answer(f"; server_max_window_bits={bits}") == f"; server_max_window_bits={bits}"
    limited = answer(f"; server_max_window_bits={bits}", DeflatePolicy(server_max_window_bits=11))
    assert limited == f"; server_max_window_bits={min(bits, 11)}"


@pytest.mark.rfc("RFC7692-7.1.2.2-03", "RFC7692-7.1.2.2-04", "RFC7692-7.1.2.2-07", "RFC7692-7-11")
@pytest.mark.parametrize(
    ("parameter", "policy", "answered"),
    [
        ("client_max_window_bits", 15, ""),
        ("client_max_window_bits", 12, "; client_max_window_bits=12"),
        ("client_max_window_bits=10", 15, "; client_max_window_bits=10"),
        ("client_max_window_bits=10", 9, "; client_max_window_bits=9"),
        ("client_max_window_bits=15", 15, ""),
    ],
)
def test_server_limits_the_client_if_offered(parameter: str, policy: int, answered: str) -> None:
    """Always with a value, and never one above the hint."""
    given = answer(f"; {parameter}", DeflatePolicy(client_max_window_bits=policy))
    assert given == answered


@pytest.mark.rfc("RFC7692-7.1.2.2-05", "RFC7692-7.1.2.2-08")
def test_server_never_limits_a_client_that_did_not_offer_it() -> None:
    """It has to inflate with a full window then, whatever it would like."""
    policy = DeflatePolicy(client_max_window_bits=9)
    agreed = answer_offers([Extension("permessage-deflate")], policy)
    assert agreed == (DeflateParameters(), Extension("permessage-deflate"))


@pytest.mark.rfc("RFC7692-7-07")
@pytest.mark.parametrize("parameters", ["; foo", "; foo=1"])
def test_client_refuses_unknown_parameters(parameters: str) -> None:
    """An answer knows only the four."""
    assert refused_by(parameters) == "RFC7692-7-07"


@pytest.mark.rfc("RFC7692-7-08")
@pytest.mark.parametrize("name", WINDOWS)
@pytest.mark.parametrize("value", [*(f"={value}" for value in BAD_WINDOW_BITS), ""])
def test_client_refuses_impossible_windows(name: str, value: str) -> None:
    """In an answer, neither can do without a value."""
    assert refused_by(f"; {name}{value}") == "RFC7692-7-08"


@pytest.mark.rfc("RFC7692-7-08")
@pytest.mark.parametrize("name", FLAGS)
def test_client_refuses_a_takeover_parameter_with_a_value(name: str) -> None:
    """The parameters say all by being there."""
    assert refused_by(f"; {name}=1") == "RFC7692-7-08"


@pytest.mark.rfc("RFC7692-7-09")
@pytest.mark.parametrize("parameter", [*FLAGS, *(f"{name}=9" for name in WINDOWS)])
def test_client_refuses_repeated_parameters(parameter: str) -> None:
    """Even if they agree."""
    assert refused_by(f"; {parameter}; {parameter}") == "RFC7692-7-09"


@pytest.mark.rfc("RFC7692-7.1.1.1-02")
def test_client_refuses_a_server_that_does_not_promise_to_forget() -> None:
    """It was offered under this condition alone."""
    assert refused_by("", DeflateOffer(server_no_context_takeover=True)) == "RFC7692-7.1.1.1-02"


@pytest.mark.rfc("RFC7692-7.1.1.1-04", "RFC7692-7.1.1.1-06", "RFC7692-7.1.1.2-04")
def test_client_accepts_takeover_parameters_unasked() -> None:
    """Erratum 4982 for that of the server, the text for that of the client."""
    parameters = check("; server_no_context_takeover; client_no_context_takeover")
    assert parameters == DeflateParameters(True, True)


@pytest.mark.rfc("RFC7692-7.1.2.1-04", "RFC7692-7.1.2.1-06", "RFC7692-7-10")
@pytest.mark.parametrize("bits", range(8, 16))
def test_client_accepts_a_window_within_its_offer(bits: int) -> None:
    """It may be smaller, or come unasked."""
    assert check(f"; server_max_window_bits={bits}").server_max_window_bits == bits
    offer = DeflateOffer(server_max_window_bits=bits)
    assert check("; server_max_window_bits=8", offer).server_max_window_bits == 8
    assert check(f"; server_max_window_bits={bits}", offer).server_max_window_bits == bits


@pytest.mark.rfc("RFC7692-7.1.2.1-04")
def test_client_refuses_a_window_beyond_its_offer() -> None:
    """Greater, or none at all."""
    offer = DeflateOffer(server_max_window_bits=10)
    assert refused_by("; server_max_window_bits=11", offer) == "RFC7692-7.1.2.1-04"
    assert refused_by("", offer) == "RFC7692-7.1.2.1-04"


@pytest.mark.rfc("RFC7692-7.1.2.2-07", "RFC7692-7.2.2-13", "RFC7692-7-10")
@pytest.mark.parametrize("bits", range(8, 16))
def test_client_accepts_any_limit_for_itself(bits: int) -> None:
    """Above its hint as well: only the answer counts."""
    offer = DeflateOffer(client_max_window_bits=10)
    assert check(f"; client_max_window_bits={bits}", offer).client_max_window_bits == bits
    assert check("", offer).client_max_window_bits == 15


@pytest.mark.rfc("RFC7692-7.1.2.2-06")
@pytest.mark.parametrize("absent", [None, False])
def test_client_refuses_a_limit_that_it_did_not_offer(absent: bool | None) -> None:
    """Such a client may have no means to obey."""
    offer = DeflateOffer(client_max_window_bits=absent)
    assert refused_by("; client_max_window_bits=15", offer) == "RFC7692-7.1.2.2-06"


@pytest.mark.rfc("RFC6455-9.1-06", "RFC7692-4-02", "RFC7692-5-05")
@pytest.mark.rfc("RFC7692-7.1.2.1-02", "RFC7692-7.1.2.2-02")
def test_offer_is_written_with_all_its_parameters() -> None:
    """The values are decimal numbers."""
    extension = offer_extension(DeflateOffer(True, True, 8, 15))
    assert serialize_extensions([extension]) == (
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover;"
        " server_max_window_bits=8; client_max_window_bits=15"
    )
    nothing = offer_extension(DeflateOffer(client_max_window_bits=False))
    assert serialize_extensions([nothing]) == "permessage-deflate"


@pytest.mark.rfc("RFC7692-7.1.2.1-02", "RFC7692-7.1.2.2-02")
@pytest.mark.parametrize("bits", [7, 16, 0, -9])
def test_offer_of_an_impossible_window_is_the_callers_mistake(bits: int) -> None:
    """The message names the parameter and its value."""
    with pytest.raises(ValueError, match=f"server_max_window_bits .* not {bits}"):
        offer_extension(DeflateOffer(server_max_window_bits=bits))
    with pytest.raises(ValueError, match=f"client_max_window_bits .* not {bits}"):
        offer_extension(DeflateOffer(client_max_window_bits=bits))
