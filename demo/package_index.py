"""Where packages come from: pip's settings on this machine, passed on to uv."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

PIP_TO_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "cert": "SSL_CERT_FILE",
}


def read_pip_settings(python: str = sys.executable) -> dict[str, str]:
    """Pip's settings on this machine by option name, from its files and variables.

    If an option is set twice, the more specific source wins, as with pip: variables over files.
    """
    command = [python, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    settings: dict[str, str] = {}
    for scope in ("global", "user", "site", "install", ":env:"):
        pattern = rf"^{re.escape(scope)}\.([\w-]+)='(.*)'$"
        found = re.findall(pattern, listed, flags=re.MULTILINE)
        # The line breaks of a multi-line setting are shown escaped.
        settings.update({option: value.replace("\\n", " ").strip() for option, value in found})
    return settings


def uv_environment(pip_settings: Mapping[str, str], base: Mapping[str, str]) -> dict[str, str]:
    """`base` with the variables that make uv look where pip looks.

    Variables of uv that are already set stay as they are.
    """
    environment = dict(base)
    for option, variable in PIP_TO_UV.items():
        value = " ".join(filter(_is_usable, pip_settings.get(option, "").split()))
        if value:
            environment.setdefault(variable, value)
    if "UV_INDEX" in environment:
        # pip takes the best version over all indexes; uv stops at the first that has the package.
        environment.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    environment.setdefault("UV_NO_PROGRESS", "1")
    environment.setdefault("UV_HTTP_TIMEOUT", pip_settings.get("default-timeout", "60"))
    environment.pop("VIRTUAL_ENV", None)
    return environment


def find_torch_wheel(environment: Mapping[str, str], *, version: str) -> Path | None:
    """A wheel of torch `version` for this Python in a local folder of `UV_FIND_LINKS`."""
    tag = f"cp{sys.version_info.major}{sys.version_info.minor}"
    for place in environment.get("UV_FIND_LINKS", "").replace(",", " ").split():
        folder = Path(urlsplit(place).path if place.startswith("file:") else place)
        for wheel in sorted(folder.glob(f"torch-{version}*-{tag}-*.whl")):
            return wheel
    return None


def _is_usable(place: str) -> bool:
    """False for a local index that does not exist: pip skips it, uv refuses it."""
    return not place.startswith("file:") or Path(urlsplit(place).path).exists()
