"""fal's queue, as https://fal.ai/docs/documentation/model-apis/inference/queue describes it.

An order waits for one look at its status, is in progress at the second and complete at the third; the faults `queued`
and `failed` change that. The pictures are PNG whatever format is asked for, of about one megapixel where only a ratio
is, and lie at an address of the sandbox itself, which anybody may open who knows it, as on fal.
"""

from __future__ import annotations

from base64 import b64encode
from math import sqrt
from typing import TYPE_CHECKING

import orjson

from pipelex_like.sandbox.formats.base import Refusal, json_reply
from pipelex_like.sandbox.formats.fal_inputs import SIZES, check_input
from pipelex_like.sandbox.model.drawing import draw
from pipelex_like.sandbox.wire import Reply
from pipelex_like.types import is_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.sandbox.formats.base import Call
    from pipelex_like.sandbox.jobs import Job

_LOGS = [{"timestamp": "2026-01-01T00:00:00.000000", "level": "INFO", "message": "Simulated: drawing the picture."}]
_PIXELS = 1024 * 1024
_GRID = 16


def submit(call: Call) -> Reply:
    """Take an order."""
    application = f"{call.parts['owner']}/{call.parts['model']}"
    check_input(application, call.body)
    job = call.jobs.add(application, call.body, call.fault)
    owner, name, *_ = application.split("/")
    url = f"{call.origin}/{owner}/{name}/requests/{job.id}"
    return json_reply(
        {
            "status": "IN_QUEUE",
            "request_id": job.id,
            "response_url": url,
            "status_url": f"{url}/status",
            "cancel_url": f"{url}/cancel",
            "queue_position": _ahead(job),
            "logs": None,
            "metrics": {},
        }
    )


def status(call: Call) -> Reply:
    """Tell how far a job is; each look brings it on."""
    job = _job(call)
    job.looks += 1
    url = f"{call.origin}{call.parts['base']}"
    told: dict[str, object] = {
        "request_id": job.id,
        "response_url": url,
        "status_url": f"{url}/status",
        "cancel_url": f"{url}/cancel",
        "logs": _LOGS if call.query.get("logs") in ("1", "true") else None,
        "metrics": {},
    }
    if job.cancelled:
        told |= {"error": "The request was cancelled by the client.", "error_type": "client_cancelled"}
    elif job.looks <= _waits(job):
        return _reply({"status": "IN_QUEUE", "queue_position": _ahead(job), **told}, 202)
    elif not _done(job):
        return _reply({"status": "IN_PROGRESS", **told}, 202)
    elif job.fault.failed:
        told |= {"error": "The runner failed (simulated fault).", "error_type": "runner_server_error"}
    return _reply({"status": "COMPLETED", **told, "metrics": {"inference_time": 0.01}}, 200)


def result(call: Call) -> Reply:
    """Give what came of a job."""
    job = _job(call)
    if job.cancelled:
        raise Refusal("The request was cancelled by the client.", status=499, kind="client_cancelled")
    if not _done(job):
        raise Refusal("Request is still in progress", status=400)
    if job.fault.failed:
        body = orjson.dumps({"detail": "The runner failed (simulated fault).", "error_type": "runner_server_error"})
        return Reply(status=500, body=body, headers=(("x-fal-error-type", "runner_server_error"),))
    width, height = _size(job.body)
    number = job.body.get("num_images")
    places = range(number if isinstance(number, int) else 1)
    images = [
        {
            "url": _inline(job, place) if job.body.get("sync_mode") else f"{call.origin}/files/{job.id}/{place}.png",
            "width": width,
            "height": height,
            "content_type": "image/png",
        }
        for place in places
    ]
    seed = job.body.get("seed")
    return json_reply(
        {
            "images": images,
            "timings": {"inference": 0.01},
            "seed": seed if isinstance(seed, int) else 42,
            "has_nsfw_concepts": [False for _ in places],
            "prompt": job.body.get("prompt"),
        }
    )


def cancel(call: Call) -> Reply:
    """Stop a job."""
    job = _job(call)
    if _done(job):
        return _reply({"status": "ALREADY_COMPLETED"}, 400)
    job.cancelled = True
    if job.looks <= _waits(job):
        return _reply({"status": "OK"}, 200)
    return _reply({"status": "CANCELLATION_REQUESTED"}, 202)


def picture(call: Call) -> Reply:
    """Give one picture of a job."""
    job, place = _job(call), int(call.parts["place"])
    number = job.body.get("num_images")
    if place >= (number if isinstance(number, int) else 1):
        raise Refusal("There is no such file.", status=404)
    return Reply(content_type="image/png", body=_drawn(job, place))


def _job(call: Call) -> Job:
    job = call.jobs.find(call.parts["job"])
    if job is None:
        raise Refusal(f"Request {call.parts['job']} not found", status=404)
    return job


def _reply(value: Mapping[str, object], code: int) -> Reply:
    return Reply(status=code, body=orjson.dumps(value))


def _waits(job: Job) -> int:
    return 1 if job.fault.queued is None else job.fault.queued


def _ahead(job: Job) -> int:
    return min(9, max(0, _waits(job) - job.looks - 1))


def _done(job: Job) -> bool:
    return job.looks > _waits(job) + 1


def _drawn(job: Job, place: int) -> bytes:
    return draw(str(job.body.get("prompt")), _size(job.body), index=place)


def _inline(job: Job, place: int) -> str:
    return f"data:image/png;base64,{b64encode(_drawn(job, place)).decode()}"


def _size(body: Mapping[str, object]) -> tuple[int, int]:
    size, ratio = body.get("image_size"), body.get("aspect_ratio")
    if is_table(size):
        width, height = size.get("width"), size.get("height")
        if isinstance(width, int) and isinstance(height, int):
            return width, height
    if isinstance(ratio, str) and ":" in ratio:
        wide, high = (int(part) for part in ratio.split(":"))
        tall = sqrt(_PIXELS * high / wide)
        return round(tall * wide / high / _GRID) * _GRID, round(tall / _GRID) * _GRID
    return SIZES.get(str(size), SIZES["square_hd"] if ratio else SIZES["landscape_4_3"])
