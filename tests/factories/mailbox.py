"""Stored mail for tests."""

from __future__ import annotations

import factory

from portal.platform.mailbox.models import StoredMail


class StoredMailFactory(factory.django.DjangoModelFactory[StoredMail]):
    class Meta:
        model = StoredMail

    to = factory.Sequence(lambda n: f"person{n}@example.org")
    subject = factory.Sequence(lambda n: f"Message {n}")
    body = "Hello."
