"""Addresses: the API of the operators' platforms, its documentation, the staff's admin, the
operators' portal.
"""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerView

from clearinghouse import second_factor
from clearinghouse.health import alive, ready
from clearinghouse.metrics import metrics
from roaming.api.documentation import (
    api_schema,
    refusal_catalogue,
    use_case_list,
    use_case_page,
)
from roaming.api.problems import not_found

handler400 = "clearinghouse.error_pages.bad_request"
handler403 = "clearinghouse.error_pages.permission_denied"
handler404 = "clearinghouse.error_pages.page_not_found"
handler500 = "clearinghouse.error_pages.server_error"
urlpatterns = [
    path("livez", alive, name="alive"),
    path("readyz", ready, name="ready"),
    path("metrics", metrics, name="metrics"),
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/second-factor/", second_factor.verify, name="second-factor"),
    path("admin/second-factor/setup/", second_factor.set_up, name="second-factor-setup"),
    path("admin/", admin.site.urls),
    path("portal/", include("clearinghouse.portal.urls")),
    path("api/v1/", include("roaming.api.urls")),
    path("api/v1/", include("settlement.api.urls")),
    path("api/schema", api_schema, name="schema"),
    path("api/docs", SpectacularSwaggerView.as_view(url_name="schema"), name="api-docs"),
    path("api/docs/refusals", refusal_catalogue, name="api-refusals"),
    path("api/docs/use-cases", use_case_list, name="api-use-cases"),
    path("api/docs/use-cases/<str:code>", use_case_page, name="api-use-case"),
    path("api/redoc", SpectacularRedocView.as_view(url_name="schema"), name="api-redoc"),
    re_path(r"^api/", not_found),
]
