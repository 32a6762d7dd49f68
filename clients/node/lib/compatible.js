'use strict';

// The classes of the reference's package: their calls are synchronous, and a conflict is a value.

const native = require('./native.js');
const records = require('./records.js');
const json = require('./json.js');
const { asItIs } = require('./calls.js');
const { Core } = require('./core.js');
const { Store, openDurable, subscribe, checkHandler, encodeStreamOptions } = require('./store.js');
const { EventStreamSubscription } = require('./streams.js');
const { databaseUrl, createDatabase } = require('./bootstrap.js');

class SynchronousStore {
  #core;
  #store;

  constructor(url, options) {
    this.#core = Core.open(url, options);
  }

  // The same store, with promises and with all other functions.
  get store() {
    this.#store ??= new Store(this.#core);
    return this.#store;
  }

  #append(events, condition) {
    const plain = records.joinAppend(events, condition);
    if (plain !== undefined) {
      const { name, events: joined, query, number, count } = plain;
      const result = this.#core.now(records.readAppendResult, name, joined, query, undefined, number, count);
      if (result !== undefined) return result;
    }
    const text = records.encodeRequired(events, 'the events');
    const options = records.encodeAppendOptions(condition);
    return records.fixAppendResult(this.#core.now(json.decode, native.APPEND_JSON, text, options));
  }

  append(events) {
    return this.#append(events);
  }

  query(query) {
    return this.#core.now(records.readQueryResult, native.QUERY, records.encodeQuery(query));
  }

  appendIf(events, query, expectedContextVersion) {
    try {
      return { append_result: this.#append(events, { query, expected: expectedContextVersion ?? null }) };
    } catch (error) {
      if (error.code !== 'conditional_append_conflict') throw error;
      return records.conflictOf(error);
    }
  }

  streamAll(handle) {
    return this.streamTo(undefined, handle);
  }

  streamTo(query, handle) {
    checkHandler(handle);
    const options = encodeStreamOptions({});
    const stream = this.#core.now(asItIs, native.STREAM_OPEN, undefined, records.encodeQuery(query), options);
    return new EventStreamSubscription(subscribe(this.#core, stream, undefined, handle));
  }

  streamAllDurable(durableStream, handle) {
    return this.streamToDurable(durableStream, undefined, handle);
  }

  async streamToDurable({ name }, query, handle) {
    checkHandler(handle);
    return openDurable(this.#core, records.checkText(name, 'the name of the stream'), query, handle, {});
  }

  close() {
    this.#core.close();
  }
}

class FactstrMemoryStore extends SynchronousStore {
  constructor(options) {
    super('memory:', options);
  }
}

// The path of a file, as a URL of the library.
function fileUrl(path) {
  return `sqlite:${records.checkText(path, 'the path').replaceAll('%', '%25').replaceAll('?', '%3F')}`;
}

class FactstrSqliteStore extends SynchronousStore {
  constructor(path, options) {
    super(fileUrl(path), options);
  }
}

class FactstrPostgresStore extends SynchronousStore {
  constructor(url, options) {
    if (!/^postgres(ql)?:\/\//.test(records.checkText(url, 'the URL')))
      throw records.malformed('the URL must begin with postgresql://');
    super(url, options);
  }

  // Creates the database and its extension if they do not exist, and opens the store.
  static bootstrap({ serverUrl, databaseName }, options) {
    createDatabase(serverUrl, databaseName);
    return new FactstrPostgresStore(databaseUrl(serverUrl, databaseName), options);
  }
}

module.exports = { FactstrMemoryStore, FactstrSqliteStore, FactstrPostgresStore };
