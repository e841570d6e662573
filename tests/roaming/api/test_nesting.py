"""How deep a message is nested: held against a real parser, and linear in its length."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roaming.domain.refusals import Refusal
from roaming.domain.wire_text import check_text, nesting_depth
from tests.roaming.api.messages import SDR, changed
from tests.roaming.api.test_hostile_messages import call

# Texts full of what could be taken for a bracket, a quote or an escape.
TEXTS = st.text(st.sampled_from('[]{}"\\/nu0 é\n\x7f')) | st.text()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
)


def depth_of(value):
    if isinstance(value, dict):
        return 1 + max((depth_of(one) for one in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((depth_of(one) for one in value), default=0)
    return 0


@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_the_depth_is_that_of_a_real_parser(value, ascii_only, indent):
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    body = text.encode(errors="surrogatepass")
    assert nesting_depth(body) == depth_of(json.loads(text))


@given(TEXTS)
def test_a_text_is_refused_for_nul_only_if_a_parser_reads_one(text):
    body = json.dumps(text).encode()
    try:
        check_text(body)
        refused = False
    except Refusal:
        refused = True
    assert refused == ("\0" in json.loads(body))


@pytest.mark.parametrize("text", [r"a\"", r"\\", r"\\\"", r"\u005c"])
def test_a_tower_after_an_escaped_character_is_refused(text):
    tower = b'{"x": "%s", "y": %s}' % (text.encode(), b"[" * 500 + b"]" * 500)
    with pytest.raises(Refusal) as refused:
        check_text(tower)
    assert refused.value.code == "malformed_body"


@pytest.mark.parametrize(
    "pattern", [b'"', b'\\"', b'"\\"', b"\\", b'"\\\\', b'""', b"[]", b'{"":', b'["\\\\\\"']
)
def test_the_time_is_linear_whatever_comes(pattern):
    body = pattern * (1_000_000 // len(pattern))
    began = time.process_time()
    nesting_depth(body)
    nesting_depth(b'"' + body)
    assert time.process_time() - began < 2  # a quadratic one takes hours


def test_brackets_beside_escaped_quotes_are_legal(client, connected_cast):
    body = changed(
        SDR, id="Q", remark='say "[[[" and \\', remarks=['"[' * 200, "\\"], more="[" * 99
    )
    answer = call(client, connected_cast.visited_cso, "post", "/api/v1/sdrs", body)
    assert answer.status_code == 201
