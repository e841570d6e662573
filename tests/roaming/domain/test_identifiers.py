"""Global identifiers: the page's vectors, the published cases, and what is refused."""

import doctest
import importlib
import json
import pickle
import pkgutil
from pathlib import Path

import pytest

from roaming.domain import identifiers
from roaming.domain.identifiers import (
    COUNTRIES,
    E164_COUNTRIES,
    SHARED_PREFIXES,
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

MODULES = [module.name for module in pkgutil.iter_modules(identifiers.__path__)]
PARSERS = {
    "provider": ProviderId.parse,
    "operator": OperatorId.parse,
    "evse": EvseId.parse,
    "site": SiteId.parse,
    "contract": ContractId.parse,
    "opaque contract": lambda text: ContractId.parse(text, opaque=True),
    "token": TokenUid.parse,
}
VALID = {
    "provider": "DE-8AC",
    "operator": "DE*AB7",
    "evse": "DE*AB7*E840*6487",
    "site": "DE*AB7*P840",
    "contract": "NL-TNM-000122045-U",
    "opaque contract": "customer/4711",
    "token": "04A2B3C4D5E6F7",
}


def refusal(parse, text) -> str:
    with pytest.raises(IdentifierError) as caught:
        parse(text)
    return caught.value.code


@pytest.fixture(scope="module")
def published(shared_data: Path) -> dict:
    return json.loads((shared_data / "ids" / "ids_dev.json").read_text())


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_documentation_are_true(name: str) -> None:
    module = importlib.import_module(f"roaming.domain.identifiers.{name}")
    assert doctest.testmod(module).failed == 0


def test_published_iso_check_digits_come_out(published: dict) -> None:
    for case in published["iso_check_digit"]:
        assert iso_check_digit(case["id"]) == case["digit"]
        assert iso_check_digit(case["id"].lower()) == case["digit"]


def test_published_din_check_digits_come_out(published: dict) -> None:
    for case in published["din_check_digit"]:
        assert din_check_digit(case["id"]) == case["digit"]


def test_published_contract_ids_are_read_or_refused(published: dict) -> None:
    for text in published["iso_valid"]:
        contract = ContractId.parse(text, strict=True)
        assert contract.standard is ContractStandard.ISO
        assert contract.key_without_check_digit == "NLTNM000122045"
        assert contract.as_received == text
    for text in published["iso_invalid"]:
        with pytest.raises(IdentifierError):
            ContractId.parse(text, strict=True)


def test_published_evse_ids_are_read_or_refused(published: dict) -> None:
    for text in published["evse_valid"]:
        evse = EvseId.parse(text)
        assert evse.key == text.replace("*", "")
        assert not evse.synthesised
    for text in published["evse_invalid"]:
        assert refusal(EvseId.parse, text) == "syntax"


@pytest.mark.parametrize(
    ("bare", "digit"),
    [
        ("NN123ABCDEFGHI", "T"),
        ("FRXYZ123456789", "2"),
        ("ITA1B2C3E4F5G6", "4"),
        ("NLTSTC12345678", "S"),
    ],
)
def test_the_pages_iso_check_digits_come_out(bare: str, digit: str) -> None:
    assert iso_check_digit(bare) == digit


@pytest.mark.parametrize(
    ("bare", "digit"), [("INTNM000071", "9"), ("INTNM000110", "X"), ("NLTNM122045", "0")]
)
def test_the_pages_din_check_digits_come_out(bare: str, digit: str) -> None:
    assert din_check_digit(bare) == digit
    assert ContractId.parse(bare + digit, strict=True).standard is ContractStandard.DIN


@pytest.mark.parametrize(
    "text",
    ["", "ABC", "\u0415VROPARULIT123", "DE\u0668\u0663DUIEN\u0668\u0663QGZ", "NL-TNM00012204"],
)
def test_a_check_digit_of_nonsense_is_refused(text: str) -> None:
    assert refusal(iso_check_digit, text) == "syntax"
    assert refusal(din_check_digit, text) == "syntax"


def test_a_wrong_check_digit_is_recorded_and_refused_only_when_strict() -> None:
    contract = ContractId.parse("NL-TNM-000122045-X")
    assert contract.check_digit_ok is False
    assert contract.expected_check_digit == "U"
    with pytest.raises(IdentifierError) as caught:
        ContractId.parse("NL-TNM-000122045-X", strict=True)
    assert caught.value.code == "check_digit"
    assert "NLTNM" not in caught.value.detail
    assert ContractId.parse("NLTNM000122045").check_digit_ok is None


@pytest.mark.parametrize(
    "text",
    [
        "NL-TNM000122045",  # one separator of two
        "NLTNM-000122045",
        "NL-TNM-000122045U",
        "NLTNM000122045-U",
        "NL*TNM*000122045",  # the star belongs to DIN
        "NL-TNM*122045",
        "NL-TNM-122045-A",  # no DIN check digit is a letter other than X
        "NLTNM00012204",  # 13 characters
        "NLTNM0001220455U",
        "NL-TNM-000122045-U ",
    ],
)
def test_contract_ids_have_their_separators_all_or_none(text: str) -> None:
    with pytest.raises(IdentifierError):
        ContractId.parse(text)


def test_din_contract_ids_may_be_written_with_stars() -> None:
    contract = ContractId.parse("NL*TNM*122045*0", strict=True)
    assert contract.display == "NL-TNM-122045-0"
    assert contract == ContractId.parse("nl-tnm-122045-0")
    assert contract.provider == ProviderId.parse("NL-TNM")


def test_contract_ids_convert_between_din_iso_and_emi3() -> None:
    din = ContractId.parse("NL-TNM-012204-5")
    assert din.to_iso().display == "NL-TNM-000122045-U"
    assert din.to_emi3().display == "NL-TNM-C00122045-K"
    assert din.to_iso().to_emi3() == din.to_emi3()
    assert din.to_iso().synthesised
    assert din.to_iso().as_received == "NL-TNM-012204-5"
    assert din.to_din() is din
    assert ContractId.parse("NLTNM000122045").to_din() == din
    assert ContractId.parse("NL-TNM-C00122045-K").to_iso().display == "NL-TNM-C00122045-K"


@pytest.mark.parametrize(
    "text",
    ["NL-TNM-012345678", "NL-TNM-000122046", "NL-TNM-000122045-X", "NL-TNM-012204-6"],
)
def test_a_conversion_that_would_invent_a_contract_is_refused(text: str) -> None:
    contract = ContractId.parse(text)
    assert refusal(lambda c: c.to_iso().to_din().to_emi3(), contract) == "not_convertible"


def test_opaque_contract_ids_are_taken_only_by_flag() -> None:
    assert refusal(ContractId.parse, "customer/4711") == "syntax"
    contract = ContractId.parse("customer/4711", opaque=True)
    assert (contract.key, contract.display) == ("CUSTOMER/4711", "customer/4711")
    assert contract.provider is None
    assert contract.check_digit_ok is None
    assert contract.expected_check_digit is None
    assert contract.masked == "***********11"
    assert refusal(lambda c: c.to_iso(), contract) == "not_convertible"
    assert refusal(PARSERS["opaque contract"], "x" * 37) == "too_long"
    assert refusal(PARSERS["opaque contract"], "two words") == "characters"
    assert PARSERS["opaque contract"]("XX-ABC-000122045").standard is ContractStandard.OPAQUE


def test_evse_ids_with_and_without_stars_are_one() -> None:
    spaced, bare = EvseId.parse("DE*AB7*E840*6487"), EvseId.parse("deab7e8406487")
    assert spaced == bare
    assert hash(spaced) == hash(bare)
    assert spaced.key == "DEAB7E8406487"
    assert spaced.display == "DE*AB7*E840*6487"
    assert bare.display == "DE*AB7*E8406487"
    assert bare.as_received == "deab7e8406487"
    assert bare.operator.as_received == "deab7"
    assert spaced.operator == OperatorId.parse("DE*AB7")


def test_din_evse_ids_are_read_and_marked_as_ours() -> None:
    evse = EvseId.parse("+49*823*1234*5678")
    assert evse.display == "DE*823*E1234*5678"
    assert evse.synthesised
    assert evse.operator.synthesised
    assert evse.as_received == "+49*823*1234*5678"
    assert evse.operator.as_received == "+49*823"
    assert evse == EvseId.parse("DE*823*E12345678")
    assert EvseId.parse("49*823*1234*5678") == evse


@pytest.mark.parametrize(
    "text",
    ["DE*AB7*E", "DE*AB7*E**", "DE*AB7*E" + "7" * 32, "+49*82*1", "+49*AB7*840", "+49*823*E84"],
)
def test_evse_ids_of_another_shape_are_refused(text: str) -> None:
    assert refusal(EvseId.parse, text) == "syntax"


def test_the_longest_and_the_shortest_evse_ids_pass() -> None:
    assert EvseId.parse("DE*AB7*E" + "7" * 31).instance == "7" * 31
    assert EvseId.parse("DEAB7E1").display == "DE*AB7*E1"
    assert EvseId.parse("+383*823*" + "7" * 31).operator.country == "XK"


def test_shared_calling_codes_need_a_mapping() -> None:
    assert refusal(OperatorId.parse, "+44*823") == "country_ambiguous"
    assert refusal(EvseId.parse, "+1*823*7") == "country_ambiguous"
    assert refusal(OperatorId.parse, "+999*823") == "country_unknown"
    assert OperatorId.parse("+44*823", {"44": "GB"}).display == "GB*823"
    assert EvseId.parse("+7*823*7", {"7": "KZ"}).display == "KZ*823*E7"
    with pytest.raises(IdentifierError):
        OperatorId.parse("+44*823", {"44": "QQ"})
    assert refusal(OperatorId.parse, "+44*823") == "country_ambiguous"  # the mapping is not kept


def test_the_prefix_table_names_only_known_countries_and_no_shared_prefix() -> None:
    assert set(E164_COUNTRIES.values()) <= COUNTRIES
    assert not SHARED_PREFIXES & E164_COUNTRIES.keys()
    assert E164_COUNTRIES["49"] == "DE"
    assert len(COUNTRIES) == 250
    prefixes = sorted(E164_COUNTRIES.keys() | SHARED_PREFIXES)
    for prefix in prefixes:  # E.164 codes are a prefix code: none begins another
        assert not [p for p in prefixes if p != prefix and p.startswith(prefix)]


def test_the_countries_are_those_of_the_iso_list() -> None:
    pycountry = pytest.importorskip("pycountry")
    assert {c.alpha_2 for c in pycountry.countries} | {"XK"} == COUNTRIES


def test_a_provider_and_an_operator_of_one_code_are_two() -> None:
    assert ProviderId.parse("DE-ABC") != OperatorId.parse("DE*ABC")
    assert refusal(ProviderId.parse, "DE*ABC") == "syntax"
    assert refusal(OperatorId.parse, "DE-ABC") == "syntax"
    assert str(ProviderId.parse("deabc")) == "DE-ABC"
    assert str(OperatorId.parse("deabc")) == "DE*ABC"


def test_site_ids_name_their_operator() -> None:
    site = SiteId.parse("FR*RAM*P12*3")
    assert (site.key, site.display, str(site)) == ("FRRAMP123", "FR*RAM*P12*3", "FR*RAM*P12*3")
    assert site.operator == OperatorId.parse("FR*RAM")
    assert refusal(SiteId.parse, "FR*RAM*E12") == "syntax"


@pytest.mark.parametrize("text", ["04A2B3C4", "04a2b3c4d5e6f7", "04:A2:B3:C4:D5:E6:F7", "04" * 10])
def test_rfid_uids_are_4_7_or_10_bytes(text: str) -> None:
    token = TokenUid.parse(text, rfid=True)
    assert token.is_rfid
    assert token.key == text.replace(":", "").upper()
    assert token.display == token.key


def test_other_tokens_keep_their_separators() -> None:
    token = TokenUid.parse("3f2504e0-4f89-41d3-9a0c-0305e82c3301")
    assert not token.is_rfid
    assert token.key == "3F2504E0-4F89-41D3-9A0C-0305E82C3301"
    assert token.display == "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
    assert refusal(lambda text: TokenUid.parse(text, rfid=True), "012345678") == "syntax"
    assert TokenUid.parse("012345678") == TokenUid.parse("012345678")


def test_personal_ids_do_not_show_in_repr_or_errors() -> None:
    assert "0012204" not in repr(ContractId.parse("NL-TNM-000122045-U"))
    assert "A2B3" not in repr(TokenUid.parse("04A2B3C4D5E6F7"))
    with pytest.raises(IdentifierError) as caught:
        ContractId.parse("NL-TNM-00012204")
    assert "00012204" not in str(caught.value)


@pytest.mark.parametrize("kind", PARSERS)
def test_what_is_not_text_is_refused(kind: str) -> None:
    for value in (None, 7, b"DE*AB7", ["DE*AB7"], {"a": 1}):
        assert refusal(PARSERS[kind], value) == "not_text"
    assert refusal(PARSERS[kind], "") == "missing"


@pytest.mark.parametrize("kind", PARSERS)
def test_length_bombs_are_refused_before_any_pattern(kind: str) -> None:
    assert refusal(PARSERS[kind], "D" * 50_000_000) == "too_long"


@pytest.mark.parametrize("kind", PARSERS)
def test_blanks_and_control_characters_are_refused(kind: str) -> None:
    good = VALID[kind]
    for bad in (f"{good[:2]} {good[3:]}", f"{good[:2]}\n{good[3:]}", f"{good[:-1]}\x00"):
        assert refusal(PARSERS[kind], bad) == "characters"
    assert refusal(PARSERS[kind], f"{good}\n") in ("characters", "too_long")


@pytest.mark.parametrize("kind", PARSERS)
def test_look_alikes_of_other_scripts_are_refused(kind: str) -> None:
    good = VALID[kind]
    for alike in ("\u0415", "\u212a", "\u017f", "\u0664", "\uff25", "\u2010", "\u200b", "\ud800"):
        assert refusal(PARSERS[kind], alike + good[1:]) == "characters"


@pytest.mark.parametrize("kind", ["provider", "operator", "evse", "site", "contract"])
def test_letters_that_are_no_country_are_refused(kind: str) -> None:
    assert refusal(PARSERS[kind], "NN" + VALID[kind][2:]) == "country_unknown"


def test_values_are_frozen_and_travel_between_processes() -> None:
    for kind, parse in PARSERS.items():
        value = parse(VALID[kind])
        copy = pickle.loads(pickle.dumps(value))
        assert copy == value
        assert copy.as_received == value.as_received == VALID[kind]
        with pytest.raises(AttributeError):
            value.key = "other"
    error = pickle.loads(pickle.dumps(IdentifierError("syntax", "detail")))
    assert (error.code, error.detail) == ("syntax", "detail")
