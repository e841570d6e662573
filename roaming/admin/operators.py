"""Menu group Operators: legal entities, what they are known by, and bringing a new one on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import path, reverse
from unfold.admin import StackedInline, TabularInline

from roaming.admin.bank_accounts import standing
from roaming.admin.operator_forms import (
    KINDS,
    BankAccountForm,
    IdentifierForm,
    NewOperatorForm,
    OperatorForm,
    VatRegistrationForm,
    check_as_typed,
)
from roaming.models import (
    Agreement,
    BankAccount,
    Operator,
    OperatorIdentifier,
    Platform,
    VatRegistration,
)
from roaming.staff_pages.cells import (
    column,
    link_column,
    link_to,
    list_of,
    moment_column,
    state_column,
)
from roaming.staff_pages.long_lists import clean_term
from roaming.staff_pages.ranges import range_text, readable_range
from roaming.staff_pages.staff_admin import FORM_FIELDS, Panel, ShortFactAdmin, StaffAdmin
from roaming.staff_pages.steps import Situation, Step
from roaming.use_cases.operator_onboarding import (
    NewIdentifier,
    OnboardingError,
    activate_operator,
    add_identifier,
    onboard_operator,
)

SHADES = {"active": "success", "onboarding": "info", "suspended": "warning", "ended": "plain"}


class AddOnly:
    """Mixin of an inline: rows that are added here and stay as they are."""

    extra = 0
    can_delete = False
    formfield_overrides = FORM_FIELDS
    readonly_preprocess_fields = {"validity": readable_range}

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What stands stays."""
        return False


class IdentifierInline(AddOnly, TabularInline):
    """An identifier stays: sessions and SDRs name it."""

    model = OperatorIdentifier
    form = IdentifierForm
    fields = ("role", "identifier")
    verbose_name = "identifier"


class VatRegistrationInline(TabularInline):
    """Dated VAT ids; one that ends gets its last day, it is not removed."""

    model = VatRegistration
    form = VatRegistrationForm
    fields = ("country", "number", "validity", "proof")
    verbose_name_plural = "VAT registrations"
    verbose_name = "VAT registration"
    extra = 0
    can_delete = False
    formfield_overrides = FORM_FIELDS


class BankAccountInline(AddOnly, StackedInline):
    """Proposed here; approved and ended on the account's own page."""

    model = BankAccount
    form = BankAccountForm
    fields = (("holder", "iban"), ("bic", "currency"), "validity", "state")
    readonly_fields = ("state",)
    show_change_link = True

    state = column(
        "Approval",
        lambda row: standing(row) if row.pk else "A second person's, on the account's page.",
    )


def _activate(situation: Situation) -> str:
    activate_operator(situation.row)
    return f"{situation.row} is active."


ACTIVATE = Step(
    name="activate",
    label="Activate",
    permission="roaming.change_operator",
    act=_activate,
    when=lambda situation: situation.row.status == Operator.Status.ONBOARDING,
    preview=lambda situation: ["The bringing on ends: agreements can be made with it."],
)


@admin.register(Operator)
class OperatorAdmin(StaffAdmin):
    """Operators. The clearing house itself is one of them."""

    comes_from = "Begin here: legal data, role, contacts; then the platform, then an agreement."
    form = OperatorForm
    change_form_template = "admin/staff/checked_as_typed.html"
    steps: tuple[Step, ...] = (ACTIVATE,)
    form_refusals = (OnboardingError,)
    history_of = ("identifiers", "vat_registrations", "bank_accounts")
    list_display = ("name", "shown_status", "roles", "country", "legal_name", "contact_email")
    list_filter = ("status", "identifiers__role", "country")
    search_fields = ("name", "legal_name", "identifiers__identifier", "identifiers__key", "lei")
    search_help_text = "Name, identifier, LEI"
    readonly_fields = ("shown_status", "created")
    ordering = ("name",)

    shown_status = state_column("status", "Status", SHADES)
    created = moment_column("created_at", "Made on")
    roles = column(
        "Identifiers",
        lambda row: ", ".join(str(held) for held in row.identifiers.all()) or "–",
    )

    _legal = (
        ("Legal entity", {"fields": ("name", "legal_name", "lei")}),
        ("Seat", {"fields": ("street", ("postal_code", "city"), "country")}),
        ("Contacts", {"fields": ("contact_email", "finance_email", "dispute_email", "language")}),
        ("Contract ids", {"fields": ("allows_opaque_contract_ids", "strict_check_digits")}),
    )
    _new = (
        *_legal[:3],
        ("Identifiers", {"fields": ("cso_identifiers", "csp_identifiers")}),
        (
            "Platform",
            {
                "fields": ("platform_name", "platform_environment"),
                "description": "The system that will speak for it. Its registration token is "
                "issued on the platform's page.",
            },
        ),
        _legal[3],
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Operator]:
        rows: QuerySet[Operator] = super().get_queryset(request)
        return rows.prefetch_related("identifiers")

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if obj is None:
            kwargs["form"] = NewOperatorForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        standing = ("Standing", {"fields": ("shown_status", "created")})
        return self._new if obj is None else (standing, *self._legal)

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        kept = [VatRegistrationInline, BankAccountInline]
        return kept if obj is None else [IdentifierInline, *kept]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """A new operator comes with its identifiers and platform."""
        if change:
            super().save_model(request, obj, form, change)
            return
        form.made_platform = onboard_operator(obj, form.identifiers, form.platform)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Bank accounts are proposed by whoever types them; identifiers get their key."""
        for row in formset.save(commit=False):
            if isinstance(row, OperatorIdentifier):
                add_identifier(form.instance, NewIdentifier(row.role, row.identifier))
                continue
            if isinstance(row, BankAccount) and row.pk is None:
                row.proposed_by = request.user
            row.save()
        formset.save_m2m()

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """On to the platform, where the registration token is issued."""
        platform = obj.platforms.first()
        if platform is None:
            return super().response_add(request, obj, post_url_continue)  # type: ignore[no-any-return]
        messages.success(
            request, f"{obj} is brought on. Next: issue the registration token of its platform."
        )
        return HttpResponseRedirect(reverse("admin:roaming_platform_change", args=[platform.pk]))

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.check_number)
        return [path("check/", view, name="roaming_operator_check"), *super().get_urls()]

    def check_number(self, request: HttpRequest) -> JsonResponse:
        """What the page says of a number while it is typed."""
        if not (self.has_add_permission(request) or self.has_change_permission(request)):
            raise PermissionDenied
        kind = request.GET.get("kind", "")
        if kind not in KINDS:
            return JsonResponse({"said": "Unknown kind."}, status=400)
        try:
            said = check_as_typed(
                kind, request.GET.get("value", "")[:200], request.GET.get("country", "")[:2]
            )
        except ValueError as error:
            return JsonResponse({"fine": False, "said": str(error)})
        return JsonResponse({"fine": True, "said": said})

    def panels(self, request: HttpRequest, row: Any) -> Sequence[Panel]:
        return [_platforms(row), _agreements(row)]


def _platforms(row: Operator) -> Panel:
    found = (
        Platform.objects.filter(held_identifiers__identifier__operator=row)
        | Platform.objects.filter(run_by=row)
    ).distinct()
    return Panel(
        "Platforms",
        ("Platform", "Environment", "Status"),
        [(link_to(p, p.name), p.get_environment_display(), p.get_status_display()) for p in found],
        "No platform speaks for it yet.",
    )


def _agreements(row: Operator) -> Panel:
    found = Agreement.objects.select_related("visited_cso", "home_csp")
    newest = found.filter(visited_cso=row) | found.filter(home_csp=row)
    lines = [
        (
            link_to(agreement, f"{agreement.visited_cso} – {agreement.home_csp}"),
            agreement.get_environment_display(),
            agreement.get_status_display(),
            range_text(agreement.validity, "%Y-%m-%d"),
        )
        for agreement in newest.order_by("-pk")[:50]
    ]
    return Panel(
        "Agreements",
        ("Agreement", "Environment", "Status", "Validity"),
        lines,
        "No agreement yet: make one in the menu Agreements.",
    )


@admin.register(OperatorIdentifier)
class OperatorIdentifierAdmin(ShortFactAdmin):
    """Who holds which identifier. They are added on the operator's page."""

    list_display = ("identifier", "role", "holder", "sites")
    list_filter = ("role",)
    list_select_related = ("operator",)
    search_fields = ("identifier", "key", "operator__name")
    search_help_text = "DE*ABC, DE-ABC, DEABC, operator"
    ordering = ("identifier",)
    fields = ("identifier", "role", "holder", "key")
    readonly_fields = ("holder",)
    history_of = ()

    holder = link_column("operator", "Operator", "operator__name")
    sites = column(
        "Network",
        lambda row: (
            list_of(row.sites.model._meta, f"visited_cso__id__exact={row.pk}", "sites")
            if row.role == "CSO"
            else "–"
        ),
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Any form of the identifier, or part of the operator's name."""
        if not (term := clean_term(search_term)):
            return queryset, False
        key = term.upper().replace("*", "").replace("-", "")
        return queryset.filter(Q(key__startswith=key) | Q(operator__name__icontains=term)), False
