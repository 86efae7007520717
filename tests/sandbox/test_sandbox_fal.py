"""The sandbox as fal's queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sandbox.raw import Answer, send

if TYPE_CHECKING:
    from pipelex_like.sandbox import Sandbox

APP = "/fal-ai/flux/dev"


def ask(sandbox: Sandbox, path: str = APP, body: object = None, *, method: str = "POST", key: str = "") -> Answer:
    headers = {"authorization": f"Key {key or sandbox.api_key}"}
    return send(sandbox, body, path=path, method=method, key=None, headers=headers)


def order(sandbox: Sandbox, path: str = APP, **fields: object) -> str:
    """The path of the job."""
    answer = ask(sandbox, path, {"prompt": "a cat", **fields})
    assert answer.status == 200, answer.body
    return str(answer.json["response_url"]).removeprefix(sandbox.url)


def test_an_order_waits_runs_and_is_done(sandbox: Sandbox) -> None:
    answer = ask(sandbox, body={"prompt": "a cat"}).json
    base = f"{sandbox.url}/fal-ai/flux/requests/{answer['request_id']}"
    assert answer["status"] == "IN_QUEUE"
    assert (answer["response_url"], answer["status_url"], answer["cancel_url"]) == (
        base,
        f"{base}/status",
        f"{base}/cancel",
    )
    path = base.removeprefix(sandbox.url)
    early = ask(sandbox, path, method="GET")
    assert (early.status, early.json) == (400, {"detail": "Request is still in progress"})
    looks = [ask(sandbox, f"{path}/status?logs=1", method="GET") for _ in range(3)]
    assert [(look.status, look.json["status"]) for look in looks] == [
        (202, "IN_QUEUE"),
        (202, "IN_PROGRESS"),
        (200, "COMPLETED"),
    ]
    assert looks[0].json["queue_position"] == 0
    assert "Simulated" in looks[1].json["logs"][0]["message"]
    assert ask(sandbox, f"{path}/status", method="GET").json["logs"] is None
    result = ask(sandbox, path, method="GET").json
    assert result["images"][0]["url"].startswith(f"{sandbox.url}/files/")
    assert (result["images"][0]["width"], result["images"][0]["height"]) == (1024, 768)
    picture = send(sandbox, path=result["images"][0]["url"].removeprefix(sandbox.url), method="GET", key=None)
    assert (picture.status, picture.headers["content-type"], picture.body[:4]) == (200, "image/png", b"\x89PNG")


def test_a_job_can_be_cancelled_until_it_is_done(sandbox: Sandbox) -> None:
    path = order(sandbox)
    cancelled = ask(sandbox, f"{path}/cancel", method="PUT")
    assert (cancelled.status, cancelled.json) == (200, {"status": "OK"})
    assert ask(sandbox, f"{path}/status", method="GET").json["error_type"] == "client_cancelled"
    assert ask(sandbox, path, method="GET").status == 499
    begun = order(sandbox)
    for _ in range(2):
        ask(sandbox, f"{begun}/status", method="GET")
    cancelled = ask(sandbox, f"{begun}/cancel", method="PUT")
    assert (cancelled.status, cancelled.json) == (202, {"status": "CANCELLATION_REQUESTED"})
    done = order(sandbox)
    for _ in range(3):
        ask(sandbox, f"{done}/status", method="GET")
    assert ask(sandbox, f"{done}/cancel", method="PUT").json == {"status": "ALREADY_COMPLETED"}


@pytest.mark.parametrize(
    ("path", "fields", "where", "kind"),
    [
        (APP, {"prompt": None}, ["body", "prompt"], "missing_required_parameter"),
        (APP, {"prompt": ""}, ["body", "prompt"], "string_too_short"),
        (APP, {"steps": 3}, ["body", "steps"], "extra_forbidden"),
        (APP, {"num_images": 5}, ["body", "num_images"], "integer_above_max_value"),
        (APP, {"image_size": "huge"}, ["body", "image_size"], "invalid_value"),
        (APP, {"image_size": {"width": 5}}, ["body", "image_size", "height"], "missing_required_parameter"),
        (APP, {"num_inference_steps": "4"}, ["body", "num_inference_steps"], "invalid_type"),
        ("/fal-ai/fast-lightning-sdxl", {"num_inference_steps": 4}, ["body", "num_inference_steps"], "invalid_type"),
        ("/fal-ai/flux-pro/v1.1", {"safety_tolerance": 3}, ["body", "safety_tolerance"], "invalid_type"),
        ("/fal-ai/flux-2-pro", {"num_images": 1}, ["body", "num_images"], "extra_forbidden"),
        ("/fal-ai/flux-pro/kontext", {}, ["body", "image_url"], "missing_required_parameter"),
        ("/fal-ai/flux-2-pro/edit", {"image_urls": ["data:x"]}, ["body", "image_urls", "0"], None),
    ],
)
def test_a_wrong_order_is_refused_in_fals_form(
    sandbox: Sandbox, path: str, fields: dict[str, object], where: list[str], kind: str | None
) -> None:
    answer = ask(sandbox, path, {"prompt": "a cat", **fields})
    assert answer.status == 422
    (fault,) = answer.json["detail"]
    assert fault["loc"] == where
    assert kind is None or fault["type"] == kind


def test_keys_jobs_and_files_that_are_not_known(sandbox: Sandbox) -> None:
    wrong = ask(sandbox, body={"prompt": "a"}, key="nobody")
    assert wrong.status == 401
    assert "Cannot access application" in wrong.json["detail"]
    nobody = send(sandbox, {"prompt": "a"}, path=APP, key=None)
    assert (nobody.status, set(nobody.json)) == (401, {"detail"})
    path = order(sandbox)
    assert ask(sandbox, path[:-1] + "x", method="GET").status == 404
    assert send(sandbox, path="/files/none/0.png", method="GET", key=None).status == 404
    assert send(sandbox, path=f"/files/{path.split('/')[-1]}/1.png", method="GET", key=None).status == 404


def test_other_formats_keep_their_addresses(sandbox: Sandbox) -> None:
    for path in ("/v1/unknown/thing", "/someone/something"):
        missed = send(sandbox, {"prompt": "a"}, path=path)
        assert (missed.status, missed.json["error"]["code"]) == (404, "unknown_url")
    assert send(sandbox, path="/v1/models", method="GET").status == 200


def test_an_application_that_is_not_known_takes_fields_of_its_own(sandbox: Sandbox) -> None:
    path = order(sandbox, "/someone/their-model/v2", style="oil", image_size="square")
    for _ in range(3):
        ask(sandbox, f"{path}/status", method="GET")
    assert ask(sandbox, path, method="GET").json["images"][0]["width"] == 512


@pytest.mark.parametrize(("ratio", "size"), [("16:9", (1360, 768)), ("1:1", (1024, 1024)), ("9:21", (672, 1568))])
def test_a_ratio_is_a_size_of_about_a_megapixel(sandbox: Sandbox, ratio: str, size: tuple[int, int]) -> None:
    path = order(sandbox, "/fal-ai/flux-pro/v1.1-ultra", aspect_ratio=ratio, num_images=2, sync_mode=True)
    for _ in range(3):
        ask(sandbox, f"{path}/status", method="GET")
    images = ask(sandbox, path, method="GET").json["images"]
    assert [(image["width"], image["height"]) for image in images] == [size, size]
    assert images[0]["url"].startswith("data:image/png;base64,")
    assert images[0]["url"] != images[1]["url"]


def test_faults_of_the_queue(sandbox: Sandbox) -> None:
    path = order(sandbox, "/fal-ai/fault-queued-4")
    looks = [ask(sandbox, f"{path}/status", method="GET").json for _ in range(6)]
    assert [look["status"] for look in looks] == ["IN_QUEUE"] * 4 + ["IN_PROGRESS", "COMPLETED"]
    assert [look.get("queue_position") for look in looks[:4]] == [2, 1, 0, 0]
    never = order(sandbox, "/fal-ai/fault-queued")
    assert {ask(sandbox, f"{never}/status", method="GET").json["status"] for _ in range(9)} == {"IN_QUEUE"}
    failed = order(sandbox, "/fal-ai/fault-failed")
    assert "error" in [ask(sandbox, f"{failed}/status", method="GET").json for _ in range(3)][-1]
    result = ask(sandbox, failed, method="GET")
    assert (result.status, result.headers["x-fal-error-type"]) == (500, "runner_server_error")
    refused = ask(sandbox, "/fal-ai/fault-status-422-code-content_policy_violation", {"prompt": "a"})
    assert (refused.status, refused.json["detail"][0]["type"]) == (422, "content_policy_violation")
