#!/usr/bin/env node
// Consuming facts in JavaScript, with Node and its driver pg, in both ways of docs/streams.md.
//
//     examples/consumers/consumer.js live       # the consumer keeps its position itself
//     examples/consumers/consumer.js durable    # the database keeps it: exactly once, into a table
//
// The database is the one that PGHOST, PGDATABASE and so on lead to, with the extension. Leave it running,
// append from another terminal, and see the batch arrive:
//
//     psql -c "SELECT factstr_append('[{\"event_type\": \"student-subscribed\",
//                                       \"payload\": {\"course\": \"c1\", \"student\": \"ada\"}}]')"
//
// Ctrl-C ends it. --until N ends it after fact number N, --wait SECONDS is how long it waits for a
// notification before it looks anyway. The driver: npm ci --prefix examples/consumers, or Debian's:
// apt-get install nodejs node-pg. The exit status is 1 after an error, 2 after wrong arguments.

'use strict';

const { once } = require('node:events');
const { existsSync } = require('node:fs');
const { userInfo } = require('node:os');
const { setTimeout: sleep } = require('node:timers/promises');
const { parseArgs } = require('node:util');

const { Client } = (() => {
  try {
    return require('pg');
  } catch {
    return fail('there is no driver (npm ci --prefix examples/consumers, or apt-get install node-pg)');
  }
})();

const QUERY = { filters: [{ event_types: ['student-subscribed'] }] };
const MAX_BATCHES = 100;

// Under load (this many notifications at once), poll instead of listening: at this interval, for this time, in ms.
const BURST = 6;
const PAUSE = 20;
const PERIOD = 1000;

// The driver gives a bigint as a string and jsonb as JSON.parse does, which rounds numbers of more than
// 15 digits. Where that matters, select event_records::text.
function show(batch) {
  const facts = batch.event_records.map((fact) => `${fact.event_type} ${JSON.stringify(fact.payload)}`);
  console.log(`facts ${batch.first_sequence_number}-${batch.last_sequence_number}: ${facts.join(', ')}`);
}

// The position is a variable, so that each start begins with the first fact.
class Live {
  position = '0';

  async prepare() {}

  async head(client) {
    const { rows } = await client.query("SELECT factstr_context_version('{}') AS head");
    return rows[0].head;
  }

  async take(client) {
    const { rows } = await client.query('SELECT * FROM factstr_batches($1, $2, $3)',
      [QUERY, this.position, MAX_BATCHES]);
    for (const batch of rows) {
      show(batch);
      this.position = batch.last_sequence_number;
    }
    return rows;
  }
}

// The position is the cursor of the stream "enrolments", and moves in the transaction that writes.
//
// If this program, its connection or the server fails, either both the rows and the new position are
// committed, or neither, and the same batches come again. Nothing is missed, nothing is done twice.
// Several consumers may run at once, in any language: they take turns.
class Durable {
  async prepare(client) {
    await client.query('BEGIN');
    await client.query("SELECT factstr_stream_open('enrolments', $1)", [QUERY]);
    await client.query('CREATE TABLE IF NOT EXISTS enrolments (course text, student text)');
    await client.query('COMMIT');
  }

  async head(client) {
    const { rows } = await client.query(
      "SELECT head_sequence_number AS head FROM factstr_stream_status WHERE name = 'enrolments'");
    return rows[0].head;
  }

  async take(client) {
    await client.query('BEGIN');
    const { rows } = await client.query("SELECT * FROM factstr_stream_next('enrolments', $1)", [MAX_BATCHES]);
    for (const batch of rows) {
      for (const { payload } of batch.event_records) {
        await client.query('INSERT INTO enrolments (course, student) VALUES ($1, $2)',
          [payload.course, payload.student]);
      }
    }
    if (rows.length > 0) {
      await client.query("SELECT factstr_stream_ack('enrolments', $1)", [rows.at(-1).last_sequence_number]);
    }
    await client.query('COMMIT');
    rows.forEach(show);
    return rows;
  }
}

async function consume(client, way, until, wait) {
  // A lost connection is a reason to look, too: the next statement will tell.
  let notifications = 0;
  for (const event of ['notification', 'error']) {
    client.on(event, () => {
      notifications += 1;
      client.emit('look');
    });
  }

  // LISTEN comes before the first read: later commits are then announced.
  await client.query('LISTEN factstr');
  await way.prepare(client);
  let listenAt;
  for (;;) {
    // If a read finds nothing, all that was in the log before it has been taken.
    const head = until !== undefined && await way.head(client);
    const batches = await way.take(client);
    const taken = batches.length > 0 ? batches.at(-1).last_sequence_number : head;
    if (until !== undefined && BigInt(taken ?? 0) >= until) {
      return;
    }
    // One may have arrived during the read. If not, wait.
    if (!listenAt && batches.length === 0 && notifications === 0) {
      const timer = setTimeout(() => client.emit('look'), wait);
      await once(client, 'look');
      clearTimeout(timer);
    }
    if (notifications >= BURST) {
      // Being woken for each batch costs the machine more than looking now and then.
      await client.query('UNLISTEN factstr');
      listenAt = performance.now() + PERIOD;
    } else if (listenAt && performance.now() >= listenAt) {
      // As above: before the next read.
      await client.query('LISTEN factstr');
      listenAt = undefined;
    } else if (listenAt && batches.length < MAX_BATCHES) {
      await sleep(PAUSE);
    }
    notifications = 0;
  }
}

// Where libpq would connect to: without PGHOST that is the socket, and without PGUSER as the system's user.
function connection() {
  const port = process.env.PGPORT || 5432;
  const socket = ['/var/run/postgresql', '/tmp'].find((path) => existsSync(`${path}/.s.PGSQL.${port}`));
  return { host: process.env.PGHOST || socket, user: process.env.PGUSER || userInfo().username };
}

function isNumber(text) {
  return /^[0-9]+(\.[0-9]+)?$/.test(text);
}

// Way, until, wait; undefined if the arguments are none.
function parseArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { until: { type: 'string' }, wait: { type: 'string', default: '30' } },
    });
    const Way = { live: Live, durable: Durable }[positionals[0]];
    if (Way && positionals.length === 1 && isNumber(values.wait)) {
      return { way: new Way(), until: values.until && BigInt(values.until), wait: 1000 * values.wait };
    }
  } catch {
    // The same as below.
  }
  return undefined;
}

// The fix of an error of the connection, the database or the rights; undefined if there is none.
function fixFor(error) {
  if (error.code === '3D000') {
    return 'createdb makes it, PGDATABASE names another one';
  }
  if (/^28/.test(error.code) || (!error.code && /password|authentication/i.test(error.message))) {
    return "PGUSER and PGPASSWORD say who you are; with the directory of the server's socket in PGHOST no password may be needed";
  }
  if (/^E[A-Z_]+$/.test(error.code)) {
    return 'start the server, or set PGHOST and PGPORT to where it is';
  }
  if (['42883', '42P01'].includes(error.code) && /factstr/.test(error.message)) {
    return 'CREATE EXTENSION factstr in this database, or set PGDATABASE to one that has it';
  }
  if (error.code === '42501') {
    return 'its owner grants it; "Rights" in docs/sql-reference.md lists the statements';
  }
  return undefined;
}

function fail(text, status = 1) {
  console.error(`consumer.js: ${text}`);
  process.exit(status);
}

// Where no address of a host answers, the errors of all are in one without a message.
function messageOf(error) {
  return (error.message || error.errors?.[0]?.message || error.code).replace(/\s+/g, ' ');
}

function explain(error) {
  const fix = fixFor(error);
  fail(messageOf(error) + (fix ? ` (${fix})` : ''));
}

async function main() {
  const { way, until, wait } = parseArguments() ??
    fail('the arguments are live|durable [--until N] [--wait SECONDS]', 2);
  let wasConnected = false;
  for (;;) {
    const client = new Client(connection());
    let isConnected = false;
    try {
      await client.connect();
      isConnected = wasConnected = true;
      await consume(client, way, until, wait);
      await client.end();
      return;
    } catch (error) {
      // Not connected at all, or an error that a new connection does not fix.
      const isAlive = isConnected && await client.query('ROLLBACK').then(() => true, () => false);
      if (isAlive || !wasConnected) {
        throw error;
      }
      // Continue from the position, which is still valid, over a new connection.
      console.error(`connection lost, trying again: ${messageOf(error)}`);
      await sleep(1000);
    }
  }
}

// The server rolls back uncommitted work.
process.on('SIGINT', () => process.exit());
process.on('SIGTERM', () => process.exit());
// Without a password, some versions of the driver throw an error that only this handler can catch.
process.on('uncaughtException', explain);
main().catch(explain);
