"""The two kinds of admin pages: rows that staff edit, and facts that nobody does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.contrib.postgres.fields import DateRangeField, DateTimeRangeField
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.admin import ModelAdmin, TabularInline
from unfold.widgets import UnfoldAdminTextInputWidget

from roaming.staff_pages.cells import EMPTY, Figure
from roaming.staff_pages.change_history import HistoryPage
from roaming.staff_pages.long_lists import PER_PAGE, UncountedList, UncountedPaginator
from roaming.staff_pages.personal_data import PERMISSION, PersonalDataPages
from roaming.staff_pages.ranges import DayRangeField, MomentRangeField, readable_range
from roaming.staff_pages.steps import StepPages

FORM_FIELDS: dict[Any, dict[str, Any]] = {
    DateTimeRangeField: {"form_class": MomentRangeField},
    DateRangeField: {"form_class": DayRangeField},
    # Exact decimals are typed as they are meant, not stepped through.
    models.DecimalField: {"widget": UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"})},
}


@dataclass(frozen=True, slots=True)
class Panel:
    """A table on a row's page. Cells are text or safe HTML; `note` stands under the title."""

    title: str
    headers: Sequence[str]
    rows: Sequence[Sequence[Any]]
    empty: str
    note: str = ""

    @property
    def shown_headers(self) -> list[tuple[str, bool]]:
        """Each heading, and whether its column holds figures; nothing where no column has one."""
        if not any(self.headers):
            return []
        return [(header, self._holds_figures(n)) for n, header in enumerate(self.headers)]

    @property
    def shown_rows(self) -> list[list[tuple[str, Any, bool]]]:
        """Each cell with its heading, and whether it is set flush right."""
        headers = [*self.headers, *[""] * max((len(row) for row in self.rows), default=0)]
        figures = [self._holds_figures(n) for n in range(len(headers))]
        return [
            list(zip(headers[: len(row)], row, figures[: len(row)], strict=True))
            for row in self.rows
        ]

    def _holds_figures(self, number: int) -> bool:
        cells = [row[number] for row in self.rows if len(row) > number and row[number]]
        return any(isinstance(cell, Figure) for cell in cells) and all(
            isinstance(cell, Figure) or cell == EMPTY for cell in cells
        )


class StaffAdmin(HistoryPage, StepPages, ModelAdmin):
    """Rows that staff add and edit. Nothing is ever deleted: history hangs on everything."""

    change_form_template = "admin/staff/change_form.html"
    list_before_template = "admin/staff/list_before.html"
    formfield_overrides = FORM_FIELDS
    list_per_page = PER_PAGE
    list_filter_submit = True
    show_facets = ShowFacets.NEVER  # a count per choice of a filter is a count over the table
    warn_unsaved_form = True
    # The row's tables stand above its fields where they are what people come for.
    panels_first = False
    # Labels of the model's own columns, in people's words.
    words: Mapping[str, str] = {}
    empty_value_display = EMPTY
    readonly_preprocess_fields = {"validity": readable_range, "during": readable_range}
    # What brings rows to a list that is still empty.
    comes_from = ""

    # What a use case may refuse while a form is saved, after the form itself was found in order.
    form_refusals: tuple[type[Exception], ...] = ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never, for nobody."""
        return False

    def shows_panels_first(self, row: Any) -> bool:
        """Whether the tables stand above the fields of this row."""
        return self.panels_first

    def panels(self, request: HttpRequest, row: Any) -> Sequence[Panel]:
        """Tables below the form of a row."""
        return ()

    def warnings(self, request: HttpRequest, row: Any) -> Sequence[str]:
        """What a person has to know before they touch the row."""
        return ()

    def get_urls(self) -> list[Any]:
        own = self.step_urls()
        if isinstance(self, PersonalDataPages):
            own += self.personal_data_urls()
        return [*own, *super().get_urls()]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """The form; a refusal of the use case behind it is told, and nothing is saved."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except self.form_refusals as refusal:
            messages.error(request, str(refusal))
            return HttpResponseRedirect(request.get_full_path())

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """The list, with the steps that concern all of it."""
        extra = {"offers": self.offers(request, None), "page_links": self.list_links(request)}
        return super().changelist_view(request, {**extra, **(extra_context or {})})

    def list_links(self, request: HttpRequest) -> Sequence[tuple[str, str]]:
        """Buttons above the list that lead elsewhere: label and address."""
        return ()

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """With the labels of `words`."""
        if self.words:
            kwargs.setdefault("labels", dict(self.words))
        return super().get_form(request, obj, change, **kwargs)

    def page_links(self, request: HttpRequest, row: Any) -> Sequence[tuple[str, str]]:
        """Buttons that lead elsewhere: label and address."""
        return ()

    def render_change_form(  # noqa: PLR0913, PLR0917  Django's signature
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        """Adds the steps, warnings and tables of the row."""
        if obj is not None:
            context["offers"] = self.offers(request, obj)
            context["panels"] = self.panels(request, obj)
            context["panels_first"] = self.shows_panels_first(obj)
            context["page_links"] = self.page_links(request, obj)
            context["row_warnings"] = self.warnings(request, obj)
            context["personal_data_button"] = isinstance(
                self, PersonalDataPages
            ) and request.user.has_perm(PERMISSION)
        page: HttpResponse = super().render_change_form(
            request, context, add, change, form_url, obj
        )
        return page


class FactAdmin(StaffAdmin):
    """Facts: read, never added, changed or removed, whoever asks. The list counts nothing."""

    paginator = UncountedPaginator
    show_full_result_count = False
    actions = None
    ordering: Sequence[str] = ("-pk",)
    sortable_by: Sequence[str] | None = ()
    warn_unsaved_form = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never, for nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Never, for nobody."""
        return False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[UncountedList]:
        return UncountedList


class ShortFactAdmin(FactAdmin):
    """Facts of which there are few: counted and sorted like any list."""

    show_full_result_count = True
    sortable_by = None

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        return ModelAdmin.get_changelist(self, request, **kwargs)

    def get_paginator(self, request: HttpRequest, queryset: Any, *args: Any, **kwargs: Any) -> Any:
        return ModelAdmin.paginator(queryset, *args, **kwargs)


class FactInline(TabularInline):
    """Related facts on a row's page."""

    extra = 0
    can_delete = False
    show_change_link = False
    formfield_overrides = FORM_FIELDS
    readonly_preprocess_fields = {"validity": readable_range}

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
