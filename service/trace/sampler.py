"""Which traces are exported, as far as that is known when a request comes."""

from dataclasses import dataclass

from service.observe.sample import Sample


@dataclass(frozen=True, slots=True)
class Sampler:
    """A share of the traces; one that ``heeds_parent`` leaves the choice to the caller, if any.

    OpenTelemetry's ParentBased and TraceIdRatioBased (Trace SDK, "Built-in samplers").
    """

    sample: Sample
    heeds_parent: bool = True

    def begins(self, trace_id: str) -> bool:
        """Tell whether a trace that begins here is exported."""
        return self.sample.has(trace_id)

    def follows(self, trace_id: str, parent_sampled: bool) -> bool:
        """Tell whether our part of somebody's trace is exported."""
        return parent_sampled if self.heeds_parent else self.sample.has(trace_id)
