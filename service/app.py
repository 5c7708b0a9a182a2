"""The composition root: settings become objects, and objects a running service.

It imports everything; nobody imports it but the command line, which stands above it.
"""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib.metadata import version
from socket import gethostname

from litestar import Litestar
from litestar.exceptions import HTTPException

from features.store import FeatureStore
from ranking.surfaces import Surfaces, SurfacesRejected
from service.access.cors import Cors
from service.access.security import Security
from service.admission.admission import Admission
from service.admission.metrics import admission_metrics
from service.asides import Asides
from service.catalogue.follower import CatalogueFollower
from service.catalogue.log import ChangeLog
from service.catalogue.metrics import catalogue_metrics
from service.catalogue.publisher import Publisher
from service.catalogue.writer import CatalogueWriter
from service.console.pages import console_pages
from service.crew import Crew
from service.crew.metrics import crew_metrics
from service.descriptors import raise_limit
from service.desk import Desk, Lifecycle
from service.door import Door
from service.effort import full
from service.errors import SettingInvalid
from service.experiments.experiments import Experiments
from service.experiments.listing import ExperimentsAnswer
from service.experiments.metrics import experiment_metrics
from service.explain.beside import Beside
from service.feature_store import Stores
from service.http.catalogue import catalogue_routes
from service.http.experiments import experiment_page
from service.http.front import Front
from service.http.guard import Guard
from service.http.limits import Limits
from service.http.metrics import connection_metrics
from service.http.models import Models, model_page, model_routes
from service.http.pages import pages
from service.http.requests import Requests, request_pages, request_routes
from service.http.routes import hot_routes
from service.http.server import Server
from service.http.unrouted import fail, refuse
from service.live.metrics import live_metrics
from service.live.pulse import Pulse
from service.logs.logs import Logs
from service.logs.metrics import log_metrics
from service.logs.wide import WideLog
from service.models.follower import Follower
from service.models.pointer import Pointer
from service.models.preparation import Preparation
from service.models.switch import Switch
from service.observe.asker import Told
from service.observe.collections import Collections
from service.observe.exposition import BraidCollector, Exposition
from service.observe.flight import Flight
from service.observe.recorder import Recorder
from service.observe.reports import Reports
from service.observe.store import store_metrics
from service.settings import Settings
from service.state import Serving, State
from service.surfaces.file import SurfaceFile
from service.trace.metrics import trace_metrics
from service.trace.tracing import Tracing


class Service:
    """One process: a snapshot, a crew, and as many event loops as the settings say."""

    def __init__(self, settings: Settings, redis_url: str) -> None:
        """Load and verify the artifact, start the crew, bind the port; serve nothing yet.

        Raises:
            ArtifactRejected: the artifact is not whole or contradicts itself.
            SettingInvalid: a setting names something that is not there.
            OSError: the port is taken.
        """
        self._settings = settings
        self._security = Security(settings)
        self._redis_url = redis_url
        self._feature_stores = Stores(redis_url, settings.feast)
        self._tracking = self._feature_stores.tracking()
        self._pointer = Pointer(redis_url)
        changes = ChangeLog.at(redis_url)
        self.surfaces = SurfaceFile(settings.surfaces)
        prepare = Preparation(settings, self._tracking, changes, self.surfaces)
        self.state = State(prepare.first(self._pointer))
        if self._feature_stores.feast is not None:
            serving = self.state.read()
            self._feature_stores.feast.check(serving.items.schema, serving.user_schema)
        try:
            self._check_surfaces(self.surfaces.read())
        except SurfacesRejected as fault:
            raise SettingInvalid(f"--surfaces={settings.surfaces}: {fault}") from None
        self._publisher = Publisher(self.state, changes, self._tracking.follow)
        self._switch = Switch(
            settings.artifact.parent,
            self.state,
            prepare.next,
            self._publish,
            self._pointer,
        )
        self._writer = CatalogueWriter(self.state, changes, self._publisher)
        self._catalogue_follower = CatalogueFollower(self._publisher, changes)
        self._lifecycle = Lifecycle()
        self._crew = Crew(settings.crew)
        self._crew.calibrate()
        self._asides = Asides()
        self._recorders: list[Recorder] = []
        self._flights: list[Flight] = []
        self._experiments = Experiments(self._crew, settings.artifact.parent, self.state)
        self._pulse = Pulse(redis_url, self._show_live)
        self._beside = Beside(settings.artifact.parent, self.state)
        self._logs: list[Logs] = []
        self._stores: list[FeatureStore] = []
        self._rooms: list[Admission] = []
        self._collections = Collections()
        self._exposition = Exposition(
            BraidCollector(
                self._recorders,
                lambda: self.state.read().snapshot.version,
                self._tracking,
                (
                    lambda: live_metrics(self._pulse),
                    lambda: catalogue_metrics(self._publisher),
                    lambda: log_metrics(self._logs),
                    lambda: store_metrics(self._stores),
                    lambda: admission_metrics(self._rooms),
                    lambda: crew_metrics(self._crew),
                    lambda: connection_metrics(self._server.census()),
                    self._security.metrics,
                    lambda: trace_metrics(self._tracing),
                    self._collections.metrics,
                    lambda: experiment_metrics(
                        self._list_experiments(), self._experiments.dropped()
                    ),
                ),
                self._flights,
            )
        )
        self._server = Server(
            settings.host,
            settings.port,
            settings.loops,
            self._open_app,
            settings.drain_s,
            Limits(
                connections=min(settings.connections, raise_limit()),
                largest_body_bytes=settings.largest_body_bytes,
                patience_s=settings.patience_s,
                idle_s=settings.idle_s,
            ),
            self._security.tls,
        )
        self._replica = f"{gethostname()}:{self._server.port}"
        self._tracing = Tracing.of(settings, redis_url, self._replica, version("braid"))
        self._follower = Follower(self._replica, self._switch, self._pointer)

    @property
    def url(self) -> str:
        """Return where the service listens."""
        host = f"[{self._server.host}]" if ":" in self._server.host else self._server.host
        scheme = "http" if self._security.tls is None else "https"
        return f"{scheme}://{host}:{self._server.port}"

    def start(self) -> None:
        """Serve, and return when every loop accepts connections."""
        if self._settings.near_cache_mib:
            self._tracking.start()
        self._security.start()
        if self._tracing is not None:
            self._tracing.start()
        self._server.start()
        self._follower.start()
        self._catalogue_follower.start()
        self._pulse.start()
        self.surfaces.start(self._check_surfaces, self._experiments.follow)
        # What lives now lives until the end: a collection need not walk it, and under free
        # threading a collection stops every thread for as long as it walks.
        gc.collect()
        gc.freeze()
        self._collections.start()

    def stop(self) -> None:
        """Say so, answer what was accepted, end every thread."""
        self._lifecycle.draining = True
        self._server.stop()
        if self._tracing is not None:
            self._tracing.stop()
        self._security.stop()
        self._follower.stop()
        self._catalogue_follower.stop()
        self._pulse.stop()
        self.surfaces.stop()
        self._tracking.stop()
        self._collections.stop()
        self._asides.close()
        self._crew.close()

    def _check_surfaces(self, surfaces: Surfaces) -> None:
        self.state.read().plans.check(surfaces)

    def _list_experiments(self) -> ExperimentsAnswer:
        return self._experiments.answer(self._replica, self.surfaces.read())

    def _publish(self, serving: Serving) -> None:
        """Serve another model, with what was put and retired and what users did until now."""
        self._publisher.publish(serving)
        self._show_live()

    def _show_live(self) -> None:
        """Publish what all users did of late, for whatever catalogue is served by then."""
        view = self._pulse.view
        self.state.update(lambda now: replace(now, live=view(now.snapshot.catalogue)))

    def _open_reports(self) -> Reports | None:
        """Return what one event loop tells of its requests; None where nobody is to hear of any."""
        settings = self._settings
        told = settings.log_sample or settings.slow_ms
        wide = WideLog(settings.log_sample, Told(settings.log_users)) if told else None
        tracer = None if self._tracing is None else self._tracing.tracer()
        return Reports(settings.slow_ms, wide, tracer) if told or tracer else None

    @asynccontextmanager
    async def _open_app(self) -> AsyncIterator[Front]:
        """Make one event loop's app: its own store connection, recorder, decoders and routes."""
        settings = self._settings
        stores = self._feature_stores
        store = stores.open(settings.fetch_budget_ms / 1e3, settings.history_cap)
        self._stores.append(store)
        # Events have a connection and a patience of their own: a read that finds the connection
        # stuck and drops it must not take them along.
        writer = FeatureStore(stores.address, settings.write_budget_ms / 1e3, settings.history_cap)
        logs = Logs.open(writer, self._experiments, settings.log_features)
        room = Admission(settings.longest_wait_ms) if settings.longest_wait_ms else None
        if room is not None:
            self._rooms.append(room)
        desk = Desk(
            settings,
            self.state,
            self.surfaces,
            self._asides,
            self._crew.caller(),
            self._lifecycle,
            store,
            writer,
            logs,
            self._experiments,
            Flight(settings.flight) if settings.flight else None,
            Door(self._security.open_access(), room),
            audit=self._security.audit,
            effort=full if room is None else room.effort,
            reports=self._open_reports(),
        )
        self._recorders.append(desk.recorder)
        self._logs.append(logs)
        if desk.flight is not None:
            self._flights.append(desk.flight)
        await asyncio.gather(store.open(), writer.open())
        models = Models(self._replica, self._switch, self._pointer)
        requests = Requests(desk, self._flights, self._beside)
        try:
            rest = Litestar(
                [
                    model_page(desk, models),
                    *request_pages(requests),
                    experiment_page(desk, self._list_experiments),
                    *pages(desk, self._exposition, version("braid"), self._server.stuck),
                    *console_pages(desk, self._redis_url),
                ],
                openapi_config=None,
                logging_config=None,  # the command line decides where the log goes
                exception_handlers={HTTPException: refuse, Exception: fail},
            )
            endpoints = {
                **hot_routes(desk),
                **model_routes(desk, models),
                **request_routes(desk, requests),
            }
            resources = catalogue_routes(desk, self._writer)
            front = Front(endpoints, resources, Guard(desk.door, rest))
            if settings.cors_origins:  # all by ASGI then: the short way knows no origins
                front = Front({}, {}, Cors(front, settings.cors_origins))
            yield front
        finally:
            await logs.close()
            await asyncio.gather(store.close(), writer.close())


def gil_enabled() -> bool:
    """Tell whether this interpreter runs with the GIL: by build, or since some import."""
    return sys._is_gil_enabled()  # the documented way to ask, underscore and all
