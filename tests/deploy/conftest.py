"""The running service that the service's own tests have."""

from tests.service.conftest import service as service
