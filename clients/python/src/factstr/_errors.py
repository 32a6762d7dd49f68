"""The exceptions, one for each code of the library."""

from __future__ import annotations

import json
from typing import Any, Dict, Optional, Tuple, Type


class FactstrError(Exception):
    """An error of the store.

    ``code`` is its name in JSON, such as ``"empty_append"``; ``detail`` and ``hint`` are sentences, or empty.
    """

    code: str = 'unknown'

    def __init__(self, message: str, detail: str = '', hint: str = '') -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail
        self.hint = hint

    def __str__(self) -> str:
        return '. '.join(part.rstrip('.') for part in (self.message, self.detail, self.hint) if part)


class ConflictError(FactstrError):
    """The context of a conditional append has changed since it was read. Nothing was stored."""

    code = 'conditional_append_conflict'

    #: The version that ``append_if`` expected; None: an empty context.
    expected_context_version: Optional[int] = None
    #: The version of the context; None: it is empty.
    actual_context_version: Optional[int] = None
    #: The position that ``append_unless`` was called with.
    after_sequence_number: Optional[int] = None

    def __reduce__(self) -> Tuple[Any, ...]:
        return (_conflict, (self.message, self.detail, self.hint, self.expected_context_version,
                            self.actual_context_version, self.after_sequence_number))


def _conflict(message: str, detail: str, hint: str, expected: Optional[int], actual: Optional[int],
              after: Optional[int]) -> ConflictError:
    error = ConflictError(message, detail, hint)
    error.expected_context_version = expected
    error.actual_context_version = actual
    error.after_sequence_number = after
    return error


class EmptyAppendError(FactstrError):
    """An append requires at least one event."""

    code = 'empty_append'


class StreamQueryDiffersError(FactstrError):
    """The durable stream exists with a different query."""

    code = 'stream_query_differs'


class StreamActiveError(FactstrError):
    """The durable stream has an active consumer."""

    code = 'stream_already_active'


class NoSuchStreamError(FactstrError):
    """No durable stream has this name."""

    code = 'no_such_stream'


class IdempotencyKeyReusedError(FactstrError):
    """The idempotency key was used for other events."""

    code = 'idempotency_key_reused'


class WaitTimedOutError(FactstrError):
    """The timeout of a wait ended before its condition was true."""

    code = 'wait_timed_out'


class NoSuchLogError(FactstrError):
    """The database has no log of this name."""

    code = 'no_such_log'


class LogSealedError(FactstrError):
    """Nothing can be appended to the log any more."""

    code = 'log_sealed'


class LogExistsError(FactstrError):
    """The database already has a log of this name."""

    code = 'log_exists'


class MalformedInputError(FactstrError, ValueError):
    """The input is malformed; the message names the place."""

    code = 'malformed_input'


class MisuseError(FactstrError):
    """The call is not allowed here."""

    code = 'misuse'


class OutOfMemoryError(FactstrError, MemoryError):
    """An allocation failed."""

    code = 'out_of_memory'


class CannotOpenError(FactstrError):
    """The URL is invalid, or the file that it names cannot be opened."""

    code = 'cannot_open'


class IncompatibleStoreError(FactstrError):
    """The file or database is not a store of factstr, or a newer version created it."""

    code = 'incompatible_store'


class BusyError(FactstrError):
    """A transaction elsewhere held the store for longer than the busy timeout."""

    code = 'busy'


class StorageError(FactstrError):
    """The storage failed: a full disk, an input or output error, an error of the server."""

    code = 'storage_failure'


class ConnectionLostError(FactstrError):
    """The connection broke. It is unknown whether an append was committed; repeat it with its idempotency key."""

    code = 'connection_lost'


class HandlerFailedError(FactstrError):
    """The handler of a stream failed; ``__cause__`` is its exception. Its batch will be delivered again."""

    code = 'handler_failed'


class UnsupportedError(FactstrError):
    """This store does not support the call."""

    code = 'unsupported'


class StoreClosedError(FactstrError):
    """The store is closed. The call has done nothing."""

    code = 'closed'


class CallInterruptedError(FactstrError):
    """``Store.interrupt`` has ended the call. An append has stored nothing."""

    code = 'interrupted'


class NotConnectedError(FactstrError):
    """There is no connection to the server. An append has stored nothing; any call can be repeated."""

    code = 'not_connected'


class PermissionDeniedError(FactstrError):
    """The role does not have the required right; the message names it."""

    code = 'permission_denied'


class ReadOnlyError(FactstrError):
    """The store can only be read."""

    code = 'read_only'


CLASSES: Dict[int, Type[FactstrError]] = {
    -1: ConflictError,
    -2: EmptyAppendError,
    -3: StreamQueryDiffersError,
    -4: StreamActiveError,
    -5: NoSuchStreamError,
    -6: IdempotencyKeyReusedError,
    -7: WaitTimedOutError,
    -8: MalformedInputError,
    -9: MisuseError,
    -10: OutOfMemoryError,
    -11: CannotOpenError,
    -12: IncompatibleStoreError,
    -13: BusyError,
    -14: StorageError,
    -15: ConnectionLostError,
    -16: HandlerFailedError,
    -17: UnsupportedError,
    -18: StoreClosedError,
    -19: CallInterruptedError,
    -20: NotConnectedError,
    -21: PermissionDeniedError,
    -22: ReadOnlyError,
    -23: NoSuchLogError,
    -24: LogSealedError,
    -25: LogExistsError,
}


def make_error(code: int, message: str, detail: str = '', hint: str = '', expected: int = 0, actual: int = 0,
               after: int = 0) -> FactstrError:
    """Makes the exception for an error of the library; a number of 0 means none."""
    error = CLASSES.get(code, FactstrError)(message, detail, hint)
    if isinstance(error, ConflictError):
        error.expected_context_version = expected or None
        error.actual_context_version = actual or None
        error.after_sequence_number = after or None
    return error


def read_error(code: int, document: str) -> FactstrError:
    """Makes the exception from the document of an error."""
    error = json.loads(document)
    return make_error(code, error['message'], error.get('detail', ''), error.get('hint', ''))
