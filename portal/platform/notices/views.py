"""A person's own notices."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from portal.platform.core.fingerprints import SavedMeanwhile
from portal.platform.core.personal import personal
from portal.platform.notices.domain.preferences import choose_digest
from portal.platform.notices.domain.reading import list_notices, mark_read
from portal.platform.notices.forms import MailPreferenceForm
from portal.platform.notices.models import MailPreference

PAGE_SIZE = 20


@require_http_methods(["GET", "HEAD", "POST"])
@personal
def show_list(request: HttpRequest) -> HttpResponse:
    """The person's notices, newest first; a POST changes the mail settings."""
    user_id = _person(request)
    preference = MailPreference.objects.filter(user_id=user_id).first()
    preference = preference or MailPreference(user_id=user_id)
    form = MailPreferenceForm(
        request.POST if request.method == "POST" else None,
        instance=preference,
        saved=preference.is_digest,
    )
    if request.method == "POST" and form.is_valid():
        try:
            choose_digest(user_id, **form.cleaned_data)
        except SavedMeanwhile as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, "Your choice is saved.")
            return redirect("notices:list")
    page = Paginator(list_notices(user_id), PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "platform/notices/list.html", {"page": page, "form": form})


@require_safe
@personal
def show_notice(request: HttpRequest, pk: int) -> HttpResponse:
    """One notice, as text; opening it marks it as read."""
    notice = get_object_or_404(list_notices(_person(request)), pk=pk)
    mark_read(notice)
    return render(request, "platform/notices/notice.html", {"notice": notice})


def _person(request: HttpRequest) -> int:
    return int(request.user.pk or 0)
