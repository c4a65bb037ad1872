"""The HTTP server around the app."""

from __future__ import annotations

import uvicorn
from starlette.types import ASGIApp


def server(app: ASGIApp, host: str, port: int) -> uvicorn.Server:
    """A uvicorn server; port 0 takes a free one. It says nothing of itself, trusts no proxy header, logs no requests:
    the app measures and logs what matters."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        server_header=False,
        proxy_headers=False,
        access_log=False,
        log_config=None,
        ws="none",
        lifespan="on",
        timeout_graceful_shutdown=10,
    )
    return uvicorn.Server(config)
