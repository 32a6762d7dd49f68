// The package for import: the same objects as for require.

import factstr from './index.js';

export const {
  version,
  FactstrMemoryStore,
  FactstrSqliteStore,
  FactstrPostgresStore,
  EventStreamSubscription,
  Store,
  openStore,
  fromPg,
  decide,
  LongNumber,
  FactstrError,
  ConflictError,
  EmptyAppendError,
  StreamQueryDiffersError,
  StreamActiveError,
  NoSuchStreamError,
  IdempotencyKeyReusedError,
  WaitTimedOutError,
  NoSuchLogError,
  LogSealedError,
  LogExistsError,
  MalformedError,
  MisuseError,
  NoMemoryError,
  CannotOpenError,
  IncompatibleError,
  BusyError,
  StorageError,
  ConnectionLostError,
  HandlerFailedError,
  UnsupportedError,
  ClosedError,
  InterruptedError,
  NotConnectedError,
  PermissionDeniedError,
  ReadOnlyError,
} = factstr;

export default factstr;
