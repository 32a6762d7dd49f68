'use strict';

// A durable stream in transactions of the program's database: the writes of the handler and the cursor commit together,
// batch by batch. A notification tells when to read. It may be missing, so the log is also read from time to time.

const { pauseAfter } = require('./pauses.js');
const { messageOf, tell } = require('./messages.js');

const LOOK_INTERVAL_MS = 1000;

class PgSubscription {
  #pool;
  #channel;
  #logOn;
  #name;
  #handler;
  #options;
  #client;
  #isStopped = false;
  #isTold = false;
  #held = true;
  #wake;
  #timer;
  #failures = 0;

  constructor({ pool, channel, logOn, name, handler, options }) {
    this.#pool = pool;
    this.#channel = channel;
    this.#logOn = logOn;
    this.#name = name;
    this.#handler = handler;
    this.#options = options;
    this.closed = this.#run();
    options.signal?.addEventListener('abort', () => this.unsubscribe(), { once: true });
    if (options.signal?.aborted) this.unsubscribe();
  }

  unsubscribe() {
    this.#isStopped = true;
    this.#tell();
  }

  ref() {
    this.#held = true;
    this.#timer?.ref();
  }

  unref() {
    this.#held = false;
    this.#timer?.unref();
  }

  #tell = () => {
    this.#isTold = true;
    this.#wake?.();
  };

  async #run() {
    while (!this.#isStopped) {
      const pause = await this.#turn();
      if (pause > 0) await this.#wait(pause);
    }
    await this.#disconnect(false);
    tell(this.#options.ended, null);
  }

  // Waits for the time, or until a notification or stop() ends the wait.
  #wait(ms) {
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#timer = setTimeout(resolve, ms);
      if (!this.#held) this.#timer.unref();
      if (this.#isTold) resolve();
    }).then(() => {
      clearTimeout(this.#timer);
      this.#wake = undefined;
    });
  }

  // Delivers a batch. Returns the time to wait before the next.
  async #turn() {
    try {
      await this.#connect();
      this.#isTold = false;
      const isDelivered = await this.#deliver();
      if (isDelivered) this.#failures = 0;
      return isDelivered ? 0 : LOOK_INTERVAL_MS;
    } catch (error) {
      return this.#afterFailure(error);
    }
  }

  async #connect() {
    if (this.#client !== undefined) return;
    const client = await this.#pool.connect();
    this.#client = client;
    client.on('error', this.#tell);
    client.on('notification', this.#tell);
    await client.query(`LISTEN "${this.#channel}"`);
  }

  async #disconnect(isBroken) {
    const client = this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    client.off('notification', this.#tell);
    if (!isBroken) await client.query(`UNLISTEN "${this.#channel}"`).catch(() => {});
    client.release(isBroken);
    client.off('error', this.#tell);
  }

  async #deliver() {
    const client = this.#client;
    const log = this.#logOn(client);
    await client.query('BEGIN');
    try {
      const [batch] = await log.nextOfStream(this.#name);
      if (batch !== undefined) {
        const answer = await this.#handler(batch.event_records, batch, client);
        if (answer === false) throw new Error('the handler returned false');
        await log.ackStream(this.#name, batch.last_sequence_number);
      }
      await client.query('COMMIT');
      return batch !== undefined;
    } catch (error) {
      await client.query('ROLLBACK');
      throw error;
    }
  }

  // Records the failure if the connection still works. Returns the pause.
  async #afterFailure(error) {
    const pause = pauseAfter(this.#failures++);
    tell(this.#options.failed, error);
    try {
      if (this.#client !== undefined) await this.#logOn(this.#client).failStream(this.#name, messageOf(error), pause);
      this.#isTold = false;
    } catch {
      await this.#disconnect(true);
    }
    return this.#isStopped ? 0 : pause;
  }
}

module.exports = { PgSubscription };
