"""Published weights, and people who may fetch them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from safetensors.numpy import save

from portal.gate.access.enums import Capability
from portal.gate.catalog.models import HostedModel
from portal.library.weights.domain.publishing import publish
from portal.library.weights.models import Revision
from portal.platform.accounts.models import User
from tests.factories.access import GrantFactory
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory, ReleaseFactory
from tests.factories.licensing import SignatureFactory

CONFIG = json.dumps({"model_type": "opt", "hidden_size": 8}).encode()
WEIGHTS = save({"embed": np.arange(1000, dtype=np.float32).reshape(100, 10)})
FILES = {"config.json": CONFIG, "model.safetensors": WEIGHTS}
OPENED = ("*.json",)


def write_folder(name: str, files: Mapping[str, bytes]) -> Path:
    """A folder below WEIGHTS_DIR with these files."""
    folder = Path(settings.WEIGHTS_DIR) / name
    for path, content in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return folder


def make_revision(
    model: HostedModel | None = None,
    files: Mapping[str, bytes] = FILES,
    *,
    folder: str = "one",
    name: str = "",
    opened: tuple[str, ...] = OPENED,
) -> Revision:
    """A published revision; by default of a new model that is not live, with one open file."""
    model = model or HostedModelFactory.create(
        slug="tiny", status="not_loaded", release=ReleaseFactory.create(slug="family")
    )
    return publish(model, write_folder(folder, files), name=name, opened=opened).revision


def make_holder(model: HostedModel, **grant: Any) -> User:
    """A person who may fetch the model's weights, and do nothing else with it."""
    user = UserFactory.create()
    SignatureFactory.create(user=user, version=model.release.licence.versions.get())
    GrantFactory.create(user=user, model=model, **{"capabilities": [Capability.WEIGHTS], **grant})
    return user
