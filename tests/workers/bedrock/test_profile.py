"""Keys of a profile: read from ~/.aws, fetched in one thread only, and nothing of the environment in them."""

from __future__ import annotations

import asyncio
import dataclasses
import sys
import threading
from pathlib import Path

import pytest
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
from botocore.credentials import create_credential_resolver
from botocore.session import Session
from workers.bedrock.asked import CLAUDE
from workers.bedrock.aws import access, answer
from workers.given import LIMITS, job
from workers.upstream import Upstream, json_answer

from pipelex_like.errors import CallTimeoutError, CredentialsError, UnreachableError
from pipelex_like.workers.base import Access, Limits
from pipelex_like.workers.bedrock import profile
from pipelex_like.workers.bedrock.llm import BedrockLlm

KEPT = """
[default]
aws_access_key_id = DEFAULTKEY
aws_secret_access_key = s
[work]
aws_access_key_id = WORKKEY
aws_secret_access_key = s
aws_session_token = session-canary
"""
PROGRAM = """
import pathlib, sys, time
count, gate = map(pathlib.Path, sys.argv[1:])
count.write_text(count.read_text() + "x" if count.exists() else "x")
while not gate.exists():
    time.sleep(0.005)
print('{"Version": 1, "AccessKeyId": "PROGRAMKEY", "SecretAccessKey": "s", "Expiration": "2999-01-01T00:00:00Z"}')
"""


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text(KEPT)
    return tmp_path


def by_profile(url: str, name: str) -> Access:
    return access(url, aws_access_key_id="", aws_secret_access_key="", aws_profile=name)


def with_program(home: Path) -> tuple[Path, Path]:
    """A profile whose keys a program gives, once the gate stands open; and how often it was started."""
    count, gate, program = home / "count", home / "gate", home / "keys.py"
    program.write_text(PROGRAM)
    command = f"{sys.executable} {program} {count} {gate}"
    (home / ".aws" / "config").write_text(f"[profile slow]\ncredential_process = {command}\n")
    return count, gate


async def test_the_keys_of_the_profile_are_used(home: Path, upstream: Upstream) -> None:
    upstream.answers = [json_answer(answer()), json_answer(answer())]
    worker = BedrockLlm(by_profile(upstream.url, "work"))
    for _ in range(2):
        await worker.generate(job(), CLAUDE, LIMITS)
    await worker.aclose()
    for seen in upstream.seen:
        assert "Credential=WORKKEY/" in seen.headers["authorization"]
        assert seen.headers["x-amz-security-token"] == "session-canary"


@pytest.mark.parametrize(("name", "told"), [("nobody", "could not be found"), ("empty", "hold no keys")])
async def test_a_profile_without_keys_is_named(home: Path, upstream: Upstream, name: str, told: str) -> None:
    (home / ".aws" / "config").write_text("[profile empty]\nregion = us-east-1\n")
    worker = BedrockLlm(by_profile(upstream.url, name))
    with pytest.raises(CredentialsError, match=told) as caught:
        await worker.generate(job(), CLAUDE, LIMITS)
    assert f'"{name}"' in str(caught.value)
    await worker.aclose()
    assert not upstream.seen


async def test_nothing_of_the_environment_stands_in_for_the_profile(
    home: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = home / "other"
    other.write_text(KEPT.replace("WORKKEY", "CANARY").replace("[work]", "[nobody]"))
    async with Upstream() as elsewhere:
        for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE"):
            monkeypatch.setenv(name, str(other))
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
            monkeypatch.setenv(name, "CANARY")
        monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/canary")
        for name in ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_ENDPOINT_URL"):
            monkeypatch.setenv(name, elsewhere.url)
        worker = BedrockLlm(by_profile(upstream.url, "nobody"))
        with pytest.raises(CredentialsError):
            await worker.generate(job(), CLAUDE, LIMITS)
        upstream.answers = [json_answer(answer())]
        good = BedrockLlm(by_profile(upstream.url, "work"))
        await good.generate(job(), CLAUDE, LIMITS)
        await worker.aclose()
        await good.aclose()
        assert elsewhere.connections == 0
    assert "Credential=WORKKEY/" in upstream.seen[0].headers["authorization"]


async def test_a_thread_that_still_fetches_is_never_joined_by_a_second(home: Path, upstream: Upstream) -> None:
    count, gate = with_program(home)
    worker = BedrockLlm(by_profile(upstream.url, "slow"))
    calls = [worker.generate(job(), CLAUDE, Limits(timeout=0.2)) for _ in range(5)]
    ended = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(one) for one in ended] == [CallTimeoutError] * 5
    cancelled = asyncio.create_task(worker.generate(job(), CLAUDE, LIMITS))
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.gather(cancelled, return_exceptions=True)
    assert [one.name for one in threading.enumerate() if one.name.startswith("pipelex-like-aws")] == [
        "pipelex-like-aws-slow"
    ]
    upstream.answers = [json_answer(answer()), json_answer(answer())]
    waiting = asyncio.create_task(worker.generate(job(), CLAUDE, LIMITS))
    await asyncio.sleep(0)
    gate.touch()
    assert (await waiting).text == "Hi"
    await worker.generate(job(), CLAUDE, LIMITS)
    await worker.aclose()
    assert count.read_text() == "x"
    assert "Credential=PROGRAMKEY/" in upstream.seen[0].headers["authorization"]


async def test_a_program_that_fails_is_told_and_tried_again(home: Path, upstream: Upstream) -> None:
    (home / ".aws" / "config").write_text("[profile broken]\ncredential_process = false\n")
    worker = BedrockLlm(by_profile(upstream.url, "broken"))
    with pytest.raises(CredentialsError, match="custom-process"):
        await worker.generate(job(), CLAUDE, LIMITS)
    _, gate = with_program(home)
    text = (home / ".aws" / "config").read_text().replace("[profile slow]", "[profile broken]")
    (home / ".aws" / "config").write_text(text)
    gate.touch()
    upstream.answers = [json_answer(answer())]
    assert (await worker.generate(job(), CLAUDE, LIMITS)).text == "Hi"
    await worker.aclose()


async def test_a_role_is_asked_for_through_the_backends_own_proxy(
    home: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = "role_arn = arn:aws:iam::123456789012:role/x\nsource_profile = work\nregion = eu-west-1\n"
    (home / ".aws" / "config").write_text(f"[profile role]\n{role}")
    async with Upstream() as elsewhere:
        for name in ("HTTPS_PROXY", "https_proxy", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS"):
            monkeypatch.setenv(name, elsewhere.url)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(home / "missing"))
        worker = BedrockLlm(dataclasses.replace(by_profile(upstream.url, "role"), proxy="http://127.0.0.1:1"))
        with pytest.raises(UnreachableError, match="cannot be fetched"):
            await worker.generate(job(), CLAUDE, LIMITS)
        await worker.aclose()
        assert elsewhere.connections == 0


def test_the_sdk_still_looks_where_it_looked(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each place is either taken away or one of the profile's own, and each variable has its setting."""
    providers = create_credential_resolver(Session(profile="work")).providers
    assert {provider.METHOD for provider in providers} | {"env"} == {
        *profile._ELSEWHERE,
        "assume-role",
        "assume-role-with-web-identity",
        "sso",
        "shared-credentials-file",
        "login",
        "custom-process",
        "config-file",
    }
    for name, (_, variables, _, _) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items():
        for variable in [variables] if isinstance(variables, str) else variables or []:
            monkeypatch.setenv(variable, "7")
        session = Session(session_vars=profile._without_environment())
        assert session.get_config_variable(name) not in ("7", 7), name
