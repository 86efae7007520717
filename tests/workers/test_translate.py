"""Errors of HTTP clients and SDKs that none of our own workers raises yet, by the names that they all share."""

from __future__ import annotations

import httpx
import httpx2
import openai
import pytest

from pipelex_like.errors import (
    BadRequestError,
    CallError,
    CallTimeoutError,
    CredentialsError,
    InvalidResponseError,
    UnreachableError,
)
from pipelex_like.workers.told import redacted
from pipelex_like.workers.translate import Called, translating

CALLED = Called(backend="acme", model_id="m", secrets=frozenset({"hunter2-secret"}))
REQUEST = httpx2.Request("POST", "http://127.0.0.1")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx.ReadTimeout("x"), CallTimeoutError),
        (httpx2.ReadTimeout("x"), CallTimeoutError),
        (httpx2.PoolTimeout("x"), CallTimeoutError),
        (httpx2.ConnectTimeout("x"), UnreachableError),
        (httpx.ConnectError("x"), UnreachableError),
        (httpx2.RemoteProtocolError("x"), UnreachableError),
        (httpx2.ReadError("x"), UnreachableError),
        (httpx2.DecodingError("x"), InvalidResponseError),
        (httpx.InvalidURL("x"), BadRequestError),
        (openai.APITimeoutError(request=REQUEST), CallTimeoutError),
        (openai.APIConnectionError(request=REQUEST), UnreachableError),
        (TimeoutError(), CallTimeoutError),
        (ConnectionResetError(), UnreachableError),
        (RuntimeError("odd"), InvalidResponseError),
        (ExceptionGroup("x", [ConnectionResetError()]), UnreachableError),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_foreign_errors_become_ours_and_stay_as_the_cause(error: Exception, kind: type[CallError]) -> None:
    with pytest.raises(CallError) as caught, translating(CALLED):
        raise error
    assert type(caught.value) is kind
    assert caught.value.__cause__ is error
    assert str(caught.value).startswith("acme (m): ")


def test_an_sdks_error_tells_what_lies_under_it() -> None:
    def connect() -> None:
        try:
            raise httpx2.ConnectTimeout("slow")
        except httpx2.ConnectTimeout as inner:
            raise openai.APITimeoutError(request=REQUEST) from inner

    with pytest.raises(UnreachableError), translating(CALLED):
        connect()


def test_our_own_errors_pass_unchanged() -> None:
    ours = CredentialsError("as it is")
    with pytest.raises(CredentialsError) as caught, translating(CALLED):
        raise ours
    assert caught.value is ours


def test_the_text_of_an_unknown_error_is_redacted() -> None:
    with pytest.raises(CallError) as caught, translating(CALLED):
        raise RuntimeError("with hunter2-secret and Bearer abcdef")
    assert "RuntimeError: with *** and Bearer ***" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("key sk-proj-abc_DEF-1234567890 is wrong", "key *** is wrong"),
        ("AIzaSyA1234567890abcdef", "***"),
        ("key ab12****cd is wrong", "key *** is wrong"),
        ("skeletonisation of a keyboard, hf_x and sk-1 stay", "skeletonisation of a keyboard, hf_x and sk-1 stay"),
        ("short abc stays, hunter2-secret goes", "short abc stays, *** goes"),
    ],
)
def test_what_looks_like_a_key_goes_and_words_stay(text: str, shown: str) -> None:
    assert redacted(text, {"hunter2-secret", "abc", ""}) == shown
