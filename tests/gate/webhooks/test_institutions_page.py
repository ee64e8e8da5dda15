"""The program on the page for institutions works as it is printed."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.utils import timezone

from portal.gate.webhooks.domain.fan_out import fan_out_due
from portal.gate.webhooks.domain.sending import send_waiting
from portal.gate.webhooks.enums import EventType
from portal.gate.webhooks.models import Delivery, Endpoint, Event
from tests.gate.webhooks.conftest import Register
from tests.plugin import ROOT

PAGE = ROOT / "docs" / "institutions.md"


def printed_program() -> str:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return str(program)


def free_port() -> int:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return int(place.getsockname()[1])


@pytest.mark.django_db
def test_it_accepts_what_is_genuine_once_and_refuses_what_is_not(
    register: Register, tmp_path: Path
) -> None:
    port = free_port()
    registered = register(url=f"http://127.0.0.1:{port}/")
    program = tmp_path / "receive.py"
    program.write_text(printed_program())
    environment = {**os.environ, "WEBHOOK_SECRET": registered.secret, "PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, program], env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        _wait_for(port)
        now = timezone.now()
        Event.objects.create(type=EventType.GRANT_MADE, data={"n": 1}, created_at=now, due_at=now)
        fan_out_due(at=now)
        send_waiting(registered.endpoint.pk)
        Endpoint.objects.update(secret_seed="another")
        Event.objects.create(type=EventType.GRANT_MADE, data={"n": 2}, created_at=now, due_at=now)
        fan_out_due(at=now)
        send_waiting(registered.endpoint.pk)
    finally:
        process.terminate()
        printed, _ = process.communicate(timeout=10)
    answers = Delivery.objects.order_by("sequence").values_list("state", "last_status")
    assert list(answers) == [("delivered", 204), ("waiting", 401)]
    assert printed == "grant.made {'n': 1}\n"


def _wait_for(port: int) -> None:
    """Until the program listens."""
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            continue
        return
