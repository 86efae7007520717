"""Service accounts of a sandbox's own, and the access tokens that were given out."""

from __future__ import annotations

import hmac
import json
import os
import secrets
import threading
import time
from typing import TYPE_CHECKING

from pipelex_like.errors import CapabilityError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

NEEDED = 'service accounts of the sandbox need: pip install "pipelex-like[sandbox-https]"'
LIFETIME = 3599
"""For how many seconds a token is said to be good; the sandbox takes it until its own end."""


class Accounts:
    """Who may call, by the sandbox's key or a token, and who may ask for tokens. Safe to use from several threads."""

    def __init__(self, api_key: str, *, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self._api_key = api_key.encode()
        self._lock = threading.Lock()
        self._keys: dict[str, RSAPublicKey] = {}
        self._tokens: set[str] = set()

    def key_of(self, email: str) -> RSAPublicKey | None:
        """Give the public key of an account, or None where there is no such account."""
        return self._keys.get(email)

    def issue(self) -> str:
        """Give out a new access token."""
        token = f"ya29.sandbox-{secrets.token_urlsafe(24)}"
        with self._lock:
            self._tokens.add(token)
        return token

    def is_key(self, text: str) -> bool:
        """Whether that is the sandbox's own key."""
        return hmac.compare_digest(text.encode(), self._api_key)

    def admits(self, credential: str) -> bool:
        """Whether that is the key, or a token that was given out."""
        return self.is_key(credential) or credential in self._tokens

    def write(self, directory: Path, url: str) -> Path:
        """Make an account and write its key file, readable by its owner only; its tokens are asked for at `url`.

        Raises CapabilityError where the package `cryptography` is missing, OSError where the file is there already.
        """
        try:
            from cryptography.hazmat.primitives.asymmetric import rsa
            from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
        except ModuleNotFoundError as error:
            raise CapabilityError(NEEDED) from error
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = f"sandbox-{secrets.token_hex(4)}"
        email = f"{name}@sandbox.iam.gserviceaccount.com"
        info = {
            "type": "service_account",
            "project_id": "sandbox",
            "private_key_id": secrets.token_hex(20),
            "private_key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
            "client_email": email,
            "client_id": str(secrets.randbelow(10**20)),
            "token_uri": f"{url}/token",
            "universe_domain": "googleapis.com",
        }
        path = directory / f"{name}.json"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(info, file, indent=2)
        self._keys[email] = key.public_key()
        return path
