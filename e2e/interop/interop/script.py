"""What scenarios are written with: people who ask one server, and a record of what it answered."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote

import requests

from .exchange import Answer, AnswerLacksError, Exchange
from .normal import Json, normal
from .server import SERVER_NAME

PASSWORD = "correct horse battery staple"
PATIENCE = 5.0
"""How long something may take that a server does by the by, in seconds."""

SYNC: dict[str, str | int] = {"timeout": 0, "filter": '{"room":{"timeline":{"limit":50}}}'}
"""How many events a sync has if nobody says so is the servers' own choice."""


class Script:
    """One scenario, as one server takes part in it."""

    def __init__(self, scenario: str, url: str) -> None:
        self.scenario = scenario
        self.exchanges: list[Exchange] = []
        self._url = url
        self._names: dict[str, str] = {}
        self._transactions = 0
        self._http = requests.Session()
        # Answers of a proxy are of no interest.
        self._http.trust_env = False

    def localpart(self, name: str) -> str:
        """Returns a user name that no other scenario has."""
        return f"{name}-{self.scenario.replace('_', '-')}"

    def alias(self, name: str) -> str:
        """Returns an alias that no other scenario has."""
        return f"#{self.localpart(name)}:{SERVER_NAME}"

    def anybody(self) -> "Person":
        """Returns somebody who has not signed in."""
        return Person(self, "", "", "")

    def person(self, name: str, device: str | None = None) -> "Person":
        """Signs somebody up."""
        device = device or f"{name.upper()}1"
        body: dict[str, Json] = {
            "username": self.localpart(name),
            "password": PASSWORD,
            "device_id": device,
            "auth": {"type": "m.login.dummy"},
        }
        answer = self.anybody().post(f"{name} signs up", "v3/register", body=body)
        self.name(device, device)
        return Person(self, answer["user_id"], device, answer["access_token"])

    def sign_in(self, person: "Person", device: str) -> "Person":
        """Signs a person in on another device."""
        body: dict[str, Json] = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": person.id},
            "password": PASSWORD,
            "device_id": device,
        }
        answer = self.anybody().post(f"{device} signs in", "v3/login", body=body)
        self.name(device, device)
        return Person(self, person.id, device, answer["access_token"])

    def name(self, made_up: str, name: str) -> None:
        """Names something that a server made up, such as a room's id. Answers are compared by that
        name.
        """
        self._names[made_up] = name

    def transaction(self) -> str:
        """Returns a transaction id not used before."""
        self._transactions += 1
        return f"t{self._transactions}"

    def note(self, label: str, value: Json) -> None:
        """Has something compared that follows from answers."""
        self._record(Exchange(label, "", "", 200, "", normal(value, self._names)))

    def need(self, value: Json, what: str) -> str:
        """Returns a text that the next request needs; ends the scenario if it is not there."""
        if isinstance(value, str):
            return value
        raise AnswerLacksError(f"no answer has {what}")

    def _record(self, exchange: Exchange) -> None:
        if any(earlier.label == exchange.label for earlier in self.exchanges):
            raise ValueError(f"{self.scenario} has two requests called '{exchange.label}'")
        self.exchanges.append(exchange)

    def ask(self, request: "Request", token: str) -> Answer:
        """Asks the server, records what it answered, returns it as it came."""
        answer, content_type = self._send(request, token)
        self._keep_record(request, answer, content_type)
        return answer

    def ask_until(self, request: "Request", token: str, wanted: Callable[[Answer], bool]) -> Answer:
        """Asks until the answer is as wanted, is a refusal, or patience ends; records the last."""
        deadline = time.monotonic() + PATIENCE
        while True:
            answer, content_type = self._send(request, token)
            refused = answer.status >= 400
            if refused or wanted(answer) or time.monotonic() > deadline:
                self._keep_record(request, answer, content_type)
                return answer
            time.sleep(0.1)

    def _send(self, request: "Request", token: str) -> tuple[Answer, str]:
        headers = dict(request.headers)
        if token:
            headers["Authorization"] = f"Bearer {token}"
        content: bytes | None = request.content
        response = self._http.request(
            request.method,
            self._url + request.path(),
            params=request.query,
            headers=headers,
            data=content,
            json=request.body if content is None else None,
            timeout=60,
            allow_redirects=False,
        )
        if not response.ok:
            # A server may hang up on somebody whose request it refused before it had read it.
            self._http.close()
        content_type = response.headers.get("Content-Type", "").split(";")[0]
        body = response.json() if content_type == "application/json" and response.content else None
        answer = Answer(request.label, response.status_code, body, response.headers)
        return answer, content_type

    def _keep_record(self, request: "Request", answer: Answer, content_type: str) -> None:
        body = normal(answer.body, self._names)
        self._record(
            Exchange(
                request.label, request.method, request.template, answer.status, content_type, body
            )
        )


@dataclass(frozen=True)
class Request:
    """A request, before it is known where it goes."""

    label: str
    method: str
    template: str
    """A path below `/_matrix/client/`, or from the root if it begins with `/`; `{}` stands for an
    argument.
    """
    arguments: tuple[str, ...] = ()
    body: Json = None
    query: dict[str, str | int] = field(default_factory=dict)
    content: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def path(self) -> str:
        """Returns the path with its arguments, quoted."""
        path = self.template.format(*(quote(argument, safe="") for argument in self.arguments))
        return path if path.startswith("/") else f"/_matrix/client/{path}"


class Person:
    """Somebody on one device, or somebody not signed in."""

    def __init__(self, script: Script, user_id: str, device_id: str, token: str) -> None:
        self.script = script
        self.id = user_id
        self.device_id = device_id
        self.token = token

    def get(self, label: str, template: str, *arguments: str, **query: str | int) -> Answer:
        """Asks with GET. An underscore after a query's name is left out: `from_`."""
        query = {name.removesuffix("_"): value for name, value in query.items()}
        return self.ask(Request(label, "GET", template, arguments, query=query))

    def put(self, label: str, template: str, *arguments: str, body: Json = None) -> Answer:
        """Asks with PUT."""
        return self.ask(Request(label, "PUT", template, arguments, _object(body)))

    def post(self, label: str, template: str, *arguments: str, body: Json = None) -> Answer:
        """Asks with POST."""
        return self.ask(Request(label, "POST", template, arguments, _object(body)))

    def delete(self, label: str, template: str, *arguments: str, body: Json = None) -> Answer:
        """Asks with DELETE."""
        return self.ask(Request(label, "DELETE", template, arguments, body))

    def ask(self, request: Request) -> Answer:
        """Asks anything."""
        return self.script.ask(request, self.token)

    def ask_until(self, request: Request, wanted: Callable[[Answer], bool]) -> Answer:
        """Asks again and again until the answer is as wanted or a refusal; the last one counts."""
        return self.script.ask_until(request, self.token, wanted)

    def sync(self, label: str, **query: str | int) -> Answer:
        """Asks what is new, without waiting."""
        return self.get(label, "v3/sync", **{**SYNC, **query})

    def sync_until(
        self, label: str, wanted: Callable[[Answer], bool], **query: str | int
    ) -> Answer:
        """Asks what is new since a moment until it contains what is wanted."""
        request = Request(label, "GET", "v3/sync", query={**SYNC, **query})
        return self.ask_until(request, wanted)

    def create_room(self, label: str, **options: Json) -> str:
        """Creates a room and returns its id, which is named after the request."""
        room_id = self.post(label, "v3/createRoom", body=options)["room_id"]
        self.script.name(room_id, f"<{label}>")
        return room_id

    def send(self, label: str, room_id: str, content: Json, kind: str = "m.room.message") -> str:
        """Sends an event and returns its id, which is named after the request."""
        template = "v3/rooms/{}/send/{}/{}"
        transaction = self.script.transaction()
        event_id = self.put(label, template, room_id, kind, transaction, body=content)["event_id"]
        self.script.name(event_id, f"<{label}>")
        return event_id

    def say(self, label: str, room_id: str, text: str, **more: Json) -> str:
        """Sends a text message and returns its id."""
        return self.send(label, room_id, {"msgtype": "m.text", "body": text, **more})

    def set_state(
        self, label: str, room_id: str, kind: str, content: Json, state_key: str = ""
    ) -> Answer:
        """Sends a state event."""
        template = "v3/rooms/{}/state/{}/{}"
        return self.put(label, template, room_id, kind, state_key, body=content)

    def join(self, label: str, room: str) -> Answer:
        """Joins a room by its id or alias."""
        return self.post(label, "v3/join/{}", room)


def _object(body: Json) -> Json:
    return {} if body is None else body
