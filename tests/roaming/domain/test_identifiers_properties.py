"""Global identifiers: what holds for every text and every valid id."""

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from roaming.domain.identifiers import (
    COUNTRIES,
    ContractId,
    ContractStandard,
    EvseId,
    IdentifierError,
    OperatorId,
    ProviderId,
    SiteId,
    TokenUid,
    din_check_digit,
    iso_check_digit,
)
from roaming.domain.identifiers.check_digits import ALPHABET

ALNUM = string.ascii_letters + string.digits
countries = st.sampled_from(sorted(COUNTRIES))
codes = st.text(ALNUM, min_size=3, max_size=3)
instances = st.text(ALNUM + "*", min_size=1, max_size=31).filter(lambda text: text.strip("*"))
parsers = st.sampled_from(
    [
        ProviderId.parse,
        OperatorId.parse,
        EvseId.parse,
        SiteId.parse,
        ContractId.parse,
        TokenUid.parse,
        lambda text: ContractId.parse(text, opaque=True),
        lambda text: ContractId.parse(text, strict=True),
        lambda text: TokenUid.parse(text, rfid=True),
    ]
)
nearly = st.one_of(
    st.text(max_size=45),
    st.from_regex(r"[A-Za-z]{2}[*-]?\w{3}[*-]?[EePp]?[\w*-]{1,31}[*-]?\w?"),
    st.from_regex(r"\+?\d{1,3}\*\d{3}(\*[\d*]{1,33})?"),
    st.text(ALNUM + "*-+: ", max_size=45),
)


@given(parsers, nearly)
@example(EvseId.parse, "DE*AB7*E\ud800")
def test_parsing_raises_nothing_but_the_identifier_error(parse, text: str) -> None:
    try:
        value = parse(text)
    except IdentifierError:
        return
    assert value.as_received == text
    assert value.key == value.key.upper()
    assert value.key.isascii()
    assert parse(value.display) == value


@given(countries, codes, instances)
def test_evse_ids_survive_the_round_trip(country: str, code: str, instance: str) -> None:
    text = f"{country}*{code}*E{instance}"
    evse = EvseId.parse(text)
    assert evse.display == text.upper()
    assert EvseId.parse(evse.key) == evse == EvseId.parse(text.lower())
    assert EvseId.parse(text.replace("*", "")).key == evse.key
    assert evse.operator.key == (country + code).upper()
    site = f"{country}*{code}*P{instance}".upper()
    assert SiteId.parse(f"{country}{code}p{instance}").display == site


@given(st.sampled_from(["49", "33", "31", "383"]), st.integers(0, 999), st.data())
def test_din_evse_ids_read_as_their_iso_form(prefix: str, operator: int, data) -> None:
    outlet = data.draw(
        st.text("0123456789*", min_size=1, max_size=31).filter(lambda t: t.strip("*"))
    )
    evse = EvseId.parse(f"+{prefix}*{operator:03}*{outlet}")
    assert evse.synthesised
    again = EvseId.parse(evse.display)
    assert again == evse
    assert not again.synthesised


@given(countries, codes, st.booleans(), st.data())
def test_contract_keys_do_not_depend_on_case_or_separators(
    country: str, code: str, iso: bool, data
) -> None:
    length = 9 if iso else 6
    instance = data.draw(st.text(ALNUM, min_size=length, max_size=length))
    bare = country + code + instance
    check = (iso_check_digit if iso else din_check_digit)(bare)
    contract = ContractId.parse(f"{country}-{code}-{instance}-{check}", strict=True)
    assert contract.standard is (ContractStandard.ISO if iso else ContractStandard.DIN)
    for other in (bare + check, (bare + check).lower(), contract.display, contract.key):
        assert ContractId.parse(other, strict=True) == contract
    assert ContractId.parse(bare).key == contract.key_without_check_digit == bare.upper()
    assert contract.provider == ProviderId.parse(country + code)


@given(st.text(ALPHABET, min_size=14, max_size=14))
def test_exactly_one_iso_check_character_fits(bare: str) -> None:
    country = "NL" + bare[2:]
    fitting = [c for c in ALPHABET if ContractId.parse(country + c).check_digit_ok]
    assert fitting == [iso_check_digit(country)]


@given(st.text(ALPHABET, min_size=15, max_size=15), st.integers(0, 14), st.sampled_from(ALPHABET))
def test_the_iso_check_digit_finds_every_single_wrong_character(
    text: str, place: int, character: str
) -> None:
    valid = text[:14] + iso_check_digit(text[:14])
    changed = valid[:place] + character + valid[place + 1 :]
    assert (iso_check_digit(changed[:14]) == changed[14]) == (changed == valid)


@given(st.text(ALPHABET, min_size=15, max_size=15))
def test_the_iso_check_digit_solves_the_equations_of_the_page(text: str) -> None:
    valid = text[:14] + iso_check_digit(text[:14])

    def times(row: list[int], matrix: list[list[int]]) -> list[int]:
        return [sum(row[i] * matrix[i][j] for i in (0, 1)) for j in (0, 1)]

    q_sum, r_sum = [0, 0], [0, 0]
    for k, character in enumerate(valid, 1):
        b, m = divmod(ALPHABET.index(character), 9)
        q, r = [b >> 1, b & 1], [m // 3, m % 3]
        for _ in range(k):
            q, r = times(q, [[0, 1], [1, 1]]), times(r, [[0, 1], [1, 2]])
        q_sum = [(x + y) % 2 for x, y in zip(q_sum, q, strict=True)]
        r_sum = [(x + y) % 3 for x, y in zip(r_sum, r, strict=True)]
    assert (q_sum, r_sum) == ([0, 0], [0, 0])


@given(countries, codes, st.text(ALNUM, min_size=6, max_size=6))
def test_din_contracts_survive_the_way_to_iso_and_emi3_and_back(
    country: str, code: str, instance: str
) -> None:
    din = ContractId.parse(country + code + instance)
    complete = ContractId.parse(din.key + din_check_digit(din.key))
    for there in (din.to_iso(), din.to_emi3(), din.to_iso().to_emi3(), din.to_emi3().to_iso()):
        assert there.to_din() == complete
        assert there.synthesised
        assert ContractId.parse(there.display, strict=True) == there
    assert din.to_emi3().is_emi3


@given(st.sampled_from([4, 7, 10]), st.data())
def test_rfid_keys_do_not_depend_on_case_or_separators(length: int, data) -> None:
    raw = data.draw(st.binary(min_size=length, max_size=length))
    token = TokenUid.parse(raw.hex().upper(), rfid=True)
    for text in (raw.hex(), raw.hex(":"), raw.hex("-").upper()):
        assert TokenUid.parse(text, rfid=True) == token
    with pytest.raises(IdentifierError):
        TokenUid.parse(raw.hex()[:-1], rfid=True)
