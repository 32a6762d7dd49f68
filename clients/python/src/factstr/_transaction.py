"""SQL in the transaction of a delivery."""

from __future__ import annotations

import json
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple
from uuid import UUID

from . import _native
from ._json import encode

# Readers for values of PostgreSQL's types, by the OIDs of the types; values of other types stay texts.
_READERS: Dict[int, Callable[[str], Any]] = {
    16: lambda text: text == 't',
    17: lambda text: bytes.fromhex(text[2:]),
    20: int,
    21: int,
    23: int,
    26: int,
    114: lambda text: json.loads(text, parse_float=Decimal),
    700: float,
    701: float,
    1700: Decimal,
    2950: UUID,
    3802: lambda text: json.loads(text, parse_float=Decimal),
}


def _postgres_text(value: Any) -> Optional[str]:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return 'true' if value else 'false'
    if isinstance(value, (int, float, Decimal, UUID)):
        return str(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return '\\x' + bytes(value).hex()
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, (dict, list, tuple)):
        return encode(value)
    raise TypeError(f'a parameter of a statement must not be of type {type(value).__name__}')


def _sqlite_value(value: Any) -> Any:
    if value is None or isinstance(value, (int, float, str, bytes)):
        return value
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, (Decimal, UUID)):
        return str(value)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, (dict, list, tuple)):
        return encode(value)
    raise TypeError(f'a parameter of a statement must not be of type {type(value).__name__}')


class Transaction:
    """The transaction of a delivery, which also moves the cursor of its stream.

    Its writes are committed exactly once, or rolled back. It ends when the handler returns.
    """

    def __init__(self, handle: object) -> None:
        self._handle = handle
        self._postgres = _native.is_postgres(handle)
        #: The number of rows that the last statement changed.
        self.rowcount = 0

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> List[Tuple[Any, ...]]:
        """Executes one statement, and returns its rows.

        Parameters are ``$1``, ``$2`` in PostgreSQL and ``?`` in SQLite. Objects and lists become JSON.
        """
        convert = _postgres_text if self._postgres else _sqlite_value
        types, self.rowcount, rows = _native.execute(self._handle, statement, tuple(map(convert, parameters)))
        if not self._postgres:
            return rows
        readers = [_READERS.get(one, str) for one in types]
        return [tuple(None if value is None else read(value) for value, read in zip(row, readers)) for row in rows]
