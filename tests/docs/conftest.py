"""The pages' examples ask the service that the service's own tests ask."""

from tests.service.conftest import api as api
from tests.service.conftest import patient as patient
from tests.service.conftest import service as service
