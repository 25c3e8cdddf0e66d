"""Media."""

import struct
import zlib

from ..scenario import scenario
from ..script import Request, Script
from ..server import SERVER_NAME


def png(width: int, height: int) -> bytes:
    """Returns a picture of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x30\x60\x90" * width) * height)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


@scenario
def media(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    claire.get("limits", "v1/media/config")
    claire.get("limits in the old place", "/_matrix/media/v3/config")

    def upload(label: str, content: bytes, kind: str, name: str) -> str:
        query = {"filename": name}
        headers = {"Content-Type": kind}
        path = "/_matrix/media/v3/upload"
        request = Request(label, "POST", path, query=query, content=content, headers=headers)
        uri = claire.ask(request)["content_uri"]
        return uri.rpartition("/")[2]

    text = upload("upload a text", b"Dear all", "text/plain", "letter.txt")
    page = upload("upload a page", b"<script>1</script>", "text/html", "page.html")
    picture = upload("upload a picture", png(400, 200), "image/png", "blue.png")
    download = f"v1/media/download/{SERVER_NAME}/{{}}"
    for label, media_id in (("text", text), ("page", page), ("picture", picture)):
        answer = samir.get(f"download the {label}", download, media_id)
        s.note(f"{label}: disposition", answer.headers.get("Content-Disposition"))
        s.note(
            f"{label}: sandboxed", "sandbox" in answer.headers.get("Content-Security-Policy", "")
        )
    samir.get("under another name", download + "/{}", text, "other.txt")
    s.anybody().get("without a token", download, text)
    s.anybody().get("in the old place", f"/_matrix/media/v3/download/{SERVER_NAME}/{{}}", text)
    samir.get("unknown", download, "unknown")
    samir.get("of another server", "v1/media/download/elsewhere.example/x", timeout_ms=100)
    thumbnail = f"v1/media/thumbnail/{SERVER_NAME}/{{}}"
    samir.get("thumbnail", thumbnail, picture, width=64, height=64, method="crop")
    samir.get("thumbnail scaled", thumbnail, picture, width=64, height=64, method="scale")
    samir.get("thumbnail without a size", thumbnail, picture)
    samir.get("thumbnail of an odd kind", thumbnail, picture, width=64, height=64, method="fold")
    samir.get("thumbnail of a text", thumbnail, text, width=64, height=64)
    samir.get("thumbnail of nothing", thumbnail, "unknown", width=64, height=64)
    samir.get("thumbnail of no width", thumbnail, picture, width=0, height=64)


@scenario
def media_later(s: Script) -> None:
    claire, samir = s.person("claire"), s.person("samir")
    created = claire.post("announce", "/_matrix/media/v1/create")
    media_id = created["content_uri"].rpartition("/")[2]
    download = f"v1/media/download/{SERVER_NAME}/{{}}"
    samir.get("not there yet", download, media_id, timeout_ms=0)
    path = f"/_matrix/media/v3/upload/{SERVER_NAME}/{{}}"
    headers = {"Content-Type": "text/plain"}

    def upload(person: object, label: str, *arguments: str) -> None:
        request = Request(label, "PUT", path, arguments, content=b"late", headers=headers)
        person.ask(request)

    upload(samir, "by somebody else", media_id)
    upload(claire, "upload", media_id)
    samir.get("there", download, media_id)
    upload(claire, "upload twice", media_id)
    upload(claire, "upload unknown", "unknown")
    s.anybody().post("announce without a token", "/_matrix/media/v1/create")
    claire.get("preview without url", "v1/media/preview_url")
