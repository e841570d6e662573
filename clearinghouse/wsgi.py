"""The WSGI application that `script/server` and the demo serve with granian."""

import gc
import os

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest
from django.urls import ResolverMatch


class Handler(WSGIHandler):
    """Django's, which remembers where the addresses of the API lead to that have no variable part.

    Django tries one address after the other, which costs a message more than to be authenticated.
    """

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[str, ResolverMatch] = {}

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        known = self._known.get(request.path_info)
        if known is not None and not hasattr(request, "urlconf"):
            request.resolver_match = known
            return known
        match: ResolverMatch = super().resolve_request(request)
        if request.path_info.startswith("/api/v1/") and not (match.args or match.kwargs):
            self._known[request.path_info] = match
        return match


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clearinghouse.settings")
settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # WhiteNoise warns where it is missing
django.setup(set_prefix=False)
application = Handler()
# What is loaded by now stays: Python's collector need not look through all of it again and again.
gc.collect()
gc.freeze()
