"""YAML in which what was typed is what is meant.

A name that comes twice in one section is refused, where YAML would let the last one win. Only true and
false are booleans and only plain decimal digits are whole numbers, as YAML 1.2 has it: ``no``, ``010``,
``1:30`` and dates stay the text that they are, and whoever wants a number or a date of them reads them so.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

import yaml

MOST_BYTES = 1_000_000
MOST_NODES = 100_000
"""So many values may a file hold, each counted as often as an alias repeats it."""

_PLAIN = {
    "tag:yaml.org,2002:bool": (re.compile(r"true|True|TRUE|false|False|FALSE"), "tTfF"),
    "tag:yaml.org,2002:int": (re.compile(r"[-+]?(?:0|[1-9][0-9]*)"), "-+0123456789"),
    "tag:yaml.org,2002:float": (
        re.compile(
            r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+"
            r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
        ),
        "-+.0123456789",
    ),
    "tag:yaml.org,2002:null": (re.compile(r"~|null|Null|NULL|"), ["~", "n", "N", ""]),
    "tag:yaml.org,2002:merge": (re.compile("<<"), "<"),
}


class _Loader(yaml.SafeLoader):
    """Reads one document; see the module."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - as in yaml

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode) or not key.tag.endswith((":str", ":merge")):
                raise yaml.constructor.ConstructorError(
                    None, None, f"line {line}: a name is expected; put it in quotes"
                )
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None,
                    None,
                    f"{key.value} is there twice, in line {seen[key.value]} and in line {line}; remove one",
                )
            seen[key.value] = line
        return super().construct_mapping(node, deep)


for _tag, (_pattern, _first) in _PLAIN.items():
    _Loader.add_implicit_resolver(_tag, re.compile(rf"(?:{_pattern.pattern})\Z"), list(_first))


def load(text: str) -> Any:
    """Return the one document that ``text`` holds.

    Raises:
        yaml.YAMLError: it is no YAML, or one that can be misunderstood; with the line.
    """
    if len(text) > MOST_BYTES:
        raise yaml.YAMLError(f"it has {len(text)} characters, more than {MOST_BYTES}")
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _require_bounded(node)
        return loader.construct_document(node)
    except RecursionError as error:
        raise yaml.YAMLError("it is nested too deeply") from error
    finally:
        loader.dispose()


def _require_bounded(root: yaml.Node) -> None:
    """Refuse aliases that contain themselves, and those that repeat each other beyond all bounds."""
    sizes: dict[int, int] = {}

    def size(node: yaml.Node) -> int:
        known = sizes.get(id(node))
        if known == 0:
            raise yaml.YAMLError(f"the anchor in line {node.start_mark.line + 1} contains itself")
        if known is None:
            sizes[id(node)] = 0
            parts = node.value if isinstance(node, yaml.CollectionNode) else ()
            inner = [one for part in parts for one in (part if isinstance(part, tuple) else (part,))]
            known = sizes[id(node)] = 1 + sum(map(size, inner))
        return known

    if size(root) > MOST_NODES:
        raise yaml.YAMLError(f"its aliases stand for more than {MOST_NODES} values")
