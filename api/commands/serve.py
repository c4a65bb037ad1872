"""countersign serve: the API."""

from __future__ import annotations

import argparse

HELP = "run the API and the console"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", metavar="ADDRESS", help="where to listen (default $COUNTERSIGN_HOST, 127.0.0.1)")
    parser.add_argument("--port", type=int, metavar="N", help="which port (default $COUNTERSIGN_PORT, 8400)")


def run(args: argparse.Namespace) -> int:
    from api import wiring
    from api.processes import check_port
    from api.serving import server

    with wiring.connect(args.home) as system:
        host = args.host or system.settings.host
        port = system.settings.port if args.port is None else args.port
        check_port(host, port)
        server(wiring.app(system), host, port).run()
    return 0
