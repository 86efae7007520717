"""Edits, Together's body and Hugging Face's router, as their clients speak them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
from openai import APIStatusError, AsyncOpenAI
from sandbox.raw import send

from pipelex_like.sandbox.formats.base import Refusal
from pipelex_like.sandbox.model.drawing import draw
from pipelex_like.sandbox.multipart import Upload, read_multipart
from pipelex_like.workers.pixels import measured

if TYPE_CHECKING:
    from pipelex_like.sandbox import Sandbox

PICTURE = draw("a boat", (64, 32))
FORM = "multipart/form-data; boundary=xyz"


async def test_edits_take_one_picture_or_several(client: AsyncOpenAI) -> None:
    one = await client.images.edit(
        model="gpt-image-1.5", prompt="add a hat", image=("a.png", PICTURE, "image/png"), size="1024x1536", n=2
    )
    files = [("a.png", PICTURE, "image/png"), ("b.png", draw("b", (32, 32)), "image/png")]
    two = await client.images.edit(model="gpt-image-1.5", prompt="add a hat", image=files, input_fidelity="high")
    assert one.usage is not None and two.usage is not None
    assert (len(one.data or ()), len(two.data or ())) == (2, 1)
    assert two.usage.input_tokens_details.image_tokens == 2 * one.usage.input_tokens_details.image_tokens > 0
    assert one.size == "1024x1536"


async def test_edits_take_addresses_as_json(client: AsyncOpenAI) -> None:
    body = {"model": "gpt-image-2", "prompt": "x", "images": [{"image_url": "https://example.org/a.png"}]}
    answer: Any = await client.post("/images/edits", body=body, cast_to=object)
    assert answer["data"][0]["b64_json"]
    with pytest.raises(APIStatusError, match="address"):
        await client.post("/images/edits", body={**body, "images": [{"file_id": "f"}]}, cast_to=object)


@pytest.mark.parametrize(
    ("more", "part"),
    [
        ({"image": ("a.txt", b"hello", "text/plain")}, "Unsupported mimetype"),
        ({"image": ("a.png", b"hello", "image/png")}, "no picture"),
        ({"image": [("a.png", PICTURE, "image/png")] * 17}, "1 to 16"),
        ({"model": "gpt-image-2", "input_fidelity": "high"}, "always high"),
        ({"size": "7x7"}, "size"),
        ({"extra_body": {"moderation": "low"}}, "Unknown parameter: 'moderation'"),
        ({"extra_body": {"n": "many"}}, "integer"),
    ],
)
async def test_wrong_edits_are_refused(client: AsyncOpenAI, more: dict[str, Any], part: str) -> None:
    given = {"model": "gpt-image-1.5", "prompt": "x", "image": ("a.png", PICTURE, "image/png"), **more}
    with pytest.raises(APIStatusError, match=part) as caught:
        await client.images.edit(**given)
    assert caught.value.status_code == 400


def test_forms_are_read_to_the_byte() -> None:
    data = b"\r\n\x00\xff--xyz\r\n"
    body = (
        b'--xyz\r\nContent-Disposition: form-data; name="prompt"\r\n\r\na b\xc3\xb4at\r\n'
        b'--xyz\r\nContent-Disposition: form-data; name="image[]"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
        + data
        + b"\r\n--xyz--\r\n"
    )
    assert read_multipart(FORM, body) == {
        "prompt": "a bôat",
        "image[]": [Upload(name="a.png", mime="image/png", data=data)],
    }


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b""),
        (FORM, b""),
        (FORM, b"--xyz\r\nno headers--xyz--"),
        (FORM, b"--xyz\r\nContent-Type: text/plain\r\n\r\nx\r\n--xyz--\r\n"),
        (FORM, b'--xyz\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\r\n--xyz--\r\n'),
        (FORM, b'--xyz\r\nContent-Disposition: form-data; name="a"\r\n\r\ncut'),
    ],
)
def test_broken_forms_are_refused(kind: str, body: bytes) -> None:
    with pytest.raises(Refusal, match="form cannot be read"):
        read_multipart(kind, body)


def test_a_form_is_only_for_routes_that_take_files(sandbox: Sandbox) -> None:
    answer = send(sandbox, b"--xyz--", headers={"content-type": FORM})
    assert (answer.status, "valid JSON" in answer.json["error"]["message"]) == (400, True)


def test_togethers_body_gives_sides_in_pixels(sandbox: Sandbox) -> None:
    body = {"model": "black-forest-labs/FLUX.1-schnell", "prompt": "x", "width": 320, "height": 192, "steps": 4, "n": 2}
    answer = send(sandbox, {**body, "response_format": "base64"}, path="/v1/images/generations").json
    assert [item["index"] for item in answer["data"]] == [0, 1]
    assert "url" in send(sandbox, body, path="/v1/images/generations").json["data"][0]


@pytest.mark.parametrize(
    "more", [{"width": 321}, {"width": 4096}, {"n": 5}, {"steps": 0}, {"size": "1024x1024"}, {"output_format": "jpeg"}]
)
def test_wrong_bodies_for_together_are_refused(sandbox: Sandbox, more: dict[str, object]) -> None:
    body = {"model": "black-forest-labs/FLUX.1-schnell", "prompt": "x", "width": 320, "height": 192, **more}
    assert send(sandbox, body, path="/v1/images/generations").status == 400


def test_openais_models_do_not_know_togethers_words(sandbox: Sandbox) -> None:
    body = {"model": "gpt-image-2", "prompt": "x", "response_format": "base64"}
    assert send(sandbox, body, path="/v1/images/generations").status == 400


def test_hugging_face_answers_with_the_picture_itself(sandbox: Sandbox) -> None:
    body = {"inputs": "a boat", "parameters": {"width": 64, "height": 128, "num_inference_steps": 5}}
    answer = send(sandbox, body, path="/hf-inference/models/stabilityai/sdxl")
    image = measured(answer.body)
    assert image is not None
    assert (answer.headers["content-type"], image.width, image.height) == ("image/png", 64, 128)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/hf-inference/models/a/b", {"prompt": "x"}),
        ("/hf-inference/models/a/b", {"inputs": "x", "parameters": {"steps": 4}}),
        ("/hf-inference/models/a/b", {"inputs": "x", "parameters": {"width": "64"}}),
        ("/hf-inference/models/a/b", {"inputs": " "}),
        ("/fal-ai/fal-ai/b", {"prompt": "x", "width": 64}),
        ("/replicate/v1/models/a/b/predictions", {"prompt": "x"}),
        ("/replicate/v1/models/a/b/predictions", {"input": {"prompt": "x", "steps": 4}}),
    ],
)
def test_wrong_requests_behind_the_router_are_refused(sandbox: Sandbox, path: str, body: dict[str, object]) -> None:
    answer = send(sandbox, body, path=path)
    assert answer.status == 400
    assert isinstance(answer.json["error"], str)


def test_the_router_refuses_in_its_own_form(sandbox: Sandbox) -> None:
    path = "/hf-inference/models/fault-status-503"
    loading = send(sandbox, {"inputs": "x"}, path=path)
    assert (loading.status, loading.json["estimated_time"]) == (503, 20.0)
    assert send(sandbox, {"inputs": "x"}, path=path, key="wrong").json == {"error": "Invalid username or password."}


def test_the_hub_says_who_serves_a_model(sandbox: Sandbox) -> None:
    card = send(sandbox, path="/api/models/stabilityai/sdxl", method="GET").json
    assert card["inferenceProviderMapping"]["fal-ai"]["providerId"] == "fal-ai/sdxl"
    assert send(sandbox, path="/api/models/sdxl", method="GET").status == 404
    unserved = send(sandbox, path="/api/models/me/mine-unserved", method="GET")
    assert orjson.loads(unserved.body)["inferenceProviderMapping"] == {}
