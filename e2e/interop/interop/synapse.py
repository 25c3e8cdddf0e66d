"""Synapse, configured for a run: everybody may sign up, nothing is slowed down."""

import json
import sys

from .server import SERVER_NAME, SHARED_SECRET, Server

UNLIMITED = {"per_second": 1_000_000, "burst_count": 1_000_000}


class Synapse(Server):
    """Synapse on an SQLite file, in this Python environment."""

    name = "synapse"

    def command(self) -> list[str]:
        """Writes the configuration and returns the command that serves it."""
        file = self.folder / "homeserver.yaml"
        # JSON is YAML.
        file.write_text(json.dumps(self._configuration(), indent=2))
        (self.folder / "log.yaml").write_text(json.dumps(LOGGING))
        start = [sys.executable, "-m", "synapse.app.homeserver", "--config-path", str(file)]
        return ["/bin/sh", "-c", '"$@" --generate-keys && exec "$@"', "synapse", *start]

    def _configuration(self) -> dict[str, object]:
        listener = {
            "port": self.port,
            "bind_addresses": ["127.0.0.1"],
            "type": "http",
            "tls": False,
            "resources": [{"names": ["client", "media"], "compress": False}],
        }
        return {
            "server_name": SERVER_NAME,
            "public_baseurl": f"{self.url}/",
            "serve_server_wellknown": False,
            "pid_file": str(self.folder / "pid"),
            "listeners": [listener],
            "database": {
                "name": "sqlite3",
                "args": {"database": str(self.folder / "homeserver.db")},
            },
            "log_config": str(self.folder / "log.yaml"),
            "media_store_path": str(self.folder / "media"),
            "signing_key_path": str(self.folder / "signing.key"),
            # It is to ask nobody else.
            "trusted_key_servers": [],
            "federation_domain_whitelist": [],
            "report_stats": False,
            "macaroon_secret_key": SHARED_SECRET,
            "form_secret": SHARED_SECRET,
            "registration_shared_secret": SHARED_SECRET,
            "enable_registration": True,
            "enable_registration_without_verification": True,
            "bcrypt_rounds": 4,
            "password_config": {"policy": {"enabled": True, "minimum_length": 8}},
            "default_room_version": "12",
            "max_upload_size": "100M",
            "dynamic_thumbnails": True,
            "login_via_existing_session": {"enabled": True},
            "user_directory": {"enabled": True, "search_all_users": True},
            "allow_public_rooms_without_auth": True,
            "room_list_publication_rules": [{"action": "allow"}],
            "max_event_delay_duration": "24h",
            # Otherwise the same first sync, asked twice, has the same answer for two minutes.
            "caches": {"sync_response_cache_duration": "0s"},
            "experimental_features": dict.fromkeys(EXPERIMENTAL_FEATURES, True),
            **RATE_LIMITS,
        }


RATE_LIMITS = {
    "rc_message": UNLIMITED,
    "rc_registration": UNLIMITED,
    "rc_registration_token_validity": UNLIMITED,
    "rc_login": {"address": UNLIMITED, "account": UNLIMITED, "failed_attempts": UNLIMITED},
    "rc_admin_redaction": UNLIMITED,
    "rc_joins": {"local": UNLIMITED, "remote": UNLIMITED},
    "rc_joins_per_room": UNLIMITED,
    "rc_3pid_validation": UNLIMITED,
    "rc_invites": {"per_room": UNLIMITED, "per_user": UNLIMITED, "per_issuer": UNLIMITED},
    "rc_media_create": UNLIMITED,
    "rc_presence": {"per_user": UNLIMITED},
    "rc_delayed_event_mgmt": UNLIMITED,
    "rc_reports": UNLIMITED,
    "rc_room_creation": UNLIMITED,
    "rc_user_directory": UNLIMITED,
}

EXPERIMENTAL_FEATURES = [
    "msc3391_enabled",
    "msc3814_enabled",
    "msc3874_enabled",
    "msc3890_enabled",
    "msc3912_enabled",
    "msc4133_enabled",
    "msc4155_enabled",
    "msc4222_enabled",
    "msc4306_enabled",
    "msc4354_enabled",
]

LOGGING = {
    "version": 1,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"level": "WARNING", "handlers": ["console"]},
    "disable_existing_loggers": False,
}
