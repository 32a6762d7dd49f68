"""Facts in the transactions of a program that uses psycopg 3.

    with psycopg.connect(...) as connection:
        facts = factstr.psycopg.from_psycopg(connection)
        connection.execute('INSERT INTO orders ...')
        facts.append(factstr.NewEvent('order-placed', {'order': 1}))

Appends commit and roll back together with the other statements of the connection. Other appends to the log wait until
the transaction ends; with ``at_commit``, they wait only during the commit.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Sequence, Type

from ._errors import (CLASSES, ConflictError, FactstrError, MalformedInputError, PermissionDeniedError,
                      ReadOnlyError)
from ._json import encode, make_reader
from ._records import (AppendResult, EventRecord, NewestResult, NewEvent, Query, QueryResult, query_document,
                       read_time)
from ._store import Events

if TYPE_CHECKING:
    import psycopg

__all__ = ['ConnectionStore', 'from_psycopg']

_BY_STATE: Dict[str, Type[FactstrError]] = {
    **{f'FS00{number}': CLASSES[-number] for number in range(1, 8)}, 'FS008': CLASSES[-23], 'FS009': CLASSES[-24],
    '22023': MalformedInputError, '42501': PermissionDeniedError, '25006': ReadOnlyError}

_NUMBER = re.compile(r'"(expected_context_version|actual_context_version|after_sequence_number)": (\d+|null)')


def _error_of(error: Any) -> Optional[FactstrError]:
    """Makes the exception for an error of the server; None if it is not an error of factstr."""
    kind = _BY_STATE.get(error.sqlstate or '')
    if kind is None:
        return None
    diagnosis = error.diag
    detail = diagnosis.message_detail or ''
    result = kind(diagnosis.message_primary or str(error), detail, diagnosis.message_hint or '')
    if isinstance(result, ConflictError):
        for name, number in _NUMBER.findall(detail):
            setattr(result, name, None if number == 'null' else int(number))
    return result


def _event_document(event: NewEvent) -> Dict[str, Any]:
    if not isinstance(event, NewEvent):
        raise TypeError(f'an event must be a NewEvent, not {type(event).__name__}')
    document = {'event_type': event.event_type, 'payload': event.payload}
    if event.metadata is not None:
        document['metadata'] = event.metadata
    return document


def _events_text(events: Events) -> str:
    return encode([_event_document(event) for event in ([events] if isinstance(events, NewEvent) else events)])


class ConnectionStore:
    """A log in the database of a connection of psycopg. Its calls are statements of the connection."""

    def __init__(self, connection: psycopg.Connection[Any], log: str, parse_float: Callable[[str], Any]) -> None:
        self._connection = connection
        self._log = log
        self._read = make_reader(parse_float)

    def _row(self, statement: str, *parameters: Any) -> Sequence[Any]:
        from psycopg import Error
        from psycopg.rows import tuple_row

        with self._connection.cursor(row_factory=tuple_row) as cursor:
            try:
                cursor.execute(statement, parameters)
                row = cursor.fetchone()
            except Error as error:
                known = _error_of(error)
                if known is None:
                    raise
                raise known from error
        assert row is not None
        return row

    def _append(self, function: str, events: Events, parameters: Sequence[Any], key: Optional[str],
                at_commit: bool) -> Optional[AppendResult]:
        marks = ', '.join(['%s::jsonb', *['%s'] * len(parameters)])
        row = self._row(f'SELECT first_sequence_number, last_sequence_number, committed_count FROM {function}('
                        f'{marks}, idempotency_key => %s, at_commit => %s, log => %s)',
                        _events_text(events), *parameters, key, at_commit, self._log)
        return None if row[0] is None else AppendResult(*row)

    def append(self, events: Events, *, idempotency_key: Optional[str] = None,
               at_commit: bool = False) -> Optional[AppendResult]:
        """Appends the events as one batch. Returns None if the append is made at the commit."""
        return self._append('factstr_append', events, (), idempotency_key, at_commit)

    def append_if(self, events: Events, context_query: Query, expected_context_version: Optional[int], *,
                  idempotency_key: Optional[str] = None, at_commit: bool = False) -> Optional[AppendResult]:
        """Appends only if the context has exactly this version; None: it is empty. Otherwise raises ConflictError."""
        return self._append('factstr_append_if', events, (self._query(context_query), expected_context_version),
                            idempotency_key, at_commit)

    def append_unless(self, events: Events, context_query: Query, after_sequence_number: int, *,
                      idempotency_key: Optional[str] = None, at_commit: bool = False) -> Optional[AppendResult]:
        """Appends unless a fact after this number matches the query. In that case raises ConflictError."""
        return self._append('factstr_append_unless', events, (self._query(context_query), after_sequence_number),
                            idempotency_key, at_commit)

    def last_append(self) -> Optional[AppendResult]:
        """Returns the last batch that this connection has committed, for appends at commit."""
        row = self._row('SELECT first_sequence_number, last_sequence_number, committed_count '
                        'FROM factstr_last_append(%s)', self._log)
        return None if row[0] is None else AppendResult(*row)

    def query(self, query: Query = None) -> QueryResult:
        """Returns the matching facts and the version of their context, from one snapshot."""
        text, last, version = self._row(
            'SELECT event_records::text, last_returned_sequence_number, current_context_version '
            'FROM factstr_query(%s::jsonb, %s)', self._query(query), self._log)
        return QueryResult(tuple([_record(one) for one in self._read(text)]), last, version)

    def newest(self, queries: Sequence[Query]) -> NewestResult:
        """Returns the newest matching fact of each query, or None, and the version of their combined contexts."""
        text, version = self._row(
            'SELECT event_records::text, current_context_version FROM factstr_newest(%s::jsonb, %s)',
            encode([query_document(query) or {} for query in queries]), self._log)
        records: List[Optional[EventRecord]] = [None if one is None else _record(one) for one in self._read(text)]
        return NewestResult(tuple(records), version)

    def context_version(self, query: Query = None) -> Optional[int]:
        """Returns the highest number in the context of a query; None: it is empty."""
        version: Optional[int] = self._row('SELECT factstr_context_version(%s::jsonb, %s)', self._query(query),
                                           self._log)[0]
        return version

    @staticmethod
    def _query(query: Query) -> str:
        return encode(dict(query_document(query) or {}))


def _record(document: Dict[str, Any]) -> EventRecord:
    return EventRecord(document['sequence_number'], read_time(document['occurred_at']), document['event_type'],
                       document['payload'], document.get('metadata'))


def from_psycopg(connection: psycopg.Connection[Any], *, log: str = 'main',
                 parse_float: Callable[[str], Any] = Decimal) -> ConnectionStore:
    """Makes a store whose calls are statements of a connection of psycopg 3, in its transaction."""
    return ConnectionStore(connection, log, parse_float)
