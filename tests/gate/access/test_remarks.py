from __future__ import annotations

import pytest
from django.test import Client

from portal.gate.access.domain.process.remarks import list_remarks, write_remark
from portal.gate.access.domain.workflow import separation
from portal.gate.access.models import Application, Remark
from portal.platform.accounts.models import User
from portal.platform.audit.models import AuditEvent
from portal.platform.core.errors import DomainError
from portal.platform.notices.models import Notice
from tests.factories.access import ApplicationFactory
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
TEXT = "The institute answers no calls."


@pytest.fixture
def application(db: None) -> Application:
    return ApplicationFactory.create(case_number="GH-2026-0042")


@pytest.fixture
def colleague(db: None) -> User:
    return UserFactory.create(is_reviewer=True, name="Olga Other", email="olga@example.org")


def test_a_remark_is_kept_and_its_event_has_no_text(
    application: Application, reviewer: User
) -> None:
    remark = write_remark(application, by=reviewer, text=f" {TEXT} ")
    assert (remark.text, remark.author, remark.asked) == (TEXT, reviewer, None)
    event = AuditEvent.objects.get(tag="access.application.remarked")
    assert (event.subject, event.data) == (
        "application:GH-2026-0042",
        {"remark": remark.pk, "asked": None},
    )
    assert Notice.objects.count() == 0


def test_a_colleague_who_is_asked_gets_one_notice_with_a_link_and_no_text(
    application: Application, reviewer: User, colleague: User
) -> None:
    write_remark(application, by=reviewer, text=TEXT, asked=colleague)
    notice = Notice.objects.get()
    assert (notice.recipient, notice.subject) == (
        colleague,
        "A colleague asks for your view: GH-2026-0042",
    )
    assert notice.body.splitlines()[-1].endswith("/console/applications/GH-2026-0042/remarks/")
    assert TEXT not in notice.body


@pytest.mark.parametrize(
    ("who", "code"), [("applicant", "own_application"), ("stranger", "reviewers_only")]
)
def test_only_other_reviewers_write(application: Application, who: str, code: str) -> None:
    stranger = UserFactory.create()
    User.objects.filter(pk=application.applicant_id).update(is_reviewer=True)
    application.applicant.refresh_from_db()
    by = {"applicant": application.applicant, "stranger": stranger}[who]
    with pytest.raises(DomainError) as refusal:
        write_remark(application, by=by, text=TEXT)
    assert (refusal.value.code, Remark.objects.count()) == (code, 0)


def test_who_is_near_to_the_applicant_neither_writes_nor_reads_nor_is_asked(
    application: Application, reviewer: User, colleague: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(person_id: int, who: User) -> str:
        is_near = (person_id, who) == (application.applicant_id, colleague)
        return "in their team" if is_near else ""

    monkeypatch.setattr(separation, "_FINDERS", [find])
    write_remark(application, by=reviewer, text=TEXT)
    codes = []
    for by, asked in ((colleague, None), (reviewer, colleague)):
        with pytest.raises(DomainError) as refusal:
            write_remark(application, by=by, text=TEXT, asked=asked)
        codes.append(refusal.value.code)
    assert codes == ["own_team", "not_for_them"]
    assert list_remarks(application, viewer=colleague).count() == 0


@pytest.mark.django_db(transaction=True)
def test_auditors_read_and_the_applicant_does_not(
    application: Application, reviewer: User, client: Client
) -> None:
    """With no transaction around a request, as the site answers it."""
    remark = write_remark(application, by=reviewer, text=TEXT)
    auditor = UserFactory.create(is_auditor=True)
    client.force_login(auditor)
    page = client.get("/console/applications/GH-2026-0042/remarks/")
    assert (list(page.context["remarks"]), page.context["remark_form"]) == ([remark], None)
    assert client.post("/console/applications/GH-2026-0042/remarks/").status_code == 403
    assert AuditEvent.objects.filter(tag="access.remarks.viewed", actor=auditor).count() == 1
    client.force_login(application.applicant)
    assert client.get("/console/applications/GH-2026-0042/remarks/").status_code == 403
    assert TEXT not in client.get("/access/applications/GH-2026-0042/").content.decode()
    assert list_remarks(application, viewer=application.applicant).count() == 0


def test_the_review_page_writes_and_shows_it(
    application: Application, reviewer: User, client: Client, colleague: User
) -> None:
    client.force_login(reviewer)
    path = "/console/applications/GH-2026-0042/"
    assert client.post(f"{path}remarks/", {"remark-text": ""}).status_code == 422
    sent = client.post(f"{path}remarks/", {"remark-text": TEXT, "remark-asked": colleague.pk})
    assert (sent.status_code, sent["Location"]) == (302, path)
    (remark,) = client.get(path).context["remarks"]
    assert (remark.text, remark.author, remark.asked) == (TEXT, reviewer, colleague)
