"""The mails of a team. An invitation's link is inserted when it is sent, and not stored."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse

from portal.gate.teams.domain.invitations import LETTER_COMPOSER, token_of
from portal.gate.teams.enums import MemberState
from portal.gate.teams.models import Member
from portal.platform.notices.domain.outbox import LINK_PLACE, Letter, post, register_composer
from portal.platform.notices.models import Notice

SUBJECTS: Final = {
    "joined": "{who} has joined your team",
    "declined": "{who} has declined your invitation",
    "left": "{who} has left your team",
    "removed": "A reviewer has removed {who} from your team",
}


def compose_invitation(notice: Notice) -> Letter | None:
    """Write an invitation; None if its link no longer works."""
    member = _member_of(notice)
    is_open = member is not None and member.state == MemberState.INVITED
    if member is None or not is_open or member.serial != notice.data["link"]:
        return None
    application = member.team.application
    lead = application.applicant_name
    context = {"member": member, "application": application, "lead": lead, "link": LINK_PLACE}
    return Letter(f"{' '.join(lead.split())} invites you to a team", _write("invite", context))


def _link_in(notice: Notice) -> str | None:
    member = _member_of(notice)
    return link_of(member) if member else None


def link_of(member: Member) -> str:
    """The path that only the invited person knows."""
    return reverse("teams:join", args=[member.pk, token_of(member)])


def notify_lead(member: Member, *, how: str) -> None:
    """Tell the lead what happened to a member, in the caller's transaction."""
    application = member.team.application
    who = member.user.name if member.user else member.email
    path = reverse("teams:own", args=[application.case_number])
    context = {
        "user": application.applicant,
        "application": application,
        "member": member,
        "who": who,
        "how": how,
        "link": settings.SITE_URL + path,
    }
    post(
        application.applicant,
        kind=f"teams.{how}",
        about=f"application:{application.case_number}",
        subject=SUBJECTS[how].format(who=" ".join(who.split())),
        body=_write("lead", context),
    )


def notify_member(member: Member) -> None:
    """Tell somebody that they were removed."""
    if member.user is None:
        return
    application = member.team.application
    context = {
        "user": member.user,
        "application": application,
        "member": member,
        "link": settings.SITE_URL + reverse("access:status"),
    }
    post(
        member.user,
        kind="teams.ended",
        about=f"application:{application.case_number}",
        subject="You are no longer in a team",
        body=_write("ended", context),
    )


def _write(name: str, context: dict[str, object]) -> str:
    context = {"site_url": settings.SITE_URL, **context}
    return render_to_string(f"emails/teams/{name}.txt", context).strip() + "\n"


def _member_of(notice: Notice) -> Member | None:
    members = Member.objects.select_related("team__application__applicant")
    return members.filter(pk=notice.data["member"]).first()


register_composer(LETTER_COMPOSER, compose_invitation, link=_link_in)
