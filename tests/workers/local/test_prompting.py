from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Literal

import pytest
from pydantic import BaseModel, Field

from pipelex_like.types import FrozenDict, LlmJob, Media, Message, ObjectSchema, TextPart, freeze, thaw
from pipelex_like.types.messages import DocumentPart
from pipelex_like.workers.local.prompting import SYSTEM, prompted


class Letter(Enum):
    OFFER = "offer"
    REPLY = "reply"


class Paper(BaseModel):
    sender: str
    total: Decimal
    day: date
    unit: Literal["EUR", "USD", "GBP"]
    letter: Letter
    remark: str | None = None
    parts: list[str] = Field(default_factory=list)


TEXT = "Unit: USD\nDay: 3 May 2026\nRemark: none at all\nSender: Maple & Finch\nTotal: 1.284,50"


def asked(*parts: object, system: str | None = None, model: type[BaseModel] = Paper, **settings: object) -> LlmJob:
    messages = [Message("system", (TextPart(system),))] if system else []
    messages.append(Message("user", parts or (TextPart(TEXT),)))  # pyright: ignore
    schema = ObjectSchema(name="Paper", schema=freeze(model.model_json_schema()))  # pyright: ignore
    return LlmJob(messages=tuple(messages), schema=schema, settings=FrozenDict(settings))


def sent(job: LlmJob) -> dict[str, object]:
    extra = thaw(prompted(job).job.settings["extra"])
    return extra["response_format"]["json_schema"]["schema"]  # pyright: ignore


def test_fields_come_in_the_order_of_their_labels_and_all_are_required() -> None:
    schema = sent(asked())
    assert list(schema["properties"])[:5] == ["unit", "day", "remark", "sender", "total"]  # pyright: ignore
    assert schema["required"] == list(schema["properties"])  # pyright: ignore
    assert schema["additionalProperties"] is False


def test_a_labelled_field_holds_what_stands_beside_labels() -> None:
    properties = sent(asked())["properties"]
    spans = ["USD", "3 May 2026", "none at all", "Maple & Finch", "1.284,50"]
    assert properties["sender"] == {"enum": spans}  # pyright: ignore
    assert properties["remark"] == {"enum": spans}  # pyright: ignore
    assert properties["unit"] == {"enum": ["USD"]}  # pyright: ignore
    assert properties["day"] == {"enum": ["2026-05-03"]}  # pyright: ignore
    assert properties["total"] == {"enum": [1284.5]}  # pyright: ignore


def test_lines_whose_label_no_field_means_offer_nothing() -> None:
    properties = sent(asked(TextPart(f"Read this letter with care:\nhello\n{TEXT}\nBank: North")))["properties"]
    assert "North" not in properties["sender"]["enum"]  # pyright: ignore
    assert "hello" not in properties["sender"]["enum"]  # pyright: ignore


def test_without_labels_the_schema_is_only_bounded() -> None:
    schema = sent(asked(TextPart("Write a letter.")))
    properties = schema["properties"]
    assert list(properties)[:2] == ["sender", "total"]  # pyright: ignore
    assert properties["sender"]["maxLength"] == 200  # pyright: ignore
    assert properties["parts"]["maxItems"] == 20  # pyright: ignore
    assert properties["parts"]["items"]["maxLength"] == 200  # pyright: ignore
    assert properties["day"]["format"] == "date"  # pyright: ignore
    assert properties["unit"]["enum"] == ["EUR", "USD", "GBP"]  # pyright: ignore
    assert properties["total"]["anyOf"] == [{"type": "number"}]  # pyright: ignore


def test_bounds_that_the_schema_has_are_kept() -> None:
    class Short(BaseModel):
        sender: str = Field(max_length=12)
        code: str = Field(pattern="^[A-Z]{3}$")
        long: str = Field(min_length=500)

    schema = sent(asked(TextPart("Sender: Maple & Finch Ltd\nCode: abc\nLong: Maple"), model=Short))
    properties = schema["properties"]
    assert properties["sender"] == {"enum": ["abc", "Maple"]}  # pyright: ignore
    assert properties["code"]["pattern"] == "^[A-Z]{3}$"  # pyright: ignore
    assert "maxLength" not in properties["code"]  # pyright: ignore
    assert properties["long"]["maxLength"] == 500  # pyright: ignore


def test_the_fields_are_listed_after_the_document_with_choices_it_does_not_offer() -> None:
    job = prompted(asked()).job
    assert [message.role for message in job.messages] == ["system", "user"]
    assert job.messages[0].text == SYSTEM
    end = job.messages[1].text.removeprefix(TEXT)
    pairs, fields = end.strip().split("\n\n")
    assert pairs.splitlines() == [
        '"Unit": "USD"',
        '"Day": "3 May 2026"',
        '"Remark": "none at all"',
        '"Sender": "Maple & Finch"',
        '"Total": "1.284,50"',
    ]
    assert fields == "Fields: unit, day, remark, sender, total, letter (one of offer, reply), parts"


def test_a_system_text_of_the_caller_stays_alone() -> None:
    job = prompted(asked(system="Be brief.")).job
    assert [message.text for message in job.messages if message.role == "system"] == ["Be brief."]


def test_labels_are_found_in_a_text_document_too() -> None:
    part = DocumentPart(Media(mime="text/plain", data=TEXT.encode()))
    assert sent(asked(part))["properties"]["unit"] == {"enum": ["USD"]}  # pyright: ignore


@pytest.mark.parametrize("given", [0.7, None])
def test_settings_of_the_caller_win(given: float | None) -> None:
    ready = prompted(asked(temperature=given, max_tokens=9, extra=FrozenDict(top_k=3)))
    assert ready.job.settings["temperature"] == given
    assert ready.job.settings["max_tokens"] == 9
    assert ready.job.settings["extra"]["top_k"] == 3  # pyright: ignore
    assert not [note for note in ready.notes if note.startswith(("temperature", "max_tokens"))]


def test_what_was_changed_is_told() -> None:
    told = "\n".join(prompted(asked()).notes)
    assert "max_tokens" in told
    assert "temperature" in told
    assert "unit, day, remark, sender, total" in told


def test_text_only_gets_an_end_and_the_models_temperature() -> None:
    job = LlmJob(messages=(Message("user", (TextPart("Hello: you"),)),))
    ready = prompted(job, temperature=0.2)
    assert ready.job.messages == job.messages
    assert dict(ready.job.settings) == {"max_tokens": 1024, "temperature": 0.2}


def test_the_job_that_was_given_is_not_changed() -> None:
    job = asked()
    prompted(job)
    assert job == asked()


def test_a_number_or_a_text_may_be_either_but_a_decimal_is_a_number() -> None:
    class Code(BaseModel):
        code: int | str
        price: Decimal | None
        rest: Decimal | None

    properties = sent(asked(TextPart("Code: A7\nPrice: 1,284.50"), model=Code))["properties"]
    assert "A7" in properties["code"]["enum"]  # pyright: ignore
    assert 1284.5 in properties["price"]["enum"]  # pyright: ignore
    assert "1,284.50" not in properties["price"]["enum"]  # pyright: ignore
    assert properties["rest"]["anyOf"] == [{"type": "number"}, {"type": "null"}]  # pyright: ignore
