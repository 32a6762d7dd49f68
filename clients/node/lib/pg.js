'use strict';

// A log through a program's connections of the driver pg, so that facts commit together with the other writes of a
// transaction. It calls the functions of the extension.

const native = require('./native.js');
const json = require('./json.js');
const records = require('./records.js');
const { checkOptions } = require('./core.js');
const { createError } = require('./errors.js');
const { PgSubscription } = require('./pg_subscription.js');
const { EventStreamSubscription } = require('./streams.js');

const MAIN = 'main';
const MOST_ATTEMPTS = 20;
const READ_AT_A_TIME = 1000;

const CODE_OF_SQLSTATE = Object.fromEntries(
  Object.entries(native.codes)
    .filter(([, sqlstate]) => sqlstate !== '')
    .map(([code, sqlstate]) => [sqlstate, code]),
);

// Errors of the extension become errors of the library; other errors stay as the driver throws them.
function translate(error) {
  const code = CODE_OF_SQLSTATE[error?.code];
  if (code === undefined) return error;
  const more = { hint: error.hint, cause: error };
  if (code === 'conditional_append_conflict' && error.detail)
    for (const [key, value] of Object.entries(json.decodeExactly(error.detail))) more[key] = records.toBigint(value);
  else more.detail = error.detail;
  return createError(code, error.message, more);
}

// Calls through one connection, or through any connection of a pool.
class PgLog {
  #connection;
  #log;
  #longNumbers;

  constructor(connection, log, longNumbers) {
    this.#connection = connection;
    this.#log = log;
    this.#longNumbers = longNumbers;
  }

  // Calls a function, whose last argument is the log, and returns its rows.
  async #call(columns, name, ...args) {
    const places = [...args, this.#log].map((value, place) => `$${place + 1}`);
    const casts = args.map((value, place) => (value instanceof Json ? `${places[place]}::jsonb` : places[place]));
    const text = `SELECT ${columns} FROM ${name}(${[...casts, `log => ${places.at(-1)}`].join(', ')})`;
    try {
      return (await this.#connection.query(text, [...args.map(plain), this.#log])).rows;
    } catch (error) {
      throw translate(error);
    }
  }

  // Reads numbers as texts, since programs can change how the driver reads them.
  async #append(name, ...args) {
    const columns = 'first_sequence_number::text, last_sequence_number::text, committed_count::text';
    const [row] = await this.#call(columns, name, ...args);
    return records.fixAppendResult(row);
  }

  async #tryAppend(name, events, query, number, key, numberName) {
    const columns =
      'first_sequence_number::text, last_sequence_number::text, committed_count::text, conflict, actual_context_version::text';
    const [row] = await this.#call(columns, name, events, query, number, key);
    const { conflict, actual_context_version, ...result } = row;
    if (!conflict) return records.fixAppendResult(result);
    throw createError('conditional_append_conflict', 'conditional append conflict', {
      hint: 'Query the context again, decide again, and append with its current version.',
      [numberName]: records.toBigint(number),
      actual_context_version: records.toBigint(actual_context_version),
    });
  }

  // With at_commit, a conflict fails the call or the COMMIT. Otherwise the transaction can continue after a conflict.
  async append(events, { idempotency_key: key = null, at_commit = false } = {}) {
    return this.#append('factstr_append', jsonOf(events, 'the events'), key, at_commit);
  }

  async appendIf(events, query, expected, { idempotency_key: key = null, at_commit = false } = {}) {
    const args = [jsonOf(events, 'the events'), jsonOf(query ?? {}, 'the event query')];
    const number = expected == null ? null : String(records.checkNumber(expected, 'the expected context version'));
    if (at_commit) return this.#append('factstr_append_if', ...args, number, key, true);
    return this.#tryAppend('factstr_try_append_if', ...args, number, key, 'expected_context_version');
  }

  async appendUnless(events, query, after, { idempotency_key: key = null, at_commit = false } = {}) {
    const args = [jsonOf(events, 'the events'), jsonOf(query ?? {}, 'the event query')];
    const number = String(records.checkNumber(after ?? 0n, 'after'));
    if (at_commit) return this.#append('factstr_append_unless', ...args, number, key, true);
    return this.#tryAppend('factstr_try_append_unless', ...args, number, key, 'after_sequence_number');
  }

  // The batch of the last committed transaction of this connection, for appends at commit.
  async lastAppend() {
    const result = await this.#append('factstr_last_append');
    return result.first_sequence_number === null ? null : result;
  }

  async query(query) {
    const columns = 'event_records::text, last_returned_sequence_number::text, current_context_version::text';
    const [row] = await this.#call(columns, 'factstr_query', jsonOf(query ?? {}, 'the event query'));
    return records.fixQueryResult({ ...row, event_records: this.#decode(row.event_records) });
  }

  async newest(queries) {
    const columns = 'event_records::text, current_context_version::text';
    const [row] = await this.#call(columns, 'factstr_newest', jsonOf(queries, 'the queries'));
    return records.fixNewest({ ...row, event_records: this.#decode(row.event_records) });
  }

  async contextVersion(query) {
    const columns = 'factstr_context_version::text AS version';
    const [row] = await this.#call(columns, 'factstr_context_version', jsonOf(query ?? {}, 'the event query'));
    return records.toBigint(row.version);
  }

  async batches(query, { after = 0n, maxBatches = READ_AT_A_TIME } = {}) {
    const number = String(records.checkNumber(after, 'after'));
    const count = records.checkCount(maxBatches, 'maxBatches');
    return this.#batches('factstr_batches', jsonOf(query ?? {}, 'the event query'), number, count);
  }

  async #batches(name, ...args) {
    const columns = 'first_sequence_number::text, last_sequence_number::text, event_records::text';
    const rows = await this.#call(columns, name, ...args);
    return records.fixBatches(rows.map((row) => ({ ...row, event_records: this.#decode(row.event_records) })));
  }

  #decode(text) {
    return json.decode(text, this.#longNumbers);
  }

  // For PgSubscription: a durable stream within a transaction.
  async openStream(name, query, start) {
    await this.#call('*', 'factstr_stream_open', name, jsonOf(query ?? {}, 'the event query'), start);
  }

  async nextOfStream(name) {
    return this.#batches('factstr_stream_next', name, 1);
  }

  async ackStream(name, number) {
    await this.#call('*', 'factstr_stream_ack', name, String(number));
  }

  async failStream(name, message, pauseMs) {
    await this.#call('*', 'factstr_stream_hold', name, true);
    await this.#call('*', 'factstr_stream_fail', name, message, new Date(Date.now() + pauseMs).toISOString());
    await this.#call('*', 'factstr_stream_release', name);
  }
}

// A JSON argument.
class Json {
  constructor(text) {
    this.text = text;
  }
}

function jsonOf(value, name) {
  return new Json(records.encodeRequired(value, name));
}

function plain(value) {
  return value instanceof Json ? value.text : value;
}

async function inTransaction(client, log, body) {
  await client.query('BEGIN');
  try {
    const result = await body(log, client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK');
    throw translate(error);
  }
}

// A log through a pool, which also provides connections for transactions and for streams.
class PgStore extends PgLog {
  #pool;
  #options;

  constructor(pool, log, longNumbers) {
    super(pool, log, longNumbers);
    this.#pool = pool;
    this.#options = { log, longNumbers };
  }

  #on(client) {
    return new PgLog(client, this.#options.log, this.#options.longNumbers);
  }

  // Facts and rows commit together. After a conflict, the body runs again in a new transaction.
  async transaction(body, { attempts = MOST_ATTEMPTS } = {}) {
    const client = await this.#pool.connect();
    let broken = false;
    try {
      for (let attempt = 1; ; attempt++) {
        try {
          return await inTransaction(client, this.#on(client), body);
        } catch (error) {
          if (error.code !== 'conditional_append_conflict' || attempt >= attempts) throw error;
        }
      }
    } catch (error) {
      broken = !(error instanceof Error) || error.code === undefined ? false : /^(08|57P)/.test(error.code);
      throw error;
    } finally {
      client.release(broken);
    }
  }

  async streamAllDurable(durableStream, handler, options) {
    return this.streamToDurable(durableStream, undefined, handler, options);
  }

  // The handler gets the connection of the transaction that moves the cursor, so its writes are made exactly once.
  async streamToDurable({ name }, query, handler, options = {}) {
    if (typeof handler !== 'function') throw records.malformed('the handler must be a function');
    records.checkText(name, 'the name of the stream');
    await this.openStream(name, query, options.start ?? 'first');
    const subscription = new PgSubscription({
      pool: this.#pool,
      channel: this.#options.log === MAIN ? 'factstr' : `factstr.${this.#options.log}`,
      logOn: (client) => this.#on(client),
      name,
      handler,
      options,
    });
    return new EventStreamSubscription(subscription);
  }
}

// A pool has several connections; a client is one.
function fromPg(poolOrClient, { log = MAIN, ...options } = {}) {
  const longNumbers = checkOptions(options);
  records.checkText(log, 'the name of the log');
  const isPool = typeof poolOrClient?.connect === 'function' && typeof poolOrClient.totalCount === 'number';
  if (typeof poolOrClient?.query !== 'function') throw records.malformed('fromPg needs a pool or a client of pg');
  return isPool ? new PgStore(poolOrClient, log, longNumbers) : new PgLog(poolOrClient, log, longNumbers);
}

module.exports = { PgLog, PgStore, fromPg };
