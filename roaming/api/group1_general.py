"""Group 1, general information exchange (IEC 63119-2, 8.1): UC1-1 and UC1-2."""

from __future__ import annotations

from datetime import datetime

import django_filters
import msgspec
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from roaming.api.authentication import bearer_token
from roaming.api.filters import MomentFilter
from roaming.api.message_view import MessageView, decode
from roaming.api.pages import NewestFirst
from roaming.api.rendering import AsSentField
from roaming.api.schema import READING, refusals
from roaming.domain.refusals import Refusal
from roaming.domain.site import SiteMessage
from roaming.domain.use_case import UseCase
from roaming.models import Agreement, OperatorIdentifier, Platform, Site
from roaming.models.clock import business_now
from roaming.use_cases.uc1_01_platform_authentication import (
    EndpointOffer,
    register_platform,
    revoke_credential,
    rotate_credential,
)
from roaming.use_cases.uc1_02_sites_information import receive_site


class RegistrationRequest(msgspec.Struct, kw_only=True, frozen=True):
    """Where the platform can be reached, and the secret that the clearing house presents there."""

    url: str
    token: str


class Party(msgspec.Struct, kw_only=True, frozen=True):
    """An identifier that the platform is pinned to."""

    role: str
    identifier: str


class Registration(msgspec.Struct, kw_only=True, frozen=True):
    """The platform as registered. `token` is shown this one time."""

    token: str
    platform: str
    environment: str
    parties: list[Party]


class RotationRequest(msgspec.Struct, kw_only=True, frozen=True):
    """Both or neither: a new address with a new secret of the roaming endpoint."""

    url: str | None = None
    token: str | None = None


class Rotation(msgspec.Struct, kw_only=True, frozen=True):
    """The new token, and until when the old one is taken too."""

    token: str
    previous_valid_until: datetime


class CredentialInfo(msgspec.Struct, kw_only=True, frozen=True):
    """What the clearing house knows of the caller."""

    platform: str
    environment: str
    status: str
    url: str | None
    parties: list[Party]


def _parties(platform: Platform) -> list[Party]:
    rows = platform.held_identifiers.select_related("identifier").order_by("identifier__identifier")
    return [Party(role=row.identifier.role, identifier=row.identifier.identifier) for row in rows]


class RegistrationView(MessageView):
    """UC1-1."""

    use_case = UseCase.UC1_1
    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="register_platform",
        tags=["UC1-1 Platform authentication"],
        summary="Register a platform with its one-time registration token",
        description="Send the registration token as `Authorization: Bearer …`.",
        request=RegistrationRequest,
        responses={201: Registration, **refusals("registration_token_invalid", *READING)},
        auth=[{"platformToken": []}],  # type: ignore[list-item]
    )
    def post(self, request: Request) -> HttpResponse:
        offer = decode(self.body_of(request), RegistrationRequest)
        platform, token = register_platform(
            bearer_token(request) or "", EndpointOffer(offer.url, offer.token), timezone.now()
        )
        self.note(request, f"registered; endpoint {offer.url}", platform)
        content = Registration(
            token=token,
            platform=platform.name,
            environment=platform.environment,
            parties=_parties(platform),
        )
        return self.render(request, content, 201)


class CredentialsView(MessageView):
    """UC1-1, afterwards: look at what is registered, or give it up."""

    use_case = UseCase.UC1_1

    @extend_schema(
        operation_id="read_credentials",
        tags=["UC1-1 Platform authentication"],
        summary="What is registered for the caller",
        responses={200: CredentialInfo, **refusals()},
    )
    def get(self, request: Request) -> HttpResponse:
        platform: Platform = request.user  # type: ignore[assignment]
        endpoint = getattr(platform, "roaming_endpoint", None)
        content = CredentialInfo(
            platform=platform.name,
            environment=platform.environment,
            status=platform.status,
            url=endpoint.url if endpoint else None,
            parties=_parties(platform),
        )
        return self.render(request, content)

    @extend_schema(
        operation_id="revoke_credentials",
        tags=["UC1-1 Platform authentication"],
        summary="Revoke the presented token at once",
        responses={204: None, **refusals()},
    )
    def delete(self, request: Request) -> HttpResponse:
        revoke_credential(request.auth, timezone.now())  # type: ignore[arg-type]
        self.note(request, "revoked")
        return HttpResponse(status=204)


class RotationView(MessageView):
    """UC1-1, rotation with an overlap."""

    use_case = UseCase.UC1_1

    @extend_schema(
        operation_id="rotate_credentials",
        tags=["UC1-1 Platform authentication"],
        summary="Get a new token; the old one is taken for the overlap",
        request=RotationRequest,
        responses={201: Rotation, **refusals("rotated_already", "malformed_body", "invalid_field")},
    )
    def post(self, request: Request) -> HttpResponse:
        wish = decode(self.body_of(request), RotationRequest)
        if (wish.url is None) != (wish.token is None):
            raise Refusal("invalid_field", "Send url and token together, or neither.", "url")
        offer = None
        if wish.url is not None and wish.token is not None:
            offer = EndpointOffer(wish.url, wish.token)
        token, until = rotate_credential(request.auth, offer, timezone.now())  # type: ignore[arg-type]
        self.note(request, f"rotated; endpoint {wish.url or 'unchanged'}")
        return self.render(request, Rotation(token=token, previous_valid_until=until), 201)


class StoredObject(msgspec.Struct, kw_only=True, frozen=True):
    """`taken` is false where the same or something newer was stored already."""

    id: str
    taken: bool
    received_at: datetime


class SiteView(MessageView):
    """UC1-2."""

    use_case = UseCase.UC1_2

    @extend_schema(
        operation_id="publish_site",
        tags=["UC1-2 Sites information"],
        summary="Publish a site with its EVSEs; every home-CSP with an agreement gets it",
        request=SiteMessage,
        responses={200: StoredObject, **refusals("invalid_identifier", "time_without_offset",
                                                 *READING)},
    )  # fmt: skip
    def put(self, request: Request, site_id: str) -> HttpResponse:
        body = self.body_of(request)
        message = decode(body, SiteMessage)
        if message.id != site_id:
            raise Refusal("invalid_field", "The id differs from the one in the address.", "id")
        site, taken = receive_site(self.envelope(request, body), message)
        content = StoredObject(id=site.site_id, taken=taken, received_at=site.received_at)
        return self.render(request, content)


class SiteSerializer(serializers.ModelSerializer[Site]):
    """A site as it is stored; `site` is the message as its CSO sent it."""

    visited_cso = serializers.CharField(source="visited_cso.identifier")
    site = AsSentField(source="body")

    class Meta:
        model = Site
        fields = ["site_id", "visited_cso", "received_at", "last_updated", "site"]


class SiteFilter(django_filters.FilterSet):
    visited_cso = django_filters.CharFilter(field_name="visited_cso__identifier")
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


def visible_cso_condition(platform: Platform) -> Q:
    """Rows whose `visited_cso` the platform holds, or has an agreement with as home-CSP now."""
    agreements = Agreement.objects.filter(
        environment=platform.environment,
        status__in=[Agreement.Status.ACTIVE, Agreement.Status.SUSPENDED],
        validity__contains=business_now(),
        home_csp__identifiers__in=OperatorIdentifier.objects.filter(
            role="CSP", held_by__platform=platform
        ),
    )
    return Q(visited_cso__in=platform.held_identifiers.values("identifier")) | Q(
        visited_cso__operator__in=agreements.values("visited_cso")
    )


urlpatterns = [
    path("registration", RegistrationView.as_view(), name="uc1-1-registration"),
    path("credentials", CredentialsView.as_view(), name="uc1-1-credentials"),
    path("credentials/rotation", RotationView.as_view(), name="uc1-1-rotation"),
    path("sites", SiteListView.as_view(), name="uc1-2-sites"),
    path("sites/<str:site_id>", SiteView.as_view(), name="uc1-2-site"),
]
