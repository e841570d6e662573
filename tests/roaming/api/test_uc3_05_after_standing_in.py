"""UC3-5 after an offline start: the news that the session exists, then its end; both arrive."""

from roaming import models
from roaming.hub_switch import deliver_due
from tests.roaming.api.identifying import CARD_START, LOCAL, distribute, post, stage

END = {
    "start_date_time": "2026-10-05T10:00:00+02:00",
    "end_date_time": "2026-10-05T11:00:00+02:00",
    "total_energy": "20",
}


def test_the_end_of_a_session_does_not_replace_the_news_that_it_began(client, db):
    with stage(1) as one:
        csp = one[0]
        distribute(csp.party, whitelist="ALWAYS")
        endpoint = models.RoamingEndpoint.objects.filter(platform=csp.party.platform)
        endpoint.update(url="http://127.0.0.1:1/")
        cso = one.cast.visited_cso
        session = post(client, cso, LOCAL, CARD_START).json()["service_session_id"]
        path = f"/api/v1/service-sessions/{session}/completion"
        assert not post(client, cso, path, END).json()["acknowledged"]
        waiting = models.Delivery.objects.filter(receiver=csp.party.platform).order_by("id")
        assert list(waiting.values_list("path", "state")) == [
            ("uc3-1/local-start", "waiting"), ("uc3-5/completion", "waiting"),
        ]  # fmt: skip
        endpoint.update(url=csp.platform.url)
        for _ in range(2):
            waiting.update(due_at="2026-01-01T00:00:00Z")
            deliver_due()
        assert [m.path for m in csp.platform.received] == [
            "/uc3-1/local-start", "/uc3-5/completion",
        ]  # fmt: skip
