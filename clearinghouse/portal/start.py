"""The first page: what needs a decision, with counts, age and money; every number leads there."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from clearinghouse.portal.viewer import Viewer, portal_page


@portal_page()
def start(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """What waits for the operator."""
    return render(request, "portal/start.html", {"title": _("Start")})
