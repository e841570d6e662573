"""The worked numbers in the docstrings are true."""

import doctest
import importlib

import pytest

MODULES = [
    "roaming.domain.money",
    "roaming.domain.tariff.decoding",
    "roaming.domain.tariff.price",
    "roaming.domain.tariff.tariff",
    "settlement.domain.rating.bounds",
    "settlement.domain.rating.drafts",
    "settlement.domain.rating.plan",
    "settlement.domain.rating.presentation",
    "settlement.domain.rating.rate",
    "settlement.domain.rating.sdr_to_rate",
    "settlement.domain.rating.taxation",
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_give_what_they_say(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0
