"""Stores."""

from __future__ import annotations

import atexit
import os
import time
import warnings
import weakref
from decimal import Decimal
from types import TracebackType
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Set, Type, Union
from urllib.parse import quote

from . import _native
from ._batches import batch_document, read_batch, read_log, read_redaction, read_status
from ._errors import WaitTimedOutError
from ._json import encode, make_reader
from ._records import (AppendResult, Batch, EventRecord, ExportedBatch, LogStatus, NewestResult, NewEvent, Query,
                       QueryResult, Redaction, StoreStatus, StreamStatus, query_text)
from ._streams import Handler, Stream, StreamOptions, Subscription, logger, milliseconds

Events = Union[NewEvent, Iterable[NewEvent]]

_ALWAYS, _IF, _UNLESS = range(3)

# The number of batches that an export keeps in memory.
_PAGE = 256

# When the program exits, streams may deliver for the first time, and closing ends after the second. In seconds.
_EXIT_DELIVERIES = 5
_EXIT_TIMEOUT = 10

_stores: weakref.WeakSet[Store] = weakref.WeakSet()


class Reader(_native.Cursor, Iterator[EventRecord]):
    """Iterates over the facts that were in the log when the reader was created. It keeps a page of them in memory."""

    def __init__(self, store: Store, query: Query, max_count: Optional[int], backwards: bool) -> None:
        if max_count is not None and max_count < 1:
            raise ValueError(f'max_count must be None, or 1 or more, not {max_count}')
        super().__init__(store._handle, store._read, query_text(query), max_count or 0, backwards)

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 traceback: Optional[TracebackType]) -> None:
        self.close()


class Store:
    """An open store. Any number of threads may use it. As a context manager, it closes at the end of the block.

    Every method can raise the errors of the storage, and StoreClosedError while another thread closes the store.
    """

    def __init__(self, url: str, *, parse_float: Callable[[str], Any] = Decimal) -> None:
        self._read = make_reader(parse_float)
        self._subscriptions: Set[Subscription] = set()
        self._handle = _native.open(url)
        self._is_closed = False
        _stores.add(self)

    # Opening and closing

    def close(self, timeout: Optional[float] = 5) -> None:
        """Ends the calls of other threads, delivers the facts committed through this store, and closes the store.

        Always waits for running handlers. Raises WaitTimedOutError if a stream did not finish before the timeout;
        the store is closed all the same, and a durable stream continues when it is opened again. Further calls do
        nothing.
        """
        finished = _native.close(self._handle, milliseconds(timeout))
        self._is_closed = True
        self._subscriptions.clear()
        if not finished:
            raise WaitTimedOutError('a stream did not deliver all committed facts before the timeout; the store is closed')

    @property
    def closed(self) -> bool:
        """Has the store been closed?"""
        return self._is_closed

    def interrupt(self) -> None:
        """Ends the calls of other threads with CallInterruptedError. Open streams continue."""
        _native.interrupt(self._handle)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 traceback: Optional[TracebackType]) -> None:
        self.close()

    def __del__(self) -> None:
        if not getattr(self, '_is_closed', True):
            warnings.warn(f'unclosed store {self!r}', ResourceWarning, source=self)
            _native.let_close(self._handle, 0, -1)

    # Appending

    def append(self, events: Events, *, idempotency_key: Optional[str] = None) -> AppendResult:
        """Appends the events as one batch, which is on disk when this returns.

        Another call with the same idempotency key stores nothing and returns the result of the first.
        """
        return _native.append(self._handle, events, None, idempotency_key, _ALWAYS, 0)

    def append_if(self, events: Events, context_query: Query, expected_context_version: Optional[int], *,
                  idempotency_key: Optional[str] = None) -> AppendResult:
        """Appends only if the context has exactly the version that a query has returned; None: it is empty.

        Otherwise raises ConflictError.
        """
        return self._append_if(events, query_text(context_query), expected_context_version, idempotency_key)

    def append_unless(self, events: Events, context_query: Query, after_sequence_number: int, *,
                      idempotency_key: Optional[str] = None) -> AppendResult:
        """Appends unless a fact after this number matches the query: the append condition of DCB.

        In that case raises ConflictError.
        """
        return _native.append(self._handle, events, query_text(context_query), idempotency_key, _UNLESS,
                              after_sequence_number)

    # These take the text of the query, because decide needs it twice.

    def _append_if(self, events: Events, query: Optional[str], version: Optional[int],
                   key: Optional[str]) -> AppendResult:
        return _native.append(self._handle, events, query, key, _IF, version or 0)

    # Reading

    def query(self, query: Query = None) -> QueryResult:
        """Returns the matching facts and the version of their context, from one snapshot. Use ``read`` for many facts."""
        return self._query(query_text(query))

    def _query(self, query: Optional[str]) -> QueryResult:
        return _native.query(self._handle, self._read, query)

    def read(self, query: Query = None, *, max_count: Optional[int] = None, backwards: bool = False) -> Reader:
        """Iterates over the matching facts that are in the log now."""
        return Reader(self, query, max_count, backwards)

    def newest(self, queries: Sequence[Query]) -> NewestResult:
        """Returns the newest matching fact of each query, or None, and the version of their combined contexts."""
        return _native.newest(self._handle, self._read, [query_text(query) or '{}' for query in queries])

    def context_version(self, query: Query = None) -> Optional[int]:
        """Returns the highest number in the context of a query; None: it is empty."""
        return _native.context_version(self._handle, query_text(query))

    def batches(self, query: Query = None, *, after: int = 0, max_batches: int = _PAGE) -> List[Batch]:
        """Returns at most ``max_batches`` committed batches after a position that contain a matching fact."""
        return _native.batches(self._handle, self._read, query_text(query), after, max_batches)

    # Moving

    def export(self, *, after: int = 0) -> Iterator[ExportedBatch]:
        """Yields all batches after a position, with idempotency keys and redactions, as ``import_batches`` accepts them."""
        while True:
            documents = self._read(_native.export(self._handle, after, _PAGE))
            if not documents:
                return
            for document in documents:
                yield read_batch(document)
            after = documents[-1]['last_sequence_number']

    def import_batches(self, batches: Iterable[ExportedBatch]) -> Optional[AppendResult]:
        """Stores batches of another log, all or nothing. Returns None if this log already has all of them.

        The batches must continue this log without a gap, or have no numbers and get the next ones.
        """
        result = self._read(_native.import_batches(self._handle, _batches_text(batches)))
        if result['first_sequence_number'] is None:
            return None
        return AppendResult(result['first_sequence_number'], result['last_sequence_number'],
                            result['committed_count'])

    def import_redactions(self, batches: Iterable[ExportedBatch]) -> int:
        """Applies the redactions of exported batches that this copy does not have, and returns their number."""
        return int(self._read(_native.import_redactions(self._handle, _batches_text(batches)))['imported_count'])

    # Redaction

    def redact(self, sequence_number: int, payload: Any, *, reason: str,
               metadata: Optional[Dict[str, Any]] = None) -> bool:
        """Permanently replaces the payload and the metadata of a fact, and records the redaction.

        Returns True if the storage still contains the old text.
        """
        return _native.redact(self._handle, sequence_number, encode(payload), reason,
                              None if metadata is None else encode(metadata))

    def redactions(self, *, after: int = 0) -> Iterator[Redaction]:
        """Yields the records of the redactions of facts after a number."""
        while True:
            documents = self._read(_native.redactions(self._handle, after, _PAGE))
            if not documents:
                return
            for document in documents:
                yield read_redaction(document)
            after = documents[-1]['sequence_number']

    # Streams

    def stream(self, query: Query = None, *, name: Optional[str] = None, start: Optional[str] = None,
               after: Optional[int] = None, partition_key: Optional[str] = None, partitions: Optional[int] = None,
               partition: Optional[int] = None, ack_batches: Optional[int] = None, auto_ack: bool = True,
               timeout: Optional[float] = 0, idle_timeout: Optional[float] = None) -> Stream:
        """Opens a stream to iterate over: ``for batch in store.stream(query)``. With a name, it is durable.

        A new stream starts with the ``"first"`` fact, with the next one (``"now"``), or ``after`` a position. By
        default, a durable stream starts with the first fact, and any other with the next one. The iteration waits
        for batches without limit, or for ``idle_timeout`` seconds. Opening waits at most ``timeout`` seconds for
        another consumer of the name to end.
        """
        options = StreamOptions(name=name, start=start, after=after, partition_key=partition_key,
                                partitions=partitions, partition=partition, ack_batches=ack_batches, timeout=timeout)
        return Stream(self, query, options, idle_timeout, auto_ack)

    def subscribe(self, handler: Handler, query: Query = None, *, name: Optional[str] = None,
                  start: Optional[str] = None, after: Optional[int] = None, partition_key: Optional[str] = None,
                  partitions: Optional[int] = None, partition: Optional[int] = None, ack_batches: Optional[int] = None,
                  ack_seconds: Optional[float] = None, timeout: Optional[float] = 0, transactional: bool = False,
                  in_background: bool = False) -> Subscription:
        """Opens a stream that calls a handler on its own thread. With a name, it is durable.

        Unless ``in_background`` is set, older facts are delivered on the caller's thread before this returns; if the
        handler fails there, this raises HandlerFailedError. A ``transactional`` handler writes with
        ``batch.transaction``, exactly once.
        """
        options = StreamOptions(name=name, start=start, after=after, partition_key=partition_key,
                                partitions=partitions, partition=partition, ack_batches=ack_batches,
                                ack_seconds=ack_seconds, timeout=timeout, transactional=transactional,
                                in_background=in_background)
        subscription = Subscription(self, handler, options)
        subscription._open(query, options)
        return subscription

    def streams(self) -> List[StreamStatus]:
        """Returns the durable streams, ordered by name."""
        return [read_status(document) for document in self._read(_native.streams(self._handle))]

    def status(self) -> StoreStatus:
        """Returns the newest number and the durable streams."""
        return StoreStatus(self.context_version(), tuple(self.streams()))

    def seek_stream(self, name: str, sequence_number: int) -> None:
        """Moves the cursor of a durable stream to any fact, 0 for the beginning."""
        _native.stream_seek(self._handle, name, sequence_number)

    def drop_stream(self, name: str) -> None:
        """Deletes a durable stream."""
        _native.stream_drop(self._handle, name)

    def wait(self, name: str, sequence_number: int, timeout: Optional[float] = None) -> None:
        """Waits until the cursor of a durable stream has reached a fact; after the timeout, raises WaitTimedOutError."""
        _native.wait(self._handle, name, sequence_number, milliseconds(timeout))

    # Logs of the PostgreSQL database; other stores are single logs, and raise UnsupportedError

    def logs(self) -> List[LogStatus]:
        """Returns the logs on which the role has a right, ordered by name."""
        return [read_log(document) for document in self._read(_native.logs(self._handle))]

    def create_log(self, log: str) -> None:
        """Creates a log, which ``open_store`` can then open. Raises LogExistsError if it exists."""
        _native.create_log(self._handle, log)

    def seal_log(self, log: str) -> bool:
        """Seals a log: nothing can be appended to it any more. Returns False if it was sealed before."""
        return _native.seal_log(self._handle, log)

    def drop_log(self, log: str, confirmation: str) -> int:
        """Drops a log with its facts, if the confirmation repeats its name. Returns the number of its facts."""
        return _native.drop_log(self._handle, log, confirmation)


def _batches_text(batches: Iterable[ExportedBatch]) -> str:
    return encode([batch_document(batch) for batch in batches])


def open_store(url: Union[str, os.PathLike[str]], *, log: Optional[str] = None,
               parse_float: Callable[[str], Any] = Decimal) -> Store:
    """Opens a store: ``memory:``, ``sqlite:PATH``, ``postgresql://...``; a path object is a SQLite file.

    ``log`` names a log of a PostgreSQL database. Numbers with a fraction or an exponent come back as Decimal, which
    is exact; ``parse_float=float`` returns floats.
    """
    if isinstance(url, os.PathLike):
        url = 'sqlite:' + os.fspath(url).replace('%', '%25').replace('?', '%3F')
    if log is not None:
        if not url.startswith(('postgresql:', 'postgres:')):
            raise ValueError('only a PostgreSQL database has several logs')
        url += f'{"&" if "?" in url else "?"}factstr_log={quote(log, safe="")}'
    return Store(url, parse_float=parse_float)


def _close_all() -> None:
    """Runs before the interpreter exits: after that, no thread of the library may enter it."""
    end = time.monotonic() + _EXIT_TIMEOUT
    stores = list(_stores)
    for store in stores:
        store._is_closed = True
    closing = [_native.let_close(store._handle, milliseconds(_EXIT_DELIVERIES), milliseconds(_left(end)))
               for store in stores]
    if not (_native.stop(milliseconds(_left(end))) and all(closing)):
        logger.warning('the program ends while a handler is running; its batch will be delivered again')


def _left(end: float) -> float:
    return max(0.0, end - time.monotonic())


atexit.register(_close_all)
os.register_at_fork(after_in_child=_native.after_fork)
