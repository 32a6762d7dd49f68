"""Payloads as JSON: exact numbers, and any nesting that a store accepts.

The json module is fast, but does not support Decimal or integers of more than 4,300 digits, and the stack limits its
nesting. For such values, the slower functions of this module are used.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, Callable, Dict, Iterator, List, Tuple

from ._errors import MalformedInputError

NumberReader = Callable[[str], Any]
Reader = Callable[[str], Any]


class _NotPlain(Exception):
    """A value that the json module cannot write."""


def _not_plain(value: object) -> Any:
    raise _NotPlain


_scan_string: Any = getattr(json.decoder, 'scanstring')
_encode_text = json.JSONEncoder(ensure_ascii=False).encode


#: The json module's encoder in C, which returns the parts of a text. JSONEncoder.encode makes an encoder for each value.
#: This one does not record open containers: a container that contains itself ends with a RecursionError.
encode_parts: Any = json.encoder.c_make_encoder and json.encoder.c_make_encoder(  # type: ignore[attr-defined]
    None, _not_plain, json.encoder.encode_basestring, None, ':', ',', False, False, False)


def encode(value: Any) -> str:
    """Writes a value as JSON."""
    try:
        if encode_parts is not None:
            return ''.join(encode_parts(value, 0))
    except (_NotPlain, ValueError, RecursionError):
        pass
    return encode_slowly(value)


def encode_slowly(value: Any) -> str:
    """Writes any value as JSON, without the json module."""
    return ''.join(_parts_of(value))


def _parts_of(value: Any) -> Iterator[str]:
    """Yields the parts of a text without recursion. The stack has the iterators of the open containers."""
    stack: List[Iterator[Tuple[str, Any]]] = []
    ends: List[str] = []
    open_containers: List[int] = []
    item: Tuple[str, Any] = ('', value)

    while True:
        prefix, one = item
        yield prefix
        if isinstance(one, dict):
            begin, end, items = '{', '}', _members_of(one)
        elif isinstance(one, (list, tuple)):
            begin, end, items = '[', ']', _elements_of(one)
        else:
            begin, end, items = _scalar(one), '', iter(())
        yield begin
        if end:
            if id(one) in open_containers:
                raise MalformedInputError('a value contains itself')
            stack.append(items)
            ends.append(end)
            open_containers.append(id(one))
        while stack:
            following = next(stack[-1], None)
            if following is not None:
                item = following
                break
            stack.pop()
            open_containers.pop()
            yield ends.pop()
        if not stack:
            return


def _members_of(value: Dict[Any, Any]) -> Iterator[Tuple[str, Any]]:
    comma = ''
    for key, member in value.items():
        yield f'{comma}{_encode_text(_key(key))}:', member
        comma = ','


def _elements_of(value: Any) -> Iterator[Tuple[str, Any]]:
    comma = ''
    for element in value:
        yield comma, element
        comma = ','


def _key(key: object) -> str:
    """Converts a key to a text, as the json module does."""
    if isinstance(key, str):
        return key
    if key is None or isinstance(key, (bool, int, float)):
        return _scalar(key)
    raise TypeError(f'a key of an object must be a str, not {type(key).__name__}')


def _scalar(value: object) -> str:
    if value is None:
        return 'null'
    if value is True:
        return 'true'
    if value is False:
        return 'false'
    if isinstance(value, str):
        return _encode_text(value)
    if isinstance(value, int):
        return _integer(int(value))
    if isinstance(value, float):
        if value != value or value in (float('inf'), float('-inf')):
            raise MalformedInputError(f'{value} is not a number in JSON')
        return float.__repr__(value)
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise MalformedInputError(f'{value} is not a number in JSON')
        return str(value)
    raise TypeError(f'a value of type {type(value).__name__} is not JSON')


def _integer(value: int) -> str:
    try:
        return int.__repr__(value)
    except ValueError:
        # Python limits the digits of int(); Decimal does not.
        return str(Decimal(value))


def _read_integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return int(Decimal(text))


_TOKEN = re.compile(r'[\s,:]*(?:(?P<string>")|(?P<number>-?\d[-+.\deE]*)|(?P<word>true|false|null)|(?P<mark>[][{}]))')
_WORDS = {'true': True, 'false': False, 'null': None}


def make_reader(parse_float: NumberReader) -> Reader:
    """Makes a function that reads valid JSON. parse_float reads numbers with a fraction or an exponent."""
    decoder: Any = json.JSONDecoder(parse_float=parse_float)
    scan = decoder.scan_once

    def read(text: str) -> Any:
        try:
            return scan(text, 0)[0]
        except (StopIteration, ValueError, RecursionError):
            return _read_slowly(text, parse_float)

    return read


def _read_slowly(text: str, parse_float: NumberReader) -> Any:
    """Reads valid JSON without recursion. A key of an object waits until its value is complete."""
    result: List[Any] = []
    stack: List[Any] = [result]
    keys: List[Any] = []
    position = 0

    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            if text[position:].strip():
                raise ValueError(f'no JSON at character {position}')
            break
        position = token.end()
        value: Any
        if token['string'] is not None:
            value, position = _scan_string(text, position)
        elif token['number'] is not None:
            number = token['number']
            value = _read_integer(number) if number.lstrip('-').isdigit() else parse_float(number)
        elif token['word'] is not None:
            value = _WORDS[token['word']]
        elif token['mark'] in '[{':
            value = [] if token['mark'] == '[' else {}
        else:
            stack.pop()
            continue
        container = stack[-1]
        if isinstance(container, list):
            container.append(value)
        elif keys and keys[-1][0] is container:
            container[keys.pop()[1]] = value
        else:
            keys.append((container, value))
            continue
        if isinstance(value, (list, dict)) and token['mark'] is not None:
            stack.append(value)
    return result[0]

