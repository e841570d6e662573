"""The registry names every rule that any code can write."""

import re
from pathlib import Path

import pytest

from settlement.domain.reconciliation.rules import AT_THE_DOOR, every_rule, rule_titles

ROOT = Path(__file__).resolve().parents[4]
FAMILIES = ("DUP", "AUT", "TIM", "QTY", "PRC", "TAX", "AGR", "DAT", "MTR", "FRD", "OTH")
RULE_ID = re.compile(rf"""["']((?:{"|".join(FAMILIES)})-\d\d)["']""")


def written_in(*folders):
    """Rule ids that stand as literals in the code; docstrings name them without quotes."""
    found = {}
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for rule in RULE_ID.findall(path.read_text()):
                found.setdefault(rule, path.relative_to(ROOT))
    return found


@pytest.mark.parametrize("rule", sorted(written_in("roaming", "settlement", "clearinghouse")))
def test_every_rule_that_code_can_write_is_in_the_registry(rule):
    assert rule in every_rule()


def test_what_the_door_writes_is_listed_as_the_door_s():
    at_the_door = written_in("roaming/domain/sdr", "roaming/hub_switch", "roaming/use_cases")
    listed = {rule.id for rule in AT_THE_DOOR}
    assert listed <= set(at_the_door) <= listed | {"AGR-01"}  # judged again by reconciliation


def test_no_two_rules_share_an_id_and_every_one_has_a_title():
    assert all(title for title in rule_titles().values())
    assert len({rule.id for rule in AT_THE_DOOR}) == len(AT_THE_DOOR)
