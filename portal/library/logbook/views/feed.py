"""The newest entries of a logbook as an Atom feed."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib.syndication.views import Feed
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.feedgenerator import Atom1Feed
from django.views.decorators.http import require_safe

from portal.library.logbook.domain.line import read_line
from portal.library.logbook.models import Entry, Run
from portal.library.logbook.views.opening import open_to_readers
from portal.platform.core.markdown import render_markdown

LENGTH = 50

if TYPE_CHECKING:
    _Feed = Feed[Entry, Run]
else:
    _Feed = Feed


class EntryFeed(_Feed):
    """The entries of a run's line, newest first."""

    feed_type = Atom1Feed

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Run:  # noqa: ARG002
        run: Run = kwargs["run"]
        return run

    def title(self, run: Run) -> str:
        return f"Logbook of {run.name}"

    def link(self, run: Run) -> str:
        return run.get_absolute_url()

    def subtitle(self, run: Run) -> str:
        return run.release.tagline

    def items(self, run: Run) -> QuerySet[Entry]:
        entries = Entry.objects.filter(read_line(run).entries).select_related("run")
        return entries.defer("search").order_by("-at", "-step", "slug")[:LENGTH]

    def item_title(self, item: Entry) -> str:
        return item.title

    def item_description(self, item: Entry) -> str:
        return render_markdown(item.body, prefix=item.slug)

    def item_categories(self, item: Entry) -> list[str]:
        return [item.kind]

    def item_author_name(self, item: Entry) -> str:
        return ", ".join(item.authors or item.run.authors)

    def item_pubdate(self, item: Entry) -> datetime:
        return item.at

    def item_updateddate(self, item: Entry) -> datetime:
        return item.at


@require_safe
@open_to_readers
def feed(request: HttpRequest, run: Run) -> HttpResponse:
    return EntryFeed()(request, run=run)
