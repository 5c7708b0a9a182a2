"""Tracing of one process: a sampler, an exporter, and a tracer for each event loop."""

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Self

from features.address import Address
from service.errors import SettingInvalid
from service.observe.asker import Told
from service.observe.ended import Ended
from service.settings import Settings
from service.trace.collector import Collector
from service.trace.destination import Destination, destination, resource, sampler
from service.trace.exporter import Exporter
from service.trace.otlp import attributes, message
from service.trace.sampler import Sampler
from service.trace.spans import Spans
from service.trace.tracer import Tracer


class Tracing:
    """What all loops' tracers share."""

    def __init__(
        self,
        to: Destination,
        spans: Spans,
        sampler: Sampler,
        who: Mapping[str, str],
        version: str,
    ) -> None:
        """Start nothing yet; ``who`` is the resource.

        Raises:
            SettingInvalid: a certificate for the way to the collector cannot be read.
        """
        told = attributes(who)

        def encode(batch: Sequence[Ended]) -> bytes:
            return message([one for ended in batch for one in spans.of(ended)], told, version)

        self._sampler = sampler
        self._tracers: list[Tracer] = []
        try:
            self._exporter = Exporter(encode, Collector(to))
        except OSError as fault:
            raise SettingInvalid(
                f"OTEL_EXPORTER_OTLP_CERTIFICATE or _CLIENT_CERTIFICATE: {fault}"
            ) from None

    @classmethod
    def of(cls, settings: Settings, redis_url: str, replica: str, version: str) -> Self | None:
        """Return the tracing that settings and environment ask for; None where they do not.

        Raises:
            SettingInvalid: they do, but not so that it can be done.
        """
        to = destination(settings.traces, os.environ)
        if to is None:
            return None
        scheme = "http" if settings.tls_cert is None else "https"
        own = {
            "service.name": "braid",
            "service.version": version,
            "service.instance.id": replica,
            "process.runtime.name": sys.implementation.name,
            "process.runtime.version": sys.version.partition(" ")[0],
            "telemetry.sdk.name": "braid",
            "telemetry.sdk.language": "python",
            "telemetry.sdk.version": version,
        }
        return cls(
            to,
            Spans(scheme, Address.parse(redis_url), Told(settings.log_users)),
            sampler(settings.trace_sample, os.environ),
            resource(os.environ, own),
            version,
        )

    def tracer(self) -> Tracer:
        """Return one event loop's line to the exporter."""
        tracer = Tracer(self._exporter, self._sampler)
        self._tracers.append(tracer)
        return tracer

    def start(self) -> None:
        """Start sending."""
        self._exporter.start()

    def stop(self) -> None:
        """Send what waits, within a few seconds."""
        self._exporter.stop()

    def counts(self) -> dict[str, int]:
        """Return what became of the requests whose spans were to be exported."""
        return {
            "sent": self._exporter.sent,
            "lost": self._exporter.lost,
            "dropped": sum(tracer.dropped for tracer in list(self._tracers)),
        }
