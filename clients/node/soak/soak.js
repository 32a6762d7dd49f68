'use strict';

// usage: node --expose-gc soak/soak.js PACKAGE COPY        (or: make soak)
//
// Uses the addon like a long-lived program, with many repetitions and many failures. PACKAGE and COPY are two directories
// with the package. If the addon is built with sanitizers, they end the program at the first fault and report leaks at its
// end. Prints a line for each part; the last one is "passed".

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const { mkdtempSync, readdirSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join, resolve } = require('node:path');
const { Worker } = require('node:worker_threads');

const [packagePath, copyPath] = process.argv.slice(2).map((path) => resolve(path));
const factstr = require(packagePath);
const { FactstrMemoryStore, FactstrSqliteStore, decide, openStore } = factstr;

const directory = mkdtempSync(join(tmpdir(), 'factstr-soak-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));

const EVENT = { event_type: 'a', payload: { text: 'é'.repeat(20) } };
let files = 0;

const newPath = () => join(directory, `${++files}.db`);
const turn = () => new Promise((resolve) => setImmediate(resolve));

async function collect() {
  for (let i = 0; i < 10; i++) {
    gc();
    await turn();
  }
}

// The open descriptors and threads of the process.
function resources() {
  return {
    threads: readdirSync('/proc/self/task').length,
    descriptors: readdirSync('/proc/self/fd').length,
    megabytes: Math.round(process.memoryUsage().rss / 2 ** 20),
  };
}

// 10,000 subscriptions, live and durable, opened and closed; the second half must need no more than the first.
async function subscriptions() {
  const store = await openStore(`sqlite:${newPath()}`);
  const half = async () => {
    for (let i = 0; i < 50; i++) {
      const opened = await Promise.all(
        Array.from({ length: 100 }, (_, place) =>
          place % 10 === 0 ? store.streamAllDurable({ name: `s${place}` }, () => {}) : store.streamAll(() => {}),
        ),
      );
      if (i % 10 === 0) await store.append([EVENT]);
      for (const subscription of opened) subscription.unsubscribe();
      await Promise.all(opened.map(({ closed }) => closed));
    }
    await collect();
    return resources();
  };
  const before = await half();
  const after = await half();
  await store.close();
  assert.ok(after.threads <= before.threads && after.descriptors <= before.descriptors, JSON.stringify({ before, after }));
  return `10,000 subscriptions: ${JSON.stringify(before)}, then ${JSON.stringify(after)}`;
}

// Stores that are never closed, with streams that have ended and cursors in the middle.
async function unclosedStores() {
  const path = newPath();
  for (let i = 0; i < 500; i++) {
    const store = i % 2 === 0 ? new FactstrSqliteStore(path) : new FactstrMemoryStore();
    store.append([EVENT, EVENT, EVENT]);
    if (i % 20 < 2) {
      const subscription = store.streamAll(() => {});
      subscription.unsubscribe();
      await subscription.closed;
      for await (const _ of store.store.read({}, { maxCount: 2 })) break;
      await collect();
    }
  }
  await collect();
  const { threads, descriptors } = resources();
  assert.ok(threads < 100 && descriptors < 200, `${threads} threads, ${descriptors} descriptors`);
  return '500 unclosed stores are collected';
}

const WORKER = `
  const { FactstrMemoryStore } = require(${JSON.stringify(packagePath)});
  const { parentPort } = require('node:worker_threads');
  const store = new FactstrMemoryStore();
  store.streamAll(() => {});
  store.streamAllDurable({ name: 'd' }, () => new Promise(() => {}));
  const event = { event_type: 'a', payload: 'x'.repeat(100) };
  const loop = async () => { for (;;) { await store.store.append([event]); await store.store.query({ after: 0n }); } };
  for (let i = 0; i < 4; i++) loop().catch(() => {});
  parentPort.postMessage('busy');
`;

// Worker threads that are ended in the middle of their calls and deliveries.
async function workers() {
  for (let i = 0; i < 40; i++) {
    const worker = new Worker(WORKER, { eval: true });
    await new Promise((resolve, reject) => worker.on('message', resolve).on('error', reject));
    await new Promise((resolve) => setTimeout(resolve, i % 8));
    await worker.terminate();
  }
  return '40 worker threads are ended in the middle';
}

// The modules are loaded again, sometimes with the addon; stores and streams of the old ones stay open.
async function reloads() {
  const kept = [];
  for (let i = 0; i < 60; i++) {
    for (const key of Object.keys(require.cache))
      if (key.startsWith(packagePath) && (i % 5 === 0 || !key.endsWith('.node'))) delete require.cache[key];
    const again = require(packagePath);
    const store = new again.FactstrMemoryStore();
    let delivered = 0;
    const subscription = store.streamAll(() => {
      delivered++;
    });
    store.append([EVENT]);
    kept.push({ store, subscription, delivered: () => delivered });
  }
  for (const { store } of kept) await store.store.append([EVENT]);
  for (const { store, subscription, delivered } of kept) {
    while (delivered() < 2) await turn();
    subscription.unsubscribe();
    await subscription.closed;
    store.close();
  }
  return '60 reloads, each with a store and a stream';
}

// Two copies of the package, with a store and streams each, in turn.
async function copies() {
  const other = require(copyPath);
  assert.notEqual(other.FactstrMemoryStore, FactstrMemoryStore);
  const stores = [new FactstrMemoryStore(), new other.FactstrMemoryStore()];
  const counts = [0, 0];
  const streams = stores.map((store, which) =>
    store.streamAll((facts) => {
      counts[which] += facts.length;
    }),
  );
  for (let i = 0; i < 500; i++) {
    stores[i % 2].append([EVENT]);
    await stores[(i + 1) % 2].store.append([EVENT]);
  }
  while (counts[0] < 500 || counts[1] < 500) await turn();
  for (const stream of streams) stream.unsubscribe();
  await Promise.all(streams.map(({ closed }) => closed));
  for (const store of stores) store.close();
  return 'two copies of the package, side by side';
}

const failure = () => {
  throw new Error('on purpose');
};

// Any value from the program may throw when the package uses it.
async function exceptions() {
  for (let i = 0; i < 30; i++) {
    const store = new FactstrMemoryStore();
    const thrown = [
      { event_type: 'a', payload: { toJSON: failure } },
      { event_type: 'a', get payload() { return failure(); } },
      { event_type: 'a', payload: 1, metadata: { get a() { return failure(); } } },
      new Proxy({}, { ownKeys: failure, get: failure }),
      { get event_type() { return failure(); }, payload: 1 },
    ];
    for (const event of thrown) {
      assert.throws(() => store.append([event]), /on purpose/);
      await assert.rejects(store.store.append([EVENT, event]), /on purpose/);
      assert.throws(() => store.query({ filters: [{ payload_predicates: [event] }] }), /on purpose/);
    }
    store.append([EVENT]);
    await assert.rejects(decide(store.store, {}, failure, () => []), /on purpose/);
    await assert.rejects(decide(store.store, {}, () => 1, failure), /on purpose/);
    const handlers = [failure, async () => failure(), () => false, async () => false, () => Promise.reject(undefined), () => { throw null; }];
    for (const handler of handlers)
      await assert.rejects(store.streamAllDurable({ name: `s${i}` }, handler), { code: 'handler_failed' });
    const ends = [];
    const subscription = await store.store.streamAllDurable({ name: 'b' }, failure, {
      inBackground: true,
      failed: (error) => { ends.push(error.message); failure(); },
      ended: () => { ends.push('ended'); failure(); },
    });
    while (ends.length === 0) await turn();
    subscription.unsubscribe();
    await subscription.closed;
    assert.equal(ends.at(-1), 'ended');
    for await (const batch of store.store.stream({}, { name: 'c' })) {
      if (batch.last_sequence_number > 0n) break;
    }
    const iteration = (async () => {
      for await (const _ of store.store.stream({}, { start: 'first' })) failure();
    })();
    await assert.rejects(iteration, /on purpose/);
    store.close();
  }
  return 'an exception in every callback, 30 times';
}

// Node does not free its memory when it exits in the middle, so only allocations of the addon count.
function isOwnLeak(report) {
  if (!/leak of/.test(report)) return false;
  const frames = report.split('\n').slice(1);
  const ofNode = frames.findIndex((frame) => /node\+0x/.test(frame));
  return frames.slice(0, ofNode).some((frame) => / in (f[ns]_|factstr_|sqlite3)/.test(frame));
}

function ownLeaks(output) {
  return output.split('\n\n').filter(isOwnLeak);
}

// Programs that end while everything is open.
async function exits() {
  const program = `
    const { FactstrSqliteStore, FactstrMemoryStore } = require(${JSON.stringify(packagePath)});
    for (const store of [new FactstrMemoryStore(), new FactstrSqliteStore(process.argv[1])]) {
      for (let i = 0; i < 10; i++) store.streamAll(() => new Promise(() => {}));
      store.streamAllDurable({ name: 'd' }, () => new Promise(() => {}));
      for (let i = 0; i < 20; i++) store.store.append([{ event_type: 'a', payload: i }]).catch(() => {});
      store.store.stream().next().catch(() => {});
    }
    const end = { exit: () => process.exit(0), throw: () => { throw new Error('on purpose'); }, abort: () => process.exitCode = 0 };
    setTimeout(end[process.argv[2]], Number(process.argv[3]));
    if (process.argv[2] === 'abort') setTimeout(() => process.exit(), 30);`;
  for (const [way, status] of [['exit', 0], ['throw', 1], ['abort', 0]])
    for (const ms of [0, 5, 50]) {
      const env = { ...process.env, ASAN_OPTIONS: 'exitcode=99', LSAN_OPTIONS: `${process.env.LSAN_OPTIONS}:exitcode=${status}` };
      const args = ['-e', program, newPath(), way, String(ms)];
      const found = spawnSync(process.execPath, args, { encoding: 'utf8', env, maxBuffer: 2 ** 28 });
      assert.deepEqual(ownLeaks(found.stderr), [], `${way} after ${ms} ms`);
      assert.equal(found.status, status, `${way} after ${ms} ms: ${found.stderr}`);
    }
  return 'exits with everything open';
}

// Facts of all sizes, in and out, with synchronous and asynchronous calls.
async function traffic() {
  const store = new FactstrMemoryStore();
  let appended = 0;
  const sizes = [0, 1, 100, 1000, 1020, 1024, 5000, 20_000, 300_000];
  for (let i = 0; i < 300; i++) {
    const event = { event_type: `t${i % 50}${'é'.repeat(i % 200)}`, payload: 'ä'.repeat(sizes[i % sizes.length]) };
    const events = Array.from({ length: 1 + (i % 7) }, () => ({ ...event, metadata: i % 2 ? { i } : null }));
    store.append(events);
    appended += events.length;
    if (i % 30 === 0) await Promise.all([store.store.query(), store.store.batches(), store.store.export({ maxBatches: 10 })]);
  }
  assert.equal(store.query().event_records.length, appended);
  for await (const record of store.store.read({}, { backwards: true })) assert.ok(record.sequence_number > 0n);
  store.close();
  return 'facts of all sizes';
}

async function main() {
  for (const part of [traffic, exceptions, subscriptions, unclosedStores, workers, reloads, copies, exits])
    console.log(await part());
  await collect();
  console.log('passed');
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
