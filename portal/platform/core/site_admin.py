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


class ReadOnlyAdmin(SiteAdmin):
    """For rows that change only by commands elsewhere, or never: all fields are shown as text."""

    actions = None
    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 -- Django's signature
        return False

    def has_change_permission(
        self,
        request: HttpRequest,  # noqa: ARG002 -- Django's signature
        obj: Model | None = None,  # noqa: ARG002
    ) -> bool:
        return False

    def has_delete_permission(
        self,
        request: HttpRequest,  # noqa: ARG002 -- Django's signature
        obj: Model | None = None,  # noqa: ARG002
    ) -> bool:
        return False
