"""TLS to real servers: one that may be trusted is spoken to, any other is not."""

import shutil
from collections.abc import Iterator

import pytest

from features.address import Address
from features.bulk import write_items
from features.client import connect
from features.errors import StoreUnavailable
from features.events import Event
from service.embedded import EmbeddedValkey
from tests.features.certificates import Certificates, certificates
from tests.features.cluster import free_port
from tests.features.loops import Loop
from tests.features.schemas import ITEM
from tests.features.shelves import until
from tests.features.test_store import IDS, PATIENT_S, ROWS, TABLE, opened, ordinals
from tests.features.test_tracking import followed, is_warm, tracking, write


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def server(certified: Certificates) -> Iterator[str]:
    """A server that speaks TLS alone on TCP; its user braid has a password."""
    found = shutil.which("redis-server")
    if found is None:
        pytest.skip("no redis-server on the PATH, and the embedded one has no TLS")
    port = free_port()
    settings = {"tls-port": str(port), **certified.server_settings}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BRAID_VALKEY", found)
        with EmbeddedValkey(0, settings) as valkey, connect(valkey.url) as client:
            client.execute_command("ACL", "SETUSER", "braid", "on", ">s@crt", "~*", "&*", "+@all")
            yield f"rediss://braid:s%40crt@127.0.0.1:{port}/0"


def test_rows_events_and_announcements_travel_by_tls(
    server: str, certified: Certificates, run: Loop
) -> None:
    url = f"{server}?{certified.options}"
    with connect(url) as client:
        write_items(client, IDS[:9], ROWS[:9], ITEM, lambda _: None)
        write(client, 1)

    async def main() -> None:
        async with opened(Address.parse(url)) as store:
            rows, _ = await store.read_items(TABLE, ordinals(0, 1), PATIENT_S)
            assert rows.tobytes() == ROWS[:2].tobytes()
            assert await store.append_events([Event("bob", "a", "view", 1)]) == 1

    run(main())
    with tracking(Address.parse(url)) as line:
        cache = followed(line)
        until(is_warm(cache, 1))


def reason(url: str, run: Loop) -> str:
    with pytest.raises(StoreUnavailable) as caught:
        run(Address.parse(url).connect(5.0))
    assert caught.value.reason == "store_down"
    assert "s@crt" not in f"{caught.value!r} {Address.parse(url)!r}"
    assert "s%40crt" not in f"{caught.value!r} {Address.parse(url)!r}"
    return str(caught.value)


def test_a_server_of_another_authority_is_not_spoken_to(server: str, run: Loop) -> None:
    assert "CERTIFICATE_VERIFY_FAILED" in reason(server, run)


def test_a_server_of_another_name_is_not_spoken_to_unless_that_is_allowed(
    server: str, certified: Certificates, run: Loop
) -> None:
    url = f"{server}?{certified.options}".replace("127.0.0.1", "localhost")
    assert "CERTIFICATE_VERIFY_FAILED" in reason(url, run)

    async def main() -> None:
        (await Address.parse(f"{url}&ssl_check_hostname=false").connect(5.0)).abort()

    run(main())


def test_a_client_without_a_certificate_is_turned_away(
    server: str, certified: Certificates, run: Loop
) -> None:
    assert reason(f"{server}?ssl_ca_certs={certified.authority}", run)


def test_a_server_that_speaks_no_tls_is_no_connection(valkey: EmbeddedValkey, run: Loop) -> None:
    with EmbeddedValkey(port := free_port()):
        assert reason(f"rediss://127.0.0.1:{port}", run)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ("ssl_ca_certs=/nowhere", "ssl_ca_certs=/nowhere"),
        ("ssl_certfile=/nowhere", "ssl_certfile=/nowhere"),
        ("ssl_keyfile=/nowhere", "needs its certificate"),
        ("ssl_cert_reqs=some", "required, optional or none"),
    ],
)
def test_options_that_cannot_be_used_are_named(options: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Address.parse(f"rediss://store?{options}")
