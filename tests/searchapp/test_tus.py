"""The tus protocol, spoken to a real server."""

import base64
import hashlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from tests.browser import Browser
from tests.searchapp.tus import Client, Server

MB = 2**20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("tus"))
    running.start()
    yield running
    running.end(signal.SIGTERM)


@pytest.fixture(scope="module")
def client(server: Server) -> Client:
    return Client(server)


def kept(server: Server, path: str) -> bytes:
    return (server.data / "incoming" / path.rsplit("/", 1)[1].replace("-", "")).read_bytes()


def pairs(**values: str) -> str:
    return ",".join(f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in values.items())


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_the_server_says_what_it_can(client: Client) -> None:
    answer = client.ask("OPTIONS", "/uploads")
    assert answer.status == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    extensions = set(answer.headers["Tus-Extension"].split(","))
    assert extensions == {"creation", "checksum", "expiration", "termination"}
    assert int(answer.headers["Tus-Max-Size"]) == 200 * 10**9
    assert "sha1" in answer.headers["Tus-Checksum-Algorithm"].split(",")


def test_an_upload_is_begun_and_gone_on_with(client: Client, server: Server) -> None:
    metadata = pairs(filename="20260314_081500.mp4", camera="Yard", modified="1773475200000")
    path = client.begin(11, Upload_Metadata=metadata)
    assert client.send(path, b"hello ", 0).headers["Upload-Offset"] == "6"
    told = client.tus("HEAD", path)
    assert told.status == 200
    assert (told.headers["Upload-Offset"], told.headers["Upload-Length"]) == ("6", "11")
    assert told.headers["Upload-Metadata"] == metadata
    assert told.headers["Cache-Control"] == "no-store"
    assert told.headers["Tus-Resumable"] == "1.0.0"
    assert parsedate_to_datetime(told.headers["Upload-Expires"]).timestamp() > time.time()

    last = client.send(path, b"world", 6)
    assert (last.status, last.headers["Upload-Offset"]) == (204, "11")
    assert "Upload-Expires" in last.headers
    assert kept(server, path) == b"hello world"
    row = client.listed(path)
    assert (row["name"], row["camera"], row["state"]) == ("20260314_081500.mp4", "Yard", "waiting")
    assert row["modified"] == 1773475200000
    # A client that missed the last answer asks, and sends nothing more.
    assert client.send(path, b"", 11).status == 204
    assert client.send(path, b"x", 11).status == 413


def test_a_post_may_stand_for_another_method_but_a_get_may_not(client: Client) -> None:
    path = client.begin(3)
    by_post = client.tus(
        "POST",
        path,
        b"abc",
        X_HTTP_Method_Override="PATCH",
        Content_Type="application/offset+octet-stream",
        Upload_Offset="0",
    )
    assert (by_post.status, by_post.headers["Upload-Offset"]) == (204, "3")
    assert client.tus("GET", path, X_HTTP_Method_Override="DELETE").status == 405
    assert client.offset(path) == 3


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Tus_Resumable": ""}, 412),
        ({"Tus_Resumable": "0.2.2"}, 412),
        ({"Upload_Length": ""}, 400),
        ({"Upload_Length": "", "Upload_Defer_Length": "1"}, 400),
        ({"Upload_Length": "-1"}, 400),
        ({"Upload_Length": "many"}, 400),
        ({"Upload_Length": "0"}, 400),
        ({"Upload_Length": "9" * 30}, 400),
        ({"Upload_Length": str(10**12)}, 413),
        ({"Upload_Length": str(199 * 10**9)}, 507),
        ({"Upload_Metadata": "filename äö"}, 400),
        ({"Upload_Metadata": "filename !!!"}, 400),
        ({"Upload_Metadata": "a YQ==,a YQ=="}, 400),
        ({"X_CSRFToken": ""}, 403),
    ],
)
def test_an_upload_that_cannot_be_begun(
    client: Client, headers: dict[str, str], status: int
) -> None:
    answer = client.tus("POST", "/uploads", None, **{"Upload_Length": "10", **headers})
    assert answer.status == status
    if status == 412:
        assert answer.headers["Tus-Version"] == "1.0.0"
    if status != 403:
        assert answer.headers["Content-Type"] == "text/plain"
        assert answer.body.decode().endswith(".")


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Upload_Offset": "3"}, b"x", 409),
        ({"Upload_Offset": ""}, b"x", 400),
        ({"Upload_Offset": "-1"}, b"x", 400),
        ({"Content_Type": "application/octet-stream"}, b"x", 415),
        ({"Tus_Resumable": ""}, b"x", 412),
        ({}, b"12345678901", 413),
        ({"Upload_Checksum": "crc32 AAAA"}, b"x", 400),
        ({"Upload_Checksum": "sha1 ?"}, b"x", 400),
        ({"Upload_Checksum": f"sha1 {base64.b64encode(bytes(20)).decode()}"}, b"x", 460),
    ],
)
def test_bytes_that_are_refused_change_nothing(
    client: Client, headers: dict[str, str], body: bytes, status: int
) -> None:
    path = client.begin(10)
    answer = client.send(path, body, 0, **headers)
    assert answer.status == status
    assert answer.body.decode().endswith(".")
    assert client.offset(path) == 0


def test_a_wrong_checksum_discards_that_part_alone(client: Client, server: Server) -> None:
    path = client.begin(8)

    def checksum(algorithm: str, data: bytes) -> str:
        digest = hashlib.new(algorithm, data).digest()
        return f"{algorithm} {base64.b64encode(digest).decode()}"

    assert client.send(path, b"good", 0, Upload_Checksum=checksum("sha256", b"good")).status == 204
    assert client.send(path, b"evil", 4, Upload_Checksum=checksum("sha1", b"fine")).status == 460
    assert client.offset(path) == 4
    assert client.send(path, b"fine", 4, Upload_Checksum=checksum("sha1", b"fine")).status == 204
    assert kept(server, path) == b"goodfine"


def test_who_may_not_upload_is_told_so(server: Server, client: Client) -> None:
    path = client.begin(3)
    operator = Client(server, "operator")
    assert operator.tus("POST", "/uploads", Upload_Length="3").status == 403
    assert operator.tus("HEAD", path).status == 403
    assert operator.send(path, b"abc", 0).status == 403
    assert operator.tus("DELETE", path).status == 403
    assert Browser(server.port).ask("HEAD", path, Tus_Resumable="1.0.0").status == 401
    assert client.tus("HEAD", f"/uploads/{'0' * 8}-0000-0000-0000-{'0' * 12}").status == 404
    assert client.offset(path) == 0


def test_a_cancelled_upload_is_gone_with_its_bytes(client: Client, server: Server) -> None:
    path = client.begin(10)
    client.send(path, b"abc", 0)
    assert client.tus("DELETE", path).status == 204
    assert client.tus("HEAD", path).status == 404
    assert client.send(path, b"def", 3).status == 404
    with pytest.raises(FileNotFoundError):
        kept(server, path)


def test_what_came_before_the_connection_broke_is_kept(client: Client, server: Server) -> None:
    path = client.begin(3 * MB)
    body = os.urandom(3 * MB)
    connection = client.half_sent(path, body[: 2 * MB], 3 * MB)
    connection.close()
    until(lambda: client.offset(path) == 2 * MB)
    assert client.send(path, body[2 * MB :], 2 * MB).status == 204
    assert kept(server, path) == body


def test_two_connections_cannot_write_at_once(client: Client, server: Server) -> None:
    path = client.begin(2 * MB)
    first = client.half_sent(path, bytes(MB), 2 * MB)
    until(lambda: len(kept(server, path)) == MB)
    assert client.send(path, b"other", 0).status == 423
    assert client.offset(path) == 0
    first.close()
    until(lambda: client.offset(path) == MB)
    assert client.send(path, bytes(MB), MB).status == 204


def test_an_upload_cancelled_while_it_is_sent_stops(client: Client, server: Server) -> None:
    path = client.begin(8 * MB)
    connection = client.half_sent(path, bytes(MB), 8 * MB)
    until(lambda: len(kept(server, path)) == MB)
    assert client.tus("DELETE", path).status == 204
    connection.sendall(bytes(7 * MB))
    assert b"410" in connection.recv(64)
    connection.close()


def test_the_server_is_killed_and_the_upload_goes_on(client: Client, server: Server) -> None:
    body = os.urandom(80 * MB)
    path = client.begin(len(body))
    connection = client.half_sent(path, body[: 70 * MB], len(body))
    until(lambda: len(kept(server, path)) == 70 * MB)
    server.end(signal.SIGKILL)
    connection.close()

    server.start()
    safe = client.offset(path)
    assert 60 * MB <= safe <= 70 * MB, "what was acknowledged on the way is not sent again"
    assert client.send(path, body[safe:], safe).status == 204
    assert hashlib.sha256(kept(server, path)).digest() == hashlib.sha256(body).digest()


def resident_kb(server: Server) -> int:
    """The most memory that a process of the server ever had."""
    found = []
    for child in server.children():
        status = Path(f"/proc/{child}/status").read_text()
        found.append(int(status.split("VmHWM:")[1].split()[0]))
    return max(found)


def test_a_large_file_takes_no_memory(client: Client, server: Server) -> None:
    before = resident_kb(server)
    path = client.begin(300 * MB)
    assert client.send(path, bytes(300 * MB), 0).status == 204
    assert resident_kb(server) - before < 20_000
    client.tus("DELETE", path)


@pytest.fixture
def small_disk(server: Server) -> Iterator[Path]:
    """A disk of 60 MB for what is on its way in."""
    folder = server.data / "incoming"
    folder.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=60m", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("only root can make a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_loses_nothing(client: Client, server: Server, small_disk: Path) -> None:
    body = os.urandom(12 * MB)
    path = client.begin(len(body))
    filler = small_disk / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, 20 * MB)
    stopped = client.send(path, body, 0)
    assert stopped.status == 507
    assert "Nothing was lost" in stopped.body.decode()
    safe = client.offset(path)
    assert 4 * MB <= safe < 12 * MB
    assert client.send(path, body[safe:], safe).status == 507

    filler.unlink()
    assert client.send(path, body[safe:], safe).status == 204
    assert kept(server, path) == body
