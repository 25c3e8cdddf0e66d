"""Starting and stopping a homeserver for one run."""

import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import requests

SERVER_NAME = "interop.test"
SHARED_SECRET = "only for this run"
START_TIMEOUT = 60.0
"""How long a server may take to answer its first request, in seconds."""


class ServerError(Exception):
    """A server did not start."""


class Server:
    """A homeserver process that keeps everything in a folder of its own."""

    name = "server"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / f"{self.name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        """Writes the configuration and returns the command that serves it."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        command = self.command()
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command, cwd=self.folder, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Asks the process to end; makes it, if it does not."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_TIMEOUT
        with requests.Session() as session:
            session.trust_env = False
            while time.monotonic() < deadline:
                if self._process.poll() is not None:
                    break
                try:
                    answer = session.get(f"{self.url}/_matrix/client/versions", timeout=5)
                except requests.ConnectionError:
                    time.sleep(0.05)
                    continue
                if answer.ok:
                    return
        lines = self.log.read_text(errors="replace").splitlines()[-20:]
        raise ServerError(f"{self.name} did not start; its last lines:\n" + "\n".join(lines))


def free_port() -> int:
    """Returns a port of the loopback interface that nobody uses."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
