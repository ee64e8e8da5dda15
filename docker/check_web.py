"""Health check of the web container: are the site, its database and its broker up?

It sends the site's own host name, because Django refuses any other.
"""

from __future__ import annotations

import http.client
import os
import sys
from urllib.parse import urlsplit

PORT = 8000
SECONDS = 4


def is_ready(host: str, *, port: int = PORT) -> bool:
    """Return whether `/readyz` responds with 200; raise `OSError` if nothing listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request("GET", "/readyz", headers={"Host": host})
        return connection.getresponse().status == 200
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if is_ready(urlsplit(os.environ["SITE_URL"]).netloc) else 1)
