"""What is not a use case of the standard: the business clock."""

from __future__ import annotations

from datetime import datetime

import msgspec
from django.conf import settings
from django.http import HttpResponse
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from roaming.models.clock import business_now


class ClockReading(msgspec.Struct, kw_only=True, frozen=True):
    """`settable`: a test environment, in which the clock may run faster than real time."""

    now: datetime
    settable: bool


class ClockView(APIView):
    """The clock by which windows elapse."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="read_clock",
        tags=["Operations"],
        summary="The business clock",
        responses={200: ClockReading},
        auth=[],
    )
    def get(self, request: Request) -> HttpResponse:
        reading = ClockReading(now=business_now(), settable=settings.BUSINESS_CLOCK_SETTABLE)
        return HttpResponse(msgspec.json.encode(reading), content_type="application/json")


urlpatterns = [
    path("clock", ClockView.as_view(), name="clock"),
]
