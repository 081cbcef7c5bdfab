"""/analyze: a picture in, the opaque result out that /duplicate and /update take instead of the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.flow_server.endpoints.answers import Wanted, header
from include.flow_server.errors import BadRequestError
from include.flow_server.pictures import host_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from include.detector.imaging import Descriptor
    from include.flow_server.analysis import Analyser
    from include.flow_server.endpoints.parameters import Parameters
    from include.flow_server.pictures import OwnFile

_MODULES = {"color", "content", "copyspace", "duplicate"}


def analyze(
    analyser: Analyser, own: OwnFile, allow_hosts: Collection[str], parameters: Parameters, started: float
) -> Wanted:
    """Answers /analyze. Only the duplicate module computes something here; the others are accepted.

    `own` is the file behind an address of this server.
    """
    asked = {name.strip() for name in (parameters.text("modules.apply") or "").split(",") if name.strip()}
    if asked - _MODULES:
        raise BadRequestError(f"modules.apply: unknown module {', '.join(sorted(asked - _MODULES))}")
    url, data = parameters.text("input.url"), parameters.text("input.data")
    if bool(url) == bool(data):
        raise BadRequestError("exactly one of input.url and input.data is needed")

    def answer(descriptor: Descriptor) -> dict[str, Any]:
        return {"responseHeader": header(started), "outputs": descriptor.to_outputs()}

    if url:
        return Wanted(host_of(url), lambda: analyser.of_image(url, own(url), allow_hosts).descriptor, answer)
    return Wanted("", lambda: analyser.of_base64(str(data)).descriptor, answer)
