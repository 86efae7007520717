"""Files from addresses that an answer names: public https only, looked up once, without a key."""

from __future__ import annotations

import httpx2
import pytest
from workers.given import LIMITS, access
from workers.upstream import Answer, Upstream

from pipelex_like.errors import CallError, InvalidResponseError, ServerError
from pipelex_like.sandbox import Sandbox
from pipelex_like.types import FrozenDict
from pipelex_like.workers.downloads import Downloads
from pipelex_like.workers.translate import Called

CALLED = Called(backend="acme", model_id="m")
PRIVATE = [
    *["127.0.0.1", "10.0.0.7", "169.254.169.254", "192.168.1.1", "0.0.0.0", "100.64.0.1", "224.0.0.1"],
    *["::", "::1", "fe80::1", "fd00::1", "::ffff:127.0.0.1"],
]


def asking(*addresses: str) -> tuple[list[tuple[str, int]], object]:
    asked: list[tuple[str, int]] = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return list(addresses)

    return asked, resolve


async def refused(url: str, *addresses: str, home: str = "https://queue.fal.run") -> CallError:
    _, resolve = asking(*addresses)
    downloads = Downloads(access(home), home, resolve=resolve)  # pyright: ignore[reportArgumentType]
    with pytest.raises(CallError) as error:
        await downloads.fetch(url, LIMITS, CALLED)
    await downloads.aclose()
    return error.value


@pytest.mark.parametrize("address", PRIVATE)
async def test_a_name_that_leads_to_a_private_address_is_refused(address: str) -> None:
    error = await refused("https://files.example.org/a.png", "93.184.216.34", address)
    assert isinstance(error, InvalidResponseError)
    assert "no public address" in str(error)


@pytest.mark.parametrize(
    "url", ["http://93.184.216.34/a", "ftp://a.org/x", "https://user:pw@a.org/x", "https:///x", "x"]
)
async def test_what_is_no_plain_https_is_refused(url: str) -> None:
    assert "refused" in str(await refused(url, "93.184.216.34"))


async def test_a_name_without_an_address_is_refused() -> None:
    assert "no public address" in str(await refused("https://files.example.org/a.png"))


async def test_the_own_address_may_be_private_and_plain(upstream: Upstream) -> None:
    upstream.answers = [Answer(body=[b"abc"])]
    asked, resolve = asking()
    given = access(upstream.url, headers=FrozenDict({"x-secret": "s"}))
    downloads = Downloads(given, upstream.url, resolve=resolve)  # pyright: ignore[reportArgumentType]
    assert await downloads.fetch(f"{upstream.url}/a", LIMITS, CALLED) == b"abc"
    await downloads.aclose()
    assert asked == []
    assert not {"authorization", "x-secret"} & upstream.seen[0].headers.keys()


async def test_another_port_of_the_own_host_is_another_address(upstream: Upstream) -> None:
    assert "refused" in str(await refused(f"{upstream.url}/a", "127.0.0.1", home="http://127.0.0.1:1"))
    assert upstream.connections == 0


@pytest.mark.parametrize("where", ["http://169.254.169.254/latest", "https://inside.example.org/x", "/again"])
async def test_redirects_are_looked_at_like_any_address(upstream: Upstream, where: str) -> None:
    upstream.answers = [Answer(status=302, headers={"location": where}) for _ in range(9)]
    error = await refused(f"{upstream.url}/a", "127.0.0.1", home=upstream.url)
    assert isinstance(error, InvalidResponseError)
    assert len(upstream.seen) == (4 if where == "/again" else 1)


async def test_a_redirect_on_the_own_host_is_followed(upstream: Upstream) -> None:
    upstream.answers = [Answer(status=307, headers={"location": "/b"}), Answer(body=[b"abc"])]
    downloads = Downloads(access(upstream.url), upstream.url)
    assert await downloads.fetch(f"{upstream.url}/a", LIMITS, CALLED) == b"abc"
    await downloads.aclose()
    assert [seen.path for seen in upstream.seen] == ["/a", "/b"]


@pytest.mark.parametrize(
    ("status", "kind"), [(404, InvalidResponseError), (403, InvalidResponseError), (503, ServerError)]
)
async def test_a_file_that_is_not_there(upstream: Upstream, status: int, kind: type[CallError]) -> None:
    upstream.answers = [Answer(status=status)]
    error = await refused(f"{upstream.url}/a", home=upstream.url)
    assert type(error) is kind
    assert f"(status {status})" in str(error)


async def test_the_connection_goes_to_the_address_that_was_looked_at() -> None:
    asked, resolve = asking("192.0.2.1")
    downloads = Downloads(access("https://queue.fal.run"), "https://queue.fal.run", resolve=resolve)  # pyright: ignore
    with pytest.raises(InvalidResponseError):  # 192.0.2.0/24 is for examples, and not public
        await downloads.fetch("https://files.example.org/a.png", LIMITS, CALLED)
    target, headers, extensions = await Downloads(
        access(None),
        "https://queue.fal.run",
        resolve=asking("93.184.216.34")[1],  # pyright: ignore[reportArgumentType]
    )._target(httpx2.URL("https://files.example.org:8443/a.png?x=1"), CALLED)
    await downloads.aclose()
    assert asked == [("files.example.org", 443)]
    assert str(target) == "https://93.184.216.34:8443/a.png?x=1"
    assert headers["Host"] == "files.example.org:8443"
    assert extensions == {"sni_hostname": "files.example.org"}


async def test_the_certificate_must_be_that_of_the_name() -> None:
    pytest.importorskip("cryptography")
    with Sandbox(tls=True) as sandbox:
        port = int(sandbox.url.rpartition(":")[2])

        class Anywhere(Downloads):
            async def _target(self, url: object, called: object) -> object:  # pyright: ignore
                return httpx2.URL(f"https://127.0.0.1:{port}/health"), {"Host": "a.org"}, {"sni_hostname": "a.org"}

        downloads = Anywhere(access(None, ca_file=str(sandbox.ca_file)), "https://queue.fal.run")
        with pytest.raises(httpx2.ConnectError, match=r"certificate is not valid for 'a\.org'"):
            await downloads.fetch("https://a.org/health", LIMITS, CALLED)
        await downloads.aclose()


async def test_behind_a_proxy_it_is_the_proxy_that_looks_names_up(upstream: Upstream) -> None:
    asked, resolve = asking()
    downloads = Downloads(
        access("https://queue.fal.run", proxy=upstream.url),
        "https://queue.fal.run",
        resolve=resolve,  # pyright: ignore[reportArgumentType]
    )
    for host in ("127.0.0.1", "localhost", "metadata.google.internal", "[::1]"):
        with pytest.raises(InvalidResponseError):
            await downloads.fetch(f"https://{host}/a", LIMITS, CALLED)
    await downloads.aclose()
    assert (asked, upstream.connections) == ([], 0)
