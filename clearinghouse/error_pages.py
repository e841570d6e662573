"""What goes out where no view answered: problem details below /api/, pages for people elsewhere."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views import defaults

from roaming.api.problems import failed_request, unusable_request


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: Django refused the request before any view saw it."""
    if _of_a_platform(request):
        return unusable_request(request, exception)
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403: in the portal with its menu, so that the person can go on."""
    if _of_the_portal(request):
        return _in_the_portal(request, 403, _("Your role does not allow this"))
    return defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: the same for what is not there and for what is another operator's."""
    if _of_the_portal(request):
        return _in_the_portal(request, 404, _("There is nothing here"))
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """500: something broke outside of the views of the API, which answer for themselves."""
    if _of_a_platform(request):
        return failed_request(request)
    return defaults.server_error(request)


def _of_the_portal(request: HttpRequest) -> bool:
    return request.path_info.startswith("/portal/")


def _in_the_portal(request: HttpRequest, status: int, title: str) -> HttpResponse:
    links = [(reverse("portal:start"), _("To the start page"))]
    context = {"title": title, "links": links, "narrow": True}
    return render(request, "portal/said.html", context, status=status)


def _of_a_platform(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/")
