"""Charging periods: aware times, exact volumes, and any dimension a party may send."""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from roaming.domain.charging_periods import ChargingPeriod, Dimension, OcpiChargingPeriod


def read(content: str) -> ChargingPeriod:
    return msgspec.json.decode(content, type=ChargingPeriod)


@pytest.mark.parametrize(
    "kind",
    [
        "ENERGY",
        "TIME",
        "PARKING_TIME",
        "RESERVATION_TIME",
        "MIN_CURRENT",
        "MAX_CURRENT",
        "MIN_POWER",
        "MAX_POWER",
        "CURRENT",
        "POWER",
        "ENERGY_IMPORT",
        "ENERGY_EXPORT",
        "STATE_OF_CHARGE",
        "X_VENDOR",
    ],
)
def test_every_dimension_is_read_with_its_exact_volume(kind):
    period = read(
        '{"start_date_time": "2026-01-01T00:00:00+01:00", "dimensions":'
        f' [{{"type": "{kind}", "volume": 0.26666666666666666}}], "other": 1}}'
    )
    assert period.dimensions == (Dimension(type=kind, volume=Decimal("0.26666666666666666")),)
    assert period.start_date_time.utcoffset() is not None
    assert period.tariff_id is None


@pytest.mark.parametrize(
    "content",
    [
        '{"dimensions": []}',
        '{"start_date_time": "2026-01-01T00:00:00", "dimensions": []}',
        '{"start_date_time": "2026-01-01T00:00:00Z", "dimensions": {}}',
        '{"start_date_time": "2026-01-01T00:00:00Z", "dimensions": [{"type": "ENERGY"}]}',
    ],
)
def test_what_is_no_period_is_refused(content):
    with pytest.raises(msgspec.ValidationError):
        read(content)


@pytest.mark.parametrize("volume", ['"NaN"', '"-Infinity"', "1e9", "-1e9", "1e-41", "true", "null"])
def test_what_is_no_volume_is_refused(volume):
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(f'{{"type": "ENERGY", "volume": {volume}}}', type=Dimension)


@pytest.mark.parametrize("volume", ["0", "0.0", "-0.0", "999999999", "-999999999", "5.55e-17"])
def test_volumes_that_a_machine_writes_are_read(volume):
    found = msgspec.json.decode(f'{{"type": "ENERGY", "volume": {volume}}}', type=Dimension)
    assert found.volume == Decimal(volume)


def test_a_native_period_says_its_offset_where_one_of_ocpi_need_not():
    period = b'{"start_date_time": "2026-10-05T10:00:00", "dimensions": []}'
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(period, type=ChargingPeriod)
    read = msgspec.json.decode(period, type=OcpiChargingPeriod)
    assert read.start_date_time == datetime(2026, 10, 5, 10, tzinfo=UTC)


@pytest.mark.parametrize("kind", ["state_of_charge", "own", "ENERGY_EXPORT", "parkıng_tıme"])
def test_types_that_rating_does_not_read_stay_as_they_are(kind):
    assert Dimension(type=kind, volume=Decimal(1)).type == kind
