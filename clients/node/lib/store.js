'use strict';

// The asynchronous store. Its calls never block JavaScript's thread.

const native = require('./native.js');
const records = require('./records.js');
const json = require('./json.js');
const { asItIs } = require('./calls.js');
const { Core, insist } = require('./core.js');
const { readFacts, readBatches } = require('./facts.js');
const { Source, Subscription, EventStreamSubscription } = require('./streams.js');

const CLOSE_TIMEOUT_MS = 5000;
const READ_AT_A_TIME = 1000;

// The arguments of a call before its count.
const NO_TEXTS = [undefined, undefined, undefined, undefined];

// Writes the options of a stream for factstr_json_stream_open.
function encodeStreamOptions({ after, ...options }) {
  const members = { in_background: 'true' };
  if (after !== undefined) members.after_sequence_number = records.checkNumber(after, 'after');
  for (const key of ['start', 'partition_key', 'partitions', 'partition'])
    if (options[key] !== undefined) members[key] = records.encodeValue(options[key], key);
  return records.encodeMembers(members);
}

function checkHandler(handler) {
  if (typeof handler !== 'function') throw records.malformed('the handler must be a function');
}

function checkName(name) {
  return name === undefined ? undefined : records.checkText(name, 'the name of the stream');
}

// Subscribes with the handle of an open stream.
function subscribe(core, handle, name, handler, options = {}) {
  return new Subscription(core, handle, name, handler, options);
}

// In the same program, a name can be reused immediately: this waits for an ending stream of that name, unless its
// handler is still running.
async function awaitPredecessor(core, name) {
  for (const stream of core.streams) if (stream.name === name && stream.isEnding) await stream.closed;
}

async function openStream(core, name, query, options) {
  const text = encodeStreamOptions(options);
  const encoded = records.encodeQuery(query);
  if (name !== undefined) await awaitPredecessor(core, name);
  return insist(
    () => core.later(asItIs, native.STREAM_OPEN, name, encoded, text),
    'stream_already_active',
    options.timeoutMs ?? 0,
    options.signal,
  );
}

async function newestNumber(core) {
  return (await core.later(records.readContextVersion, native.CONTEXT_VERSION)) ?? 0n;
}

// Delivers older facts before it returns, unless options.inBackground is set.
async function openDurable(core, name, query, handler, options) {
  const replayEnd = options.inBackground ? undefined : await newestNumber(core);
  const handle = await openStream(core, name, query, options);
  const subscription = subscribe(core, handle, name, handler, { ...options, replayEnd });
  if (replayEnd !== undefined) await subscription.replayed;
  return new EventStreamSubscription(subscription);
}

class Store {
  #core;

  constructor(core) {
    this.#core = core;
  }

  // A call that returns JSON.
  #later(call, ...args) {
    return this.#core.later(json.decode, call, ...args);
  }

  async #append(events, condition, options) {
    const key = options?.idempotency_key;
    const plain = records.joinAppend(events, condition, key);
    if (plain !== undefined) {
      const { name, events: joined, query, key: text, number, count } = plain;
      const result = await this.#core.later(records.readAppendResult, name, joined, query, text, number, count);
      if (result !== undefined) return result;
    }
    const text = records.encodeRequired(events, 'the events');
    const result = await this.#later(native.APPEND_JSON, text, records.encodeAppendOptions(condition, key));
    return records.fixAppendResult(result);
  }

  async append(events, options) {
    return this.#append(events, undefined, options);
  }

  async appendIf(events, query, expected, options) {
    return this.#append(events, { query, expected: expected ?? null }, options);
  }

  async appendUnless(events, query, after, options) {
    return this.#append(events, { query, after: after ?? 0n }, options);
  }

  async query(query) {
    return this.#core.later(records.readQueryResult, native.QUERY, records.encodeQuery(query));
  }

  async newest(queries) {
    return records.fixNewest(await this.#later(native.NEWEST, records.encodeRequired(queries, 'the queries')));
  }

  async contextVersion(query) {
    return this.#core.later(records.readContextVersion, native.CONTEXT_VERSION, records.encodeQuery(query));
  }

  async *read(query, { maxCount, backwards, signal } = {}) {
    const members = { backwards: Boolean(backwards) };
    if (maxCount !== undefined) members.max_count = records.checkCount(maxCount, 'maxCount');
    signal?.throwIfAborted();
    const options = records.encodeMembers(members);
    const cursor = await this.#core.later(asItIs, native.READ_OPEN, records.encodeQuery(query), options);
    try {
      for (;;) {
        const found = await this.#core.laterWith(cursor, readFacts, native.READ_NEXT, ...NO_TEXTS, READ_AT_A_TIME);
        if (found.length === 0) return;
        for (const record of found) {
          signal?.throwIfAborted();
          yield record;
        }
      }
    } finally {
      await this.#core.laterWith(cursor, asItIs, native.CLOSE);
    }
  }

  async batches(query, { after = 0n, maxBatches = READ_AT_A_TIME } = {}) {
    const number = records.checkNumber(after, 'after');
    const count = records.checkCount(maxBatches, 'maxBatches');
    const text = records.encodeQuery(query);
    return this.#core.later(readBatches, native.BATCHES, text, undefined, undefined, number, count);
  }

  // Keeps every digit, also without the option "longNumbers", so that a copy is exact.
  async export({ after = 0n, maxBatches = READ_AT_A_TIME } = {}) {
    const number = records.checkNumber(after, 'after');
    const count = records.checkCount(maxBatches, 'maxBatches');
    const read = (text) => records.fixBatches(json.decodeExactly(text));
    return this.#core.later(read, native.EXPORT, undefined, undefined, undefined, number, count);
  }

  async import(batches) {
    return records.fixAppendResult(await this.#later(native.IMPORT, records.encodeRequired(batches, 'the batches')));
  }

  async importRedactions(batches) {
    const result = await this.#later(native.IMPORT_REDACTIONS, records.encodeRequired(batches, 'the batches'));
    return records.toBigint(result.imported_count);
  }

  async redact(sequenceNumber, { payload, metadata, reason }) {
    const result = await this.#later(
      native.REDACT,
      records.encodeRequired(payload, 'the payload'),
      records.checkText(reason, 'the reason'),
      metadata === null ? undefined : records.encodeValue(metadata, 'the metadata'),
      records.checkNumber(sequenceNumber, 'the sequence number'),
    );
    return result.traces_remain;
  }

  async redactions({ after = 0n, maxCount = READ_AT_A_TIME } = {}) {
    const number = records.checkNumber(after, 'after');
    const count = records.checkCount(maxCount, 'maxCount');
    return records.fixRedactions(
      await this.#later(native.REDACTIONS, undefined, undefined, undefined, number, count),
    );
  }

  async streamAll(handler, options) {
    return this.streamTo(undefined, handler, options);
  }

  async streamTo(query, handler, options = {}) {
    checkHandler(handler);
    const handle = await openStream(this.#core, undefined, query, options);
    return new EventStreamSubscription(subscribe(this.#core, handle, undefined, handler, options));
  }

  async streamAllDurable({ name }, handler, options) {
    return this.streamToDurable({ name }, undefined, handler, options);
  }

  async streamToDurable({ name }, query, handler, options = {}) {
    checkHandler(handler);
    return openDurable(this.#core, records.checkText(name, 'the name of the stream'), query, handler, options);
  }

  // A batch is acknowledged by its ack(), or when the next one is requested.
  async *stream(query, options = {}) {
    const { signal, name } = options;
    signal?.throwIfAborted();
    const handle = await openStream(this.#core, checkName(name), query, options);
    const source = new Source(this.#core, handle, name);
    const stop = () => source.stop();
    signal?.addEventListener('abort', stop, { once: true });
    this.#core.streams.add(source);
    try {
      yield* iterate(source, signal);
    } finally {
      signal?.removeEventListener('abort', stop);
      this.#core.streams.delete(source);
      await source.close();
    }
  }

  async streams() {
    return records.fixStreams(await this.#later(native.STREAMS));
  }

  async seekStream(name, sequenceNumber) {
    const number = records.checkNumber(sequenceNumber, 'the sequence number');
    await this.#later(
      native.STREAM_SEEK,
      records.checkText(name, 'the name of the stream'),
      undefined,
      undefined,
      number,
    );
  }

  async dropStream(name) {
    records.checkText(name, 'the name of the stream');
    await awaitPredecessor(this.#core, name);
    await this.#later(native.STREAM_DROP, name);
  }

  async wait(name, sequenceNumber, { timeoutMs = -1, signal } = {}) {
    const number = records.checkNumber(sequenceNumber, 'the sequence number');
    records.checkText(name, 'the name of the stream');
    await insist(
      () => this.#core.later(asItIs, native.WAIT, name, undefined, undefined, number),
      'wait_timed_out',
      timeoutMs,
      signal,
    );
  }

  async logs() {
    return this.#later(native.LOGS);
  }

  async createLog(log) {
    await this.#later(native.CREATE_LOG, records.checkText(log, 'the name of the log'));
  }

  async sealLog(log) {
    const result = await this.#later(native.SEAL_LOG, records.checkText(log, 'the name of the log'));
    return result.was_open;
  }

  async dropLog(log, confirmation) {
    records.checkText(confirmation, 'the confirmation');
    const result = await this.#later(native.DROP_LOG, records.checkText(log, 'the name of the log'), confirmation);
    return records.toBigint(result.dropped_facts);
  }

  async close({ timeoutMs = CLOSE_TIMEOUT_MS } = {}) {
    await this.#core.closeLater(timeoutMs);
  }

  async [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    await this.close();
  }
}

// Yields the batches of a source until it is stopped. A stop by the signal throws the signal's reason.
async function* iterate(source, signal) {
  for (;;) {
    signal?.throwIfAborted();
    if (source.stopped) return;
    const batches = await nextOrEnd(source);
    if (batches.length === 0) await source.readable();
    for (const batch of batches) {
      signal?.throwIfAborted();
      if (source.stopped) return;
      const ack = () => source.ack(batch.last_sequence_number);
      yield Object.defineProperty(batch, 'ack', { value: ack });
      if (!source.stopped) await ack();
    }
  }
}

// Closing the store ends the iteration; any other end is an error.
async function nextOrEnd(source) {
  try {
    return await source.next();
  } catch (error) {
    if (source.stopped) return [];
    throw error;
  }
}

async function openStore(url, options) {
  return new Store(await Core.openLater(url, options));
}

module.exports = { Store, openStore, openDurable, subscribe, checkHandler, encodeStreamOptions };
