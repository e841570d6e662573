"""The running API against its own description: Schemathesis as a visited-CSO and as a home-CSP.

No 5xx that is not documented, no status, header, content type or body that the description does not
allow. The bounded form; SCHEMATHESIS_EXAMPLES=200 makes it a long one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.databases import ROOT
from tests.fake_party import fake_party
from tests.roaming.api.matrix_world import World
from tests.stack import Stack

pytestmark = pytest.mark.slow

EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", "6")
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance,unsupported_method,"
    "ignored_auth"
)
# It would end the credential that the run itself presents.
LEFT_OUT = ("revoke_credentials",)


@pytest.fixture
def world(committed_db, client, csp_platform, now):
    with fake_party() as cso_platform:
        world = World(client, csp_platform, cso_platform, now)
        world.furnish()
        yield world


@pytest.fixture
def server(world, committed_db, tmp_path):
    stack = Stack(
        committed_db,
        tmp_path,
        extra={
            "CLEARINGHOUSE_BUSINESS_CLOCK_SETTABLE": "yes",
            "CLEARINGHOUSE_FAILED_AUTHENTICATIONS_PER_MINUTE": "0",
            "CLEARINGHOUSE_MESSAGES_PER_MINUTE": "0",
        },
    )
    stack.start("web")
    try:
        stack.wait_until_ready()
        yield stack
    finally:
        stack.kill("web")


def configuration(world: World, folder: Path) -> Path:
    """Ids of what there is, so that not every address is about nothing."""
    known = {
        "service_session_id": world.session_id,
        "command_id": world.command_id,
        "reservation_id": world.reservation_id,
        "sdr_id": world.sdr_id,
        "dispute_id": world.dispute_id,
        "evidence_id": world.evidence_id,
    }
    path = folder / "schemathesis.toml"
    lines = ["[parameters]"]
    lines += [f'"path.{name}" = {json.dumps(value)}' for name, value in known.items()]
    # 502, 503 and 504 are documented answers: they say that the other side was not reached.
    lines += [
        "[checks.not_a_server_error]",
        'expected-statuses = ["2xx", "3xx", "4xx", "502", "503", "504"]',
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("who", ["visited_cso", "home_csp"])
def test_the_api_does_what_it_says(world, server, tmp_path, who):
    party = getattr(world.cast, who)
    root = server.address.removesuffix("/api/v1")
    left_out = [argument for name in LEFT_OUT for argument in ("--exclude-operation-id", name)]
    command = [
        str(Path(sys.executable).with_name("st")),
        "--config-file", str(configuration(world, tmp_path)),
        "run", f"{root}/api/schema?format=json", "--url", root,
        "--header", f"Authorization: Bearer {party.token}",
        "--phases", "examples,coverage,fuzzing", "--max-examples", EXAMPLES,
        "--checks", CHECKS, "--seed", "7", "--suppress-health-check", "all",
        "--request-timeout", "30", "--output-sanitize", "false", "--no-color", *left_out,
    ]  # fmt: skip
    done = subprocess.run(
        command,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=3_000,
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": "tests.roaming.api.schemathesis_hooks",
            "PYTHONPATH": str(ROOT),
        },
    )
    report = os.environ.get("SCHEMATHESIS_REPORT")
    if report:
        Path(f"{report}-{who}.txt").write_text(done.stdout + done.stderr)
    assert done.returncode == 0, done.stdout[-12_000:] + done.stderr[-2_000:]
