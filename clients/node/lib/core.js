'use strict';

// An open store: synchronous calls of the library, which throw errors, and calls that return promises.

const native = require('./native.js');
const json = require('./json.js');
const { callNow, callLater, asItIs } = require('./calls.js');
const { createError } = require('./errors.js');
const { checkText, malformed } = require('./records.js');

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

// Repeats a call that would have to wait until it succeeds or the timeout ends. No thread waits meanwhile.
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
    return new Core(callNow(asItIs, longNumbers, native.OPEN, null, checkText(url, 'the URL')), longNumbers);
  }

  static async openLater(url, options) {
    const longNumbers = checkOptions(options);
    const handle = await callLater(asItIs, longNumbers, native.OPEN, null, checkText(url, 'the URL'));
    return new Core(handle, longNumbers);
  }

  // The first argument is the function that reads the outcome.
  now(read, name, text1, text2, text3, number, count) {
    return callNow(read, this.longNumbers, name, this.handle, text1, text2, text3, number, count);
  }

  later(read, name, text1, text2, text3, number, count) {
    return callLater(read, this.longNumbers, name, this.handle, text1, text2, text3, number, count);
  }

  // A call with a stream or a cursor of this store.
  laterWith(handle, read, name, text1, text2, text3, number, count) {
    return callLater(read, this.longNumbers, name, handle, text1, text2, text3, number, count);
  }

  // Closes immediately, without waiting for deliveries.
  close() {
    this.isClosed = true;
    for (const stream of this.streams) stream.stop(createError('closed', 'the store is closed'));
    native.call(native.CLOSE, this.handle);
  }

  // Closes after the committed facts have been delivered, or after the timeout.
  async closeLater(timeoutMs) {
    const streams = [...this.streams];
    const stopped = new AbortController();
    const all = Promise.all(streams.map((stream) => stream.caughtUp()));
    const inTime = await Promise.race([all.then(() => true), sleep(timeoutMs, stopped.signal).then(() => false)]);
    stopped.abort();
    this.isClosed = true;
    for (const stream of this.streams) stream.stop(createError('closed', 'the store is closed'));
    await callLater(asItIs, this.longNumbers, native.CLOSE, this.handle);
    if (!inTime)
      throw createError('wait_timed_out', 'a stream did not deliver all committed facts before the timeout; the store is closed');
  }
}

module.exports = { Core, checkOptions, insist, sleep };
