"""The capacity planner's inputs as a form, the same as for `python -m inference_workers plan`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.http import QueryDict

from capacity.errors import PlanError
from capacity.fits import COUNTS, list_fits
from capacity.gpus import GPUS
from capacity.measurements import DEEPSPEED_BLOOM, POINTS, find_calibration
from capacity.memory import (
    ENGINE_RESERVE_BYTES,
    GIB,
    PUBLISHED_RESERVE_BYTES,
    MemoryAssumptions,
)
from capacity.plan import TARGET_MS, Plan, PlanRequest, make_plan
from capacity.shapes import BYTES_PER_ELEMENT, SHAPES
from portal.gate.catalog.models import HostedModel
from portal.platform.core.page_forms import PageForm

MOST_GPUS = 1024
PLAIN = ("model", "gpu", "count", "context", "target_ms")
"""Fields that are always shown; the others are under "More"."""


class CapacityForm(PageForm):
    """A model, GPUs and a load. Without a number of GPUs, every layout that fits is listed."""

    model = forms.ChoiceField(label="Model")
    gpu = forms.ChoiceField(
        label="GPU",
        required=False,
        choices=[("", "All GPUs"), *((gpu.slug, gpu.name) for gpu in GPUS.values())],
    )
    count = forms.IntegerField(
        label="GPUs per replica",
        required=False,
        min_value=1,
        max_value=MOST_GPUS,
        help_text="Leave empty to list all layouts that fit.",
    )
    context = forms.IntegerField(
        label="Tokens per sequence",
        required=False,
        min_value=1,
        help_text="Prompt and completion. Empty: the model's maximum.",
    )
    target_ms = forms.FloatField(
        label="Target, ms per token",
        min_value=0.001,
        initial=round(TARGET_MS),
        help_text="The longest wait for the next token.",
    )
    dtype = forms.ChoiceField(
        label="Number format",
        initial="float16",
        choices=[(dtype, dtype) for dtype in BYTES_PER_ELEMENT],
    )
    batch = forms.IntegerField(
        label="Concurrent sequences",
        required=False,
        min_value=1,
        help_text="Empty: as many as fit.",
    )
    reserve_gib = forms.FloatField(
        label="Reserve, GiB per GPU",
        min_value=0,
        max_value=1024,
        initial=PUBLISHED_RESERVE_BYTES // GIB,
        help_text="Activations and CUDA graphs. An engine may reserve "
        f"{ENGINE_RESERVE_BYTES // GIB}; published figures assume none.",
    )
    tensor_parallel_size = forms.IntegerField(
        label="Tensor-parallel size",
        required=False,
        min_value=1,
        max_value=MOST_GPUS,
        help_text="Empty: chosen to fit inside one host.",
    )
    pipeline_parallel_size = forms.IntegerField(
        label="Pipeline-parallel size",
        required=False,
        min_value=1,
        max_value=MOST_GPUS,
        help_text="Empty: follows from the number of GPUs and the tensor-parallel size.",
    )
    power_watts = forms.FloatField(
        label="Measured power, W",
        required=False,
        min_value=0.001,
        help_text="All GPUs together. Empty: assumed.",
    )
    carbon_intensity = forms.FloatField(
        label="Grid, g CO2e per kWh",
        min_value=0,
        max_value=10_000,
        initial=lambda: settings.CARBON_INTENSITY_G_PER_KWH,
        help_text="Default: CARBON_INTENSITY_G_PER_KWH of this site.",
    )
    calibration = forms.ChoiceField(
        label="Calibration",
        initial=DEEPSPEED_BLOOM,
        choices=[(name, name) for name in POINTS],
        help_text="Published measurements.",
    )

    def __init__(self, query: QueryDict) -> None:
        models = _list_models()
        first = _first(models)
        initial = {"model": first, "gpu": "a100-80gb", "count": 8}
        given: Mapping[str, Any] = query or initial
        defaults = {
            name: field.initial() if callable(field.initial) else field.initial
            for name, field in self.base_fields.items()
            if field.initial is not None and name not in given
        }
        super().__init__({**defaults, **{name: given[name] for name in given}})
        field = self.fields["model"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 -- tells mypy what the class says
        field.choices = models

    @property
    def plain_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in PLAIN]

    @property
    def more_fields(self) -> list[forms.BoundField]:
        return [field for field in self if field.name not in PLAIN]

    @property
    def shows_more(self) -> bool:
        """Whether a field under "More" has an error or differs from its default."""
        return any(field.errors or field.name in self.changed_data for field in self.more_fields)

    def clean(self) -> dict[str, Any]:
        """Make the plan, so that a question without an answer becomes an error of its field."""
        data = super().clean() or self.cleaned_data
        if self.errors:
            return data
        if data["count"] and not data["gpu"]:
            self.add_error("gpu", "Choose a GPU, or leave the number of GPUs empty.")
            return data
        try:
            data["answer"] = self._answer(data)
        except PlanError as error:
            message = f"{error.message[:1].upper()}{error.message[1:]}."
            self.add_error(error.field if error.field in self.fields else None, message)
        return data

    @property
    def plan(self) -> Plan | None:
        """The plan for one layout, if a number of GPUs was given."""
        answer = self._found()
        return answer if isinstance(answer, Plan) else None

    @property
    def fits(self) -> list[Plan] | None:
        """Every layout that fits, if no number of GPUs was given."""
        answer = self._found()
        return None if isinstance(answer, Plan) else answer

    def _found(self) -> Plan | list[Plan] | None:
        return self.cleaned_data.get("answer") if self.is_valid() else None

    def _answer(self, data: Mapping[str, Any]) -> Plan | list[Plan]:
        request = PlanRequest(
            shape=SHAPES[data["model"]],
            gpu=GPUS[data["gpu"] or next(iter(GPUS))],
            count=data["count"] or 0,
            tensor_parallel_size=data["tensor_parallel_size"],
            pipeline_parallel_size=data["pipeline_parallel_size"],
            dtype=data["dtype"],
            context=data["context"],
            batch=data["batch"],
            target_ms=data["target_ms"],
            power_watts=data["power_watts"],
            carbon_intensity=data["carbon_intensity"],
            memory=MemoryAssumptions(reserve_bytes_per_gpu=round(data["reserve_gib"] * GIB)),
            calibration=find_calibration(data["calibration"]),
        )
        if data["count"]:
            return make_plan(request)
        return list_fits(request, gpus=[request.gpu] if data["gpu"] else ())


def most_gpus_listed() -> int:
    """The largest number of GPUs in the list."""
    return COUNTS[-1]


def _list_models() -> list[tuple[str, list[tuple[str, str]]]]:
    """Models in the releases, largest first, then other models with a known shape."""
    released = dict(
        HostedModel.objects.filter(slug__in=SHAPES)
        .order_by("-parameters")
        .values_list("slug", "name")
    )
    others = [(name, name) for name in SHAPES if name not in released]
    groups = [("In the releases", list(released.items())), ("Others", others)]
    return [(label, models) for label, models in groups if models]


def _first(groups: list[tuple[str, list[tuple[str, str]]]]) -> str:
    return groups[0][1][0][0]
