"""What pip has been told about its registry counts for uv, which does not read it."""

from pathlib import Path

import pytest

from scripts.bootstrap.registry import for_uv


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("PIP_INDEX_URL", "PIP_CERT", "UV_DEFAULT_INDEX", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    config = tmp_path / ".config" / "pip" / "pip.conf"
    config.parent.mkdir(parents=True)
    config.write_text("[global]\nindex-url = https://registry.example/simple\n")
    return monkeypatch


def test_a_registry_in_pips_file_is_uvs_too(told: pytest.MonkeyPatch) -> None:
    assert for_uv()["UV_DEFAULT_INDEX"] == "https://registry.example/simple"


def test_pips_variable_wins_over_its_file(told: pytest.MonkeyPatch) -> None:
    told.setenv("PIP_INDEX_URL", "https://other.example/simple")
    assert for_uv()["UV_DEFAULT_INDEX"] == "https://other.example/simple"


def test_uvs_own_variable_wins_over_pips(told: pytest.MonkeyPatch) -> None:
    told.setenv("UV_DEFAULT_INDEX", "https://own.example/simple")
    assert for_uv()["UV_DEFAULT_INDEX"] == "https://own.example/simple"


def test_pips_certificate_is_uvs_too(told: pytest.MonkeyPatch) -> None:
    told.setenv("PIP_CERT", "/etc/corporate.pem")
    assert for_uv()["SSL_CERT_FILE"] == "/etc/corporate.pem"


def test_uv_trusts_the_systems_certificates_as_pip_does(told: pytest.MonkeyPatch) -> None:
    told.delenv("UV_SYSTEM_CERTS", raising=False)
    assert for_uv()["UV_SYSTEM_CERTS"] == "1"
    told.setenv("UV_SYSTEM_CERTS", "0")
    assert for_uv()["UV_SYSTEM_CERTS"] == "0"
