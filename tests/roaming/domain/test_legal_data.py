"""Numbers of a legal entity are kept in one form, and what is wrong with them is said."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roaming.domain.legal_data import (
    LegalDataError,
    check_bic,
    check_country,
    check_iban,
    check_lei,
    check_vat,
)


@pytest.mark.parametrize(
    ("country", "number", "kept"),
    [
        ("AT", "U13585627", "ATU13585627"),
        ("AT", "ATU 1358 5627", "ATU13585627"),
        ("GR", "094259216", "EL094259216"),
        ("GR", "EL094259216", "EL094259216"),
        ("IT", "00743110157", "IT00743110157"),
        ("FR", "40303265045", "FR40303265045"),
        ("GB", "980780684", "GB980780684"),
        ("CH", "CHE-107.787.577 MWST", "CHE107787577MWST"),
        ("US", "12-3456789", "123456789"),
    ],
)
def test_a_vat_id_is_kept_with_its_prefix(country, number, kept):
    assert check_vat(country, number) == kept
    assert check_vat(country, kept) == kept


@pytest.mark.parametrize(
    ("country", "number", "words"),
    [
        ("DE", "DE136695977", "check digit"),
        ("DE", "DE13669597", "length"),
        ("DE", "DEX36695976", "form"),
        ("US", "?", "letters and digits"),
        ("ZZ", "1", "No country"),
    ],
)
def test_a_wrong_vat_id_is_explained(country, number, words):
    with pytest.raises(LegalDataError, match=words):
        check_vat(country, number)


@given(st.text(max_size=40))
def test_whatever_is_typed_is_kept_or_refused_and_nothing_else(text):
    for check in (check_lei, check_iban, check_bic, check_country, lambda t: check_vat("DE", t)):
        with contextlib.suppress(LegalDataError):
            assert check(text)


def test_an_iban_brings_its_bank():
    iban = check_iban("DE89 3704 0044 0532 0130 00")
    assert (iban.number, iban.bic) == ("DE89370400440532013000", "COBADEFFXXX")
