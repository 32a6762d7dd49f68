"""Records: events, queries and results."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple, Union

from . import _native
from ._json import encode, encode_parts, encode_slowly
from ._transaction import Transaction


class SlotRecord:
    """A frozen record with slots, which pickle and copy could not restore otherwise."""

    __slots__: Tuple[str, ...] = ()

    def __reduce__(self) -> Tuple[Any, ...]:
        return type(self), tuple([getattr(self, name) for name in self.__slots__])


@dataclass(frozen=True)
class NewEvent:
    """An event to append. The payload is any JSON value, the metadata a JSON object."""

    event_type: str
    payload: Any
    metadata: Optional[Mapping[str, Any]] = None


@dataclass(frozen=True)
class EventRecord(_native.Fact):
    """A stored fact. Facts from a store decode their members on first use."""

    __slots__ = ()

    # The base class has the members. Without field(), dataclass would take its descriptors for default values.
    sequence_number: int = field()
    occurred_at: datetime = field()
    event_type: str = field()
    payload: Any = field()
    metadata: Optional[Mapping[str, Any]] = field()

    def __reduce__(self) -> Tuple[Any, ...]:
        return type(self), (self.sequence_number, self.occurred_at, self.event_type, self.payload, self.metadata)


@dataclass(frozen=True)
class EventFilter:
    """Matches a fact of any of these types that contains any of these predicates; None does not restrict."""

    event_types: Optional[Sequence[str]] = None
    payload_predicates: Optional[Sequence[Any]] = None


@dataclass(frozen=True)
class Partition:
    """One of ``count`` partitions by the value at ``key``, a path such as ``$.account``."""

    key: str
    count: int
    number: int


@dataclass(frozen=True)
class EventQuery:
    """Matches a fact that matches any of the filters; without filters, every fact."""

    filters: Optional[Sequence[EventFilter]] = None
    partition: Optional[Partition] = None
    after: Optional[int] = None


#: A query, its JSON as a mapping, or None for every fact. A filter means a query with only this filter.
Query = Union[EventQuery, EventFilter, Mapping[str, Any], None]


@dataclass(frozen=True)
class AppendResult(SlotRecord):
    """The numbers of an appended batch."""

    __slots__ = ('first_sequence_number', 'last_sequence_number', 'committed_count')

    first_sequence_number: int
    last_sequence_number: int
    committed_count: int


@dataclass(frozen=True)
class QueryResult(SlotRecord):
    """The result of a query, from one snapshot. The numbers are None if there are no facts."""

    __slots__ = ('event_records', 'last_returned_sequence_number', 'current_context_version')

    event_records: Tuple[EventRecord, ...]
    last_returned_sequence_number: Optional[int]
    current_context_version: Optional[int]


@dataclass(frozen=True)
class NewestResult(SlotRecord):
    """The newest fact of each of several queries, or None, and the version of their contexts together."""

    __slots__ = ('event_records', 'current_context_version')

    event_records: Tuple[Optional[EventRecord], ...]
    current_context_version: Optional[int]


@dataclass(frozen=True)
class Batch(SlotRecord):
    """A delivered batch: the numbers of the whole batch, and the records of its matching facts."""

    __slots__ = ('first_sequence_number', 'last_sequence_number', 'event_records', 'transaction')

    first_sequence_number: int
    last_sequence_number: int
    event_records: Tuple[EventRecord, ...]
    #: The transaction of a transactional delivery.
    transaction: Optional[Transaction]


@dataclass(frozen=True)
class Redaction(SlotRecord):
    """The record of a redaction."""

    __slots__ = ('sequence_number', 'redacted_at', 'redacted_by', 'reason')

    sequence_number: int
    redacted_at: datetime
    redacted_by: str
    reason: str


@dataclass(frozen=True)
class ExportedBatch:
    """A whole batch, as ``export`` returns it and ``import_batches`` accepts it.

    For history from other systems, the numbers are None, and the records are ImportedEvents.
    """

    first_sequence_number: Optional[int]
    last_sequence_number: Optional[int]
    event_records: Tuple[Union[EventRecord, ImportedEvent], ...]
    idempotency_key: Optional[str] = None
    redactions: Tuple[Redaction, ...] = ()


@dataclass(frozen=True)
class ImportedEvent:
    """An event of another system, with its time. The import gives it the next number."""

    occurred_at: datetime
    event_type: str
    payload: Any
    metadata: Optional[Mapping[str, Any]] = None


@dataclass(frozen=True)
class StreamStatus(SlotRecord):
    """The state of a durable stream."""

    __slots__ = ('name', 'event_query', 'cursor_sequence_number', 'head_sequence_number', 'lag_facts', 'lag',
                 'last_success_at', 'failure_count', 'last_error', 'last_failed_at', 'retry_at', 'active')

    name: str
    event_query: Mapping[str, Any]
    cursor_sequence_number: int
    head_sequence_number: int
    lag_facts: int
    lag: timedelta
    last_success_at: Optional[datetime]
    failure_count: int
    last_error: Optional[str]
    last_failed_at: Optional[datetime]
    retry_at: Optional[datetime]
    active: bool


@dataclass(frozen=True)
class LogStatus(SlotRecord):
    """A log of a PostgreSQL database. For ``main``, which always exists, the creation is None."""

    __slots__ = ('log', 'created_at', 'created_by', 'sealed_at', 'sealed_by')

    log: str
    created_at: Optional[datetime]
    created_by: Optional[str]
    #: None while the log is open.
    sealed_at: Optional[datetime]
    sealed_by: Optional[str]


@dataclass(frozen=True)
class StoreStatus(SlotRecord):
    """The newest number of the log, None if it is empty, and its durable streams."""

    __slots__ = ('head_sequence_number', 'streams')

    head_sequence_number: Optional[int]
    streams: Tuple[StreamStatus, ...]


def read_time(text: str) -> datetime:
    """Reads a point in time of a document, such as 2026-01-31T08:15:30.123456Z."""
    return datetime.strptime(text, '%Y-%m-%dT%H:%M:%S.%fZ').replace(tzinfo=timezone.utc)


def write_time(time: datetime) -> str:
    """Writes a point in time, which must be an aware datetime."""
    if time.utcoffset() is None:
        raise ValueError('a time must be an aware datetime, such as datetime.now(timezone.utc)')
    return time.isoformat()


# isinstance with Mapping is slow, so it comes last.

def _filter_document(one: Union[EventFilter, Mapping[str, Any]]) -> Mapping[str, Any]:
    if not isinstance(one, EventFilter):
        return one
    document: Dict[str, Any] = {}
    if one.event_types is not None:
        document['event_types'] = _list_of(one.event_types, 'event_types')
    if one.payload_predicates is not None:
        document['payload_predicates'] = _list_of(one.payload_predicates, 'payload_predicates')
    return document


def _list_of(values: Sequence[Any], key: str) -> Sequence[Any]:
    if isinstance(values, (list, tuple)):
        return values
    if isinstance(values, (str, bytes, Mapping)):
        raise TypeError(f'{key} of a filter must be a sequence of them, not a {type(values).__name__}')
    return list(values)


def query_document(query: Query) -> Optional[Mapping[str, Any]]:
    """Converts a query to a JSON object; None matches every fact."""
    if query is None:
        return None
    if isinstance(query, EventFilter):
        return {'filters': [_filter_document(query)]}
    if isinstance(query, EventQuery):
        return _query_document(query)
    if isinstance(query, Mapping):
        return dict(query)
    raise TypeError(f'a query must be an EventQuery, an EventFilter, a mapping or None, not {type(query).__name__}')


def _query_document(query: EventQuery) -> Dict[str, Any]:
    document: Dict[str, Any] = {}
    if query.filters is not None:
        document['filters'] = [_filter_document(one) for one in query.filters]
    if query.partition is not None:
        part = query.partition
        document['partition'] = {'key': part.key, 'count': part.count, 'number': part.number}
    if query.after is not None:
        document['after'] = query.after
    return document


def query_text(query: Query) -> Optional[str]:
    """Converts a query to a text for the library."""
    document = query_document(query)
    return None if document is None else encode(document)


_native.use(encode_parts, encode_slowly, Transaction, NewEvent, EventRecord, AppendResult, QueryResult, NewestResult, Batch)
