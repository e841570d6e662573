"""Scripts step by step, and steering an operator while it runs: lines and HTTP."""

import threading
import time

import pytest
import urllib3

from roaming.simulator.operator.arguments import CONFIGS, config_from, parser
from roaming.simulator.operator.config import ConfigError, config_of, read_config
from roaming.simulator.operator.control import Control, ControlServer
from roaming.simulator.operator.cso_steps import CsoSteps
from roaming.simulator.operator.csp_steps import CspSteps
from roaming.simulator.operator.examples import SCRIPTS
from roaming.simulator.operator.steps import StepError, Steps, describe_steps
from tests.roaming.simulator.operator.hub import CSO, CSP, TOKEN, running


@pytest.fixture
def operator():
    with running(CSO, CSP) as both:
        yield both


@pytest.fixture
def control(operator):
    return Control(operator.operator, operator.steps)


@pytest.fixture
def door(control):
    server = ControlServer(control, 0)
    # A server that closes may meet a client that has just reused the connection.
    again = urllib3.Retry(2, redirect=False, status=0, allowed_methods=None)
    pool = urllib3.connection_from_url(server.url, retries=again, timeout=10)
    yield pool
    pool.close()
    server.close()


def post(door, path, content, **headers):
    response = door.request("POST", path, json=content, headers={
        "Content-Type": "application/json", **headers})  # fmt: skip
    return response.status, response.json()


# --- Steps ----------------------------------------------------------------------------------------


def test_a_step_that_comes_out_otherwise_than_expected_ends_the_script(operator):
    with pytest.raises(StepError, match="step 1, local_start: came out as 'accepted', not as 'ref"):
        operator.do(
            {"do": "local_start", "token_uid": TOKEN, "expect": "refused"},
            {"do": "say", "text": "never said"},
        )
    assert "never said" not in operator.shown.getvalue()


def test_a_script_is_looked_through_before_its_first_step_is_done(operator):
    before = len(operator.hub.heard)
    wrong = [
        {"do": "local_start", "token_uid": TOKEN},
        {"do": "repeat", "times": 2, "steps": [{"do": "charge", "volts": 3}]},
    ]
    with pytest.raises(StepError, match="step 2, repeat: step 1, charge"):
        operator.do(*wrong)
    assert len(operator.hub.heard) == before


def test_each_message_is_waited_for_once(operator):
    notice = {"agreement_id": "1", "status": "active"}
    threading.Timer(0.3, lambda: operator.call.post("agreements/notice", notice)).start()
    wait = {"do": "wait_for", "path": "agreements/notice", "where": {"status": "active"}}
    operator.do(wait)
    with pytest.raises(StepError, match="nothing that fits"):
        operator.do({**wait, "seconds": 0.2})


def test_steps_are_repeated_at_their_pace(operator):
    began = time.monotonic()
    operator.do(
        {"do": "repeat", "times": 3, "every_seconds": 0.2, "steps": [{"do": "say", "text": "tick"}]}
    )
    assert operator.shown.getvalue().count("tick") == 3
    assert 0.55 <= time.monotonic() - began < 5


def test_a_rotation_changes_the_credential(operator):
    operator.hub.overrides.insert(
        0, lambda m: (201, {"token": "second"}) if m.path.endswith("/rotation") else None
    )
    operator.do({"do": "rotate", "expect": "accepted"}, {"do": "publish"})
    assert operator.hub.heard[-1].headers["Authorization"] == "Bearer second"


def test_the_scripts_that_come_with_it_can_be_done_by_somebody(operator):
    for steps in SCRIPTS.values():
        operator.steps.check(steps)


def test_every_step_is_explained():
    told = "\n".join(describe_steps(Steps, CsoSteps, CspSteps))
    assert "remote_start(" in told
    assert "\n      \n" not in told


def test_a_stop_ends_a_script_in_the_middle(operator):
    threading.Timer(0.3, operator.operator.stop).start()
    began = time.monotonic()
    operator.do({"do": "wait", "seconds": 30}, {"do": "say", "text": "never said"})
    assert time.monotonic() - began < 5
    assert "never said" not in operator.shown.getvalue()


# --- Lines ----------------------------------------------------------------------------------------


def test_lines_steer_it(operator, control):
    control.follow(
        [
            "", "behave UC3-1 refuse:blocked", "do local_start token_uid=04112233445566",
            "dance", "behave UC3-1 explode", "state", "steps", "help", "offline 0.2",
        ]
    )  # fmt: skip
    shown = operator.shown.getvalue()
    assert operator.operator.conduct.describe() == {"UC3-1": ["refuse:blocked"]}
    assert "local_start: accepted" in shown
    assert "say one of behave" in shown
    assert "there is no behaviour 'explode'" in shown
    assert '"parties"' in shown
    (start,) = operator.hub.messages("/local-start")
    assert start.body["identification"]["token_uid"] == "04112233445566"
    assert not operator.operator.presence.online
    control.follow(["online", "quit", "do say text=never"])
    assert operator.operator.stopping


# --- HTTP -----------------------------------------------------------------------------------------


def test_programs_steer_it_over_http(operator, door):
    assert post(door, "/behaviours", {"UC3-1": "time_out"}) == (200, {"UC3-1": ["time_out"]})
    status, outcomes = post(door, "/steps", [{"do": "local_start", "token_uid": TOKEN}])
    assert (status, outcomes[0]["outcome"]) == (200, "accepted")
    assert post(door, "/offline", {})[0] == 200
    state = door.request("GET", "/state").json()
    assert (state["online"], len(state["visits"])) == (False, 1)
    assert post(door, "/online", {})[0] == 200
    assert operator.operator.presence.online


def test_what_cannot_be_done_is_said_so(door):
    assert post(door, "/steps", [{"do": "dance"}])[0] == 400
    assert post(door, "/behaviours", {"UC3-1": "explode"})[0] == 400
    assert post(door, "/behaviours", ["UC3-1"])[0] == 400
    assert post(door, "/nowhere", {})[0] == 404
    assert door.request("GET", "/nowhere").status == 404
    broken = door.request("POST", "/steps", body=b"{", headers={"Content-Type": "application/json"})
    assert broken.status == 400


def test_a_web_page_cannot_steer_it(door):
    plain = door.request("POST", "/stop", body=b"{}", headers={"Content-Type": "text/plain"})
    assert plain.status == 403
    assert post(door, "/stop", {}, Host="evil.example:80")[0] == 403
    assert door.request("GET", "/state", headers={"Host": "evil.example:80"}).status == 403


# --- Configuration --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "no JSON"),
        ("{}", "missing required field `hub`"),
        ('{"hub": "hub.example"}', "no http or https address"),
        ('{"hub": "http://h/", "sede": 1}', "unknown field `sede`"),
        ('{"hub": "http://h/", "endpoint": {"port": 70000}}', "from 0 to 65535"),
        ('{"hub": "http://h/", "sessions": {"time_lapse": 0}}', "above 0"),
        ('{"hub": "http://h/", "drivers": [{"token": "1"}]}', "unknown field `token`"),
        ('{"hub": "http://h/", "seed": "one"}', "Expected `int`"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_said_so(text, words):
    with pytest.raises(ConfigError, match=words):
        read_config(text)


@pytest.mark.parametrize("name", sorted(CONFIGS))
def test_the_examples_can_be_used(name):
    assert config_of(CONFIGS[name]).control_port


def test_the_command_line_has_the_last_word():
    given = parser().parse_args(
        [
            "-", "--hub", "http://other/api/v1", "--token", "t", "--port", "9000", "--seed", "9",
            "--behave", "UC3-1=time_out", "--script", "local-session", "--no-publish",
        ]
    )  # fmt: skip
    text = '{"hub": "http://h/", "behaviours": {"UC3-1": "accept", "UC3-2": "accept"}}'
    config = config_from(given, text)
    assert (config.hub, config.endpoint.port, config.seed) == ("http://other/api/v1", 9000, 9)
    assert config.behaviours == {"UC3-1": "time_out", "UC3-2": "accept"}
    assert config.script == [{"do": "script", "name": "local-session"}]
    assert not config.publish


@pytest.mark.parametrize(
    ("sites", "words"),
    [
        ([{"id": "S1"}], "sites"),
        (
            [{"id": "S1", "address": "a", "city": "c", "country": "DE", "coordinates": {
                "latitude": "1", "longitude": "1"}, "time_zone": "Mars/Olympus", "evses": []}],
            "Mars/Olympus",
        ),
    ],
)  # fmt: skip
def test_a_site_that_is_none_is_said_so(sites, words):
    with pytest.raises(ConfigError, match=words), running(CSO, sites=sites):
        pass


def test_a_tariff_that_is_none_is_said_so():
    with (
        pytest.raises(ConfigError, match="tariffs"),
        running(CSO, tariffs=[{"id": "T1", "elements": [{}]}]),
    ):
        pass
