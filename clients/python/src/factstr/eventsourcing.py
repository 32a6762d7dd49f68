"""The stores of factstr for applications of the library eventsourcing that use dynamic consistency boundaries.

    class Enrolment(DCBApplication):
        env = {'PERSISTENCE_MODULE': 'factstr.eventsourcing', 'FACTSTR_URL': 'sqlite:facts.db'}

Each event is stored as a fact of its type. The payload contains the tags and the data: as text if it is UTF-8, otherwise
in base64.
"""

from __future__ import annotations

import base64
from itertools import takewhile
from typing import Any, Dict, Iterator, List, Optional, Sequence

from eventsourcing.dcb.api import (DCBAppendCondition, DCBEvent, DCBQuery, DCBReadResponse, DCBRecorder,
                                   DCBSequencedEvent, DCBSubscription)
from eventsourcing.dcb.persistence import DCBInfrastructureFactory
from eventsourcing.persistence import IntegrityError, ProgrammingError
from eventsourcing.popo import POPOTrackingRecorder
from eventsourcing.utils import Environment, EnvType

from ._errors import ConflictError, EmptyAppendError, MalformedInputError
from ._records import Batch, EventFilter, EventQuery, EventRecord, NewEvent
from ._store import Store, open_store

__all__ = ['FactstrFactory', 'FactstrRecorder']


def _payload_of(event: DCBEvent) -> Dict[str, Any]:
    payload: Dict[str, Any] = {'tags': list(event.tags)}
    try:
        text = event.data.decode('utf-8')
    except UnicodeDecodeError:
        text = '\0'
    # Stores do not accept U+0000 in a text.
    if '\0' in text:
        payload['base64'] = base64.b64encode(event.data).decode('ascii')
    else:
        payload['data'] = text
    return payload


def _event_of(record: EventRecord) -> DCBSequencedEvent:
    payload = record.payload
    if not isinstance(payload, dict) or not isinstance(payload.get('tags'), list):
        raise ProgrammingError(f'fact {record.sequence_number} was not appended by eventsourcing')
    data = payload['data'].encode('utf-8') if 'data' in payload else base64.b64decode(payload['base64'])
    return DCBSequencedEvent(DCBEvent(type=record.event_type, data=data, tags=payload['tags']),
                             record.sequence_number)


def _query_of(query: Optional[DCBQuery], after: Optional[int] = None) -> EventQuery:
    filters = [EventFilter(event_types=item.types or None,
                           payload_predicates=[{'tags': item.tags}] if item.tags else None)
               for item in (query.items if query is not None else [])]
    return EventQuery(filters=filters, after=after)


class _ReadResponse(DCBReadResponse):
    def __init__(self, events: Iterator[DCBSequencedEvent], head: Optional[int]) -> None:
        self._events = events
        self._head = head

    @property
    def head(self) -> Optional[int]:
        return self._head

    def __next__(self) -> DCBSequencedEvent:
        return next(self._events)


class FactstrRecorder(DCBRecorder):
    """A recorder over a store. It does not close the store."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def read(self, query: Optional[DCBQuery] = None, *, after: Optional[int] = None,
             limit: Optional[int] = None) -> DCBReadResponse:
        if limit is not None:
            events: List[DCBSequencedEvent] = []
            if limit > 0:
                events = [_event_of(record) for record in self.store.read(_query_of(query, after), max_count=limit)]
            return _ReadResponse(iter(events), events[-1].position if events else None)
        # The head must not be newer than the facts that are read, since a decision appends after it.
        head = self.store.context_version()
        if head is None:
            return _ReadResponse(iter(()), None)
        reader = self.store.read(_query_of(query, after))
        return _ReadResponse(map(_event_of, takewhile(lambda record: record.sequence_number <= head, reader)), head)

    def append(self, events: Sequence[DCBEvent], condition: Optional[DCBAppendCondition] = None) -> int:
        new = [NewEvent(event.type, _payload_of(event)) for event in events]
        try:
            if condition is None:
                return self.store.append(new).last_sequence_number
            return self.store.append_unless(new, _query_of(condition.fail_if_events_match),
                                            condition.after or 0).last_sequence_number
        except ConflictError as error:
            raise IntegrityError(condition) from error
        except (EmptyAppendError, MalformedInputError) as error:
            raise ProgrammingError(str(error)) from error

    def subscribe(self, query: Optional[DCBQuery] = None, *,
                  after: Optional[int] = None) -> FactstrSubscription:
        return FactstrSubscription(self, query, after)


class FactstrSubscription(DCBSubscription[FactstrRecorder]):
    """The events after a position, followed by new ones when they are recorded."""

    def __init__(self, recorder: FactstrRecorder, query: Optional[DCBQuery], after: Optional[int]) -> None:
        super().__init__(recorder, query, after)
        self._stream = recorder.store.stream(_query_of(query), after=after or 0)
        self._records: Iterator[EventRecord] = iter(())

    def __next__(self) -> DCBSequencedEvent:
        while not self._has_been_stopped:
            for record in self._records:
                # A position may lie inside a batch.
                if record.sequence_number > self._last_position:
                    return _event_of(record)
            batch: Optional[Batch] = next(self._stream, None)
            if batch is None:
                break
            self._records = iter(batch.event_records)
        raise StopIteration

    def stop(self) -> None:
        """Stops the subscription, and ends the wait of a thread for an event."""
        super().stop()
        self._stream.close()


class FactstrFactory(DCBInfrastructureFactory[POPOTrackingRecorder]):
    """Makes recorders over the store at FACTSTR_URL, ``memory:`` by default; FACTSTR_LOG names a log."""

    def __init__(self, env: Environment | EnvType | None) -> None:
        super().__init__(env)
        self.store = open_store(self.env.get('FACTSTR_URL') or 'memory:', log=self.env.get('FACTSTR_LOG') or None)

    def dcb_recorder(self) -> DCBRecorder:
        return FactstrRecorder(self.store)

    def tracking_recorder(self, tracking_recorder_class: Optional[type[POPOTrackingRecorder]] = None) -> \
            POPOTrackingRecorder:
        return (tracking_recorder_class or POPOTrackingRecorder)()

    def close(self) -> None:
        self.store.close()
