"""Group 1, general information exchange (IEC 63119-2, 8.1): UC1-2, sites information."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import django_filters
import msgspec
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.request import Request

from roaming.api.filters import MomentFilter, VisitedCsoFilter
from roaming.api.group1_examples import SITE, STORED, VISITED_CSO, answered, asked
from roaming.api.manners import IMPERSONAL, precondition_of
from roaming.api.message_view import MessageView, decode
from roaming.api.pages import NewestFirst
from roaming.api.schema import READING, refusals
from roaming.domain.preconditions import entity_tag
from roaming.domain.refusals import Refusal
from roaming.domain.site import SiteMessage
from roaming.domain.site_sharing import site_shown_to
from roaming.domain.use_case import UseCase
from roaming.models import Agreement, OperatorIdentifier, Platform, Site
from roaming.models.clock import business_now
from roaming.use_cases.uc1_02_sites_information import receive_site, withdraw_site


class StoredObject(msgspec.Struct, kw_only=True, frozen=True):
    """`taken` is false where the same or something newer was stored already."""

    id: str
    taken: bool
    received_at: datetime


class SiteView(MessageView):
    """UC1-2."""

    use_case = UseCase.UC1_2
    takes_conditions = True

    @extend_schema(
        operation_id="publish_site",
        tags=["UC1-2 Sites information"],
        summary="Publish a site with its EVSEs; every home-CSP with an agreement gets it",
        request=SiteMessage,
        responses={200: StoredObject, **refusals("invalid_identifier", "unknown_party",
                                                 "time_without_offset", *READING)},
        examples=[asked("A site with one EVSE", SITE), answered("Stored", STORED)],
    )  # fmt: skip
    def put(self, request: Request, site_id: str) -> HttpResponse:
        body = self.body_of(request)
        message = decode(body, SiteMessage)
        if message.id != site_id:
            raise Refusal("invalid_field", "The id differs from the one in the address.", "id")
        envelope, condition = self.envelope(request, body), precondition_of(request)
        site, taken = receive_site(envelope, message, condition)
        content = StoredObject(id=site.site_id, taken=taken, received_at=site.received_at)
        response = self.render(request, content)
        response["ETag"] = entity_tag(site.body)
        return response

    @extend_schema(
        operation_id="withdraw_site",
        tags=["UC1-2 Sites information"],
        summary="Withdraw a site with its EVSEs; every home-CSP with an agreement is told",
        parameters=[VISITED_CSO],
        responses={
            200: StoredObject,
            **refusals("invalid_identifier", "invalid_field", "party_not_held", "not_found"),
        },
        examples=[answered("Withdrawn", STORED)],
    )
    def delete(self, request: Request, site_id: str) -> HttpResponse:
        visited_cso = request.query_params.get("visited_cso", "")
        site, taken = withdraw_site(self.envelope(request), site_id, visited_cso)
        received_at = site.withdrawn_at or site.received_at
        content = StoredObject(id=site.site_id, taken=taken, received_at=received_at)
        return self.render(request, content)


@extend_schema_field(OpenApiTypes.OBJECT)
class SiteAsShown(serializers.Field[Any, Any, Any, Any]):
    """A site as its CSO sent it; to a home-CSP without the tariffs that are for others alone."""

    def to_representation(self, value: Site) -> msgspec.Raw:
        parties: Parties = self.context["parties"]
        if value.visited_cso_id in parties.visited_csos:
            return msgspec.Raw(value.body.encode())
        return msgspec.Raw(site_shown_to(value.body, parties.home_csp_keys).encode())


@extend_schema_field(
    {"type": ["string", "null"], "description": "For If-Match; null unless the site is yours."}
)
class SiteTag(serializers.Field[Any, Any, Any, Any]):
    """The entity tag of the stored message, for its CSO alone: others see it without parts."""

    def to_representation(self, value: Site) -> str | None:
        parties: Parties = self.context["parties"]
        return entity_tag(value.body) if value.visited_cso_id in parties.visited_csos else None


@dataclass(frozen=True, slots=True)
class Parties:
    """Whom the caller speaks for."""

    visited_csos: frozenset[int]
    home_csp_keys: frozenset[str]

    @classmethod
    def of(cls, platform: Platform) -> Parties:
        rows = list(platform.held_identifiers.select_related("identifier"))
        return cls(
            frozenset(row.identifier_id for row in rows if row.identifier.role == "CSO"),
            frozenset(row.identifier.key for row in rows if row.identifier.role == "CSP"),
        )


class SiteSerializer(serializers.ModelSerializer[Site]):
    """A site as it is stored; `site` is the message as its CSO sent it."""

    visited_cso = serializers.CharField(source="visited_cso.identifier")
    etag = SiteTag(source="*", read_only=True)
    site = SiteAsShown(source="*", read_only=True)

    class Meta:
        model = Site
        fields = ["site_id", "visited_cso", "received_at", "last_updated", "etag", "site"]


class SiteFilter(django_filters.FilterSet):
    visited_cso = VisitedCsoFilter("visited_cso__key")
    country = django_filters.CharFilter(lookup_expr="iexact")
    updated_since = MomentFilter("last_updated", lookup_expr="gte")

    class Meta:
        model = Site
        fields = ["visited_cso", "country", "updated_since"]


@extend_schema_view(
    get=extend_schema(
        operation_id="list_sites",
        tags=["UC1-2 Sites information"],
        summary="Sites of the caller, and of every CSO that it has an agreement with",
    )
)
class SiteListView(generics.ListAPIView[Site]):
    """Only what concerns the caller: its own sites and those of its agreements."""

    cache_control = IMPERSONAL
    serializer_class = SiteSerializer
    filterset_class = SiteFilter
    pagination_class = NewestFirst
    queryset = Site.objects.none()

    def get_queryset(self) -> QuerySet[Site]:
        platform: Platform = self.request.user  # type: ignore[assignment]
        return (
            Site.objects.filter(environment=platform.environment, withdrawn_at=None)
            .filter(visible_cso_condition(platform))
            .select_related("visited_cso")
        )

    def get_serializer_context(self) -> dict[str, Any]:
        platform: Platform = self.request.user  # type: ignore[assignment]
        parties = Parties.of(platform) if platform is not None else None
        return {**super().get_serializer_context(), "parties": parties}


def visible_cso_condition(
    platform: Platform, visited_cso: str = "visited_cso", *, also_ended: bool = False
) -> Q:
    """Rows whose `visited_cso` the platform holds, or has an agreement with as home-CSP now.

    With `also_ended`: or had one that ended, until its SDR window closes.
    """
    agreements = Agreement.objects.filter(
        environment=platform.environment,
        home_csp__identifiers__in=OperatorIdentifier.objects.filter(
            role="CSP", held_by__platform=platform
        ),
    )
    now = business_now()
    agreements = agreements.still_settling(now) if also_ended else agreements.informing(now)
    own = {f"{visited_cso}__in": platform.held_identifiers.values("identifier")}
    agreed = {f"{visited_cso}__operator__in": agreements.values("visited_cso")}
    return Q(**own) | Q(**agreed)


urlpatterns = [
    path("sites", SiteListView.as_view(), name="uc1-2-sites"),
    path("sites/<str:site_id>", SiteView.as_view(), name="uc1-2-site"),
]
