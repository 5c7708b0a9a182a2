"""`braid serve`."""

from service.logs.lines import lines
from service.running import running, wait_for_signal
from service.settings import Settings
from service.terminal.console import console


def serve(settings: Settings = Settings()) -> None:  # noqa: B008  frozen, so sharing it is safe
    """Serve an artifact over REST until SIGTERM or Ctrl-C.

    Without --redis an embedded Valkey keeps the features, in memory only.
    """
    with lines(settings.log_format), running(settings, console) as service:
        console.print(f"Serving {service.state.read().snapshot.version} on {service.url}")
        wait_for_signal()
