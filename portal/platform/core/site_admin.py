"""Base classes for every table in the Django admin."""

from __future__ import annotations

from typing import Final

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

FILTER_SUFFIXES: Final = ("", "__exact", "__isnull", "__id__exact")
DATE_SUFFIXES: Final = ("__year", "__month", "__day")


class SiteAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Allows only the filters that its table offers.

    Django lets a URL filter by any column, which would reveal a password's hash, a key's digest
    or a prompt letter by letter.
    """

    may_add = may_change = may_delete = True
    """What operators may do with the rows."""

    def lookup_allowed(  # type: ignore[override]  # the form without a request is deprecated
        self,
        lookup: str,
        value: str,  # noqa: ARG002 -- Django's signature
        request: HttpRequest,
    ) -> bool:
        offered = {
            f"{field}{suffix}"
            for field in self.get_list_filter(request)
            for suffix in FILTER_SUFFIXES
        }
        if self.date_hierarchy:
            offered |= {f"{self.date_hierarchy}{suffix}" for suffix in DATE_SUFFIXES}
        return lookup in offered

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may_add and super().has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.may_change and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.may_delete and super().has_delete_permission(request, obj)


class ReadOnlyAdmin(SiteAdmin):
    """For rows that change only by commands elsewhere, or never: all fields are shown as text."""

    actions = None
    list_per_page = 50
    show_full_result_count = False
    may_add = may_change = may_delete = False
