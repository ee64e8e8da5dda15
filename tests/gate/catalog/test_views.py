from __future__ import annotations

import re

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from tests.factories.access import ApplicationFactory, GrantFactory
from tests.factories.catalog import HostedModelFactory, ReleaseFactory
from tests.factories.licensing import SignatureFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def _demo() -> None:
    call_command("load_release", verbosity=0)


def text_of(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.usefixtures("_demo")
@pytest.mark.parametrize(
    ("path", "heading"),
    [
        ("/", "Large language models, lent to those who study them"),
        ("/models/", "Models"),
        ("/models/opt-175b/", "OPT-175B"),
        ("/models/opt-6.7b/", "OPT-6.7B"),
        ("/models/smollm2-135m/", "SmolLM2-135M-Instruct"),
        ("/releases/opt/model-card/", "Model card: OPT"),
        ("/releases/opt/data-card/", "Data card: OPT"),
        ("/releases/smollm2/model-card/", "Model card: SmolLM2"),
        ("/how-access-works/", "How access works"),
        ("/licence/gatehouse-research/", "The licence"),
    ],
)
def test_public_pages_need_no_account(client: Client, path: str, heading: str) -> None:
    page = text_of(client, path)

    assert re.findall(r"<h1>(.*?)</h1>", page) == [heading]
    assert page.count("<script>") == 0
    assert page.count(' style="') == 0


@pytest.mark.usefixtures("_demo")
def test_every_footnote_of_a_card_has_its_source(client: Client) -> None:
    for release in ("opt", "smollm2"):
        for card in ("model-card", "data-card"):
            page = text_of(client, f"/releases/{release}/{card}/")
            cited = set(re.findall(r'href="#(fn\d+)"', page))
            listed = set(re.findall(r'<li id="(fn\d+)"', page))
            assert cited == listed != set()
            assert page.count("[^") == 0


@pytest.mark.usefixtures("_demo")
def test_models_say_whether_they_run_here(client: Client) -> None:
    page = text_of(client, "/models/")

    rows = re.findall(r'<th scope="row".*?>([\w.-]+)</a>.*?badge--(live|muted)', page, re.DOTALL)
    assert [name for name, badge in rows if badge == "live"] == ["SmolLM2-135M-Instruct"]
    assert len(rows) == 10


@pytest.mark.parametrize(
    "path",
    ["/models/nothing/", "/releases/nothing/model-card/", "/releases/nothing/data-card/"],
)
def test_what_is_not_released_is_not_found(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_nothing_released_yet_reads_like_a_beginning(client: Client) -> None:
    assert text_of(client, "/").count("No model is released here yet") == 1
    assert text_of(client, "/models/").count("No model is released here yet") == 1
    assert text_of(client, "/how-access-works/").count("No model is released here yet") == 1


def test_a_live_model_shows_the_way_and_another_where_to_go(client: Client) -> None:
    live, described = HostedModelFactory.create(), HostedModelFactory.create(not_loaded=True)

    assert text_of(client, f"/models/{live.slug}/").count("Steps to your first prompt") == 1
    assert text_of(client, f"/models/{described.slug}/").count("Steps to your first prompt") == 0


def test_whoever_may_prompt_is_not_asked_to_apply(client: Client) -> None:
    model = HostedModelFactory.create()
    grant = GrantFactory.create(model=model)
    SignatureFactory.create(user=grant.user, version=model.release.licence.versions.get())
    client.force_login(grant.user)

    page, home = text_of(client, f"/models/{model.slug}/"), text_of(client, "/")

    assert (page.count("Open to you"), page.count("Apply")) == (1, 0)
    assert page.count(f'href="/playground/?model={model.slug}"') == 1
    assert home.count("You have access to it.") == 1
    assert (home.count("<h3>Apply</h3>"), home.count("<h3>Prompt</h3>")) == (0, 1)
    assert home.count('<a class="button button--primary" href="/playground/">') == 1


def test_whoever_waits_is_told_so_and_not_asked_to_apply(client: Client) -> None:
    model = HostedModelFactory.create()
    application = ApplicationFactory.create(models_wanted=[model])
    applicant = application.applicant
    SignatureFactory.create(user=applicant, version=model.release.licence.versions.get())
    client.force_login(applicant)

    page = text_of(client, f"/models/{model.slug}/")

    assert page.count("Your application is waiting for a reviewer.") == 1
    assert page.count("See its status") == 1
    assert page.count("Apply for access") == 0


def test_whoever_has_signed_is_led_to_the_application(client: Client) -> None:
    model = HostedModelFactory.create()
    signature = SignatureFactory.create(version=model.release.licence.versions.get())
    client.force_login(signature.user)

    page = text_of(client, f"/models/{model.slug}/")

    assert page.count('<a class="button button--primary" href="/access/apply/">') == 1
    assert page.count("A reviewer decides") == 1


def test_process_page_shows_a_shared_text_once(client: Client) -> None:
    for process in ("Ask *kindly*.", "Ask *kindly*.", "Ask twice."):
        HostedModelFactory.create(release=ReleaseFactory.create(process=process))

    page = text_of(client, reverse("catalog:process"))

    assert page.count("<p>Ask <em>kindly</em>.</p>") == 1
    assert page.count("<p>Ask twice.</p>") == 1


def test_texts_of_a_release_are_never_markup(client: Client) -> None:
    attack = '<img src=x onerror="alert(1)"><script>alert(1)</script>'
    release = ReleaseFactory.create(
        summary=attack, why_gated=attack, process=attack, model_card=attack, data_card=attack
    )
    model = HostedModelFactory.create(
        release=release, summary=attack, attribution=attack, name=attack
    )

    for path in (
        "/",
        "/models/",
        f"/models/{model.slug}/",
        f"/releases/{release.slug}/model-card/",
        f"/releases/{release.slug}/data-card/",
        "/how-access-works/",
    ):
        page = text_of(client, path)
        assert page.count("<script>") + page.count("<img") == 0
        assert page.count("&lt;script&gt;alert(1)") >= 1


@pytest.mark.parametrize(
    ("path", "queries"), [("/", 2), ("/models/", 2), ("/how-access-works/", 3)]
)
@pytest.mark.parametrize("count", [1, 3])
def test_lists_cost_the_same_for_any_number(
    client: Client,
    django_assert_num_queries: DjangoAssertNumQueries,
    path: str,
    queries: int,
    count: int,
) -> None:
    for _ in range(count):
        release = ReleaseFactory.create()
        HostedModelFactory.create_batch(count, release=release)

    with django_assert_num_queries(queries):
        client.get(path)


def test_one_model_costs_four_queries_for_a_stranger(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    model = HostedModelFactory.create()

    # The model, its logbooks, its repositories and its weights.
    with django_assert_num_queries(4):
        client.get(f"/models/{model.slug}/")
