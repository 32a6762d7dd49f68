'use strict';

// An open store: calls of the library, with errors thrown, or as promises.

const native = require('./native.js');
const json = require('./json.js');
const { createError, errorOfDocument } = require('./errors.js');
const { checkText, malformed } = require('./records.js');

function throwFailure(outcome) {
  if (Array.isArray(outcome)) throw errorOfDocument(outcome[0]);
  return outcome;
}

function checkOptions({ longNumbers } = {}) {
  if (longNumbers !== undefined && !json.LONG_NUMBERS.includes(longNumbers))
    throw malformed(`longNumbers must be one of ${json.LONG_NUMBERS.join(', ')}`);
  return longNumbers;
}

// A pause that a signal ends.
function sleep(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      if (signal?.aborted) reject(signal.reason);
      else resolve();
    }
    signal?.addEventListener('abort', done);
  });
}

const LONGEST_LOOK_MS = 50;

// Repeats a call that would have to wait, until it succeeds or the time is over: no thread waits meanwhile.
async function insist(call, code, timeoutMs, signal) {
  const end = performance.now() + (timeoutMs < 0 ? Infinity : timeoutMs);
  for (let pause = 1; ; pause = Math.min(2 * pause, LONGEST_LOOK_MS)) {
    signal?.throwIfAborted();
    try {
      return await call();
    } catch (error) {
      if (error.code !== code || performance.now() >= end) throw error;
    }
    await sleep(Math.min(pause, Math.max(end - performance.now(), 0)), signal);
  }
}

class Core {
  constructor(handle, longNumbers) {
    this.handle = handle;
    this.longNumbers = longNumbers;
    this.streams = new Set();
    this.isClosed = false;
  }

  static open(url, options) {
    const longNumbers = checkOptions(options);
    return new Core(throwFailure(native.call(native.OPEN, null, checkText(url, 'the URL'))), longNumbers);
  }

  static async openLater(url, options) {
    const longNumbers = checkOptions(options);
    return new Core(throwFailure(await native.callLater(native.OPEN, null, checkText(url, 'the URL'))), longNumbers);
  }

  now(call, ...args) {
    return throwFailure(native.call(call, this.handle, ...args));
  }

  async later(call, ...args) {
    return throwFailure(await native.callLater(call, this.handle, ...args));
  }

  // A call with a stream or a cursor of this store.
  async laterWith(handle, call, ...args) {
    return throwFailure(await native.callLater(call, handle, ...args));
  }

  decode(text) {
    return json.decode(text, this.longNumbers);
  }

  // At once, with no regard to deliveries.
  close() {
    this.isClosed = true;
    for (const stream of this.streams) stream.stop(createError('closed', 'the store is closed'));
    native.call(native.CLOSE, this.handle);
  }

  // After what was committed has been delivered, or the time is over.
  async closeLater(timeoutMs) {
    const streams = [...this.streams];
    const stopped = new AbortController();
    const all = Promise.all(streams.map((stream) => stream.caughtUp()));
    const inTime = await Promise.race([all.then(() => true), sleep(timeoutMs, stopped.signal).then(() => false)]);
    stopped.abort();
    this.isClosed = true;
    for (const stream of this.streams) stream.stop(createError('closed', 'the store is closed'));
    await native.callLater(native.CLOSE, this.handle);
    if (!inTime)
      throw createError('wait_timed_out', 'a stream did not deliver in time what was committed; the store is closed');
  }
}

module.exports = { Core, checkOptions, insist, sleep };
