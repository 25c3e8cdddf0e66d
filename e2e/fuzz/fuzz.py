"""Starts Pli, signs somebody up and lets schemathesis ask as that person."""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import requests
from interop.pli import Pli

# What ends the session that everything is asked in.
ENDS_THE_SESSION = "logout|deactivate|deleteDevice|refresh|changePassword"


def main() -> int:
    """Runs schemathesis; its exit code is this program's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pli", type=Path, required=True, help="the server's binary")
    parser.add_argument("--schemathesis", type=Path, required=True)
    parser.add_argument("--description", type=Path, required=True, help="the OpenAPI file")
    parser.add_argument("--seconds", type=int, default=600, help="when to stop")
    options = parser.parse_args()

    # Requests stay on this machine, whatever proxy its environment names.
    os.environ["NO_PROXY"] = "*"
    with tempfile.TemporaryDirectory() as folder, Pli(Path(folder), options.pli) as server:
        account = requests.post(
            f"{server.url}/_matrix/client/v3/register",
            json={
                "username": "fuzz",
                "password": "correct horse battery staple",
                "auth": {"type": "m.login.dummy"},
            },
            timeout=30,
        )
        account.raise_for_status()
        token = account.json()["access_token"]
        command = [
            str(options.schemathesis.absolute()),
            "run",
            str(options.description.resolve()),
            f"--url={server.url}",
            f"--header=Authorization: Bearer {token}",
            "--checks=not_a_server_error",
            "--phases=coverage,fuzzing",
            "--max-examples=1000000",
            f"--max-time={options.seconds}",
            "--request-timeout=40",
            f"--exclude-operation-id-regex={ENDS_THE_SESSION}",
            "--continue-on-failure",
            "--no-color",
        ]
        return subprocess.run(command, check=False, cwd=folder).returncode


if __name__ == "__main__":
    sys.exit(main())
