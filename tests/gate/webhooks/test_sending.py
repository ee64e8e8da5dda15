"""Deliveries are in order, signed, tried again, given up, sent once, to a real HTTP server."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from portal.gate.webhooks.domain import sending
from portal.gate.webhooks.domain.endpoints import (
    Registered,
    disable_endpoint,
    enable_endpoint,
    ping_endpoint,
    rotate_secret,
)
from portal.gate.webhooks.domain.fan_out import dispatch_due, fan_out_due, find_ready, repeat
from portal.gate.webhooks.domain.forgetting import forget_old
from portal.gate.webhooks.domain.posting import Answer
from portal.gate.webhooks.domain.sending import (
    GIVE_UP_AFTER,
    LEASE,
    pause_after,
    send_next,
    send_waiting,
)
from portal.gate.webhooks.enums import EventType
from portal.gate.webhooks.models import Delivery, Endpoint, Event
from portal.platform.accounts.models import User
from portal.platform.audit.models import AuditEvent
from portal.platform.notices.models import Notice
from tests.gate.webhooks.conftest import Register
from tests.gate.webhooks.receiver import Receiver, is_genuine

pytestmark = pytest.mark.django_db


def happen(count: int = 1) -> list[Event]:
    """The events of the only endpoint, with their positions."""
    now = timezone.now()
    events = [
        Event.objects.create(
            type=EventType.APPLICATION_RETURNED, data={"n": n}, created_at=now, due_at=now
        )
        for n in range(count)
    ]
    fan_out_due(at=now)
    return events


def states(endpoint: Endpoint) -> list[tuple[str, int, int | None]]:
    rows = Delivery.objects.filter(endpoint=endpoint).order_by("sequence")
    return list(rows.values_list("state", "attempts", "last_status"))


def test_the_signature_holds_by_a_few_lines_that_are_not_ours(
    register: Register, receiver: Receiver
) -> None:
    registered = register()
    happen()
    send_waiting(registered.endpoint.pk)
    (request,) = receiver.requests
    assert is_genuine(request, registered.secret)
    assert not is_genuine(request, "whsec_" + "A" * 44)
    assert request.headers["webhook-id"] == request.content["id"]
    assert request.path == "/hooks"


def test_for_a_day_after_a_rotation_both_secrets_hold(
    register: Register, receiver: Receiver, operator: User
) -> None:
    old = register()
    with time_machine.travel(timezone.now(), tick=False) as clock:
        new = rotate_secret(old.endpoint, by=operator)
        happen()
        send_waiting(old.endpoint.pk)
        clock.shift(timedelta(hours=24))
        happen()
        send_waiting(old.endpoint.pk)
    genuine = [
        [is_genuine(request, each.secret) for each in (old, new)] for request in receiver.requests
    ]
    assert genuine == [[True, True], [False, True]]


def test_nothing_overtakes_what_was_not_accepted(register: Register, receiver: Receiver) -> None:
    endpoint = register().endpoint
    receiver.answers.extend([500, 302, 204])
    with time_machine.travel(timezone.now(), tick=False) as clock:
        happen(3)
        assert send_waiting(endpoint.pk) == 0
        clock.shift(timedelta(seconds=59))
        assert (send_waiting(endpoint.pk), find_ready(at=timezone.now())) == (0, [])
        clock.shift(timedelta(seconds=1))
        assert find_ready(at=timezone.now()) == [endpoint.pk]
        assert send_waiting(endpoint.pk) == 0
        clock.shift(timedelta(minutes=2))
        assert send_waiting(endpoint.pk) == 3
    told = [request.content["data"]["n"] for request in receiver.requests]
    assert told == [0, 0, 0, 1, 2]
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 3
    assert {request.path for request in receiver.requests} == {"/hooks"}
    assert states(endpoint) == [("delivered", n, 204) for n in (3, 1, 1)]


def test_pauses_double_up_to_twelve_hours() -> None:
    minutes = [pause_after(n) / timedelta(minutes=1) for n in (1, 2, 3, 10, 11, 500)]
    assert minutes == [1, 2, 4, 512, 720, 720]


def test_after_three_days_the_endpoint_is_off_and_operators_are_told(
    register: Register, receiver: Receiver, operator: User
) -> None:
    endpoint = register().endpoint
    receiver.answers.extend([503] * 50)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        happen(2)
        began = timezone.now()
        while not Delivery.objects.filter(state="given_up").exists():
            send_waiting(endpoint.pk)
            clock.move_to(Delivery.objects.order_by("sequence")[0].due_at)
        assert timezone.now() - began >= GIVE_UP_AFTER
        endpoint.refresh_from_db()
        assert not endpoint.is_enabled
        assert [state for state, *_ in states(endpoint)] == ["given_up", "waiting"]
        assert list(Notice.objects.values_list("kind", "recipient")) == [
            ("webhooks.disabled", operator.pk)
        ]
        receiver.answers.clear()
        enable_endpoint(endpoint, by=operator)
        assert send_waiting(endpoint.pk) == 1
    assert [state for state, *_ in states(endpoint)] == ["given_up", "delivered"]
    changes = AuditEvent.objects.filter(tag="webhooks.endpoint.changed")
    assert [(event.data["what"], event.actor_id) for event in changes] == [
        ("registered", operator.pk), ("disabled", None), ("enabled", operator.pk),
    ]  # fmt: skip


def test_an_endpoint_that_is_gone_is_off_at_once(register: Register, receiver: Receiver) -> None:
    endpoint = register().endpoint
    receiver.answers.append(410)
    happen(2)
    send_waiting(endpoint.pk)
    endpoint.refresh_from_db()
    assert (endpoint.is_enabled, len(receiver.requests)) == (False, 1)


def test_a_test_is_tried_once_and_turns_nothing_off(
    register: Register, receiver: Receiver, operator: User
) -> None:
    endpoint = register(events=[EventType.GRANT_MADE]).endpoint
    register(name="Other")
    receiver.answers.append(500)
    ping_endpoint(endpoint, by=operator)
    fan_out_due(at=timezone.now())
    send_waiting(endpoint.pk)
    endpoint.refresh_from_db()
    assert (endpoint.is_enabled, receiver.types) == (True, ["ping"])
    assert states(endpoint) == [("given_up", 1, 500)]
    assert Delivery.objects.count() == 1


def test_an_event_that_cannot_be_written_holds_nothing_up(
    register: Register, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = register().endpoint
    broken, _ = happen(2)
    write = sending.write_body

    def write_but_one(event: Event) -> bytes:
        if event == broken:
            raise RecursionError
        return write(event)

    monkeypatch.setattr(sending, "write_body", write_but_one)
    send_waiting(endpoint.pk)
    endpoint.refresh_from_db()
    assert states(endpoint) == [("given_up", 1, None), ("delivered", 1, 204)]
    assert Delivery.objects.get(sequence=1).last_error == "RecursionError"
    assert endpoint.is_enabled


def test_sending_again_uses_the_same_id_behind_what_waits(
    register: Register, receiver: Receiver
) -> None:
    endpoint = register().endpoint
    happen(1)
    send_waiting(endpoint.pk)
    happen(1)
    again = repeat(Delivery.objects.get(sequence=1))
    send_waiting(endpoint.pk)
    ids = [request.headers["webhook-id"] for request in receiver.requests]
    assert (ids[0] == ids[2] != ids[1], again.sequence, again.is_repeat) == (True, 3, True)
    assert receiver.requests[0].body == receiver.requests[2].body


def test_an_endpoint_that_is_off_gets_nothing(
    register: Register, receiver: Receiver, operator: User
) -> None:
    endpoint = register().endpoint
    happen(1)
    disable_endpoint(endpoint, by=operator)
    happen(1)
    assert (send_waiting(endpoint.pk), find_ready(at=timezone.now())) == (0, [])
    enable_endpoint(endpoint, by=operator)
    send_waiting(endpoint.pk)
    assert len(receiver.requests) == 1


def test_what_a_dead_sender_left_is_sent_after_its_lease(
    register: Register, receiver: Receiver
) -> None:
    endpoint = register().endpoint
    with time_machine.travel(timezone.now(), tick=False) as clock:
        happen(1)
        Delivery.objects.update(state="sending", attempts=1, due_at=timezone.now() + LEASE)
        assert send_waiting(endpoint.pk) == 0
        clock.shift(LEASE)
        assert send_waiting(endpoint.pk) == 1
    assert states(endpoint) == [("delivered", 2, 204)]


def test_an_address_that_became_private_is_not_called(
    register: Register, receiver: Receiver, settings: object
) -> None:
    endpoint = register().endpoint
    settings.WEBHOOK_NETWORKS = ()  # type: ignore[attr-defined]
    happen(1)
    send_waiting(endpoint.pk)
    assert receiver.requests == []
    assert Delivery.objects.get().last_error == "private_address"


def test_a_dead_port_is_an_error_in_the_log(register: Register) -> None:
    endpoint = register(url="http://127.0.0.1:1/").endpoint
    happen(1)
    send_waiting(endpoint.pk)
    assert Delivery.objects.get().last_error == "NewConnectionError"


@pytest.mark.django_db(transaction=True)
def test_two_senders_at_once_send_each_event_once_and_in_order(
    register: Register, receiver: Receiver
) -> None:
    endpoint = register().endpoint
    happen(20)
    start = threading.Barrier(4)

    def work() -> None:
        try:
            start.wait()
            while Delivery.objects.filter(state__in=["waiting", "sending"]).exists():
                send_next(endpoint.pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [request.content["data"]["n"] for request in receiver.requests] == list(range(20))


@pytest.mark.django_db(transaction=True)
def test_two_fan_outs_at_once_make_one_delivery_of_each_event(register: Register) -> None:
    register()
    now = timezone.now()
    for n in range(20):
        Event.objects.create(type=EventType.GRANT_MADE, data={"n": n}, created_at=now, due_at=now)
    start = threading.Barrier(3)

    def work() -> None:
        try:
            start.wait()
            fan_out_due(at=now)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = Delivery.objects.order_by("sequence").values_list("sequence", "event__data")
    assert list(told) == [(n + 1, {"n": n}) for n in range(20)]


def test_the_log_is_kept_for_ninety_days(register: Register, receiver: Receiver) -> None:
    endpoint = register().endpoint
    with time_machine.travel(timezone.now(), tick=False) as clock:
        happen(1)
        send_waiting(endpoint.pk)
        clock.shift(timedelta(days=90))
        assert forget_old() == 0
        clock.shift(timedelta(seconds=1))
        assert forget_old() == 1
    assert Event.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_dispatch_fans_out_and_calls_for_each_endpoint(
    register: Register, valkey: object
) -> None:
    registered: Registered = register()
    now = timezone.now()
    Event.objects.create(type=EventType.GRANT_MADE, data={}, created_at=now, due_at=now)
    dispatch_due()
    assert states(registered.endpoint) == [("waiting", 0, None)]
    assert find_ready(at=timezone.now()) == [registered.endpoint.pk]


def test_an_endpoint_with_much_to_read_gives_others_a_turn(
    register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = register().endpoint
    happen(3)
    with time_machine.travel(timezone.now(), tick=False) as clock:

        def take_long(*_: object, **__: Any) -> Answer:
            clock.shift(sending.ROUND - timedelta(seconds=1))
            return Answer(200)

        monkeypatch.setattr(sending, "post", take_long)

        assert sending.send_waiting(endpoint.pk) == 2
        assert find_ready(at=timezone.now()) == [endpoint.pk]
