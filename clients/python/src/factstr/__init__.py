"""factstr: a fact-based event store in memory, in a SQLite file, or in PostgreSQL.

    import factstr

    with factstr.open_store('sqlite:facts.db') as store:
        store.append(factstr.NewEvent('account-opened', {'account': 'A-1'}))
"""

from ._decide import Decision, decide
from ._errors import (BusyError, CallInterruptedError, CannotOpenError, ConflictError, ConnectionLostError,
                      EmptyAppendError, FactstrError, HandlerFailedError, IdempotencyKeyReusedError,
                      IncompatibleStoreError, LogExistsError, LogSealedError, MalformedInputError, MisuseError,
                      NoSuchLogError, NoSuchStreamError, NotConnectedError, OutOfMemoryError, PermissionDeniedError,
                      ReadOnlyError, StorageError, StoreClosedError, StreamActiveError, StreamQueryDiffersError,
                      UnsupportedError, WaitTimedOutError)
from ._native import version as _version
from ._records import (AppendResult, Batch, EventFilter, EventQuery, EventRecord, ExportedBatch, ImportedEvent,
                       LogStatus, NewestResult, NewEvent, Partition, Query, QueryResult, Redaction, StoreStatus,
                       StreamStatus)
from ._store import Reader, Store, open_store
from ._streams import Handler, Stream, Subscription
from ._transaction import Transaction

__version__ = _version()

__all__ = [
    'AppendResult', 'Batch', 'BusyError', 'CallInterruptedError', 'CannotOpenError', 'ConflictError',
    'ConnectionLostError', 'Decision', 'EmptyAppendError', 'EventFilter', 'EventQuery', 'EventRecord',
    'ExportedBatch', 'FactstrError', 'Handler', 'HandlerFailedError', 'IdempotencyKeyReusedError', 'ImportedEvent',
    'IncompatibleStoreError', 'LogExistsError', 'LogSealedError', 'LogStatus', 'MalformedInputError', 'MisuseError',
    'NewEvent', 'NewestResult', 'NoSuchLogError', 'NoSuchStreamError', 'NotConnectedError', 'OutOfMemoryError',
    'Partition', 'PermissionDeniedError', 'Query', 'QueryResult', 'ReadOnlyError', 'Reader', 'Redaction',
    'StorageError', 'Store', 'StoreClosedError', 'StoreStatus', 'Stream', 'StreamActiveError', 'StreamQueryDiffersError', 'StreamStatus',
    'Subscription', 'Transaction', 'UnsupportedError', 'WaitTimedOutError', 'decide', 'open_store',
]
