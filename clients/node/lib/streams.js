'use strict';

// Streams: when a descriptor shows that there may be batches, they are pulled from the library and passed to a handler
// or to an iteration.  So no thread of the library ever waits for JavaScript.

const native = require('./native.js');
const { createError } = require('./errors.js');
const { messageOf, tell } = require('./messages.js');
const { pauseAfter } = require('./pauses.js');
const { asItIs } = require('./calls.js');
const { readBatches } = require('./facts.js');

const MOST_BATCHES = 100;

// A stream delivers nothing more after these errors.
const ENDS = new Set(['stream_already_active', 'no_such_stream', 'no_such_log', 'closed', 'misuse']);

// The open streams by their numbers, and the number of streams that keep the program alive. They belong to the addon,
// which stays when this module is loaded again.
native.streams ??= { sources: new Map(), newest: 0, holding: 0, isStarted: false };
const { streams } = native;

function startPoller() {
  if (streams.isStarted) return;
  native.start((number) => streams.sources.get(number)?.wake());
  streams.isStarted = true;
}

// Stream numbers have 32 bits.
function takeNumber() {
  do streams.newest = (streams.newest + 1) % 2 ** 32;
  while (streams.sources.has(streams.newest));
  return streams.newest;
}

function holdProgram(change) {
  streams.holding += change;
  if (change > 0 ? streams.holding === 1 : streams.holding === 0) native.hold(streams.holding > 0);
}

// A stream of the library without a handler. It can wait for batches.
class Source {
  #core;
  #handle;
  #number;
  #wake;
  #held = true;
  #stopped = false;
  #closing;

  constructor(core, handle, name) {
    startPoller();
    this.#core = core;
    this.#handle = handle;
    this.name = name;
    this.#number = takeNumber();
    streams.sources.set(this.#number, this);
    holdProgram(1);
  }

  get stopped() {
    return this.#stopped;
  }

  // The same as in Subscription.
  get isEnding() {
    return this.#closing !== undefined;
  }

  get closed() {
    return this.#closing;
  }

  caughtUp() {
    return Promise.resolve();
  }

  wake() {
    this.#wake?.();
  }

  #call(read, name, ...args) {
    return this.#core.laterWith(this.#handle, read, name, ...args);
  }

  next(most = MOST_BATCHES) {
    return this.#call(readBatches, native.STREAM_NEXT, undefined, undefined, undefined, undefined, most);
  }

  ack(number) {
    return this.#call(asItIs, native.STREAM_ACK, undefined, undefined, undefined, number);
  }

  fail(message) {
    return this.#call(asItIs, native.STREAM_FAIL, message);
  }

  // Waits until there may be a batch, or the stream has been stopped.
  readable() {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (this.#stopped || !native.watch(this.#handle, this.#number)) resolve();
    });
  }

  // Waits for the time, or until the stream has been stopped.
  pause(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      if (!this.#held) timer.unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.#stopped) this.#wake();
    });
  }

  stop() {
    this.#stopped = true;
    this.wake();
  }

  // The name is free again when this returns.
  unsubscribe() {
    native.unsubscribe(this.#handle);
  }

  hold(wanted) {
    if (this.#held === wanted || this.#closing) return;
    this.#held = wanted;
    holdProgram(wanted ? 1 : -1);
  }

  close() {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close() {
    streams.sources.delete(this.#number);
    if (this.#held) holdProgram(-1);
    native.unsubscribe(this.#handle);
    await this.#call(asItIs, native.CLOSE);
  }
}

// Calls a handler with each batch, one after the other.
class Subscription {
  #core;
  #source;
  #handler;
  #options;
  #delivering = false;
  #idle = false;
  #waiting = [];
  #failures = 0;
  #replayed;
  #settleReplay;
  #reason = null;
  #isReplaying;

  // options: signal, ended, failed, and replayEnd, the number of the newest older fact. With replayEnd, a failure of the
  // handler at an older fact ends the stream.
  constructor(core, handle, name, handler, options) {
    this.#core = core;
    this.#source = new Source(core, handle, name);
    this.#handler = handler;
    this.#options = options;
    this.#isReplaying = options.replayEnd !== undefined;
    this.name = name;
    this.#replayed = new Promise((resolve, reject) => {
      this.#settleReplay = { resolve, reject };
    });
    this.#replayed.catch(() => {});
    core.streams.add(this);
    this.closed = this.#run();
    this.#obeySignal(options.signal);
  }

  // Will the name be free soon?
  get isEnding() {
    return this.#source.stopped && !this.#delivering;
  }

  // Resolves when older facts have been delivered, rejects if their handler failed.
  get replayed() {
    return this.#replayed;
  }

  ref() {
    this.#source.hold(true);
    return this;
  }

  unref() {
    this.#source.hold(false);
    return this;
  }

  // If the handler is running and succeeds, its batch is still acknowledged.
  unsubscribe() {
    this.stop();
    if (!this.#delivering) this.#source.unsubscribe();
  }

  stop(reason = null) {
    this.#reason ??= reason;
    this.#source.stop();
  }

  // Resolves when the facts that are committed now have been delivered.
  caughtUp() {
    if (this.#source.stopped) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#idle) this.#source.wake();
    });
  }

  #obeySignal(signal) {
    if (!signal) return;
    const end = () => this.unsubscribe();
    signal.addEventListener('abort', end, { once: true });
    this.closed.then(() => signal.removeEventListener('abort', end));
    if (signal.aborted) end();
  }

  async #run() {
    try {
      while (!this.#source.stopped) await this.#turn();
    } catch (error) {
      this.#reason ??= error;
    }
    await this.#source.close();
    this.#core.streams.delete(this);
    this.#becomeIdle();
    this.#settleReplay.reject(this.#reason ?? createError('closed', 'the stream was unsubscribed'));
    tell(this.#options.ended, this.#reason);
  }

  async #turn() {
    const batches = await this.#pull();
    if (batches === undefined) return;
    if (batches.length > 0) {
      await this.#deliver(batches);
      return;
    }
    this.#endReplay();
    this.#becomeIdle();
    await this.#source.readable();
    this.#idle = false;
  }

  #endReplay() {
    this.#isReplaying = false;
    this.#settleReplay.resolve();
  }

  #becomeIdle() {
    this.#idle = true;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  // Tries again later if the storage fails.
  async #pull() {
    try {
      return await this.#source.next();
    } catch (error) {
      if (ENDS.has(error.code)) throw error;
      await this.#pauseAfterFailure();
      return undefined;
    }
  }

  #pauseAfterFailure() {
    return this.#source.pause(pauseAfter(this.#failures++));
  }

  async #deliver(batches) {
    for (const batch of batches) {
      if (this.#source.stopped) return;
      const failure = await this.#handle(batch);
      if (failure !== undefined) {
        await this.#fail(failure);
        return;
      }
      this.#failures = 0;
      if (batch.last_sequence_number >= this.#options.replayEnd) this.#endReplay();
    }
  }

  // Returns undefined after success.  The cursor moves before the stream gives up its name.
  async #handle(batch) {
    this.#delivering = true;
    try {
      const answer = await this.#handler(batch.event_records, batch);
      if (answer === false) return new Error('the handler returned false');
    } catch (error) {
      return error ?? new Error('the handler failed');
    } finally {
      this.#delivering = false;
    }
    return this.#acknowledge(batch);
  }

  async #acknowledge(batch) {
    try {
      await this.#source.ack(batch.last_sequence_number);
    } catch (error) {
      if (ENDS.has(error.code)) throw error;
      return error;
    }
    return undefined;
  }

  async #fail(failure) {
    const message = messageOf(failure);
    try {
      await this.#source.fail(message);
    } catch (error) {
      if (ENDS.has(error.code)) throw error;
    }
    if (this.#isReplaying) throw Object.assign(createError('handler_failed', message), { cause: failure });
    tell(this.#options.failed, failure);
    await this.#pauseAfterFailure();
  }
}

// The public part of a subscription.
class EventStreamSubscription {
  #subscription;

  constructor(subscription) {
    this.#subscription = subscription;
  }

  // No delivery begins after this. Further calls do nothing.
  unsubscribe() {
    this.#subscription.unsubscribe();
  }

  // An open stream keeps the program alive unless unref() was called.
  ref() {
    this.#subscription.ref();
    return this;
  }

  unref() {
    this.#subscription.unref();
    return this;
  }

  // Resolves when the stream has ended and its handler has returned.
  get closed() {
    return this.#subscription.closed;
  }
}

module.exports = { Source, Subscription, EventStreamSubscription, ENDS };
