"""The store for asyncio: calls are coroutines, and none blocks the event loop.

    async with await factstr.aio.open_store('sqlite:facts.db') as store:
        await store.append(factstr.NewEvent('account-opened', {'account': 'A-1'}))
        async for batch in store.stream(start='first'):
            ...

Calls run on a few threads of the store. A stream that waits for facts needs no thread.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import time
from collections import deque
from decimal import Decimal
from types import TracebackType
from typing import (Any, AsyncIterator, Awaitable, Callable, Deque, Dict, Iterable, List, Optional, Sequence, Type,
                    TypeVar, Union)

from . import _store
from ._decide import Command, Decision, Fold, events_of
from ._errors import ConflictError, FactstrError, MisuseError, StoreClosedError, WaitTimedOutError
from ._records import (AppendResult, Batch, EventRecord, ExportedBatch, LogStatus, NewestResult, Query, QueryResult,
                       Redaction, StoreStatus, StreamStatus)
from ._streams import Stream, Subscription

__all__ = ['AsyncReader', 'AsyncStore', 'AsyncStream', 'AsyncSubscription', 'decide', 'open_store']

Result = TypeVar('Result')
State = TypeVar('State')

#: Handles a batch. If it raises, the batch is delivered again after a pause.
AsyncHandler = Callable[[Batch], Awaitable[object]]

# The number of calls of a store that can run at the same time.
_THREADS = 8

# The number of facts or batches in a page.
_PAGE = 256

# A wait occupies a thread for at most this time, in seconds, and then starts again.
_SLICE = 1.0

# The interval at which a handler's thread checks whether its event loop is closed, in seconds.
_LOOP_SECONDS = 0.5


class AsyncStore:
    """An open store. Store describes the methods."""

    def __init__(self, store: _store.Store) -> None:
        self._store = store
        self._threads = concurrent.futures.ThreadPoolExecutor(_THREADS, 'factstr')

    async def _run(self, function: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
        try:
            future = self._threads.submit(function, *args, **kwargs)
        except RuntimeError:
            raise StoreClosedError('the store is closed') from None
        return await asyncio.wrap_future(future)

    async def close(self, timeout: Optional[float] = 5) -> None:
        """Ends the calls in progress, delivers the committed facts, and closes the store. Further calls do nothing."""
        # On a separate thread: all threads of the store may be busy with calls that closing ends.
        thread = concurrent.futures.ThreadPoolExecutor(1, 'factstr-close')
        try:
            await asyncio.get_running_loop().run_in_executor(thread, self._close, timeout)
        finally:
            thread.shutdown(wait=False)

    def _close(self, timeout: Optional[float]) -> None:
        try:
            self._store.close(timeout)
        finally:
            self._threads.shutdown()

    @property
    def closed(self) -> bool:
        """Has the store been closed?"""
        return self._store.closed

    @property
    def sync(self) -> _store.Store:
        """The same store for code outside the event loop."""
        return self._store

    async def __aenter__(self) -> AsyncStore:
        return self

    async def __aexit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                        traceback: Optional[TracebackType]) -> None:
        await self.close()

    async def append(self, events: _store.Events, *, idempotency_key: Optional[str] = None) -> AppendResult:
        return await self._run(self._store.append, events, idempotency_key=idempotency_key)

    async def append_if(self, events: _store.Events, context_query: Query, expected_context_version: Optional[int], *,
                        idempotency_key: Optional[str] = None) -> AppendResult:
        return await self._run(self._store.append_if, events, context_query, expected_context_version,
                               idempotency_key=idempotency_key)

    async def append_unless(self, events: _store.Events, context_query: Query, after_sequence_number: int, *,
                            idempotency_key: Optional[str] = None) -> AppendResult:
        return await self._run(self._store.append_unless, events, context_query, after_sequence_number,
                               idempotency_key=idempotency_key)

    async def query(self, query: Query = None) -> QueryResult:
        return await self._run(self._store.query, query)

    def read(self, query: Query = None, *, max_count: Optional[int] = None, backwards: bool = False) -> AsyncReader:
        """``async for record in store.read(query)``."""
        return AsyncReader(self, query, max_count, backwards)

    async def newest(self, queries: Sequence[Query]) -> NewestResult:
        return await self._run(self._store.newest, queries)

    async def context_version(self, query: Query = None) -> Optional[int]:
        return await self._run(self._store.context_version, query)

    async def batches(self, query: Query = None, *, after: int = 0, max_batches: int = _PAGE) -> List[Batch]:
        return await self._run(self._store.batches, query, after=after, max_batches=max_batches)

    async def export(self, *, after: int = 0) -> AsyncIterator[ExportedBatch]:
        """``async for batch in store.export()``."""
        batches = self._store.export(after=after)
        while True:
            page = await self._run(_take, batches, _PAGE)
            if not page:
                return
            for batch in page:
                yield batch

    async def import_batches(self, batches: Iterable[ExportedBatch]) -> Optional[AppendResult]:
        return await self._run(self._store.import_batches, batches)

    async def import_redactions(self, batches: Iterable[ExportedBatch]) -> int:
        return await self._run(self._store.import_redactions, batches)

    async def redact(self, sequence_number: int, payload: Any, *, reason: str,
                     metadata: Optional[Dict[str, Any]] = None) -> bool:
        return await self._run(self._store.redact, sequence_number, payload, reason=reason, metadata=metadata)

    async def redactions(self, *, after: int = 0) -> List[Redaction]:
        return await self._run(lambda: list(self._store.redactions(after=after)))

    def stream(self, query: Query = None, **options: Any) -> AsyncStream:
        """``async for batch in store.stream(query)``, with the options of Store.stream."""
        return AsyncStream(self, query, options)

    async def subscribe(self, handler: AsyncHandler, query: Query = None, **options: Any) -> AsyncSubscription:
        """Opens a stream that calls a coroutine function on this event loop, with the options of Store.subscribe.

        Use the transaction of a transactional stream on another thread: ``asyncio.to_thread``.
        """
        loop = asyncio.get_running_loop()

        def call(batch: Batch) -> None:
            _wait_for(asyncio.run_coroutine_threadsafe(_called(handler, batch), loop), loop)

        return AsyncSubscription(self, await self._run(self._store.subscribe, call, query, **options))

    async def streams(self) -> List[StreamStatus]:
        return await self._run(self._store.streams)

    async def status(self) -> StoreStatus:
        return await self._run(self._store.status)

    async def seek_stream(self, name: str, sequence_number: int) -> None:
        await self._run(self._store.seek_stream, name, sequence_number)

    async def drop_stream(self, name: str) -> None:
        await self._run(self._store.drop_stream, name)

    async def wait(self, name: str, sequence_number: int, timeout: Optional[float] = None) -> None:
        # In slices, so that a cancelled wait soon frees its thread.
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            left = _SLICE if end is None else max(0.0, min(_SLICE, end - time.monotonic()))
            try:
                return await self._run(self._store.wait, name, sequence_number, left)
            except WaitTimedOutError:
                if end is not None and time.monotonic() >= end:
                    raise

    async def logs(self) -> List[LogStatus]:
        return await self._run(self._store.logs)

    async def create_log(self, log: str) -> None:
        await self._run(self._store.create_log, log)

    async def seal_log(self, log: str) -> bool:
        return await self._run(self._store.seal_log, log)

    async def drop_log(self, log: str, confirmation: str) -> int:
        return await self._run(self._store.drop_log, log, confirmation)


def _take(items: Any, most: int) -> List[Any]:
    return [item for _, item in zip(range(most), items)]


async def _called(handler: AsyncHandler, batch: Batch) -> None:
    await handler(batch)


def _wait_for(future: concurrent.futures.Future[None], loop: asyncio.AbstractEventLoop) -> None:
    """Waits for a handler on its event loop, until that is closed."""
    while True:
        try:
            return future.result(_LOOP_SECONDS)
        except concurrent.futures.TimeoutError:
            if future.done():
                raise
            if loop.is_closed():
                raise RuntimeError('the event loop of the handler is closed') from None


class AsyncReader(AsyncIterator[EventRecord]):
    """Iterates over the facts that are in the log when the iteration begins."""

    def __init__(self, store: AsyncStore, query: Query, max_count: Optional[int], backwards: bool) -> None:
        self._store = store
        self._open = lambda: store.sync.read(query, max_count=max_count, backwards=backwards)
        self._reader: Optional[_store.Reader] = None
        self._page: Deque[EventRecord] = deque()

    async def __anext__(self) -> EventRecord:
        if self._reader is None:
            self._reader = await self._store._run(self._open)
        if not self._page:
            self._page.extend(await self._store._run(_take, self._reader, _PAGE))
        if not self._page:
            raise StopAsyncIteration
        return self._page.popleft()


class AsyncSubscription:
    """A stream with a handler. As an asynchronous context manager, it closes at the end of the block."""

    def __init__(self, store: AsyncStore, subscription: Subscription) -> None:
        self._store = store
        self._subscription = subscription

    @property
    def error(self) -> Optional[BaseException]:
        """The exception of the handler, during the pause before its batch is delivered again."""
        return self._subscription.error

    @property
    def end(self) -> Optional[FactstrError]:
        """The reason for an end without ``close``; see Subscription."""
        return self._subscription.end

    async def unsubscribe(self) -> None:
        """Ends the stream without waiting for its handler."""
        await self._store._run(self._subscription.unsubscribe)

    async def close(self, timeout: Optional[float] = 5) -> None:
        """Ends the stream, and waits for its handler. A handler must use ``unsubscribe`` instead."""
        try:
            await self._store._run(self._subscription.close, timeout)
        except StoreClosedError:
            pass

    async def __aenter__(self) -> AsyncSubscription:
        return self

    async def __aexit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                        traceback: Optional[TracebackType]) -> None:
        await self.close()


class AsyncStream(AsyncIterator[Batch]):
    """A stream for iteration, which waits for more batches. See Stream."""

    def __init__(self, store: AsyncStore, query: Query, options: Dict[str, Any]) -> None:
        self._store = store
        self._idle_timeout = options.pop('idle_timeout', None)
        self._open = lambda: store.sync.stream(query, idle_timeout=0, **options)
        self._stream: Optional[Stream] = None
        self._closed = False

    async def _opened(self) -> Stream:
        if self._stream is None:
            self._stream = await self._store._run(self._open)
        return self._stream

    async def __anext__(self) -> Batch:
        while not self._closed:
            try:
                stream = await self._opened()
                batch = await self._next(stream)
                if batch is not None:
                    return batch
                if not await self._readable(stream):
                    break
            except StoreClosedError:
                break
            except MisuseError:
                if self._closed:
                    break
                raise
        raise StopAsyncIteration

    async def _next(self, stream: Stream) -> Optional[Batch]:
        """Returns the next available batch, or None. A batch that is already in memory needs no thread."""
        if stream._buffer and not stream._auto_ack:
            return next(stream)
        batch: Optional[Batch] = await self._store._run(lambda: next(stream, None))
        return batch

    async def _readable(self, stream: Stream) -> bool:
        """Waits until there may be a batch; False after the idle timeout."""
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        # A duplicate for the loop, since a descriptor must stay open while the loop polls it.
        descriptor = os.dup(stream.fileno())
        loop.add_reader(descriptor, readable.set)
        try:
            await asyncio.wait_for(readable.wait(), self._idle_timeout)
            return True
        except asyncio.TimeoutError:
            return False
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)

    async def ack(self, sequence_number: int) -> None:
        """Acknowledges all batches up to the one that ends with this fact."""
        stream = await self._opened()
        await self._store._run(stream.ack, sequence_number)

    async def fail(self, message: str) -> None:
        """Reports that the unacknowledged batches could not be handled; they are returned again."""
        stream = await self._opened()
        await self._store._run(stream.fail, message)

    async def aclose(self) -> None:
        """Ends the stream; the cursor of a durable one stays. Further calls do nothing."""
        self._closed = True
        if self._stream is not None:
            try:
                await self._store._run(self._stream.close)
            except StoreClosedError:
                self._stream.close()

    async def __aenter__(self) -> AsyncStream:
        await self._opened()
        return self

    async def __aexit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                        traceback: Optional[TracebackType]) -> None:
        if self._stream is not None and not self._closed and not self._store.closed:
            await self._store._run(self._stream.__exit__, kind, error, traceback)
        await self.aclose()


async def decide(store: AsyncStore, query: Query, fold: Fold[State], command: Command[State], *, attempts: int = 20,
                 idempotency_key: Optional[str] = None) -> Decision[State]:
    """See factstr.decide. fold and command are ordinary functions, which are called on the event loop."""
    if attempts < 1:
        raise ValueError(f'attempts must be 1 or more, not {attempts}')
    while True:
        context = await store.query(query)
        state = fold(context.event_records)
        events = events_of(command(state))
        if not events:
            return Decision(state, (), None)
        try:
            result = await store.append_if(events, query, context.current_context_version,
                                           idempotency_key=idempotency_key)
            return Decision(state, tuple(events), result)
        except ConflictError:
            attempts -= 1
            if attempts == 0:
                raise


async def open_store(url: Union[str, os.PathLike[str]], *, log: Optional[str] = None,
                     parse_float: Callable[[str], Any] = Decimal) -> AsyncStore:
    """Opens a store; see factstr.open_store."""
    loop = asyncio.get_running_loop()
    return AsyncStore(await loop.run_in_executor(
        None, lambda: _store.open_store(url, log=log, parse_float=parse_float)))
