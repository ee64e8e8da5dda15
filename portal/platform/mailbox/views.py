"""The mailbox of a demo installation."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.platform.mailbox.models import StoredMail

PAGE_SIZE = 20


@require_safe
@never_cache
def inbox(request: HttpRequest) -> HttpResponse:
    """All mail, newest first, or the mail of one recipient (`?to=`)."""
    recipient = request.GET.get("to", "").strip().lower()
    page = Paginator(_mail_for(recipient), PAGE_SIZE).get_page(request.GET.get("page"))
    recipients = StoredMail.objects.order_by("to").values_list("to", flat=True).distinct()
    return render(
        request,
        "platform/mailbox/inbox.html",
        {"page": page, "recipient": recipient, "recipients": recipients},
    )


@require_safe
@never_cache
def mail(request: HttpRequest, pk: int) -> HttpResponse:
    """One message, as text."""
    stored = get_object_or_404(StoredMail, pk=pk)
    return render(request, "platform/mailbox/mail.html", {"mail": stored})


def _mail_for(recipient: str) -> QuerySet[StoredMail]:
    stored = StoredMail.objects.order_by("-id")
    return stored.filter(to=recipient) if recipient else stored
