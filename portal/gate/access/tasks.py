"""The access capability's tasks. Each may run any number of times."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from portal.gate.access.domain.desk.overdue import escalate, remind_reviewers
from portal.gate.access.domain.reconsent.announcements import announce_changes
from portal.platform.core.each import do_each


@shared_task(name="portal.access.tell_of_changed_licences")
def announce_changed_licences() -> None:
    announce_changes(at=timezone.now())


@shared_task(name="portal.access.call_to_overdue")
def call_to_overdue() -> None:
    now = timezone.now()
    do_each((remind_reviewers, escalate), lambda call: call(at=now), doing="call_to_overdue")
