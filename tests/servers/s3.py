"""Somebody else's object store: moto's server, which speaks as Amazon's S3 does."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, ClassVar, Final
from urllib.request import Request, urlopen

from .running import Server, is_listening

__all__ = ["HOW_TO_INSTALL", "S3", "installed"]

HOW_TO_INSTALL: Final = 'pip install "moto[server,s3]" s3fs'


def installed() -> bool:
    """Say whether it is here, and what a storage needs to talk to it."""
    return all(find_spec(name) for name in ("moto", "flask", "s3fs"))


class S3(Server):
    """One object store, in memory; whoever has any login may do anything."""

    login: ClassVar[Mapping[str, str]] = {
        "AWS_ACCESS_KEY_ID": "reader",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._ports[0]}"

    def make_bucket(self, name: str) -> None:
        self.client().create_bucket(Bucket=name)

    def objects(self, bucket: str) -> dict[str, bytes]:
        """Return all objects by their keys."""
        client = self.client()
        found = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        keys: list[str] = [item["Key"] for page in found for item in page.get("Contents", ())]
        return {key: client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}

    def uploads(self, bucket: str) -> list[str]:
        """Return the keys of uploads that were begun and are neither done nor given up."""
        found = self.client().list_multipart_uploads(Bucket=bucket)
        return [item["Key"] for item in found.get("Uploads", ())]

    def put(self, bucket: str, key: str, content: bytes) -> None:
        self.client().put_object(Bucket=bucket, Key=key, Body=content)

    def let_in(self, *, everybody: bool) -> None:
        """Take any login from now on, or none."""
        count = b"inf" if everybody else b"0"
        asked = Request(f"{self.url}/moto-api/reset-auth", count, {"Content-Type": "text/plain"})
        with urlopen(asked, timeout=60):
            pass

    def client(self) -> Any:
        """Return a client of Amazon's own library."""
        boto3: Any = import_module("boto3")
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id=self.login["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.login["AWS_SECRET_ACCESS_KEY"],
            region_name=self.login["AWS_DEFAULT_REGION"],
        )

    def _command(self) -> Sequence[str]:
        return [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self._ports[0])]

    def _environment(self) -> Mapping[str, str]:
        return {**os.environ, **self.login}

    def _answers(self) -> bool:
        return is_listening(self._ports[0])
