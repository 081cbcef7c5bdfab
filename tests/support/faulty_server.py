"""The real server behind fault switches; takes the same arguments as the server.

LIMITS in the environment, a JSON object, replaces some of its limits.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace

from include.flow_server.__main__ import server_settings
from include.flow_server.app import create_app
from include.flow_server.serving import serve
from tests.support.faults import FaultyApp

if __name__ == "__main__":
    settings = server_settings(sys.argv[1:])
    limits = json.loads(os.environ.get("LIMITS", "{}"))
    settings = replace(settings, limits=replace(settings.limits, **limits))
    serve(FaultyApp(create_app(settings)), settings)
