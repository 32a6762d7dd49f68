'use strict';

// The asynchronous store: nothing here waits on JavaScript's thread.

const native = require('./native.js');
const records = require('./records.js');
const { Core, insist } = require('./core.js');
const { decodeExactly } = require('./json.js');
const { Source, Subscription, EventStreamSubscription } = require('./streams.js');

const CLOSE_TIMEOUT_MS = 5000;
const READ_AT_A_TIME = 1000;

// The options of a stream, as factstr_json_stream_open takes them.
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

// A subscription on a handle that has been opened.
function subscribe(core, handle, name, handler, options = {}) {
  return new Subscription(core, handle, name, handler, options);
}

// In the same program a name is free at once: whoever ends is waited for, unless its handler is still running.
async function awaitPredecessor(core, name) {
  for (const stream of core.streams) if (stream.name === name && stream.isEnding) await stream.closed;
}

async function openStream(core, name, query, options) {
  const text = encodeStreamOptions(options);
  const encoded = records.encodeQuery(query);
  if (name !== undefined) await awaitPredecessor(core, name);
  return insist(
    () => core.later(native.STREAM_OPEN, name, encoded, text),
    'stream_already_active',
    options.timeoutMs ?? 0,
    options.signal,
  );
}

async function newestNumber(core) {
  const text = await core.later(native.CONTEXT_VERSION);
  return records.toBigint(core.decode(text).current_context_version) ?? 0n;
}

// Older facts are delivered before this returns, unless they need not be.
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

  async #later(call, ...args) {
    return this.#core.decode(await this.#core.later(call, ...args));
  }

  async #append(events, condition, options) {
    const text = records.encodeRequired(events, 'the events');
    return records.fixAppendResult(
      await this.#later(native.APPEND, text, records.encodeAppendOptions(condition, options?.idempotency_key)),
    );
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
    return records.fixQueryResult(await this.#later(native.QUERY, records.encodeQuery(query)));
  }

  async newest(queries) {
    return records.fixNewest(await this.#later(native.NEWEST, records.encodeRequired(queries, 'the queries')));
  }

  async contextVersion(query) {
    const result = await this.#later(native.CONTEXT_VERSION, records.encodeQuery(query));
    return records.toBigint(result.current_context_version);
  }

  async *read(query, { maxCount, backwards, signal } = {}) {
    const members = { backwards: Boolean(backwards) };
    if (maxCount !== undefined) members.max_count = records.checkCount(maxCount, 'maxCount');
    signal?.throwIfAborted();
    const cursor = await this.#core.later(
      native.READ_OPEN,
      records.encodeQuery(query),
      records.encodeMembers(members),
    );
    try {
      for (;;) {
        const text = await this.#core.laterWith(
          cursor,
          native.READ_NEXT,
          undefined,
          undefined,
          undefined,
          undefined,
          READ_AT_A_TIME,
        );
        const found = records.fixRecords(this.#core.decode(text));
        if (found.length === 0) return;
        for (const record of found) {
          signal?.throwIfAborted();
          yield record;
        }
      }
    } finally {
      await native.callLater(native.CLOSE, cursor);
    }
  }

  async batches(query, { after = 0n, maxBatches = READ_AT_A_TIME } = {}) {
    const number = records.checkNumber(after, 'after');
    const count = records.checkCount(maxBatches, 'maxBatches');
    return records.fixBatches(
      await this.#later(native.BATCHES, records.encodeQuery(query), undefined, undefined, number, count),
    );
  }

  // Every digit is kept, whatever the store's option says, so that a copy is one.
  async export({ after = 0n, maxBatches = READ_AT_A_TIME } = {}) {
    const number = records.checkNumber(after, 'after');
    const count = records.checkCount(maxBatches, 'maxBatches');
    const text = await this.#core.later(native.EXPORT, undefined, undefined, undefined, number, count);
    return records.fixBatches(decodeExactly(text));
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
      metadata === null ? undefined : records.encodeValue(metadata, 'the metadata'),
      records.checkText(reason, 'the reason'),
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

  // A batch counts as handled when the next one is asked for, or after its ack().
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
      () => this.#core.later(native.WAIT, name, undefined, undefined, number),
      'wait_timed_out',
      timeoutMs,
      signal,
    );
  }

  async close({ timeoutMs = CLOSE_TIMEOUT_MS } = {}) {
    await this.#core.closeLater(timeoutMs);
  }

  async [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    await this.close();
  }
}

// The batches of a source until it is stopped; by its signal, with the signal's reason.
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

// A store that was closed here ends the iteration; whatever else ends it is an error.
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
