"""The energy that a deployment's engine has used while this worker served it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from inference_workers.contract import EnergySource, EngineState
from inference_workers.logs import get_logger
from inference_workers.telemetry.power import MeterFailedError, PowerMeter

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class EnergyReading:
    """Joules since the worker's start; average watts since the previous reading."""

    source: EnergySource
    joules: float = 0.0
    watts: float | None = None


class EnergyCounter:
    """Adds up the meter's readings, or the assumed power while the engine is not down.

    By assumption, an engine that is down draws nothing, and one that starts or idles draws all.
    """

    def __init__(
        self,
        meter: PowerMeter | None,
        *,
        assumed_watts: float | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._meter = meter
        self._assumed_watts = assumed_watts
        self._clock = clock
        self._read_at = clock()
        self._joules = 0.0
        self._start = self._read_meter()
        self.latest = EnergyReading(self._source())

    def read(self, state: EngineState) -> EnergyReading:
        """A reading now, for an engine that has been in `state` since the previous one."""
        now = self._clock()
        seconds, self._read_at = now - self._read_at, now
        before = self._joules
        if self._meter is not None:
            measured = self._read_meter()
            if measured is not None:
                self._take(measured)
        elif self._assumed_watts is not None and state is not EngineState.DOWN:
            self._joules += self._assumed_watts * seconds
        source = self._source()
        is_known = source is not EnergySource.UNKNOWN and seconds > 0
        watts = (self._joules - before) / seconds if is_known else None
        self.latest = EnergyReading(source, self._joules, watts)
        return self.latest

    def _take(self, measured: float) -> None:
        # A reloaded driver starts at zero; the energy counted so far is kept.
        if self._start is None or measured < self._start + self._joules:
            self._start = measured - self._joules
        self._joules = measured - self._start

    def _source(self) -> EnergySource:
        if self._meter is not None:
            return self._meter.source
        if self._assumed_watts is not None:
            return EnergySource.ASSUMED
        return EnergySource.UNKNOWN

    def _read_meter(self) -> float | None:
        if self._meter is None:
            return None
        try:
            return self._meter.read_joules()
        except MeterFailedError as error:
            log.warning("power_not_read", source=self._meter.source.value, error=str(error))
            return None
