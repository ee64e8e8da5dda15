"""Energy and carbon so far, by deployment, compared with the cost of training."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db.models import Min, Q, Sum

from capacity.energy import GRAMS_PER_TONNE, JOULES_PER_KWH
from inference_workers.contract import EnergySource
from portal.gate.catalog.models import HostedModel
from portal.lab.energy.models import EnergyReading

IS_ASSUMED: Final = Q(source=EnergySource.ASSUMED.value)


@dataclass(frozen=True)
class EnergyAccount:
    """One deployment's energy since the first reading."""

    deployment: str
    measured_joules: float
    assumed_joules: float
    since: datetime
    carbon_intensity: float
    """Grams of CO2 equivalent per kilowatt-hour of the grid."""
    training_tonnes: float | None = None
    """The stated carbon cost of training the model, in tonnes of CO2 equivalent."""

    @property
    def kwh(self) -> float:
        return (self.measured_joules + self.assumed_joules) / JOULES_PER_KWH

    @property
    def carbon_kg(self) -> float:
        return self.kwh * self.carbon_intensity / 1000

    @property
    def is_assumed(self) -> bool:
        """Whether any part of the energy was assumed instead of measured."""
        return self.assumed_joules > 0

    @property
    def assumed_percent(self) -> float:
        """The assumed part of the energy, in percent."""
        total = self.measured_joules + self.assumed_joules
        return 100 * self.assumed_joules / total if total else 0.0

    @property
    def percent_of_training(self) -> float | None:
        """Carbon so far, in percent of training's."""
        if not self.training_tonnes:
            return None
        return 100 * self.carbon_kg * 1000 / (self.training_tonnes * GRAMS_PER_TONNE)


def account_energy() -> list[EnergyAccount]:
    """The energy of every deployment that has a reading, in two queries."""
    rows = (
        EnergyReading.objects.order_by("deployment")
        .values("deployment")
        .annotate(
            measured=Sum("joules", filter=~IS_ASSUMED),
            assumed=Sum("joules", filter=IS_ASSUMED),
            since=Min("first_at"),
        )
    )
    trained = dict(
        HostedModel.objects.filter(training_co2e_tonnes__isnull=False)
        .exclude(deployment="")
        .order_by()
        .values_list("deployment", "training_co2e_tonnes")
    )
    return [
        EnergyAccount(
            deployment=row["deployment"],
            measured_joules=row["measured"] or 0.0,
            assumed_joules=row["assumed"] or 0.0,
            since=row["since"],
            carbon_intensity=settings.CARBON_INTENSITY_G_PER_KWH,
            training_tonnes=trained.get(row["deployment"]),
        )
        for row in rows
    ]
