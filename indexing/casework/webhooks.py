"""A message sent to an address that somebody chose: signed, and never into our own network.

An address is looked up once, refused where it is private, and that very number is connected to: a
name that answers differently the second time (DNS rebinding) gains nothing. Redirects are not
followed.
"""

import hashlib
import hmac
import ipaddress
import json
import socket
import ssl
from collections.abc import Mapping
from http.client import HTTP_PORT, HTTPS_PORT, HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import SplitResult, urlsplit

from ml.refusal import Refusal

TIMEOUT_S = 10.0
LONGEST_URL = 500
# What of an answer is read, so that a connection ends cleanly.
MOST_ANSWER = 4096


class WebhookRefused(Refusal):
    """An address that nothing is sent to, with a sentence that says why."""


class WebhookFailed(Refusal):
    """A message that did not arrive this time, with a sentence that says why."""


def check(url: str) -> SplitResult:
    """Return the parts of an address that could be sent to; names are looked up when sending.

    Raises:
        WebhookRefused: it is no address of http or https.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise WebhookRefused(f"{url[:80]} is not an address.") from None
    if len(url) > LONGEST_URL:
        raise WebhookRefused(f"An address has at most {LONGEST_URL} characters.")
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise WebhookRefused("Write an address that begins with https:// or http://.")
    if parts.username or parts.password:
        raise WebhookRefused("Leave the name and the password out of the address.")
    return parts


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return the HMAC-SHA256, in hex, of ``timestamp.body`` under the secret."""
    signed = timestamp.encode() + b"." + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def post(
    url: str,
    document: Mapping[str, object],
    *,
    secret: str,
    timestamp: str,
    number: int,
    private: bool,
) -> int:
    """Send a document as JSON and return the status of the answer, which is 2xx.

    ``private`` allows addresses of private networks.

    Raises:
        WebhookRefused: nothing may be sent there.
        WebhookFailed: it did not arrive, or was not accepted.
    """
    parts = check(url)
    body = json.dumps(document, ensure_ascii=False, sort_keys=True).encode()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Reprise",
        "X-Reprise-Delivery": str(number),
        "X-Reprise-Timestamp": timestamp,
        "X-Reprise-Signature": f"sha256={signature(secret, timestamp, body)}",
    }
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection = _connection(parts, _address(parts, private=private))
        try:
            connection.request("POST", target, body=body, headers=headers)
            answer = connection.getresponse()
            answer.read(MOST_ANSWER)
        finally:
            connection.close()
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise WebhookFailed(f"{parts.hostname} could not be reached ({reason}).") from error
    if not 200 <= answer.status < 300:
        raise WebhookFailed(f"{parts.hostname} answered with status {answer.status}.")
    return answer.status


def _port(parts: SplitResult) -> int:
    return parts.port or (HTTPS_PORT if parts.scheme == "https" else HTTP_PORT)


def _address(parts: SplitResult, *, private: bool) -> str:
    """Return the number to connect to; every one that the name stands for must be allowed."""
    host = parts.hostname or ""
    found = socket.getaddrinfo(host, _port(parts), type=socket.SOCK_STREAM)
    numbers = [str(each[4][0]) for each in found]
    if not private and not all(_public(number) for number in numbers):
        raise WebhookRefused(
            f"{host} is in a private network, and this server sends nothing there "
            "(REPRISE_WEBHOOK_PRIVATE allows it)."
        )
    return numbers[0]


def _public(number: str) -> bool:
    """Tell whether an address is one of the open internet."""
    address = ipaddress.ip_address(number.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address.is_global and not address.is_multicast


def _connection(parts: SplitResult, number: str) -> HTTPConnection:
    """Return a connection to this very number that asks for the host by its name."""
    host, port = parts.hostname or "", _port(parts)
    raw = socket.create_connection((number, port), timeout=TIMEOUT_S)
    if parts.scheme == "https":
        context = ssl.create_default_context()
        secure = HTTPSConnection(host, port, timeout=TIMEOUT_S, context=context)
        secure.sock = context.wrap_socket(raw, server_hostname=host)
        return secure
    plain = HTTPConnection(host, port, timeout=TIMEOUT_S)
    plain.sock = raw
    return plain
