'use strict';

// The errors of the library: each has a code, such as "conditional_append_conflict", and each code has a class.

const native = require('./native.js');
const json = require('./json.js');

class FactstrError extends Error {
  constructor(code, message, { detail, hint, ...more } = {}) {
    super(message);
    this.code = code;
    this.sqlstate = native.codes[code] ?? '';
    if (detail) this.detail = detail;
    if (hint) this.hint = hint;
    Object.assign(this, more);
  }

  get name() {
    return this.constructor.name;
  }
}

const NAMES = {
  conditional_append_conflict: 'ConflictError',
  empty_append: 'EmptyAppendError',
  stream_query_differs: 'StreamQueryDiffersError',
  stream_already_active: 'StreamActiveError',
  no_such_stream: 'NoSuchStreamError',
  idempotency_key_reused: 'IdempotencyKeyReusedError',
  wait_timed_out: 'WaitTimedOutError',
  no_such_log: 'NoSuchLogError',
  log_sealed: 'LogSealedError',
  log_exists: 'LogExistsError',
  malformed_input: 'MalformedError',
  misuse: 'MisuseError',
  out_of_memory: 'NoMemoryError',
  cannot_open: 'CannotOpenError',
  incompatible_store: 'IncompatibleError',
  busy: 'BusyError',
  storage_failure: 'StorageError',
  connection_lost: 'ConnectionLostError',
  handler_failed: 'HandlerFailedError',
  unsupported: 'UnsupportedError',
  closed: 'ClosedError',
  interrupted: 'InterruptedError',
  not_connected: 'NotConnectedError',
  permission_denied: 'PermissionDeniedError',
  read_only: 'ReadOnlyError',
};

const classes = { FactstrError };
for (const name of Object.values(NAMES)) classes[name] = { [name]: class extends FactstrError {} }[name];

const NUMBERS = ['expected_context_version', 'actual_context_version', 'after_sequence_number'];

function createError(code, message, more) {
  return new (classes[NAMES[code]] ?? FactstrError)(code, message, more);
}

// Makes the error from its JSON document: see "Errors" at the JSON boundary in factstr.h.
function errorOfDocument(text) {
  const { code, message, ...more } = json.decodeExactly(text);
  for (const key of NUMBERS) if (more[key] != null) more[key] = BigInt(more[key]);
  return createError(code, message, more);
}

module.exports = { classes, createError, errorOfDocument };
