"""A real model server, LitServe, with a model that is nothing but a known time: `--service-ms` a request.

    litserve_server.py --port 8123 --service-ms 5

It runs until SIGTERM. Needs the package litserve, which reads the types of `decode_request` as they are: no
`from __future__ import annotations` here.
"""

import argparse
import os
import time
from typing import Any

import litserve


class Sleeper(litserve.LitAPI):  # type: ignore[misc]  # it has no types
    """Predicts the sum of the numbers it was sent, after the time it takes."""

    service_s = 0.0

    def setup(self, device: str) -> None:
        """Nothing to load."""

    def decode_request(self, request: dict[str, Any]) -> list[float]:
        return [float(number) for number in request["input"]]

    def predict(self, x: list[float]) -> float:
        time.sleep(self.service_s)
        return sum(x)

    def encode_response(self, output: float) -> dict[str, float]:
        return {"output": output}


def main() -> None:
    """Reads the command line and serves."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--service-ms", type=float, default=5.0)
    options = parser.parse_args()
    api = Sleeper()
    api.service_s = options.service_ms / 1e3
    os.environ["LIT_SERVE_DISABLE_TRACKING"] = "1"
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1, track_requests=False)
    server.run(host="127.0.0.1", port=options.port, generate_client_file=False, log_level="warning")


if __name__ == "__main__":
    main()
