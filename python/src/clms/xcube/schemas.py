"""The program's JSON Schemas as xcube's schema objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xcube.util.jsonschema import (
    JsonArraySchema,
    JsonBooleanSchema,
    JsonComplexSchema,
    JsonIntegerSchema,
    JsonNullSchema,
    JsonNumberSchema,
    JsonObjectSchema,
    JsonSchema,
    JsonStringSchema,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_SIMPLE = {
    "boolean": JsonBooleanSchema,
    "integer": JsonIntegerSchema,
    "null": JsonNullSchema,
    "number": JsonNumberSchema,
}


def properties(schema: Mapping[str, Any]) -> dict[str, JsonSchema]:
    """Return the properties of an object's schema, by name."""
    definitions = schema.get("$defs", {})
    return {name: _schema(part, definitions) for name, part in schema.get("properties", {}).items()}


def _schema(part: Mapping[str, Any], definitions: Mapping[str, Any]) -> JsonSchema:
    if "$ref" in part:
        part = {**definitions[part["$ref"].removeprefix("#/$defs/")], **{k: v for k, v in part.items() if k != "$ref"}}
    common = {name: part[name] for name in ("description", "enum", "default", "title") if part.get(name) is not None}
    kinds = part.get("type")
    if isinstance(kinds, list):
        common["nullable"] = "null" in kinds
        [kinds] = [kind for kind in kinds if kind != "null"]
    if "anyOf" in part:
        return JsonComplexSchema(any_of=[_schema(one, definitions) for one in part["anyOf"]], **common)
    if kinds == "string":
        return JsonStringSchema(pattern=part.get("pattern"), **common)
    if kinds == "array":
        bounds = {"min_items": part.get("minItems"), "max_items": part.get("maxItems")}
        return JsonArraySchema(items=_schema(part["items"], definitions), **bounds, **common)
    if kinds in _SIMPLE:
        bounds = {name: part[name] for name in ("minimum", "maximum") if name in part}
        return _SIMPLE[kinds](**bounds, **common)
    more = part.get("additionalProperties", True)
    return JsonObjectSchema(
        properties={name: _schema(one, definitions) for name, one in part.get("properties", {}).items()},
        required=part.get("required"),
        additional_properties=more if isinstance(more, bool) else _schema(more, definitions),
        **common,
    )
