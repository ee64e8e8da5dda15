from __future__ import annotations

from pathlib import Path

import pytest
from allauth.socialaccount.models import SocialAccount
from pytest_django import DjangoAssertNumQueries, Settings

from portal.gate.access.affiliation_list import read_affiliations
from portal.gate.access.domain.desk.dossier import gather_dossier
from portal.gate.access.domain.screening.duplicates import find_likenesses, normalise_email
from portal.gate.access.domain.screening.institutions import judge_domain
from tests.factories.access import ApplicationFactory
from tests.factories.accounts import UserFactory


@pytest.mark.parametrize(
    ("domain", "is_institutional", "value"),
    [
        ("cs.example.edu", True, "cs.example.edu is academic"),
        ("dept.example.ac.uk", True, "dept.example.ac.uk is academic"),
        ("example.edu.au", True, "example.edu.au is academic"),
        ("notedu.com", False, "notedu.com is not known here"),
        ("fakeac.uk", False, "fakeac.uk is not known here"),
        ("inf.listed.example", True, "inf.listed.example belongs to an institution"),
        ("unlisted.example", False, "unlisted.example is not known here"),
        ("gmail.com", False, "gmail.com is a mail service"),
    ],
)
def test_a_domain_is_told_as_a_fact(
    settings: Settings, tmp_path: Path, domain: str, is_institutional: bool, value: str
) -> None:
    settings.RELEASE_DIR = tmp_path
    (tmp_path / "institutions.txt").write_text("# ours\nListed.example  # the university\n")
    fact = judge_domain(domain)
    assert (fact.is_institutional, fact.value) == (is_institutional, value)


@pytest.mark.parametrize(
    ("email", "mailbox"),
    [
        ("Ada.Byron+llm@Gmail.com", "adabyron@gmail.com"),
        ("a.d.a@googlemail.com", "ada@gmail.com"),
        ("Ada.Byron+x@example.org", "ada.byron@example.org"),
    ],
)
def test_addresses_of_one_mailbox_are_alike(email: str, mailbox: str) -> None:
    assert normalise_email(email) == mailbox


@pytest.mark.django_db
def test_accounts_that_may_be_one_person_are_pointed_out_with_the_reason() -> None:
    ada = UserFactory.create(name="Ada Byron", email="ada.byron@gmail.com")
    ApplicationFactory.create(applicant=ada, orcid="0000-0002-1825-0097")
    by_orcid = UserFactory.create(name="A. King", email="king@example.net")
    SocialAccount.objects.create(user=by_orcid, provider="orcid", uid="0000-0002-1825-0097")
    by_mailbox = UserFactory.create(name="Somebody", email="adabyron+two@googlemail.com")
    UserFactory.create(
        name="Ada Byron", email="other@gmail.com"
    )  # The domain of a mail service says nothing about the person.
    UserFactory.create(name="Ada Byron", email="gone@example.net", is_active=False)
    found = [(likeness.user, likeness.why) for likeness in find_likenesses(ada)]
    assert found == [(by_orcid, "the same ORCID iD"), (by_mailbox, "the same mailbox")]


@pytest.mark.django_db
def test_names_are_compared_within_an_institution_whatever_their_order_and_accents() -> None:
    jose = UserFactory.create(name="José María Núñez", email="jose@uni.example")
    same = UserFactory.create(name="Nunez, Jose Maria", email="jm.nunez@uni.example")
    UserFactory.create(name="Olga Other", email="olga@uni.example")
    UserFactory.create(name="José María Núñez", email="jose@elsewhere.example")
    found = [(likeness.user, likeness.why) for likeness in find_likenesses(jose)]
    assert found == [(same, "a similar name at the same domain")]


@pytest.mark.django_db
@pytest.mark.parametrize("rows", [1, 3])
def test_looking_for_likenesses_costs_the_same_for_any_number(
    rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ada = UserFactory.create(name="Ada Byron", email="ada@uni.example")
    for number in range(rows):
        UserFactory.create(name="Ada Byron", email=f"ada+{number}@uni.example")
    with django_assert_num_queries(5):
        assert len(find_likenesses(ada)) == rows


@pytest.mark.parametrize(
    ("typed", "email", "value", "is_confirmed"),
    [
        ("eth  ZÜRICH", "ada@inf.ethz.ch", "ETH Zurich, ror.org/05a28rw58", True),
        ("ETH Zurich", "ada@gmail.com", "ETH Zurich, ror.org/05a28rw58", False),
        ("ETH Zurich", "ada@notethz.ch", "ETH Zurich, ror.org/05a28rw58", False),
        ("University of Nowhere", "ada@ethz.ch", "University of Nowhere", False),
    ],
)
@pytest.mark.django_db
def test_an_affiliation_is_told_with_its_identifier(
    typed: str, email: str, value: str, *, is_confirmed: bool
) -> None:
    person = UserFactory.create(email=email)
    facts = gather_dossier(ApplicationFactory.create(applicant=person, affiliation=typed)).facts
    (fact,) = (fact for fact in facts if fact.label == "Affiliation")
    assert (fact.value, fact.is_confirmed) == (value, is_confirmed)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,ror\n", "line 1: the columns are ror, name, other_names, domains"),
        ("ror,name,other_names,domains\n05a28rw58,ETH\n", "line 2: needs ror, name"),
        ("# c\nror,name,other_names,domains\n05a28rw59,ETH,,\n", "line 3: '05a28rw59' is no"),
        (
            "ror,name,other_names,domains\n05a28rw58,ETH,,\n01ggx4157,CERN,eth,\n",
            "line 3: 'eth' already names another",
        ),
    ],
)
def test_a_wrong_list_names_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "affiliations.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_affiliations(path)


def test_without_its_file_the_list_says_so(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"cannot read .*No such file"):
        read_affiliations(tmp_path / "none.csv")
