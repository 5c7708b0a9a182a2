"""The running service that the service's own tests have."""

from tests.service.conftest import patient as patient
from tests.service.conftest import service as service
