// The programs in examples/, with the cases of examples/dcb/tests at the top of the tree: given some facts, a command
// makes the expected decision or refuses.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import test from 'node:test';
import { ConflictError, openStore, type ExportedBatch, type NewEvent, type Store } from 'factstr';
import type { Command, Decision } from '../examples/decisions.mjs' with { 'resolution-mode': 'import' };
import { newPath, onStores } from './stores.js';

const PACKAGE = join(__dirname, '../../..');
const CASES = join(PACKAGE, '../../examples/dcb/tests');
const COMPILED = join(__dirname, '../examples');

interface Case {
  name: string;
  given: (NewEvent & { minutes_ago: number })[];
  command: [string, ...string[]];
  expected?: NewEvent;
  refused?: string;
  may_be_repeated?: boolean;
}

type Program = Record<string, Command<Record<string, unknown>>>;

const programs = readdirSync(join(PACKAGE, 'examples'))
  .map((file) => basename(file, '.mts'))
  .filter((name) => name !== 'decisions');

async function load(name: string): Promise<Program> {
  return (await import(join(COMPILED, `${name}.mjs`))) as Program;
}

async function decideAndAppend(store: Store, decision: Decision<Record<string, unknown>>): Promise<NewEvent> {
  const decisions = await import('../examples/decisions.mjs');
  return decisions.decideAndAppend(store, decision);
}

function casesOf(name: string): Case[] {
  return JSON.parse(readFileSync(join(CASES, `${name}.json`), 'utf8')) as Case[];
}

function batchOf(given: Case['given']): ExportedBatch {
  return {
    event_records: given.map(({ minutes_ago, ...event }) => ({
      event_type: event.event_type,
      payload: event.payload,
      occurred_at: new Date(Date.now() - 60_000 * minutes_ago).toISOString(),
    })),
  };
}

async function check(program: Program, { given, command, expected, refused, may_be_repeated }: Case): Promise<void> {
  const store = await openStore('memory:');
  try {
    if (given.length > 0) await store.import([batchOf(given)]);
    const [name, ...args] = command;
    const decision = program[name](...args);
    if (refused !== undefined) {
      await assert.rejects(decideAndAppend(store, decision), { message: refused });
      return;
    }
    const before = await store.contextVersion(decision.boundary);
    const event = await decideAndAppend(store, decision);
    assert.deepEqual(event, expected);
    const again = store.appendIf([event], decision.boundary, before);
    if (may_be_repeated) await again;
    else await assert.rejects(again, ConflictError);
  } finally {
    await store.close();
  }
}

for (const name of programs)
  test(`examples/${name}.mts: the cases of examples/dcb/tests`, async (context) => {
    const program = await load(name);
    for (const one of casesOf(name)) await context.test(one.name, () => check(program, one));
  });

onStores('of eight students at once, three get a seat', async (target) => {
  const { define_course, subscribe_student } = await load('course_subscriptions');
  const store = await target.open();
  await decideAndAppend(store, define_course('c1', '3'));
  const outcomes = await Promise.allSettled(
    Array.from({ length: 8 }, (_, place) => decideAndAppend(store, subscribe_student(`s${place}`, 'c1'))),
  );
  const reasons = outcomes.map((outcome) => (outcome.status === 'rejected' ? (outcome.reason as Error).message : 'in'));
  assert.deepEqual(reasons.sort(), [...Array<string>(5).fill('course "c1" is full'), 'in', 'in', 'in']);
});

// Runs TypeScript where Node can.
const stripsTypes = 'typescript' in process.features && Boolean(process.features.typescript);

function run(url: string | undefined, ...args: string[]): [number | null, string] {
  const path = stripsTypes ? join(PACKAGE, 'examples/product_price.mts') : join(COMPILED, 'product_price.mjs');
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--no-warnings', path, ...args], {
    encoding: 'utf8',
    env: { ...process.env, FACTSTR_URL: url },
  });
  return [status, stdout + stderr];
}

test('an example as a program', () => {
  const url = `sqlite:${newPath()}`;
  const defined = '{"event_type":"product-defined","payload":{"product":"pen","price":2.5}}\n';
  assert.deepEqual(run(url, 'define_product', 'pen', '2.50'), [0, defined]);
  const [status, message] = run(url, 'order_products', '[{"product": "pen", "price": 2}]');
  assert.equal(status, 1);
  assert.match(message, /^product_price\.m[jt]s: the price of product "pen" is not valid\n$/);
  assert.match(run(url)[1], /a command is missing: one of define_product, change_product_price, order_products/);
  assert.match(run(undefined, 'define_product', 'pen', '2')[1], /FACTSTR_URL is not set/);
});
