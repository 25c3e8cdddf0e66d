"""Pli, configured for a run: everybody may sign up, nothing is slowed down."""

import json
from pathlib import Path

from .server import SERVER_NAME, SHARED_SECRET, Server


class Pli(Server):
    """Pli on a store in memory."""

    name = "pli"

    def __init__(self, folder: Path, binary: Path) -> None:
        super().__init__(folder)
        self._binary = binary

    def command(self) -> list[str]:
        """Writes `pli.toml` and returns the command that serves it."""
        # JSON's strings are TOML's.
        text = f"""
server_name = {json.dumps(SERVER_NAME)}
public_url = {json.dumps(self.url)}
data_dir = {json.dumps(str(self.folder / "data"))}
listen.client = "127.0.0.1:{self.port}"
listen.admin = "127.0.0.1:0"
store.url = "memory:"
registration.mode = "open"
registration.shared_secret = {json.dumps(SHARED_SECRET)}
passwords.argon2_memory = "64 KiB"
passwords.argon2_iterations = 1
rate_limits.enabled = false
presence.enabled = true
mail.url = {json.dumps(f"outbox:{self.folder / 'outbox'}")}
"""
        file = self.folder / "pli.toml"
        file.write_text(text)
        return [str(self._binary), "serve", "--config", str(file)]
