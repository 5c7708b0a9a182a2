"""Where a service may listen without asking for keys."""

from ipaddress import ip_address

from service.errors import SettingInvalid


def check_exposure(host: str, *, keys: bool, without_keys: bool) -> None:
    """Refuse an address that others can reach, where nobody is asked for a key.

    Raises:
        SettingInvalid: with the ways out.
    """
    if not (keys or without_keys or _is_loopback(host)):
        raise SettingInvalid(
            f"--host={host} can be reached from elsewhere and there are no keys: "
            "`braid keys new NAME --scope read --keys FILE` makes one, and --keys FILE asks for "
            "it; --without-keys serves whoever gets there"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"
