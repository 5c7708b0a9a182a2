"""One event loop's desk: everything its handlers need, made when the loop's server starts."""

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from features.store import FeatureStore
from service.access.audit import Audit
from service.asides import Asides
from service.crew import Caller
from service.door import Door
from service.effort import Effort, full
from service.experiments.experiments import Experiments
from service.logs.logs import Logs
from service.observe.flight import Flight
from service.observe.recorder import Recorder
from service.observe.reports import Reports
from service.settings import Settings
from service.state import State
from service.surfaces.file import SurfaceFile


@dataclass(slots=True)
class Lifecycle:
    """The one thing all loops are told after start-up: that the process is going away."""

    draining: bool = False


@dataclass(frozen=True, slots=True)
class Desk:
    """The loops share settings, state, surfaces, asides, lifecycle; the rest is this loop's own."""

    settings: Settings
    state: State
    surfaces: SurfaceFile
    asides: Asides
    caller: Caller
    lifecycle: Lifecycle
    store: FeatureStore
    writer: FeatureStore
    logs: Logs
    experiments: Experiments
    flight: Flight | None = None
    door: Door = field(default_factory=Door)
    effort: Callable[[], Effort] = full
    audit: Audit | None = None
    reports: Reports | None = None
    recorder: Recorder = field(default_factory=Recorder)
    encoder: msgspec.json.Encoder = field(default_factory=msgspec.json.Encoder)
