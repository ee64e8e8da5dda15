from __future__ import annotations

import pytest

from portal.platform.mailbox.templatetags.mail_text import link_own_site


@pytest.mark.parametrize(
    ("text", "html"),
    [
        (
            "Open http://testserver/access/.",
            'Open <a href="/access/">http://testserver/access/</a>.',
        ),
        (
            "(http://testserver/a?b=1&c=2)",
            '(<a href="/a?b=1&amp;c=2">http://testserver/a?b=1&amp;c=2</a>)',
        ),
        ("http://testserver", '<a href="/">http://testserver</a>'),
        ("http://testserver.evil.example/", "http://testserver.evil.example/"),
        ("http://testserver@evil.example/", "http://testserver@evil.example/"),
        ("http://testserver:1@evil.example/", "http://testserver:1@evil.example/"),
        ("http://testserver//evil.example/", "http://testserver//evil.example/"),
        (
            "http://testserver/\\evil.example/",
            '<a href="/">http://testserver/</a>\\evil.example/',
        ),
        ("https://evil.example/", "https://evil.example/"),
        ("javascript:alert(1)", "javascript:alert(1)"),
        (
            'http://testserver/"><script>',
            '<a href="/">http://testserver/</a>&quot;&gt;&lt;script&gt;',
        ),
        ("a < b & c", "a &lt; b &amp; c"),
        ("", ""),
    ],
)
def test_links(text: str, html: str) -> None:
    assert link_own_site(text) == html
