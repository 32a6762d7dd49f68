"""Streams: subscriptions with a handler, and streams for iteration."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING, Callable, Deque, Iterator, List, Optional, Type

from . import _native
from ._errors import (CLASSES, FactstrError, HandlerFailedError, MisuseError, StoreClosedError, WaitTimedOutError,
                      make_error)
from ._records import Batch, Query, query_text

if TYPE_CHECKING:
    from ._store import Store

logger = logging.getLogger('factstr')

_STARTS = {None: 0, 'first': 1, 'now': 2}
_AFTER = 3
_ANY_PARTITION = -1


#: Handles a batch. If it raises, the batch is delivered again after a pause.
Handler = Callable[[Batch], object]


def milliseconds(timeout: Optional[float]) -> int:
    """Converts a timeout in seconds for the library; None waits without limit."""
    if timeout is None:
        return -1
    if not timeout >= 0:
        raise ValueError(f'a timeout must be None or a number of seconds that is not negative, not {timeout}')
    return min(int(timeout * 1000), 2**53)


@dataclass(frozen=True)
class StreamOptions:
    """The options of a stream."""

    name: Optional[str] = None
    start: Optional[str] = None
    after: Optional[int] = None
    partition_key: Optional[str] = None
    partitions: Optional[int] = None
    partition: Optional[int] = None
    ack_batches: Optional[int] = None
    ack_seconds: Optional[float] = None
    timeout: Optional[float] = 0
    transactional: bool = False
    in_background: bool = False

    def open(self, stream: object, query: Query, subscription: Optional[Subscription]) -> None:
        """Opens a stream; see Store.stream and Store.subscribe."""
        if self.start not in _STARTS:
            raise ValueError(f'start must be "first", "now" or None, not {self.start!r}')
        if self.after is not None and self.start is not None:
            raise ValueError('a stream has either start or after')
        if self.ack_batches is not None and self.ack_batches < 1:
            raise ValueError(f'ack_batches must be 1 or more, not {self.ack_batches}')
        _native.stream_open(
            stream, subscription, self.name, query_text(query), self.partition_key, milliseconds(self.timeout),
            self.ack_batches or 0, self._ack_milliseconds(), _STARTS[self.start] if self.after is None else _AFTER,
            self.after or 0, self.partitions or 0, _ANY_PARTITION if self.partition is None else self.partition,
            self.transactional, self.in_background)

    def _ack_milliseconds(self) -> int:
        """Converts ack_seconds for the library: 0 means its default, -1 no limit."""
        if self.ack_seconds is None:
            return 0
        if self.ack_seconds == float('inf'):
            return -1
        return max(1, milliseconds(self.ack_seconds))


def _text_of(error: BaseException) -> str:
    name = type(error).__name__
    try:
        return f'{name}: {error}'
    except Exception:
        return f'{name}, which has no text'


class Subscription:
    """A stream with a handler, which is called on a thread of the stream.

    As a context manager, it closes at the end of the block. It lives as long as its store, even without a reference.
    """

    def __init__(self, store: Store, handler: Handler, options: StreamOptions) -> None:
        self._store = store
        self._read = store._read
        self._handler = handler
        self._name = options.name
        self._stream = _native.stream_new(store._handle)
        self._error: Optional[BaseException] = None
        self._ended: Optional[FactstrError] = None
        self._is_open = False

    def _open(self, query: Query, options: StreamOptions) -> None:
        self._store._subscriptions.add(self)
        try:
            # The library has a weak reference to this, so that the collector sees every reference to the store.
            options.open(self._stream, query, self)
        except HandlerFailedError as error:
            self._store._subscriptions.discard(self)
            cause, self._error = self._error, None
            if cause is not None and not isinstance(cause, Exception):
                # The exception is not a failure of the handler: the program is being interrupted.
                raise cause
            raise error from cause
        except BaseException:
            self._store._subscriptions.discard(self)
            raise
        self._is_open = True

    def _deliver(self, batch: Batch) -> Optional[str]:
        """Calls the handler. Returns None, or the text of its exception."""
        try:
            self._handler(batch)
            self._error = None
        except BaseException as error:
            self._error = error
            if self._is_open:
                logger.warning('the handler of %s failed at facts %d to %d, which will be delivered again',
                                'a stream' if self._name is None else f'stream "{self._name}"',
                                batch.first_sequence_number, batch.last_sequence_number, exc_info=True)
            return _text_of(error)
        return None

    def _note_end(self, code: int, message: str) -> None:
        self._ended = None if code == 0 else make_error(code, message)
        self._store._subscriptions.discard(self)

    @property
    def error(self) -> Optional[BaseException]:
        """The exception of the handler, during the pause before its batch is delivered again."""
        return self._error

    @property
    def end(self) -> Optional[FactstrError]:
        """The reason for an end without ``close``: the store was closed, another consumer took over, or a drop."""
        return self._ended

    @property
    def active(self) -> bool:
        """Is the stream open? True also during the pause after a failure."""
        try:
            code = _native.stream_state(self._stream)
        except (MisuseError, StoreClosedError):
            return False
        return CLASSES.get(code) not in (MisuseError, *_ENDS)

    def unsubscribe(self) -> None:
        """Ends the stream without waiting for its handler. No delivery begins after this. Further calls do nothing."""
        _native.stream_unsubscribe(self._stream)
        self._store._subscriptions.discard(self)

    def close(self, timeout: Optional[float] = 5) -> None:
        """Ends the stream, and waits for its handler, unless the handler itself calls this.

        The cursor of a durable stream stays. Raises WaitTimedOutError if the handler does not return in time.
        """
        self._store._subscriptions.discard(self)
        if not _native.stream_close(self._stream, milliseconds(timeout)):
            raise WaitTimedOutError('the handler of the stream did not return before the timeout')

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 traceback: Optional[TracebackType]) -> None:
        self.close()


_ENDS = (CLASSES[-4], CLASSES[-5])


class Stream(Iterator[Batch]):
    """A stream that returns its batches on request: an iterator that waits for more batches.

    Requesting the next batch acknowledges the last one. As a context manager, it closes at the end of the block;
    an exception in the block is reported as a failure of the batches that are not acknowledged.
    """

    def __init__(self, store: Store, query: Query, options: StreamOptions, idle_timeout: Optional[float],
                 auto_ack: bool) -> None:
        self._store = store
        self._idle_timeout = idle_timeout
        self._durable = options.name is not None
        self._auto_ack = auto_ack and self._durable
        self._ack_batches = options.ack_batches or 1
        self._buffer: Deque[Batch] = deque()
        self._handled: Optional[int] = None
        self._unacknowledged = 0
        self._closed = False
        self._stream = _native.stream_new(store._handle)
        # The program acknowledges batches, not the library.
        replace(options, ack_batches=None).open(self._stream, query, None)

    def next(self, max_batches: int = 100, timeout: Optional[float] = None) -> List[Batch]:
        """Returns the next batches, even before others are acknowledged; an empty list after the timeout."""
        if self._buffer:
            return [self._buffer.popleft() for _ in range(min(max_batches, len(self._buffer)))]
        return _native.stream_next(self._stream, self._store._read, max_batches, milliseconds(timeout))

    def __next__(self) -> Batch:
        try:
            self._acknowledge_handled()
            if not self._buffer:
                self._buffer.extend(self.next(100, self._idle_timeout))
        except StoreClosedError:
            raise StopIteration from None
        except MisuseError:
            if self._closed:
                raise StopIteration from None
            raise
        if not self._buffer:
            raise StopIteration
        batch = self._buffer.popleft()
        self._handled = batch.last_sequence_number
        return batch

    def _acknowledge_handled(self) -> None:
        """Acknowledges the batch that was returned last, since the loop has handled it."""
        if self._handled is None or not self._auto_ack:
            return
        self._unacknowledged += 1
        if self._unacknowledged >= self._ack_batches or not self._buffer:
            self.ack(self._handled)

    def ack(self, sequence_number: int) -> None:
        """Acknowledges all batches up to the one that ends with this fact, and moves the cursor there."""
        _native.stream_ack(self._stream, sequence_number)
        self._unacknowledged = 0
        self._handled = None

    def fail(self, message: str) -> None:
        """Reports that the unacknowledged batches could not be handled; they are returned again."""
        self._buffer.clear()
        self._handled = None
        self._unacknowledged = 0
        _native.stream_fail(self._stream, message)

    def fileno(self) -> int:
        """Returns a descriptor that is readable while there may be a batch. Only poll it."""
        return _native.stream_fd(self._stream)

    def close(self) -> None:
        """Ends the stream; the cursor of a durable one stays. Any thread may call this, also repeatedly."""
        self._closed = True
        _native.stream_close(self._stream, -1)

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 traceback: Optional[TracebackType]) -> None:
        try:
            if self._durable and not self._closed and isinstance(error, Exception) and self._handled is not None:
                self.fail(_text_of(error))
            elif error is None and not self._closed:
                self._acknowledge_at_end()
        except FactstrError:
            # The stream has ended; the exception of the block matters more.
            pass
        finally:
            self.close()

    def _acknowledge_at_end(self) -> None:
        if self._auto_ack and self._handled is not None:
            self.ack(self._handled)
