"""The pages of sharing: making links, listing them, reading a run by one."""

from __future__ import annotations

import json
import logging
import re
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from inference_workers.contract import SamplingParams
from portal.lab.jobs.domain.receipts import write_receipt
from portal.lab.jobs.models import GenerationJob
from portal.lab.sharing.domain.links import revoke_link
from portal.lab.sharing.enums import Audience, Life
from portal.lab.sharing.models import ShareLink
from tests.factories.accounts import UserFactory
from tests.factories.jobs import GenerationJobFactory, make_researcher
from tests.factories.logs import site_log
from tests.lab.sharing.conftest import Shared, enter, path_of

MARKUP = "<img src=x onerror=alert(1)></div>"
LIST = "/playground/shared/"


def run_path(shared: Shared) -> str:
    return f"/playground/runs/{shared.run.pk}/"


def fill_in(**changes: str) -> dict[str, str]:
    return {"audience": "licence_holders", "life": "7", "notice": "", **changes}


def test_a_link_is_made_on_the_run_s_page_and_shown_there(shared: Shared) -> None:
    client = enter(shared.owner)
    response = client.post(
        f"{run_path(shared)}share/", fill_in(audience=f"team-{shared.team.pk}", notice=" Look. ")
    )

    assert response.headers["Location"] == f"{run_path(shared)}#share"
    link = ShareLink.objects.get()
    assert (link.audience, link.team, link.notice, link.is_sensitive) == (
        "team",
        shared.team,
        "Look.",
        False,
    )
    for path in (run_path(shared), LIST):
        page = client.get(path).content.decode()
        (address,) = re.findall(r'id="address-[0-9a-f-]+">(.*?)<', page)
        assert address.endswith(path_of(link))
    assert address.startswith("http")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"audience": ""}, "Choose who may read the run."),
        ({"audience": "everybody"}, "Select a valid choice."),
        ({"life": "365"}, "Select a valid choice."),
        ({"notice": "x" * 201}, "at most 200 characters"),
    ],
)
def test_what_is_wrong_is_shown_and_nothing_is_shared(
    shared: Shared, changes: dict[str, str], message: str
) -> None:
    response = enter(shared.owner).post(f"{run_path(shared)}share/", fill_in(**changes))

    assert (response.status_code, response.content.decode().count(message)) == (422, 2)
    assert ShareLink.objects.count() == 0


def test_another_person_can_neither_share_nor_revoke_nor_download(shared: Shared) -> None:
    link, client = shared.share(), enter(make_researcher(shared.model)[0])

    assert client.post(f"{run_path(shared)}share/", fill_in()).status_code == 404
    assert client.get(f"{run_path(shared)}receipt.json").status_code == 404
    client.post(f"{LIST}{link.pk}/revoke/")
    link.refresh_from_db()
    assert link.revoked_at is None


def test_a_reader_sees_the_run_as_it_is_stored_and_no_markup(shared: Shared) -> None:
    GenerationJob.objects.filter(pk=shared.run.pk).update(
        prompt=f"\nfirst {MARKUP}", text=f" then {MARKUP}"
    )
    path = path_of(shared.share(notice=MARKUP))

    response = enter(make_researcher(shared.model)[0]).get(path)

    page = response.content.decode()
    texts = re.findall(r'<div class="run-text__body.*?>(.*?)</div>', page, re.DOTALL)
    assert [unescape(text) for text in texts] == [f"\nfirst {MARKUP}", f" then {MARKUP}"]
    assert page.count("<img") == 0
    assert page.count("Amara Okafor") == 1
    assert page.count(shared.owner.email) == 0
    assert page.count(shared.model.attribution) == page.count(shared.model.notice) == 1
    assert response.headers["X-Robots-Tag"] == "noindex"
    assert page.count('<meta name="robots" content="noindex">') == 1
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert "no-store" in response.headers["Cache-Control"]


def test_a_sensitive_text_is_folded_until_a_reader_chooses(shared: Shared) -> None:
    open_page = enter(shared.owner).get(path_of(shared.share())).content.decode()
    page = enter(shared.owner).get(path_of(shared.share(is_sensitive=True))).content.decode()

    assert open_page.count('<details class="run-cover">') == 0
    folded = page.partition('<details class="run-cover">')[2].partition("</details>")[0]
    assert folded.count(shared.run.prompt) == page.count(shared.run.prompt) == 1


def test_a_wrong_an_expired_and_a_revoked_link_look_the_same(shared: Shared) -> None:
    reader = enter(make_researcher(shared.model)[0])
    revoked, expired = shared.share(), shared.share(life=Life.DAY)
    paths = [path_of(revoked), path_of(expired), "/shared-runs/wrong/"]
    revoke_link(revoked.pk, by=shared.owner)
    ShareLink.objects.filter(pk=expired.pk).update(
        expires_at=timezone.now(), created_at=shared.run.created_at
    )

    answers = [reader.get(path) for path in paths]

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    pages = {re.sub(r'name="\w+" value="[^"]*"', "", a.content.decode()) for a in answers}
    assert len(pages) == 1
    assert {answer.headers["X-Robots-Tag"] for answer in answers} == {"noindex"}


def test_a_person_outside_the_audience_learns_the_next_step(shared: Shared) -> None:
    stranger = enter(UserFactory.create())
    steps = {}
    for audience in Audience:
        response = stranger.get(path_of(shared.share(audience)))
        page = response.content.decode().partition("<main")[2].partition("</main>")[0]
        assert (response.status_code, page.count(shared.run.prompt)) == (403, 0)
        assert response.headers["X-Robots-Tag"] == "noindex"
        steps[audience] = " ".join(re.findall(r"<p(?: class=\"lead\")?>([^<]+)</p>", page))

    licence = shared.model.release.licence
    lead = shared.team.application.applicant_name
    assert steps == {
        Audience.ME: "This link is only for the person who made it. Ask them for another one.",
        Audience.TEAM: f"This run is shared with the team of {lead}, and you are not in it. "
        f"Ask {lead} to invite you, then open the link again.",
        Audience.LICENCE_HOLDERS: f"This run is shared with people who may use {shared.model.name}."
        " The licence is not signed yet.",
    }
    assert page.count(f'href="/licence/{licence.slug}/sign/"') == 1


def test_somebody_who_is_not_signed_in_signs_in_first(shared: Shared, client: Client) -> None:
    path = path_of(shared.share())

    response = client.get(path)

    assert response.headers["Location"] == f"/account/login/?next={path}"


def test_a_reader_opens_a_copy_in_their_own_editor(shared: Shared) -> None:
    params = SamplingParams(max_tokens=9, temperature=0.25, seed=3).model_dump(mode="json")
    GenerationJob.objects.filter(pk=shared.run.pk).update(params=params)
    path = path_of(shared.share())
    reader = enter(make_researcher(shared.model)[0])

    page = reader.post(f"{path}copy/").content.decode()

    assert re.findall(r"<textarea name=\"prompt\".*?>\s*(.*?)</textarea>", page, re.DOTALL) == [
        shared.run.prompt
    ]
    values = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page))
    assert {name: values[name] for name in ("max_tokens", "temperature", "seed")} == {
        "max_tokens": "9",
        "temperature": "0.25",
        "seed": "3",
    }
    assert page.count("data-copied") == 1
    assert reader.get(f"{path}copy/").status_code == 405
    assert enter(UserFactory.create()).post(f"{path}copy/").status_code == 403


def test_the_receipt_is_a_file(shared: Shared) -> None:
    response = enter(shared.owner).get(f"{run_path(shared)}receipt.json")

    assert json.loads(response.content) == write_receipt(shared.run)
    assert response.headers["Content-Disposition"] == (
        f'attachment; filename="run-{shared.run.pk}.json"'
    )


def test_a_running_run_has_no_record_yet(shared: Shared) -> None:
    job = GenerationJobFactory.create(user=shared.owner, model=shared.model, running=True)

    page = enter(shared.owner).get(f"/playground/runs/{job.pk}/").content.decode()

    assert page.count("The record is complete when the run has ended.") == 1
    assert page.count("Make a link") == 0


@pytest.mark.parametrize("count", [1, 5])
def test_pages_cost_the_same_for_any_number_of_links(
    shared: Shared, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(count):
        path = path_of(shared.share())
        revoke_link(shared.share(Audience.TEAM).pk, by=shared.owner)
    client, reader = enter(shared.owner), enter(make_researcher(shared.model)[0])

    # The first visit records the session.
    client.get("/"), reader.get("/")

    with django_assert_num_queries(8):
        client.get(LIST)
    with django_assert_num_queries(10):
        assert reader.get(path).status_code == 200


def test_no_log_has_the_token(
    shared: Shared, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even while pages fail and everything is logged."""
    path = path_of(shared.share())
    token = path.split("/")[2]
    client = enter(UserFactory.create())
    client.raise_request_exception = False

    def fail(*_: object, **__: object) -> None:
        raise ValueError(path)

    with site_log(level="DEBUG"):
        client.get(path)
        client.post(path)
        client.get(f"{path}copy/")
        client.post(f"{path}copy/more/")
        monkeypatch.setattr("portal.lab.sharing.views.shared.find_link", fail)
        assert client.get(path).status_code == 500
        logging.getLogger("django.request").warning("Not Found: %s", path)

    written = capfd.readouterr().err
    assert written.count(token) == 0
    assert written.count("/shared-runs/[masked]") >= 4
