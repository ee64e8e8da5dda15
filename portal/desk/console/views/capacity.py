"""The operators' planner: what a model needs, and what GPUs provide."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from capacity.energy import TDP_SHARE, TRAINING_TONNES
from capacity.memory import ENGINE_RESERVE_BYTES
from portal.desk.console.access import operator_required
from portal.desk.console.forms.capacity import CapacityForm, most_gpus_listed
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.page_forms import render_form


@require_safe
@operator_required
def capacity(request: AuthenticatedHttpRequest) -> HttpResponse:
    """The planner. Its inputs are in the URL, so that a result can be linked."""
    form = CapacityForm(request.GET)
    context = {
        "form": form,
        "plan": form.plan,
        "fits": form.fits,
        "most": most_gpus_listed(),
        "tdp_share": TDP_SHARE,
        "engine_reserve_bytes": ENGINE_RESERVE_BYTES,
        "training_tonnes": TRAINING_TONNES,
    }
    return render_form(request, "desk/console/operations/capacity.html", context)
