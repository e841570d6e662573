"""What is seen of signed meter data without keys; whatever comes, nothing is raised."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roaming.domain.sdr import read_meter_data

START = 'OCMF|{"RD":[{"RV":2935.6,"RI":"1-b:1.8.e","RU":"kWh"}]}|{"SA":"x","SD":"88"}'
END = 'OCMF|{"RD":[{"RV":2955600,"RI":"1-b:1.8.e","RU":"Wh"}]}|{"SA":"x","SD":"88"}'


def signed(*values, method="OCMF"):
    return json.dumps(
        {"encoding_method": method, "signed_values": [{"signed_data": v} for v in values]}
    ).encode()


def test_start_and_end_make_the_energy_whatever_their_units():
    seen = read_meter_data(signed(START, END))
    assert (seen.unreadable, seen.energy_kwh) == ("", Decimal("20.0"))


def test_other_encodings_are_for_who_knows_them():
    seen = read_meter_data(signed("AFT;x", method="Alfen Eichrecht"))
    assert (seen.method, seen.unreadable, seen.energy_kwh) == ("Alfen Eichrecht", "", None)


@pytest.mark.parametrize(
    "sent",
    [
        b"1",
        b"{}",
        signed(method=""),
        signed(),
        signed(""),
        signed("OCMF|{}"),
        signed("OCMF|{}|{}"),
        signed("OCMF|x|y"),
        signed('XXXX|{"RD":[]}|{"SD":"1"}'),
        signed(START, END.replace("88", "")),
        signed(START, START.replace("2935.6", "1e900")),
        signed(START, START.replace("2935.6", '"NaN"')),
    ],
)
def test_what_nobody_can_read_says_why(sent):
    assert read_meter_data(sent).unreadable


def test_one_reading_says_nothing_of_the_energy():
    assert read_meter_data(signed(START)).energy_kwh is None


@given(st.text(max_size=80))
def test_whatever_a_meter_is_said_to_sign_is_read_or_not(text):
    assert read_meter_data(signed(text)) is not None
    assert read_meter_data(text.encode(errors="replace")) is None or text.strip()
