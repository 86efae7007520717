"""What callers hand in: prompts, files, tools and types of answers."""

from __future__ import annotations

import base64
import functools
import io
import zipfile
from datetime import date
from typing import TYPE_CHECKING, Annotated

import pytest
from pydantic import BaseModel, Field, TypeAdapter
from typing_extensions import TypedDict

from pipelex_like import Media, Message, TextPart, Tool
from pipelex_like.engine.inputs import conversation
from pipelex_like.engine.media import read_media
from pipelex_like.engine.objects import MisfitError, shape_of
from pipelex_like.engine.tools import read_tools
from pipelex_like.types import DocumentPart, ImagePart, ToolCallPart, ToolResultPart

if TYPE_CHECKING:
    from pathlib import Path

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20
PDF = b"%PDF-1.7\n"


def said(prompt: object, **more: object) -> tuple[Message, ...]:
    given = {"system": None, "images": (), "documents": (), **more}
    return conversation(prompt, **given)  # type: ignore[arg-type]


def test_a_text_is_a_user_message_after_the_system_text() -> None:
    assert said("hi", system="be kind") == (
        Message("system", (TextPart("be kind"),)),
        Message("user", (TextPart("hi"),)),
    )


def test_files_join_the_last_user_message(tmp_path: Path) -> None:
    (tmp_path / "scan.pdf").write_bytes(PDF)
    messages = said(
        [
            Message("user", (TextPart("one"),)),
            Message("assistant", (TextPart("two"),)),
            Message("user", (TextPart("3"),)),
        ],
        images=[PNG],
        documents=[tmp_path / "scan.pdf", str(tmp_path / "scan.pdf")],
    )
    assert messages[0].parts == (TextPart("one"),)
    assert [type(part) for part in messages[2].parts] == [TextPart, ImagePart, DocumentPart, DocumentPart]
    document = messages[2].parts[2]
    assert isinstance(document, DocumentPart)
    assert document.media == Media(mime="application/pdf", data=PDF, name="scan.pdf")


def test_openai_style_messages() -> None:
    uri = "data:image/png;base64," + base64.b64encode(PNG).decode()
    messages = said(
        [
            {"role": "developer", "content": "be kind"},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "what is it?"},
                    {"type": "image_url", "image_url": {"url": uri, "detail": "low"}},
                    {"type": "image_url", "image_url": {"url": "https://x.example/pic"}},
                    {"type": "file", "file": {"filename": "a.pdf", "file_data": base64.b64encode(PDF).decode()}},
                ],
            },
            {
                "role": "assistant",
                "content": None,
                "refusal": None,
                "tool_calls": [
                    {"id": "1", "type": "function", "function": {"name": "add", "arguments": '{"a": [1]}'}},
                    {"id": "2", "type": "function", "function": {"name": "add", "arguments": "no JSON"}},
                ],
            },
            {"role": "tool", "tool_call_id": "1", "content": "2"},
        ]
    )
    assert [message.role for message in messages] == ["system", "user", "assistant", "tool"]
    picture, linked, file = messages[1].parts[1:]
    assert picture == ImagePart(Media(mime="image/png", data=PNG), "low")
    assert isinstance(linked, ImagePart)
    assert linked.media.url == "https://x.example/pic"
    assert file == DocumentPart(Media(mime="application/pdf", data=PDF, name="a.pdf"))
    first, second = messages[2].parts
    assert isinstance(first, ToolCallPart)
    assert first.call.arguments == {"a": (1,)}
    assert isinstance(second, ToolCallPart)
    assert (second.call.arguments, second.call.raw) == ({}, "no JSON")
    assert messages[3].parts == (ToolResultPart(call_id="1", text="2"),)


@pytest.mark.parametrize(
    ("prompt", "error", "told"),
    [
        ("", ValueError, "empty"),
        (3, TypeError, "prompt: expected"),
        ([], ValueError, "empty"),
        ([3], TypeError, r"prompt\[0\]"),
        ([{"role": "usr", "content": "x"}], ValueError, "role must be one of"),
        ([{"role": "user", "contents": "x"}], ValueError, 'Did you mean "content"'),
        ([{"role": "user", "content": [{"type": "sound"}]}], ValueError, r"prompt\[0\].content\[0\]: type"),
        ([{"role": "user", "content": [{"type": "text"}]}], TypeError, "text: expected a text, got nothing"),
        ([{"role": "tool", "content": "x"}], TypeError, "tool_call_id"),
        ([{"role": "user"}], ValueError, "no content"),
        ([{"role": "user", "content": 3}], TypeError, "a text or a list of parts"),
        ([{"role": "user", "content": [3]}], TypeError, "expected a dict"),
        ([{"role": "user", "content": [{"type": "image_url"}]}], TypeError, "image_url: expected a URL"),
        ([{"role": "user", "content": [{"type": "file", "file": 3}]}], TypeError, "file_data"),
        (
            [{"role": "tool", "tool_call_id": "1", "content": [{"type": "image_url", "image_url": "https://x"}]}],
            ValueError,
            "gives back text",
        ),
        ([{"role": "assistant", "tool_calls": 3}], TypeError, "tool_calls: expected a list"),
        ([{"role": "assistant", "tool_calls": [{"id": "1"}]}], TypeError, r"tool_calls\[0\]"),
        (
            [{"role": "user", "content": [{"type": "image_url", "image_url": "/etc/passwd"}]}],
            ValueError,
            "http",
        ),
        (
            [{"role": "user", "content": [{"type": "image_url", "image_url": "data:image/png;base64,@@"}]}],
            ValueError,
            "no valid base64",
        ),
    ],
)
def test_a_malformed_prompt_names_the_place(prompt: object, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        said(prompt)


@pytest.mark.parametrize(
    ("data", "mime"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a..", "image/gif"),
        (b"RIFF0000WEBPVP8 ", "image/webp"),
        (b"II*\x00....", "image/tiff"),
        (b"\n%PDF-1.4", "application/pdf"),
        (b"plain words", "text/plain"),
    ],
)
def test_types_are_told_from_the_bytes(data: bytes, mime: str) -> None:
    assert read_media(data).mime == mime


@pytest.mark.parametrize(
    ("main", "mime"),
    [
        ("word/document.xml", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("ppt/presentation.xml", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
        ("xl/workbook.xml", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ],
)
@pytest.mark.parametrize("packed", ["word/document.xml", "xl/workbook.xml"])
def test_office_files_are_told_from_the_bytes(tmp_path: Path, main: str, mime: str, packed: str) -> None:
    data = archive({"[Content_Types].xml": b"<Types/>", main: b"<w/>", "media/other": archive({packed: b"<w/>"})})
    (tmp_path / "false.txt").write_bytes(data)
    uri = "data:application/octet-stream;base64," + base64.b64encode(data).decode()
    for given in (data, tmp_path / "false.txt", uri):
        assert read_media(given).mime == mime
    with pytest.raises(ValueError, match="cannot be told"):
        read_media(archive({"a.bin": b"\xff"}))


def archive(files: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as packing:
        for name, data in files.items():
            packing.writestr(name, data)
    return held.getvalue()


def test_types_of_texts_are_told_from_the_name(tmp_path: Path) -> None:
    for name, mime in {
        "a.md": "text/markdown",
        "a.csv": "text/csv",
        "a.json": "application/json",
        "a": "text/plain",
    }.items():
        (tmp_path / name).write_text("x")
        assert read_media(tmp_path / name).mime == mime
    (tmp_path / "false.png").write_bytes(PDF)
    assert read_media(tmp_path / "false.png").mime == "application/pdf"


def test_urls_are_not_fetched() -> None:
    media = read_media("https://files.example/a/scan.pdf?x=1")
    assert (media.mime, media.url, media.data, media.name) == (
        "application/pdf",
        "https://files.example/a/scan.pdf?x=1",
        None,
        "scan.pdf",
    )


@pytest.mark.parametrize(
    ("given", "error", "told"),
    [
        (b"", ValueError, "empty"),
        (b"\x00\xff\xfe\x01", ValueError, "cannot be told"),
        ("data:image/png;base64,AAA", ValueError, "base64"),
        ("data:nothing", ValueError, "comma"),
        ("file:///etc/hosts", ValueError, "path itself"),
        ("/no/such/file.pdf", FileNotFoundError, "No such file"),
        (3, TypeError, "expected a path"),
    ],
)
def test_files_that_cannot_be_read(given: object, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        read_media(given)


def test_a_document_among_the_pictures_is_named() -> None:
    with pytest.raises(ValueError, match=r"images\[1\].*documents=\[\.\.\.\]"):
        said("look", images=[PNG, PDF])
    with pytest.raises(ValueError, match="has none"):
        said([Message("assistant", (TextPart("hm"),))], images=[PNG])
    with pytest.raises(TypeError, match="system"):
        said("look", system=3)
    linked = said("look", images=["https://x.example/pic"], documents=["https://x.example/a.pdf", PNG])[0].parts
    assert [type(part) for part in linked] == [TextPart, ImagePart, DocumentPart, ImagePart]
    with pytest.raises(TypeError, match=r"write images=\[\.\.\.\]"):
        said("look", images="a.png")


def book(title: str, pages: int = 1, *, tags: list[str] | None = None) -> None:
    """Book a title.

    More of it.
    """


def test_tools_in_every_form() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    tools = read_tools(
        [
            book,
            Tool(name="ready"),
            {"name": "plain", "description": "d", "parameters": schema},
            {"type": "function", "function": {"name": "openai", "parameters": schema, "strict": True}},
        ]
    )
    assert [tool.name for tool in tools] == ["book", "ready", "plain", "openai"]
    assert tools[0].description == "Book a title.\n\nMore of it."
    assert set(tools[0].parameters["properties"]) == {"title", "pages", "tags"}
    assert tools[0].parameters["required"] == ("title",)
    assert tools[3].strict is True
    assert tools[2].parameters == {"type": "object", "properties": {"a": {"type": "integer"}}}


def untyped(a) -> None: ...


def starred(*a: int) -> None: ...


def positional(a: int, /) -> None: ...


class Booker:
    """Keeps a list."""

    def __call__(self, title: str, kind: object = None) -> None:
        """Book it."""


class Ticket(BaseModel):
    seat: int


def test_tools_that_are_objects_partials_and_types() -> None:
    called, partly, ticket = read_tools([Booker(), functools.partial(book, pages=2), Ticket])
    assert (called.name, called.description) == ("Booker", "Book it.")
    assert list(called.parameters["properties"]) == ["title", "kind"]
    assert (partly.name, partly.description) == ("book", "Book a title.\n\nMore of it.")
    assert partly.parameters["required"] == ("title",)
    assert (ticket.name, ticket.description) == ("Ticket", "")
    assert read_tools([{"name": "bare", "parameters": {}}])[0].parameters == Tool(name="bare").parameters


@pytest.mark.parametrize(
    ("tool", "told"),
    [
        (untyped, '"a" of untyped has no type'),
        (starred, "starred"),
        (positional, "positional-only"),
        ({"name": "x", "parameters": {"type": "string"}}, 'x: parameters: .* type "object"'),
        ({"name": "x", "parametres": {}}, 'Did you mean "parameters"'),
        ({"name": 3}, "must be texts"),
        ({"name": "a b"}, "64 letters"),
        (3, "expected a function"),
        ({"name": "a", "strict": "yes"}, "true or false"),
    ],
)
def test_what_is_no_tool(tool: object, told: str) -> None:
    with pytest.raises((TypeError, ValueError), match=told):
        read_tools([tool])
    with pytest.raises(TypeError, match=r"write tools=\[\.\.\.\]"):
        read_tools(book)
    with pytest.raises(ValueError, match='two tools are called "book"'):
        read_tools([book, book])


class Node(BaseModel):
    name: str
    children: list[Node] = []


class Row(TypedDict):
    day: date
    amount: Annotated[float, Field(gt=0)]


@pytest.mark.parametrize(
    ("wanted", "text", "value", "wrapped"),
    [
        (Node, '{"name": "a", "children": [{"name": "b"}]}', Node(name="a", children=[Node(name="b")]), False),
        (Row, '{"day": "2026-01-02", "amount": 2}', {"day": date(2026, 1, 2), "amount": 2.0}, False),
        (list[int], '{"value": [1, 2]}', [1, 2], True),
        (int | None, '{"value": null}', None, True),
        (list[Node], '{"value": [{"name": "a"}]}', [Node(name="a")], True),
        (TypeAdapter(bool), '{"value": true}', True, True),
        ({"type": "object", "properties": {"a": {"type": "integer"}}}, '{"a": 1}', {"a": 1}, False),
        ({"type": "array", "items": {"$ref": "#/$defs/x"}, "$defs": {"x": {"enum": [1]}}}, '{"value": [1]}', [1], True),
    ],
)
def test_whatever_a_type_adapter_takes(wanted: object, text: str, value: object, wrapped: bool) -> None:
    shape = shape_of(wanted)
    assert shape.validate(text) == value
    assert shape.schema.wrapped is wrapped
    assert shape.schema.schema["type"] == "object"
    assert "$ref" not in shape.schema.schema


@pytest.mark.parametrize(
    ("wanted", "text", "told"),
    [
        (Node, "{", "Invalid JSON"),
        (Row, '{"day": "soon", "amount": -1}', "day: .*; amount: "),
        (list[int], "[1]", 'no "value"'),
        ({"type": "object", "required": ["a"]}, "{}", "a: is missing"),
        ({"type": "object"}, '{"a": NaN}', "no JSON"),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, '{"a": 1}', "a: expected string"),
        ({"type": "object", "additionalProperties": False}, '{"b": 1}', "b: is not in the schema"),
        ({"properties": {"a": {"enum": ["x"]}}, "type": "object"}, '{"a": "y"}', "one of 'x'"),
        ({"properties": {"a": {"anyOf": [{"type": "null"}]}}, "type": "object"}, '{"a": 1}', "none of the 1 forms"),
        ({"properties": {"a": {"minimum": 3}}, "type": "object"}, '{"a": 1}', "minimum = 3"),
        ({"properties": {"a": {"pattern": "^x"}}, "type": "object"}, '{"a": "y"}', "does not match"),
        (
            {"type": "array", "items": {"type": "integer"}, "minItems": 2},
            '{"value": [1.5]}',
            r"\[0\]: expected integer",
        ),
    ],
)
def test_what_does_not_fit_is_told_by_its_place(wanted: object, text: str, told: str) -> None:
    with pytest.raises(MisfitError, match=told):
        shape_of(wanted).validate(text)


def test_the_schema_checker_agrees_on_valid_values() -> None:
    schema = {
        "type": "object",
        "properties": {
            "kind": {"const": "x"},
            "pair": {"prefixItems": [{"type": "string"}, {"type": "number"}]},
            "one": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
            "none": {"not": {"type": "string"}},
            "all": {"allOf": [{"maxLength": 3}, {"minLength": 1}]},
            "map": {"additionalProperties": {"type": "boolean"}},
            "set": {"uniqueItems": True, "maxItems": 2},
            "self": {"$ref": "#"},
            "step": {"multipleOf": 0.1},
        },
    }
    shape = shape_of(schema)
    good = (
        '{"kind": "x", "pair": ["a", 1], "one": 2, "none": 1, "all": "ab", "map": {"t": true}, "set": [1, 2],'
        ' "self": {"kind": "x"}, "step": 0.3}'
    )
    assert shape.validate(good)
    for bad in (
        '{"kind": "y"}',
        '{"pair": [1]}',
        '{"one": null}',
        '{"none": "s"}',
        '{"all": "abcd"}',
        '{"map": {"t": 1}}',
        '{"set": [1, 1]}',
        '{"self": {"kind": "y"}}',
        '{"step": 0.35}',
    ):
        with pytest.raises(MisfitError):
            shape.validate(bad)


def test_types_without_a_schema_and_schemas_that_refer_to_nothing() -> None:
    with pytest.raises(TypeError, match="no JSON Schema"):
        shape_of(object())
    with pytest.raises(TypeError, match="no JSON Schema"):
        shape_of(type(lambda: None))
    with pytest.raises(ValueError, match="not in it"):
        shape_of({"type": "object", "properties": {"a": {"$ref": "#/$defs/nothing"}}})


def test_a_pattern_that_this_language_cannot_read_is_left_to_the_provider() -> None:
    shape = shape_of({"type": "object", "properties": {"a": {"type": "string", "pattern": r"^\p{Lu}"}}})
    assert shape.validate('{"a": "x"}') == {"a": "x"}


def test_texts_of_other_encodings(tmp_path: Path) -> None:
    marked = tmp_path / "marked.txt"
    for encoding in ("utf-8-sig", "utf-16"):
        marked.write_text("héllo", encoding)
        assert read_media(marked).data == "héllo".encode()
    marked.write_text("héllo", "latin-1")
    with pytest.raises(ValueError, match=r"marked\.txt is no UTF-8 text; save it as UTF-8"):
        read_media(marked)
