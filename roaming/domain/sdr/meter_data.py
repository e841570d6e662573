"""Signed meter data as it came with an SDR: what can be seen of it without keys (OCPI, SignedData).

The data itself is kept and passed on untouched with the SDR. What stands here says only whether it
can be read, and for OCMF which energy it counts; whether the signature holds needs the meter's key.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

_WH = Decimal("0.001")
_MOST_DIGITS = 12
_PER_UNIT = {"kWh": Decimal(1), "Wh": _WH}


class MeterData(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """`unreadable`: why a person or a program cannot make anything of it; empty where they can.

    `energy_kwh`: last less first reading, None where the format does not say it openly.
    """

    method: str = ""
    unreadable: str = ""
    energy_kwh: Decimal | None = None


class _Value(msgspec.Struct):
    nature: str = ""
    plain_data: str = ""
    signed_data: str = ""


class _SignedData(msgspec.Struct):
    encoding_method: str
    signed_values: list[_Value]


class _Reading(msgspec.Struct):
    RV: Decimal
    RU: str = "kWh"
    RI: str = ""


class _Payload(msgspec.Struct):
    RD: list[_Reading]


class _Signature(msgspec.Struct):
    SD: str


def read_meter_data(sent: bytes) -> MeterData | None:
    """None where none was sent.

    >>> read_meter_data(b"null") is None, read_meter_data(b'"x"').unreadable
    (True, 'it is no signed data as OCPI describes it')
    >>> value = (
    ...     'OCMF|{"RD":[{"RV":10.5,"RU":"kWh"},{"RV":30.5,"RU":"kWh"}]}|{"SD":"88aa"}'
    ... )
    >>> read_meter_data(msgspec.json.encode(
    ...     {"encoding_method": "OCMF", "signed_values": [{"signed_data": value}]}
    ... )).energy_kwh
    Decimal('20.0')
    """
    if sent.strip() in (b"", b"null"):
        return None
    try:
        data = msgspec.json.decode(sent, type=_SignedData)
    except msgspec.DecodeError:
        return MeterData(unreadable="it is no signed data as OCPI describes it")
    method, lacking = data.encoding_method[:36], _lacking(data)
    if lacking or method.upper() != "OCMF":
        return MeterData(method=method, unreadable=lacking)
    try:
        readings = [reading for value in data.signed_values for reading in _readings(value)]
        return MeterData(method=method, energy_kwh=_counted(readings))
    except (ValueError, ArithmeticError):
        return MeterData(method=method, unreadable="it is not written as OCMF is")


def _lacking(data: _SignedData) -> str:
    if not data.encoding_method:
        return "it does not say how it is encoded"
    if not data.signed_values:
        return "it holds no signed value"
    if any(not value.signed_data for value in data.signed_values):
        return "a value has no signed data"
    return ""


def _readings(value: _Value) -> list[_Reading]:
    """Raises ValueError where the text is not `OCMF|payload|signature`."""
    name, payload, signature = value.signed_data.strip().split("|", 2)
    if name != "OCMF" or not msgspec.json.decode(signature, type=_Signature).SD:
        raise ValueError("no OCMF")
    return msgspec.json.decode(payload, type=_Payload).RD


def _counted(readings: list[_Reading]) -> Decimal | None:
    """The last reading less the first, of the register that was read first."""
    energies = [r for r in readings if r.RU in _PER_UNIT and r.RI == readings[0].RI]
    if len(energies) < 2:
        return None
    first, last = energies[0], energies[-1]
    counted = last.RV * _PER_UNIT[last.RU] - first.RV * _PER_UNIT[first.RU]
    if not counted.is_finite() or not -_MOST_DIGITS < counted.adjusted() < _MOST_DIGITS:
        raise ValueError("no number that a meter shows")
    return counted
