"""The portal's menu: which pages a viewer has."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext as _


def menu(request: HttpRequest) -> dict[str, object]:
    """For templates: address name and words of each page; nothing outside of the portal."""
    viewer = getattr(request, "viewer", None)
    if viewer is None:
        return {}
    pages = [
        ("portal:start", _("Start")),
        ("portal:sdrs", _("SDRs")),
        ("portal:disputes", _("Disputes")),
        ("portal:agreements", _("Agreements")),
        ("portal:downloads", _("Reports")),
        ("portal:account", _("Your account")),
    ]
    if viewer.administers:
        pages.insert(-1, ("portal:colleagues", _("Colleagues")))
    return {"menu": pages}
