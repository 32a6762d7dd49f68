'use strict';

// usage: node bench/run.js [CALLS [ROUNDS]]        (or: make bench)
//
// Compares calls of this package with the same calls in C (bench/calls.c), and, where PGHOST leads to a server, with
// calls of the SQL functions through the driver pg. Prints a table in Markdown: calls per second, the best of several
// rounds, since other programs on the machine only make rounds slower; in memory, per second of the processor.
//
// It also measures the limit for any package: JSON.stringify of the appended payloads, and, for a replay, JSON.parse of
// the payloads and an object for each record, with a bigint, and a time from a longer text.

const { execFileSync } = require('node:child_process');
const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { FactstrMemoryStore, FactstrPostgresStore, FactstrSqliteStore } = require('../index.js');

const [, , CALLS = '100000', ROUNDS = '3'] = process.argv;
const FACTS_OF_ACCOUNT = 10;

const { PGHOST, PGPORT = '5432', PGUSER = 'postgres' } = process.env;
const directory = mkdtempSync(join(tmpdir(), 'factstr-bench-'));
let count = 0;

const accountOf = (i) => `A-${Math.floor(i / FACTS_OF_ACCOUNT)}`;
const eventOf = (i) => ({ event_type: 'money-deposited', payload: { account: accountOf(i), amount: i } });
const queryOf = (i) => ({ filters: [{ payload_predicates: [{ account: accountOf(i) }] }] });

// In ms. In memory, time of the processor, so that other programs on the machine do not count.
const clocks = {
  real: () => performance.now(),
  processor: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
};

async function rate(calls, body, clock = clocks.real) {
  const start = clock();
  const done = (await body(calls)) ?? calls;
  return (1000 * done) / (clock() - start);
}

async function withStore(store, calls, clock) {
  const rates = {
    append: await rate(
      calls,
      () => {
        for (let i = 0; i < calls; i++) store.append([eventOf(i)]);
      },
      clock,
    ),
    decide: await rate(
      calls,
      () => {
        for (let i = 0; i < calls; i++)
          store.appendIf([eventOf(i)], queryOf(i), store.query(queryOf(i)).current_context_version);
      },
      clock,
    ),
    replay: await rate(calls, () => store.query({}).event_records.length, clock),
    'append, promises': await rate(
      calls,
      async () => {
        for (let i = 0; i < calls; i++) await store.store.append([eventOf(i)]);
      },
      clock,
    ),
  };
  store.close();
  return rates;
}

// The cost of JavaScript alone: see above.
async function withoutStore(calls, clock) {
  let length = 0;
  const appended = await rate(
    calls,
    () => {
      for (let i = 0; i < calls; i++) length += JSON.stringify(eventOf(i).payload).length;
    },
    clock,
  );
  const pages = pagesOfPayloads(2 * calls);
  const replayed = await rate(calls, () => recordsOf(pages).length, clock);
  return { append: appended, replay: length > 0 ? replayed : 0 };
}

const PAGE = 256;
const TIME = '2026-01-31T08:15:30.123456Z';
const TIMES = TIME.repeat(PAGE);
const NUMBERS = new BigUint64Array(PAGE);

function pagesOfPayloads(facts) {
  const texts = Array.from({ length: facts }, (_, i) => JSON.stringify(eventOf(i % (facts / 2)).payload));
  return Array.from(
    { length: Math.ceil(facts / PAGE) },
    (_, page) => `[${texts.slice(PAGE * page, PAGE * (page + 1)).join(',')}]`,
  );
}

function recordsOf(pages) {
  const records = [];
  for (const page of pages) {
    const payloads = JSON.parse(page);
    for (let i = 0; i < payloads.length; i++)
      records.push({
        sequence_number: NUMBERS[i],
        occurred_at: TIMES.slice(TIME.length * i, TIME.length * (i + 1)),
        event_type: 'money-deposited',
        payload: payloads[i],
      });
  }
  return records;
}

// The calls of a program without this package.
async function withDriver(database, calls) {
  const { Client } = require('pg');
  const client = new Client({ host: PGHOST, port: Number(PGPORT), user: PGUSER, database });
  await client.connect();
  const value = (i) => JSON.stringify([eventOf(i)]);
  const rates = {
    append: await rate(calls, async () => {
      for (let i = 0; i < calls; i++) await client.query('SELECT * FROM factstr_append($1)', [value(i)]);
    }),
    decide: await rate(calls, async () => {
      for (let i = 0; i < calls; i++) {
        const query = JSON.stringify(queryOf(i));
        const { rows } = await client.query('SELECT * FROM factstr_query($1)', [query]);
        const args = [value(i), query, rows[0].current_context_version];
        await client.query('SELECT * FROM factstr_append_if($1, $2, $3)', args);
      }
    }),
    replay: await rate(
      calls,
      async () => (await client.query('SELECT * FROM factstr_query()')).rows[0].event_records.length,
    ),
  };
  await client.end();
  return rates;
}

function inC(url, calls) {
  const output = execFileSync(join(__dirname, '../build/bench/calls'), [url, String(calls)], { encoding: 'utf8' });
  return Object.fromEntries(
    output
      .trim()
      .split('\n')
      .map((line) => line.split(' '))
      .map(([name, number]) => [name, Number(number)]),
  );
}

// Each store is new and empty.
function newDatabase() {
  const databaseName = `bench_${process.pid}_${++count}`;
  const url = (name) => `postgresql://${PGUSER}@/${name}?host=${encodeURIComponent(PGHOST)}&port=${PGPORT}`;
  FactstrPostgresStore.bootstrap({ serverUrl: url('postgres'), databaseName }).close();
  return { databaseName, url: url(databaseName) };
}

const newFile = () => join(directory, `${++count}.db`);

function contestants(calls) {
  const few = Math.ceil(calls / 100);
  const all = {
    memory: {
      'this package': () => withStore(new FactstrMemoryStore(), calls, clocks.processor),
      C: () => inC('memory:', calls),
      'JavaScript alone': () => withoutStore(calls, clocks.processor),
    },
    sqlite: {
      'this package': () => withStore(new FactstrSqliteStore(newFile()), few),
      C: () => inC(`sqlite:${newFile()}`, few),
    },
  };
  if (PGHOST !== undefined)
    all.postgresql = {
      'this package': () => withStore(new FactstrPostgresStore(newDatabase().url), few),
      C: () => inC(newDatabase().url, few),
      'the driver pg': () => withDriver(newDatabase().databaseName, few),
    };
  return all;
}

const OTHERS = ['C', 'JavaScript alone', 'the driver pg'];

// A line for each call: calls per second, and the multiple of each other way.
function print(kind, best) {
  for (const [name, number] of Object.entries(best['this package'])) {
    const ratios = OTHERS.map((who) => best[who]?.[name.split(',')[0]])
      .map((other) => (other === undefined ? '' : (number / other).toFixed(2)));
    console.log(`| ${[kind, name, number.toFixed(0), ...ratios].join(' | ')} |`);
  }
}

function printHead() {
  const head = ['store', 'call', 'calls/s', ...OTHERS.map((who) => `x ${who}`)];
  console.log(`| ${head.join(' | ')} |\n|${head.map((_, i) => (i < 2 ? '---' : '--:')).join('|')}|`);
}

async function main() {
  printHead();
  for (const [kind, ways] of Object.entries(contestants(Number(CALLS)))) {
    const best = {};
    for (let round = 0; round < Number(ROUNDS); round++)
      for (const [who, way] of Object.entries(ways))
        for (const [name, number] of Object.entries(await way())) {
          best[who] ??= {};
          best[who][name] = Math.max(best[who][name] ?? 0, number);
        }
    print(kind, best);
  }
}

main().finally(() => rmSync(directory, { recursive: true }));
