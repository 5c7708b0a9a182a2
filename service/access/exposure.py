"""Where a service may listen without asking for keys."""

from ipaddress import ip_address

from service.errors import SettingInvalid
from service.settings import Settings


def check_exposure(settings: Settings) -> None:
    """Refuse an address that others can reach, where nobody is asked for a key.

    Raises:
        SettingInvalid: with the ways out.
    """
    if settings.keys is None and not settings.without_keys and not _is_loopback(settings.host):
        raise SettingInvalid(
            f"--host={settings.host} can be reached from elsewhere and there are no keys: "
            "`braid keys new NAME --scope read --keys FILE` makes one, and --keys FILE asks for "
            "it; --without-keys serves whoever gets there"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"
