"""What goes out where no view answered: problem details below /api/, Django's pages elsewhere."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views import defaults

from roaming.api.problems import failed_request, unusable_request


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: Django refused the request before any view saw it."""
    if _of_a_platform(request):
        return unusable_request(request, exception)
    return defaults.bad_request(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """500: something broke outside of the views of the API, which answer for themselves."""
    if _of_a_platform(request):
        return failed_request(request)
    return defaults.server_error(request)


def _of_a_platform(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/")
