"""What a process needs to know whom to let in, made from its settings: keys, audit, certificate."""

from collections.abc import Iterable, Iterator

from prometheus_client.metrics_core import Metric

from service.access.access import Access
from service.access.audit import Audit
from service.access.keyring import Keyring
from service.access.metrics import access_metrics
from service.access.refusals import Refusals
from service.access.tls import Tls
from service.access.verifier import Verifier
from service.errors import SettingInvalid
from service.settings import Settings


class Security:
    """One per process; each event loop opens an `Access` of its own."""

    def __init__(self, settings: Settings) -> None:
        """Read the keys and the certificate, where there are any.

        Raises:
            SettingInvalid: one cannot be used.
        """
        self.audit = Audit(settings.audit)
        self.tls = _tls(settings)
        self._keyring = Keyring(settings.keys, self._tell) if settings.keys else None
        self._verifier = Verifier() if settings.keys else None
        self._loops: list[Refusals] = []

    def open_access(self) -> Access | None:
        """Return one event loop's access, None where nobody is asked for a key."""
        if self._keyring is None or self._verifier is None:
            return None
        refusals = Refusals(self.audit)
        self._loops.append(refusals)
        return Access(self._keyring, self._verifier, refusals)

    def start(self) -> None:
        """Follow the files."""
        self.audit.start()
        for followed in (self._keyring, self.tls):
            if followed is not None:
                followed.start()

    def stop(self) -> None:
        """End the threads; the audit log has everything then."""
        for followed in (self._keyring, self.tls):
            if followed is not None:
                followed.stop()
        if self._verifier is not None:
            self._verifier.close()
        self.audit.stop()

    def metrics(self) -> Iterator[Metric]:
        """Yield the metric families of all event loops."""
        return access_metrics(self._loops, self.audit)

    def _tell(self, added: Iterable[str], removed: Iterable[str]) -> None:
        for name in added:
            self.audit.note("keys", "taken on", what=name)
        for name in removed:
            self.audit.note("keys", "no longer taken", what=name)


def _tls(settings: Settings) -> Tls | None:
    if settings.tls_cert is None and settings.tls_key is None:
        return None
    if settings.tls_cert is None or settings.tls_key is None:
        raise SettingInvalid("--tls-cert and --tls-key go together: give both, or none")
    return Tls(settings.tls_cert, settings.tls_key)
