"""uv gets the settings of pip."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from demo.package_index import find_torch_wheel, read_pip_settings, uv_environment

TAG = f"cp{sys.version_info.major}{sys.version_info.minor}"


@pytest.fixture
def no_pip_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")


@pytest.mark.usefixtures("no_pip_settings")
def test_pips_variables_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", "/wheels /more")
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.example.org/simple")
    settings = read_pip_settings()
    assert settings["find-links"] == "/wheels /more"
    assert settings["index-url"] == "https://index.example.org/simple"


@pytest.mark.usefixtures("no_pip_settings")
def test_variables_win_over_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "pip.conf"
    config.write_text("[global]\nfind-links =\n    /from/file\n    /second\ntimeout = 7\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    assert read_pip_settings()["find-links"] == "/from/file /second"
    monkeypatch.setenv("PIP_FIND_LINKS", "/from/variable")
    assert read_pip_settings()["find-links"] == "/from/variable"
    assert read_pip_settings()["timeout"] == "7"


def test_uv_gets_them_under_its_own_names(tmp_path: Path) -> None:
    local = tmp_path / "index"
    local.mkdir()
    pip = {
        "find-links": "/wheels",
        "index-url": "https://index.example.org/simple",
        "extra-index-url": f"file://{local} file:///gone/simple",
        "cert": "/etc/ca.pem",
    }
    environment = uv_environment(pip, {"HOME": "/home/me", "VIRTUAL_ENV": "/other"})
    assert environment == {
        "HOME": "/home/me",
        "UV_DEFAULT_INDEX": "https://index.example.org/simple",
        "UV_INDEX": f"file://{local}",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": "/wheels",
        "SSL_CERT_FILE": "/etc/ca.pem",
        "UV_NO_PROGRESS": "1",
        "UV_HTTP_TIMEOUT": "60",
    }


def test_uvs_own_variables_stay() -> None:
    environment = uv_environment({"find-links": "/wheels"}, {"UV_FIND_LINKS": "/mine"})
    assert environment["UV_FIND_LINKS"] == "/mine"


def test_a_local_wheel_of_torch_is_found_for_this_python_only(tmp_path: Path) -> None:
    links = {"UV_FIND_LINKS": f"/nowhere {tmp_path}"}
    (tmp_path / "torch-2.13.0+cpu-cp27-cp27m-manylinux_2_28_x86_64.whl").touch()
    (tmp_path / f"torch-2.12.0+cpu-{TAG}-{TAG}-manylinux_2_28_x86_64.whl").touch()
    assert find_torch_wheel(links, version="2.13.0") is None
    wheel = tmp_path / f"torch-2.13.0+cpu-{TAG}-{TAG}-manylinux_2_28_x86_64.whl"
    wheel.touch()
    assert find_torch_wheel(links, version="2.13.0") == wheel
    assert find_torch_wheel({}, version="2.13.0") is None
