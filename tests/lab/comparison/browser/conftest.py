"""The playground's browser and site."""

from tests.lab.playground.browser.conftest import browser, site

__all__ = ["browser", "site"]
