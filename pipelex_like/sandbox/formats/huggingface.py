"""Hugging Face's router for pictures, and the part of its hub that says who serves a model.

https://huggingface.co/docs/inference-providers/tasks/text-to-image and the request builders of the huggingface_hub
package. Text goes by OpenAI's chat completions at the same router. Differences: every model is served by every
provider, under a name made from its own, except where a model is called `...-unserved`; hf-inference draws what no
other would; only PNG is drawn.
"""

from __future__ import annotations

import re
from base64 import b64encode
from typing import TYPE_CHECKING

import orjson

from pipelex_like.sandbox.formats import checks
from pipelex_like.sandbox.formats.base import CREATED, Dialect, Refusal, Route, json_reply
from pipelex_like.sandbox.model.drawing import draw
from pipelex_like.sandbox.wire import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.sandbox.formats.base import Call
    from pipelex_like.sandbox.formats.checks import Check

_TASK = "text-to-image"
_PARAMETERS: Mapping[str, Check] = {
    "guidance_scale": checks.number(0, 100),
    "negative_prompt": checks.text,
    "num_inference_steps": checks.integer(1, 500),
    "width": checks.integer(64, 2048),
    "height": checks.integer(64, 2048),
    "scheduler": checks.text,
    "seed": checks.integer(),
}
_FAL: Mapping[str, Check] = {
    **{key: check for key, check in _PARAMETERS.items() if key not in ("width", "height")},
    "prompt": checks.text,
    "image_size": lambda value, where: checks.check(checks.table(value, where), _SIDES, where),
    "num_images": checks.integer(1, 4),
    "output_format": checks.one_of("png"),
    "enable_safety_checker": checks.boolean,
    "sync_mode": checks.boolean,
}
_SIDES: Mapping[str, Check] = {"width": checks.integer(64, 2048), "height": checks.integer(64, 2048)}
_REPLICATE: Mapping[str, Check] = {
    **_PARAMETERS,
    "prompt": checks.text,
    "output_format": checks.one_of("png"),
    "disable_safety_checker": checks.boolean,
}
_LOADING = 503
_SECONDS = 20.0


def _credential(headers: Mapping[str, str]) -> str | None:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else None


def _error(refusal: Refusal) -> bytes:
    if refusal.status == 401:
        return orjson.dumps({"error": "Invalid username or password."})
    if refusal.status == _LOADING:
        return orjson.dumps({"error": "Model is currently loading (simulated fault)", "estimated_time": _SECONDS})
    return orjson.dumps({"error": refusal.message})


HUGGINGFACE = Dialect(credential=_credential, error=_error, stream_error=_error)


def _hf_inference(call: Call) -> Reply:
    """Answer with the picture itself."""
    body = call.body
    _known(body, {"inputs": checks.text, "parameters": _table, "options": _table}, "")
    prompt = checks.string(body, "inputs", "")
    parameters = checks.table(body.get("parameters", {}), "parameters")
    _known(parameters, _PARAMETERS, "parameters")
    return Reply(content_type="image/png", body=_drawn(prompt, parameters))


def _fal(call: Call) -> Reply:
    """Answer as fal does at once, without its queue."""
    _known(call.body, _FAL, "")
    size = checks.table(call.body.get("image_size", {}), "image_size")
    picture = _drawn(checks.string(call.body, "prompt", ""), {**call.body, **size})
    # Without `sync_mode` an address is told, which is none here that could be fetched without fal's queue.
    url = f"data:image/png;base64,{b64encode(picture).decode()}"
    if not call.body.get("sync_mode"):
        url = f"{call.origin}/files/none/0.png"
    image = {"url": url, "content_type": "image/png", "width": size.get("width"), "height": size.get("height")}
    return json_reply({"images": [image], "has_nsfw_concepts": [False], "prompt": call.body["prompt"]})


def _replicate(call: Call) -> Reply:
    """Answer as Replicate does to one who waits; a model called `...-slow` is not done in time."""
    _known(call.body, {"input": _table, "version": checks.text}, "")
    given = checks.table(call.body.get("input"), "input")
    _known(given, _REPLICATE, "input")
    picture = _drawn(checks.string(given, "prompt", "input"), given)
    model = call.parts.get("model") or str(call.body.get("version", ""))
    done = not model.endswith("-slow")
    answer: dict[str, object] = {
        "id": f"prediction-{call.number}",
        "model": model,
        "input": given,
        "status": "succeeded" if done else "processing",
        "output": [f"data:image/png;base64,{b64encode(picture).decode()}"] if done else None,
        "error": None,
        "created_at": CREATED,
    }
    return json_reply(answer)


def _card(call: Call) -> Reply:
    """Say who serves a model, and what they call it."""
    model = call.parts["model"]
    owner, _, name = model.rpartition("/")
    if not owner and name != "distilgpt2":
        raise Refusal("Repository not found", status=404)
    names = {"hf-inference": model, "fal-ai": f"fal-ai/{name}", "replicate": model, "together": model, "nscale": model}
    mapping = {provider: {"status": "live", "providerId": there, "task": _TASK} for provider, there in names.items()}
    return json_reply({"_id": model, "id": model, "inferenceProviderMapping": {} if "unserved" in name else mapping})


def _whoami(call: Call) -> Reply:
    """Tell whose token it is."""
    del call
    return json_reply({"type": "user", "name": "sandbox", "auth": {"type": "access_token"}})


def _table(value: object, where: str) -> None:
    checks.table(value, where)


def _known(body: Mapping[str, object], known: Mapping[str, Check], where: str) -> None:
    unknown = next((key for key in body if key not in known), None)
    if unknown is not None:
        place = f"{where}.{unknown}" if where else unknown
        raise Refusal(f"Error in `{place}`: extra fields not permitted", param=place)
    checks.check(body, known, where)


def _drawn(prompt: str, given: Mapping[str, object]) -> bytes:
    if not prompt.strip():
        raise Refusal("Error in `inputs`: it is empty", param="inputs")
    width, height = given.get("width"), given.get("height")
    size = (width if isinstance(width, int) else 1024, height if isinstance(height, int) else 1024)
    seed = given.get("seed")
    return draw(prompt if seed is None else f"{prompt} {seed}", size)


_MODEL = r"(?P<model>[^/]+(?:/[^/]+)*)"
HUGGINGFACE_ROUTES = (
    Route(
        method="POST",
        path=re.compile(f"/hf-inference/models/{_MODEL}"),
        dialect=HUGGINGFACE,
        answer=_hf_inference,
    ),
    Route(method="POST", path=re.compile(f"/fal-ai/{_MODEL}"), dialect=HUGGINGFACE, answer=_fal, scheme="bearer "),
    Route(
        method="POST",
        path=re.compile(f"/replicate/v1/models/{_MODEL}/predictions"),
        dialect=HUGGINGFACE,
        answer=_replicate,
    ),
    Route(method="POST", path=re.compile(r"/replicate/v1/predictions"), dialect=HUGGINGFACE, answer=_replicate),
    Route(method="GET", path=re.compile(r"/api/whoami-v2"), dialect=HUGGINGFACE, answer=_whoami),
    Route(method="GET", path=re.compile(f"/api/models/{_MODEL}"), dialect=HUGGINGFACE, answer=_card),
)
"""The providers behind the router that have a form of their own; together and nscale speak OpenAI's."""
