"""A server of our own that can be killed, and a tus client written from the protocol alone."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.browser import Answer, Browser
from tests.services import free_port

ROOT = Path(__file__).resolve().parents[2]
OCTETS = "application/offset+octet-stream"


class Server:
    """A web server on a data root of its own, without a worker."""

    def __init__(self, data: Path) -> None:
        self.data, self.port = data, free_port()
        self.environment = {**os.environ, "REPRISE_DATA": str(data)}
        self._manage("migrate", "-v0")
        made = json.loads(self._manage("accounts", "--json"))["accounts"]
        self.passwords = {each["name"]: each["password"] for each in made}

    def _manage(self, *arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, check=True, capture_output=True, text=True
        )
        return done.stdout

    def start(self) -> None:
        """Start it, and return once it answers."""
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "searchapp.wsgi", "--threads", "8"),
                *("--bind", f"127.0.0.1:{self.port}", "--timeout", "0", "--no-control-socket"),
                *("--log-level", "critical"),
            ],
            cwd=ROOT,
            env=self.environment,
            start_new_session=True,
        )
        while self.process.poll() is None:
            try:
                if Browser(self.port).ask("GET", "/healthz").status == 200:
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("the server did not start")

    def end(self, signum: int) -> None:
        """End it and its children by a signal."""
        os.killpg(self.process.pid, signum)
        self.process.wait()

    def children(self) -> Iterator[int]:
        """Yield the processes that answer requests."""
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            yield from map(int, (task / "children").read_text().split())


class Client(Browser):
    """Speaks tus, signed in."""

    def __init__(self, server: Server, name: str = "admin") -> None:
        super().__init__(server.port)
        self.sign_in(name, server.passwords[name])
        self.ask("GET", "/")

    def tus(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """Send a request of the protocol; a header of None, as "", is left out."""
        sent = {**self.basics(), **headers}
        kept = {name: value for name, value in sent.items() if value}
        return self.ask(method, path, body, **kept)

    def basics(self) -> dict[str, str]:
        """Headers of every request."""
        return {
            "Tus_Resumable": "1.0.0",
            "X_CSRFToken": self.cookies["csrftoken"].value,
            "Referer": f"http://127.0.0.1:{self.port}/",
        }

    def begin(self, size: int, **headers: str) -> str:
        """Begin an upload; return its address."""
        answer = self.tus("POST", "/uploads", None, Upload_Length=str(size), **headers)
        assert answer.status == 201, answer.body
        return answer.headers["Location"]

    def send(self, path: str, body: bytes, offset: int, **headers: str) -> Answer:
        """Add bytes to an upload."""
        own = {"Content_Type": OCTETS, "Upload_Offset": str(offset)}
        return self.tus("PATCH", path, body, **{**own, **headers})

    def offset(self, path: str) -> int:
        """Ask how many bytes are safe."""
        answer = self.tus("HEAD", path)
        assert answer.status == 200
        return int(answer.headers["Upload-Offset"])

    def listed(self, path: str) -> Any:
        """What the page is told of an upload; None where it is not listed."""
        found = json.loads(self.ask("GET", "/arrivals").body)["uploads"]
        return next((each for each in found if each["url"] == path), None)

    def half_sent(self, path: str, body: bytes, length: int, offset: int = 0) -> socket.socket:
        """Send the beginning of a request of ``length`` bytes, and leave it at that."""
        cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in self.cookies.items())
        own = {"Content_Type": OCTETS, "Upload_Offset": str(offset), "Cookie": cookies}
        headers = {**self.basics(), **own, "Host": "127.0.0.1", "Content_Length": str(length)}
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        connection = socket.create_connection(("127.0.0.1", self.port))
        connection.sendall("\r\n".join([f"PATCH {path} HTTP/1.1", *lines, "", ""]).encode() + body)
        return connection
