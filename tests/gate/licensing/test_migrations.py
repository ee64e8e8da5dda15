"""Signatures that were made before they had codes get one, and stay immutable."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from portal.gate.licensing.models import Signature
from tests.factories.licensing import SignatureFactory

BEFORE, AFTER = ("licensing", "0003_erasable_signers"), ("licensing", "0004_agreements")


@pytest.mark.django_db(transaction=True)
def test_older_signatures_get_codes_of_their_own() -> None:
    made = [SignatureFactory.create().pk for _ in range(3)]
    MigrationExecutor(connection).migrate([BEFORE])
    MigrationExecutor(connection).migrate([AFTER])
    codes = set(Signature.objects.filter(pk__in=made).values_list("code", flat=True))
    assert [len(code) for code in codes] == [19, 19, 19]
    with pytest.raises(IntegrityError), transaction.atomic():
        Signature.objects.update(code="0000-0000-0000-0000")
    # Later tests have the same database.
    rest = MigrationExecutor(connection)
    rest.migrate(rest.loader.graph.leaf_nodes())
