"""The people who walk the site: one of each kind of whom a page may think differently."""

from __future__ import annotations

from django.core.management import call_command

from portal.gate.access.domain.demo import APPLICANT, AUDITOR, OPERATOR, RESEARCHER, REVIEWER
from portal.gate.access.domain.rights.grants import suspend_grant
from portal.gate.access.models import Application
from portal.gate.catalog.models import HostedModel
from portal.gate.teams.domain.invitations import invite_member
from portal.gate.teams.domain.joining import join_team
from portal.platform.accounts.models import User
from tests.factories.access import GrantFactory
from tests.factories.accounts import UserFactory
from tests.factories.licensing import SignatureFactory

MODEL = "smollm2-135m"


def seed() -> dict[str, User | None]:
    """Load the demo release and its people; answers each actor of the table by name.

    `other` has the researcher's rights and nothing of what is the researcher's; `member` has
    joined the researcher's team; a reviewer has suspended all that `suspended` had.
    """
    call_command("load_release", verbosity=0)
    call_command("load_logbook", verbosity=0)
    call_command("seed_demo", "--json", verbosity=0)
    reviewer = User.objects.get(email=REVIEWER.email)
    researcher = User.objects.get(email=RESEARCHER.email)
    return {
        "anonymous": None,
        "applicant": User.objects.get(email=APPLICANT.email),
        "researcher": researcher,
        "other": _make_other(),
        "member": _make_member(researcher),
        "suspended": _make_suspended(reviewer),
        "reviewer": reviewer,
        "auditor": User.objects.get(email=AUDITOR.email),
        "operator": User.objects.get(email=OPERATOR.email),
    }


def _sign(email: str) -> tuple[User, HostedModel]:
    """A new person who has signed what the model asks for, and the model."""
    model = HostedModel.objects.get(slug=MODEL)
    user = UserFactory.create(email=email)
    SignatureFactory.create(user=user, version=model.release.licence.versions.get())
    return user, model


def _make_other() -> User:
    user, model = _sign("other@example.org")
    GrantFactory.create(user=user, model=model)
    return user


def _make_member(lead: User) -> User:
    user, _ = _sign("member@example.org")
    application = Application.objects.get(applicant=lead)
    join_team(invite_member(application, by=lead, email=user.email), by=user)
    return user


def _make_suspended(reviewer: User) -> User:
    user, model = _sign("suspended@example.org")
    suspend_grant(GrantFactory.create(user=user, model=model), by=reviewer, reason="A question.")
    return user
