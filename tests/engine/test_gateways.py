"""`via`: traffic through a gateway with the backend's own key, and the way round it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from workers.given import completion
from workers.upstream import Upstream, json_answer

from pipelex_like import ConfigError, CredentialsError, Inference

if TYPE_CHECKING:
    from pathlib import Path

KEY = "sk-canary-openai-0123456789"
TOKEN = "cf-canary-token-0123456789"
BACKENDS = """
[openai]
enabled = true
endpoint = "{openai}"
api_key = "${{OPENAI_API_KEY}}"
{own}
[anthropic]
enabled = "auto"
api_key = "${{ANTHROPIC_API_KEY}}"
[local_server]
enabled = true
endpoint = "http://127.0.0.1:9/v1"
{other}
[cloudflare_gateway]
enabled = "auto"
endpoint = "${{GATEWAY}}/v1/${{CLOUDFLARE_ACCOUNT_ID}}/${{CLOUDFLARE_GATEWAY_ID}}/compat"
api_key = "${{CLOUDFLARE_API_TOKEN}}"
headers = {{ cf-aig-cache-ttl = "60" }}
"""
PROFILES = """
active = "p"
[profiles.p]
fallback_order = ["openai", "anthropic", "local_server"]
{}
"""
SPEC = """
default_sdk = "{sdk}"
[{handle}]
inputs = ["text"]
outputs = ["text"]
costs = {{ input = 1, output = 1 }}
"""
MODELS = {"openai": ("openai", "gpt-x"), "anthropic": ("anthropic", "claude-x"), "local_server": ("openai", "small-x")}
ENVIRON = {
    "OPENAI_API_KEY": KEY,
    "ANTHROPIC_API_KEY": "sk-ant-canary-0123456789",
    "CLOUDFLARE_ACCOUNT_ID": "account-1",
    "CLOUDFLARE_GATEWAY_ID": "gateway-1",
    "CLOUDFLARE_API_TOKEN": TOKEN,
}
VIA = 'via = "cloudflare_gateway"'


def write(
    root: Path, own: str = "", profile: str = "", other: str = "", openai: str = "https://api.openai.com/v1"
) -> Path:
    directory = root / ".pipelex" / "inference"
    (directory / "backends").mkdir(parents=True, exist_ok=True)
    (directory / "deck").mkdir(exist_ok=True)
    (directory / "deck" / "base_deck.toml").write_text(
        '[llm.presets]\nround = { model = "gpt-x", provider = "direct" }\n[aliases]\nme = "gpt-x"\n'
    )
    (directory / "backends.toml").write_text(BACKENDS.format(own=own, other=other, openai=openai))
    (directory / "routing_profiles.toml").write_text(PROFILES.format(profile))
    for name, (sdk, handle) in MODELS.items():
        (directory / "backends" / f"{name}.toml").write_text(SPEC.format(sdk=sdk, handle=handle))
    (directory / "backends" / "cloudflare_gateway.toml").write_text('[defaults]\nsdk = "openai"\n')
    return directory


def load(directory: Path, gateway: str, **more: object) -> Inference:
    given = dict(ENVIRON) | {"GATEWAY": gateway, "HOME": str(directory)} | more.pop("environ", {})
    return Inference.load(directory, environ={name: value for name, value in given.items() if value}, **more)


@pytest.mark.parametrize("where", ["own", "profile"])
async def test_requests_go_to_the_gateway_with_both_keys(tmp_path: Path, where: str) -> None:
    directory = write(tmp_path, **{where: VIA})
    async with Upstream() as upstream, load(directory, upstream.url) as ai:
        upstream.answers.append(json_answer(completion("Hi")))
        result = await ai.generate_text("Hello", model="gpt-x")
        (seen,) = upstream.seen
    assert seen.path == "/v1/account-1/gateway-1/openai/chat/completions"
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    assert seen.headers["cf-aig-authorization"] == f"Bearer {TOKEN}"
    assert seen.headers["cf-aig-cache-ttl"] == "60"
    assert (result.served_by.backend, result.attempts[0].via) == ("openai", "cloudflare_gateway")


async def test_every_sdk_appends_its_own_path(tmp_path: Path) -> None:
    directory = write(tmp_path, profile=VIA)
    message = {"id": "m", "type": "message", "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn"}
    async with Upstream() as upstream, load(directory, upstream.url) as ai:
        upstream.answers.append(json_answer(message))
        await ai.generate_text("Hello", model="claude-x")
    assert upstream.seen[0].path == "/v1/account-1/gateway-1/anthropic/v1/messages"


async def test_direct_goes_round_it_and_both_ways_coexist(tmp_path: Path) -> None:
    async with Upstream() as provider, Upstream() as gateway:
        directory = write(tmp_path, profile=VIA)
        async with load(directory, gateway.url) as ai:
            for reference, provider_name in (("gpt-x", "direct"), ("preset:round", None), ("me", "direct")):
                route = ai.router.route(reference, "llm", provider=provider_name)
                assert route.primary.via is None
                assert route.primary.backend == "openai"
            assert ai.router.resolve("gpt-x").primary.via == "cloudflare_gateway"
            table = {"model": "gpt-x", "provider": "direct"}
            assert ai.router.route(table, "llm").primary.via is None
            assert ai.using(provider="direct").router.resolve("gpt-x").primary.via == "cloudflare_gateway"
            backend = ai.bound.backends["openai"]
            core = ai._core
            through, direct = (core.reach(core.state, backend, "openai", via) for via in ("cloudflare_gateway", None))
            assert through.fingerprint != direct.fingerprint
            assert through.access.text("endpoint") == f"{gateway.url}/v1/account-1/gateway-1/openai"
            assert direct.access.text("endpoint") == "https://api.openai.com/v1"
            assert TOKEN in through.access.secrets
            assert TOKEN not in repr(through.access) + repr(backend)
    assert not provider.seen


async def test_a_direct_call_reaches_the_backends_own_address(tmp_path: Path) -> None:
    async with Upstream() as own:
        directory = write(tmp_path, openai=own.url)
        async with load(directory, "http://127.0.0.1:9") as ai:
            own.answers.append(json_answer(completion("Hi")))
            result = await ai.generate_text("Hello", model="gpt-x", provider="direct")
    assert own.seen[0].path == "/v1/chat/completions"
    assert "cf-aig-authorization" not in own.seen[0].headers
    assert result.attempts[0].via is None


def test_a_profiles_gateway_leaves_the_others_direct_and_explain_says_so(tmp_path: Path) -> None:
    directory = write(tmp_path, profile=VIA)
    with load(directory, "http://127.0.0.1:9") as ai:
        assert ai.router.resolve("small-x").primary.via is None
        assert 'direct, since "cloudflare_gateway" has no address for it' in str(ai.router.explain("small-x"))
        assert 'its requests go through "cloudflare_gateway"' in str(ai.router.explain("gpt-x"))
        assert "profiles.p.via" in str(ai.router.explain("gpt-x"))
        assert 'provider = "direct" says so' in str(ai.router.explain("preset:round"))


def test_direct_on_a_backend_excepts_it_from_the_profiles_gateway(tmp_path: Path) -> None:
    directory = write(tmp_path, own='via = "direct"', profile=VIA)
    with load(directory, "http://127.0.0.1:9") as ai:
        assert ai.router.resolve("gpt-x").primary.via is None
        assert ai.router.resolve("claude-x").primary.via == "cloudflare_gateway"
        assert 'via = "direct" says so' in str(ai.router.explain("gpt-x"))


def test_a_backend_that_the_gateway_does_not_know_is_told(tmp_path: Path) -> None:
    directory = write(tmp_path, other=VIA)
    with pytest.raises(ConfigError) as raised:
        load(directory, "http://127.0.0.1:9")
    (found,) = [problem for problem in raised.value.problems if problem.severity == "error"]
    assert (found.code, found.key) == ("no-way-through", "local_server.via")
    assert "Take `via` out" in found.hint


@pytest.mark.parametrize("where", ["own", "profile"])
async def test_a_gateway_without_its_variables_is_named_with_them(tmp_path: Path, where: str) -> None:
    directory = write(tmp_path, **{where: VIA})
    lacking = {"CLOUDFLARE_GATEWAY_ID": ""}
    with pytest.raises(ConfigError, match="CLOUDFLARE_GATEWAY_ID is not set"):
        load(directory, "http://127.0.0.1:9", environ=lacking)
    async with load(directory, "http://127.0.0.1:9", environ=lacking, lenient=True) as ai:
        assert ai.backends["openai"].state == "broken"
        with pytest.raises(CredentialsError, match="CLOUDFLARE_GATEWAY_ID"):
            await ai.generate_text("Hello", model="openai/gpt-x")


async def test_the_gateways_token_is_optional(tmp_path: Path) -> None:
    directory = write(tmp_path, own=VIA)
    async with Upstream() as upstream, load(directory, upstream.url, environ={"CLOUDFLARE_API_TOKEN": ""}) as ai:
        upstream.answers.append(json_answer(completion("Hi")))
        await ai.generate_text("Hello", model="gpt-x")
    assert "cf-aig-authorization" not in upstream.seen[0].headers


async def test_what_the_gateway_says_holds_no_secret(tmp_path: Path) -> None:
    directory = write(tmp_path, own=VIA)
    async with Upstream() as upstream, load(directory, upstream.url) as ai:
        error = {"error": {"message": f"bad token {TOKEN} at /v1/account-1/gateway-1/openai with {KEY}"}}
        upstream.answers.append(json_answer(error, status=401))
        with pytest.raises(CredentialsError) as raised:
            await ai.generate_text("Hello", model="gpt-x")
    assert not [secret for secret in (TOKEN, KEY, "account-1") if secret in str(raised.value)]


async def test_another_configuration_retires_the_way_that_is_gone(tmp_path: Path) -> None:
    directory = write(tmp_path, own=VIA)
    async with Upstream() as upstream, load(directory, upstream.url) as ai:
        upstream.answers += [json_answer(completion("Hi"))] * 2
        await ai.generate_text("Hello", model="gpt-x")
        ai.reload()
        await ai.generate_text("Hello", model="gpt-x")
        assert upstream.connections == 1
        write(tmp_path, own="")
        ai.reload()
        assert ai.router.resolve("gpt-x").primary.via is None
        await upstream.gone.wait()
