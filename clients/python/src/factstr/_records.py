"""Records: what is appended, asked for and returned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple, Union

from ._json import Reader, encode

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

#: A fact as the library returns it: number, microseconds since 1970, type, payload, metadata.
FactTuple = Tuple[int, int, str, str, Optional[str]]


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
class EventRecord(SlotRecord):
    """A stored fact."""

    __slots__ = ('sequence_number', 'occurred_at', 'event_type', 'payload', 'metadata')

    sequence_number: int
    occurred_at: datetime
    event_type: str
    payload: Any
    metadata: Optional[Mapping[str, Any]]


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


#: A query, or the JSON of one, or None for every fact. A filter stands for the query that has only it.
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
    """The answer to a query, from one snapshot. A number is None if there is none."""

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
class Redaction(SlotRecord):
    """The record of a redaction."""

    __slots__ = ('sequence_number', 'redacted_at', 'redacted_by', 'reason')

    sequence_number: int
    redacted_at: datetime
    redacted_by: str
    reason: str


@dataclass(frozen=True)
class ExportedBatch:
    """A whole batch, as ``export`` returns and ``import_batches`` takes it.

    For history from elsewhere, numbers are None; then so are those of the records.
    """

    first_sequence_number: Optional[int]
    last_sequence_number: Optional[int]
    event_records: Tuple[Union[EventRecord, ImportedEvent], ...]
    idempotency_key: Optional[str] = None
    redactions: Tuple[Redaction, ...] = ()


@dataclass(frozen=True)
class ImportedEvent:
    """An event of another system, with its time, which gets the next number."""

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
    """A log of a PostgreSQL database. ``main``, which exists from the start, was not created by anybody."""

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


def time_of(microseconds: int) -> datetime:
    """A point in time of the library."""
    return _EPOCH + timedelta(microseconds=microseconds)


def read_time(text: str) -> datetime:
    """A point in time in a document: 2026-01-31T08:15:30.123456Z."""
    return datetime.strptime(text, '%Y-%m-%dT%H:%M:%S.%fZ').replace(tzinfo=timezone.utc)


def write_time(time: datetime) -> str:
    """The text of a point in time, which has to be an aware datetime."""
    if time.utcoffset() is None:
        raise ValueError('a time must be an aware datetime, such as datetime.now(timezone.utc)')
    return time.isoformat()


def record_of(fact: FactTuple, read: Reader) -> EventRecord:
    """The record of a fact of the library."""
    number, time, event_type, payload, metadata = fact
    return EventRecord(number, _EPOCH + timedelta(microseconds=time), event_type, read(payload),
                       None if metadata is None else read(metadata))


def event_tuple(event: NewEvent) -> Tuple[str, str, Optional[str]]:
    """The event that the library takes."""
    metadata = event.metadata
    return event.event_type, encode(event.payload), None if metadata is None else encode(metadata)


def _filter_document(one: Union[EventFilter, Mapping[str, Any]]) -> Mapping[str, Any]:
    if isinstance(one, Mapping):
        return one
    document: Dict[str, Any] = {}
    for key, values in (('event_types', one.event_types), ('payload_predicates', one.payload_predicates)):
        if isinstance(values, (str, bytes, Mapping)):
            raise TypeError(f'{key} of a filter must be a sequence, not one {type(values).__name__}')
        if values is not None:
            document[key] = list(values)
    return document


def query_document(query: Query) -> Optional[Mapping[str, Any]]:
    """A query as a JSON object, None for every fact."""
    if query is None or isinstance(query, Mapping):
        return query
    if isinstance(query, EventFilter):
        return {'filters': [_filter_document(query)]}
    if not isinstance(query, EventQuery):
        raise TypeError(f'a query must be an EventQuery, an EventFilter, a mapping or None, not {type(query).__name__}')
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
    """The text of a query for the library."""
    document = query_document(query)
    return None if document is None else encode(dict(document))
