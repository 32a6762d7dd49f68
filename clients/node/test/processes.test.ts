// Whole programs: their end, their leftovers, and several copies or workers in one process.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { newPath } from './stores.js';

const PACKAGE = join(__dirname, '../../..');

interface Outcome {
  status: number | string | null;
  output: string;
}

/** Runs a program that has the package as factstr. */
function run(program: string, ...options: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const args = [...options, '-e', `const factstr = require(${JSON.stringify(PACKAGE)}); ${program}`];
    execFile(process.execPath, args, { timeout: 60000 }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : (error.code ?? error.signal ?? null), output: stdout + stderr });
    });
  });
}

async function expectOutput(program: string, expected: string, ...options: string[]): Promise<void> {
  assert.deepEqual(await run(program, ...options), { status: 0, output: expected });
}

const EVENT = `[{ event_type: 'a', payload: {} }]`;

test('a program ends when nothing is left to do', () =>
  expectOutput(
    `const store = new factstr.FactstrMemoryStore(); store.append(${EVENT}); console.log('done')`,
    'done\n',
  ));

test('an open stream keeps a program alive until it is unsubscribed', () =>
  expectOutput(
    `const store = new factstr.FactstrMemoryStore();
     const subscription = store.streamAll(() => { subscription.unsubscribe(); console.log('delivered') });
     setTimeout(() => store.append(${EVENT}), 50).unref()`,
    'delivered\n',
  ));

test('an open stream does not keep a program alive after unref()', () =>
  expectOutput(
    `const store = new factstr.FactstrMemoryStore(); store.streamAll(() => {}).unref(); console.log('done')`,
    'done\n',
  ));

for (const url of ['memory:', 'sqlite'])
  test(`${url}: process.exit with open streams and calls in progress`, () =>
    expectOutput(
      `factstr.openStore(${JSON.stringify(url === 'sqlite' ? `sqlite:${newPath()}` : url)}).then(async (store) => {
         for (let i = 0; i < 20; i++) await store.streamAllDurable({ name: 's' + i }, () => new Promise(() => {}));
         for (let i = 0; i < 50; i++) store.append(${EVENT}).catch(() => {});
         store.stream().next().catch(() => {});
         setTimeout(() => { console.log('exit'); process.exit(0) }, 20);
       })`,
      'exit\n',
    ));

test('an exception of a handler is not an uncaught exception', () =>
  expectOutput(
    `process.on('uncaughtException', (error) => console.log('uncaught', error));
     process.on('unhandledRejection', (error) => console.log('unhandled', error));
     const store = new factstr.FactstrMemoryStore();
     const subscription = store.streamAll(() => {
       setImmediate(() => { subscription.unsubscribe(); console.log('failed') });
       throw new Error('of the handler');
     });
     store.append(${EVENT})`,
    'failed\n',
  ));

test('unclosed stores are collected', () =>
  expectOutput(
    `const fs = require('node:fs');
     const threads = () => fs.readdirSync('/proc/self/task').length;
     const path = ${JSON.stringify(newPath())};
     (async () => {
       for (let i = 0; i < 300; i++) {
         const store = new factstr.FactstrSqliteStore(path);
         store.append(${EVENT});
         if (i % 10 === 0) {
           const subscription = store.streamAll(() => {});
           subscription.unsubscribe();
           await subscription.closed;
           gc();
           await new Promise((resolve) => setImmediate(resolve));
         }
       }
       for (let i = 0; i < 20; i++) { gc(); await new Promise((resolve) => setTimeout(resolve, 10)); }
       const open = fs.readdirSync('/proc/self/fd').length;
       console.log(threads() < 40 && open < 80 ? 'collected' : threads() + ' threads, ' + open + ' files');
     })()`,
    'collected\n',
    '--expose-gc',
  ));

test('worker threads open their own stores, and end with open streams', () =>
  expectOutput(
    `const { Worker } = require('node:worker_threads');
     const path = ${JSON.stringify(newPath())};
     new factstr.FactstrSqliteStore(path).close();
     const code = \`
       const factstr = require(${JSON.stringify(PACKAGE)});
       const { parentPort } = require('node:worker_threads');
       const store = new factstr.FactstrSqliteStore(\${JSON.stringify(path)});
       store.streamAll(() => {});
       for (let i = 0; i < 10; i++) store.append([{ event_type: 'a', payload: i }]);
       store.store.append([{ event_type: 'a', payload: 10 }]).then(() => parentPort.postMessage('ready'));
     \`;
     (async () => {
       await Promise.all(Array.from({ length: 8 }, () => new Promise((resolve, reject) => {
         const worker = new Worker(code, { eval: true });
         worker.on('error', reject);
         worker.on('message', () => worker.terminate().then(resolve));
       })));
       const store = new factstr.FactstrSqliteStore(path);
       console.log(store.query({}).event_records.length);
       store.close();
     })()`,
    '88\n',
  ));

test('a worker that is terminated during its calls does no harm', () =>
  expectOutput(
    `const { Worker } = require('node:worker_threads');
     const code = \`
       const factstr = require(${JSON.stringify(PACKAGE)});
       const store = new factstr.FactstrMemoryStore();
       store.streamAll(() => {});
       const loop = async () => { for (;;) await store.store.append([{ event_type: 'a', payload: 1 }]) };
       for (let i = 0; i < 4; i++) loop().catch(() => {});
       require('node:worker_threads').parentPort.postMessage('busy');
     \`;
     (async () => {
       for (let i = 0; i < 10; i++) {
         const worker = new Worker(code, { eval: true });
         await new Promise((resolve) => worker.on('message', resolve));
         await new Promise((resolve) => setTimeout(resolve, 10));
         await worker.terminate();
       }
       console.log('alive');
     })()`,
    'alive\n',
  ));

test('two copies of the package work in one process', () => {
  const directory = mkdtempSync(join(tmpdir(), 'factstr-copy-'));
  for (const name of ['index.js', 'lib', 'package.json', 'build/factstr.node'])
    cpSync(join(PACKAGE, name), join(directory, name), { recursive: true });
  return expectOutput(
    `const other = require(${JSON.stringify(directory)});
     const stores = [new factstr.FactstrMemoryStore(), new other.FactstrMemoryStore()];
     const counts = [0, 0];
     const streams = stores.map((store, i) => store.streamAll(() => { counts[i]++; streams[i].unsubscribe(); }));
     stores.forEach((store) => store.append(${EVENT}));
     Promise.all(streams.map(({ closed }) => closed)).then(() => console.log(other !== factstr, counts.join()))`,
    'true 1,1\n',
  ).finally(() => rmSync(directory, { recursive: true }));
});

test('a reloaded module finds its addon', () =>
  expectOutput(
    `for (let i = 0; i < 5; i++) {
       for (const key of Object.keys(require.cache)) if (!key.endsWith('.node')) delete require.cache[key];
       const again = require(${JSON.stringify(PACKAGE)});
       const store = new again.FactstrMemoryStore();
       const subscription = store.streamAll(() => { subscription.unsubscribe(); console.log('delivered'); });
       store.append(${EVENT});
     }`,
    'delivered\n'.repeat(5),
  ));

test('a handler that exits the process', () =>
  expectOutput(
    `const store = new factstr.FactstrMemoryStore();
     store.streamAll(() => { console.log('exit'); process.exit(0); });
     store.append(${EVENT})`,
    'exit\n',
  ));
