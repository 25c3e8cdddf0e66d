"""A bot on mautrix, as bridges use it: through an application service, with encryption.

A person invites it into an encrypted room and writes to it from an ordinary client; the bot reads
that and answers. The program ends with 0 if the person could read the answer.
"""

import argparse
import asyncio
import json
import logging
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
from mautrix.appservice import AppService
from mautrix.client import Client
from mautrix.client.state_store import MemoryStateStore, MemorySyncStore
from mautrix.crypto import MemoryCryptoStore, OlmMachine, StateStore
from mautrix.errors import EncryptionError, SessionNotFound
from mautrix.types import (
    EncryptedEvent,
    EncryptionAlgorithm,
    Event,
    EventType,
    LoginType,
    Membership,
    MessageType,
    RoomCreatePreset,
    RoomEncryptionStateEventContent,
    RoomID,
    StateEvent,
    TextMessageEventContent,
    TrustState,
    UserID,
)

PATIENCE = 30
"""How long the other side may take, in seconds."""

DEVICE_NAME = "Écho"


class Rooms(StateStore):
    """What the encryption has to know of rooms; here every room is encrypted."""

    def __init__(self) -> None:
        self._members: dict[RoomID, set[UserID]] = {}

    def joined(self, room_id: RoomID, *members: UserID) -> None:
        """Notes who is in a room."""
        self._members.setdefault(room_id, set()).update(members)

    def members(self, room_id: RoomID) -> list[UserID]:
        """Returns who is in a room."""
        return sorted(self._members.get(room_id, set()))

    async def is_encrypted(self, _room_id: RoomID) -> bool:
        """Whether a room is encrypted."""
        return True

    async def get_encryption_info(self, _room_id: RoomID) -> RoomEncryptionStateEventContent:
        """Returns how a room is encrypted."""
        return RoomEncryptionStateEventContent(algorithm=EncryptionAlgorithm.MEGOLM_V1)

    async def find_shared_rooms(self, user_id: UserID) -> list[RoomID]:
        """Returns the rooms that somebody is in."""
        return [room_id for room_id, members in self._members.items() if user_id in members]


class Participant:
    """A client with its encryption."""

    def __init__(self, url: str, user_id: UserID) -> None:
        stores = {"state_store": MemoryStateStore(), "sync_store": MemorySyncStore()}
        self.client = Client(base_url=url, mxid=user_id, **stores)
        self.rooms = Rooms()
        self.crypto = OlmMachine(self.client, MemoryCryptoStore(user_id, "pickle"), self.rooms)
        # Nobody here has verified anybody.
        self.crypto.share_keys_min_trust = TrustState.UNVERIFIED
        self.crypto.send_keys_min_trust = TrustState.UNVERIFIED

    async def publish_keys(self) -> None:
        """Uploads the device's keys; the client has to be signed in."""
        await self.crypto.crypto_store.open()
        await self.crypto.load()
        await self.crypto.share_keys()

    async def read(self, event: EncryptedEvent) -> str:
        """Decrypts a message, once its key has come."""
        try:
            clear = await self.crypto.decrypt_megolm_event(event)
        except SessionNotFound:
            session = event.content.session_id
            await self.crypto.wait_for_session(event.room_id, session, timeout=PATIENCE)
            clear = await self.crypto.decrypt_megolm_event(event)
        return clear.content.body

    async def say(self, room_id: RoomID, text: str) -> None:
        """Sends an encrypted message."""
        content = TextMessageEventContent(msgtype=MessageType.TEXT, body=text)
        message = (room_id, EventType.ROOM_MESSAGE, content)
        try:
            encrypted = await self.crypto.encrypt_megolm_event(*message)
        except EncryptionError:
            await self.crypto.share_group_session(room_id, self.rooms.members(room_id))
            encrypted = await self.crypto.encrypt_megolm_event(*message)
        await self.client.send_message_event(room_id, EventType.ROOM_ENCRYPTED, encrypted)

    async def close(self) -> None:
        """Ends syncing and connections."""
        self.client.stop()
        await self.client.api.session.close()


class Bot(Participant):
    """The bot: what happens comes to it in transactions, its device's keys and counts too."""

    def __init__(self, options: argparse.Namespace, registration: dict[str, str]) -> None:
        self._registration = registration
        self._creates_its_device = options.msc4190
        self.service = AppService(
            server=options.url,
            domain=options.domain,
            as_token=registration["as_token"],
            hs_token=registration["hs_token"],
            bot_localpart=registration["sender_localpart"],
            id=registration["id"],
            ephemeral_events=True,
            encryption_events=True,
        )
        super().__init__(options.url, self.service.bot_mxid)

    async def start(self) -> None:
        """Listens, sees whether the server reaches it, signs in, publishes its keys."""
        address = urlsplit(self._registration["url"])
        await self.service.start(address.hostname, address.port)
        await self.service.intent.ensure_registered()
        await self.service.intent.whoami()
        await self.service.ping_self("ping")
        await self.service.intent.set_displayname(DEVICE_NAME)
        await self._sign_in()
        self.service.otk_handler = self.crypto.handle_as_otk_counts
        self.service.device_list_handler = self.crypto.handle_as_device_lists
        self.service.to_device_handler = self.crypto.handle_as_to_device_event
        await self.publish_keys()
        self.service.matrix_event_handler(self._handle)

    async def _sign_in(self) -> None:
        self.client.api.token = self.service.as_token
        if self._creates_its_device:
            await self.client.create_device_msc4190("", DEVICE_NAME)
            self.client.api.as_user_id = self.client.mxid
            return
        await self.client.login(
            identifier=self._registration["sender_localpart"],
            login_type=LoginType.APPSERVICE,
            device_name=DEVICE_NAME,
            update_hs_url=False,
        )

    async def _handle(self, event: Event) -> None:
        if event.type == EventType.ROOM_MEMBER:
            await self._handle_member(event)
        elif event.type == EventType.ROOM_ENCRYPTED and event.sender != self.client.mxid:
            text = await self.read(event)
            print(f"the bot reads: {text}")
            await self.say(event.room_id, f"echo: {text}")

    async def _handle_member(self, event: StateEvent) -> None:
        if event.content.membership == Membership.JOIN:
            self.rooms.joined(event.room_id, UserID(event.state_key))
        invited = event.content.membership == Membership.INVITE
        if invited and event.state_key == self.client.mxid:
            await self.service.intent.join_room(event.room_id)
            members = await self.service.intent.get_room_members(event.room_id)
            self.rooms.joined(event.room_id, *members)

    async def close(self) -> None:
        """Stops listening too."""
        await super().close()
        await self.service.stop()


async def sign_up(options: argparse.Namespace) -> Participant:
    """Signs a person up who syncs like everybody."""
    body = {
        "username": options.user,
        "password": "correct horse battery staple",
        "auth": {"type": "m.login.dummy"},
    }
    register = f"{options.url}/_matrix/client/v3/register"
    async with aiohttp.ClientSession() as http, http.post(register, json=body) as response:
        response.raise_for_status()
        account = await response.json()
    person = Participant(options.url, UserID(account["user_id"]))
    person.client.api.token = account["access_token"]
    person.client.device_id = account["device_id"]
    await person.publish_keys()
    return person


async def converse(person: Participant, bot_id: UserID) -> str:
    """Has a person write to the bot and returns what they could read of its answer."""
    loop = asyncio.get_running_loop()
    bot_joined, answer = loop.create_future(), loop.create_future()

    async def on_member(event: StateEvent) -> None:
        if event.content.membership == Membership.JOIN:
            person.rooms.joined(event.room_id, UserID(event.state_key))
            if event.state_key == bot_id and not bot_joined.done():
                bot_joined.set_result(None)

    async def on_encrypted(event: EncryptedEvent) -> None:
        if event.sender == bot_id and not answer.done():
            answer.set_result(await person.read(event))

    person.client.add_event_handler(EventType.ROOM_MEMBER, on_member)
    person.client.add_event_handler(EventType.ROOM_ENCRYPTED, on_encrypted)
    person.client.start(None)
    algorithm = {"algorithm": "m.megolm.v1.aes-sha2"}
    room_id = await person.client.create_room(
        preset=RoomCreatePreset.PRIVATE,
        initial_state=[{"type": "m.room.encryption", "state_key": "", "content": algorithm}],
    )
    await person.client.invite_user(room_id, bot_id)
    await asyncio.wait_for(bot_joined, PATIENCE)
    await person.say(room_id, "Bonjour")
    return await asyncio.wait_for(answer, PATIENCE)


async def run(options: argparse.Namespace) -> None:
    """Has a person and the bot talk."""
    bot = Bot(options, json.loads(options.registration.read_text()))
    try:
        await bot.start()
        person = await sign_up(options)
        try:
            answer = await converse(person, bot.client.mxid)
        finally:
            await person.close()
    finally:
        await bot.close()
    print(f"the person reads: {answer}")
    if answer != "echo: Bonjour":
        raise SystemExit("bot: that is not the answer")
    print("1 passed, 0 failed")


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="where the homeserver is")
    parser.add_argument("registration", type=Path, help="the registration file, as JSON")
    parser.add_argument("--domain", default="interop.test", help="the homeserver's name")
    parser.add_argument("--user", default="claire", help="the person's user name")
    parser.add_argument("--msc4190", action="store_true", help="create the device, don't sign in")
    logging.basicConfig(level=logging.ERROR)
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
