"""The operators' planner: the same plan as on the command line, to operators only."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings

from capacity.gpus import GPUS
from capacity.plan import PlanRequest, make_plan
from capacity.shapes import SHAPES
from portal.desk.console.templatetags.capacity_units import (
    billions,
    gib,
    gigabytes,
    megabytes,
    microseconds,
    percent,
)
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory

pytestmark = pytest.mark.django_db
PATH = "/console/capacity/"
OPT_ON_8_A100 = {"model": "opt-175b", "gpu": "a100-80gb", "count": "8"}


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(UserFactory.create(is_staff=True))
    return client


def test_only_operators_may_look(client: Client) -> None:
    assert client.get(PATH).status_code == 302
    for person in (UserFactory.create(), UserFactory.create(is_reviewer=True)):
        client.force_login(person)
        assert client.get(PATH).status_code == 403


def test_the_page_shows_what_the_planner_says(operator: Client) -> None:
    response = operator.get(PATH, OPT_ON_8_A100)

    asked = PlanRequest(shape=SHAPES["opt-175b"], gpu=GPUS["a100-80gb"], count=8)
    assert response.context["plan"] == make_plan(asked)
    page = response.content.decode()
    expected = ("59,968", "349.2 GB (325.2 GiB)", "22.00 ms", "95.9 billion tokens")
    assert [text for text in expected if text not in page] == []


def test_the_grid_is_at_first_the_sites(operator: Client, settings: Settings) -> None:
    settings.CARBON_INTENSITY_G_PER_KWH = 250.5

    context = operator.get(PATH, OPT_ON_8_A100).context

    assert context["plan"].request.carbon_intensity == 250.5
    assert not context["form"].shows_more


def test_a_clean_grid_is_not_compared_to_the_training(operator: Client) -> None:
    page = operator.get(PATH, {**OPT_ON_8_A100, "carbon_intensity": "0"}).content.decode()
    assert page.count("those of training") == 0


def test_every_field_reaches_the_planner(operator: Client) -> None:
    fields = {
        **OPT_ON_8_A100,
        "count": "16",
        "context": "1024",
        "target_ms": "55.5",
        "dtype": "bfloat16",
        "batch": "12",
        "reserve_gib": "2",
        "tensor_parallel_size": "4",
        "pipeline_parallel_size": "4",
        "power_watts": "5000",
        "carbon_intensity": "50",
        "calibration": "gpt-fast-llama-2",
    }
    request = operator.get(PATH, fields).context["plan"].request

    assert (request.count, request.context, request.target_ms) == (16, 1024, 55.5)
    assert (request.dtype, request.batch) == ("bfloat16", 12)
    assert (request.tensor_parallel_size, request.pipeline_parallel_size) == (4, 4)
    assert request.memory.reserve_bytes_per_gpu == 2 * 2**30
    assert (request.power_watts, request.carbon_intensity) == (5000, 50)
    assert request.calibration.name == "gpt-fast-llama-2"


def test_at_first_the_largest_released_model_is_planned(operator: Client) -> None:
    HostedModelFactory.create(slug="opt-125m", parameters=125_000_000)
    HostedModelFactory.create(slug="opt-66b", name="OPT-66B", parameters=66_000_000_000)
    HostedModelFactory.create(slug="of-unknown-shape", parameters=900_000_000_000)

    context = operator.get(PATH).context

    assert context["plan"].placement.shape.name == "opt-66b"
    (label, released), (_, others) = context["form"].fields["model"].choices
    assert (label, [slug for slug, _ in released]) == ("In the releases", ["opt-66b", "opt-125m"])
    assert {slug for slug, _ in others} == set(SHAPES) - {"opt-66b", "opt-125m"}


def test_without_a_count_what_fits_is_listed_and_linked(operator: Client) -> None:
    response = operator.get(PATH, {"model": "opt-66b", "gpu": "l4", "context": "1024"})

    found = [
        (plan.placement.layout.count, plan.memory.full_sequences)
        for plan in response.context["fits"]
    ]
    assert found == [(8, 19), (16, 92), (32, 238)]
    page = response.content.decode()
    assert page.count("?model=opt-66b&amp;gpu=l4&amp;context=1024&amp;count=16") == 1


def test_every_gpu_is_listed_where_none_is_chosen(operator: Client) -> None:
    plans = operator.get(PATH, {"model": "opt-1.3b"}).context["fits"]
    assert {plan.placement.gpu.slug for plan in plans} == set(GPUS)


def test_where_nothing_fits_the_page_says_so(operator: Client) -> None:
    fields = {"model": "opt-175b", "gpu": "t4", "dtype": "float32"}
    response = operator.get(PATH, fields)
    assert response.context["fits"] == []
    assert response.content.decode().count("Nothing fits") == 1


def test_a_machine_that_is_too_small_is_told_why(operator: Client) -> None:
    page = operator.get(PATH, {**OPT_ON_8_A100, "gpu": "a100-40gb"}).content.decode()
    assert page.count("The weights take 40.7 GiB of each GPU, but only 36.8 GiB are usable.") == 1


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"context": "4096"}, "context", "Must be 1 to 2048 tokens for opt-175b."),
        ({"gpu": ""}, "gpu", "Choose a GPU, or leave the number of GPUs empty."),
        ({"count": "0"}, "count", "Ensure this value is greater than or equal to 1."),
        ({"count": "many"}, "count", "Enter a whole number."),
        (
            {"tensor_parallel_size": "3"},
            "tensor_parallel_size",
            "8 GPUs cannot be split into groups of 3.",
        ),
        (
            {"gpu": "v100-32gb", "dtype": "bfloat16"},
            "dtype",
            "V100-SXM2 32 GB (compute capability 7.0) has no bfloat16; use float16.",
        ),
        (
            {"batch": "30"},
            "batch",
            "30 sequences of 2048 tokens do not fit, but 29 do; lower the batch or the context.",
        ),
        ({"target_ms": "nan"}, "target_ms", "Enter a number."),
        ({"target_ms": ""}, "target_ms", "This field is required."),
        (
            {"model": "gpt-4"},
            "model",
            "Select a valid choice. gpt-4 is not one of the available choices.",
        ),
    ],
)
def test_a_mistake_stands_beside_its_field(
    operator: Client, changes: dict[str, str], field: str, message: str
) -> None:
    response = operator.get(PATH, {**OPT_ON_8_A100, **changes})

    assert response.status_code == 422
    assert response.context["form"].errors == {field: [message]}
    assert (response.context["plan"], response.context["fits"]) == (None, None)


@pytest.mark.parametrize(
    ("changes", "is_open"),
    [({}, False), ({"carbon_intensity": "480.0"}, False), ({"power_watts": "900"}, True)],
)
def test_fields_that_are_seldom_used_are_folded_away_until_used(
    operator: Client, changes: dict[str, str], *, is_open: bool
) -> None:
    form = operator.get(PATH, {**OPT_ON_8_A100, **changes}).context["form"]
    assert form.shows_more is is_open


def test_the_two_pages_of_operations_link_to_each_other(operator: Client) -> None:
    page = operator.get(PATH).content.decode()
    assert page.count('href="/console/operations/"') == 2
    assert page.count(f'href="{PATH}" aria-current="page"') == 1


def test_quantities_read_as_the_field_writes_them() -> None:
    assert (gib(349_208_936_448), gigabytes(349_208_936_448)) == ("325.2", "349.2")
    assert (megabytes(4_718_592), microseconds(101.1e-6)) == ("4.72", "101")
    assert (percent(0.468), percent(0.016)) == ("47", "1.6")
    assert billions(119.5e9) == "119.5"
