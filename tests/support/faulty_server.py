"""The real server behind fault switches; takes the same arguments as the server."""

from __future__ import annotations

import sys

from include.flow_server.__main__ import server_settings
from include.flow_server.app import create_app
from include.flow_server.serving import serve
from tests.support.faults import FaultyApp

if __name__ == "__main__":
    settings = server_settings(sys.argv[1:])
    serve(FaultyApp(create_app(settings)), settings)
