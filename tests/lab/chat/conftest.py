"""The site as the API's tests have it."""

from tests.lab.api.conftest import _no_tokenizers_of_other_tests, laboratory

__all__ = ["_no_tokenizers_of_other_tests", "laboratory"]
