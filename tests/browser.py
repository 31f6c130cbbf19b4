"""The least of a browser, for tests that speak HTTP themselves."""

import http.client
import re
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from urllib.parse import urlencode


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


class Browser:
    """The least of a browser: cookies and headers, on one address."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookies: SimpleCookie = SimpleCookie()

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """Send one request and read its answer."""
        cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in self.cookies.items())
        sent = {"Cookie": cookies, **{k.replace("_", "-"): v for k, v in headers.items()}}
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request(method, path, body=body, headers=sent)
            answer = connection.getresponse()
            for header in answer.headers.get_all("Set-Cookie", []):
                self.cookies.load(header)
            return Answer(answer.status, answer.headers, answer.read())

    def sign_in(self, name: str, password: str) -> None:
        """Sign in through the form, as a person does."""
        page = self.ask("GET", "/sign-in").body.decode()
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token
        fields = {"username": name, "password": password, "csrfmiddlewaretoken": token[1]}
        answer = self.ask(
            "POST",
            "/sign-in",
            urlencode(fields).encode(),
            Content_Type="application/x-www-form-urlencoded",
            Referer=f"http://127.0.0.1:{self.port}/sign-in",
        )
        assert answer.status == 302
