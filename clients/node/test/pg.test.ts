// Facts through a program's connections of the driver pg.

import assert from 'node:assert/strict';
import test from 'node:test';
import pg from 'pg';
import { ConflictError, FactstrPostgresStore, MalformedError, decide, fromPg, openStore, type Log } from 'factstr';
import { databaseUrl, eventually, events, newDatabase, numbers, ofType, serverUrl, withoutServer } from './stores.js';

function onPool(name: string, body: (pool: pg.Pool, url: string) => Promise<void>): void {
  test(`pg: ${name}`, { skip: withoutServer, timeout: 60000 }, async () => {
    const databaseName = newDatabase();
    FactstrPostgresStore.bootstrap({ serverUrl: serverUrl ?? '', databaseName }).close();
    const connectionString = databaseUrl(databaseName);
    const { PGHOST: host, PGPORT: port, PGUSER: user = 'postgres' } = process.env;
    const pool = new pg.Pool({ host, port: Number(port), user, database: databaseName });
    try {
      await body(pool, connectionString);
    } finally {
      await pool.end();
    }
  });
}

onPool('appends, conditions, queries and keys work as in a store', async (pool) => {
  const log = fromPg(pool);
  assert.deepEqual(await log.append(events('a', 'b'), { idempotency_key: 'k' }), {
    first_sequence_number: 1n,
    last_sequence_number: 2n,
    committed_count: 2n,
  });
  assert.equal((await log.append(events('a', 'b'), { idempotency_key: 'k' })).last_sequence_number, 2n);
  await assert.rejects(log.appendIf(events('a'), ofType('a'), null), (error) => {
    assert.ok(error instanceof ConflictError);
    assert.equal(error.expected_context_version, null);
    assert.equal(error.actual_context_version, 1n);
    return true;
  });
  await log.appendIf(events('c'), ofType('a'), 1n);
  await assert.rejects(log.appendUnless(events('c'), ofType('c'), 2n), ConflictError);
  await log.appendUnless(events('d'), ofType('d'), 3n);
  await assert.rejects(log.append([{ event_type: 'a', payload: 1, more: 1 } as never]), MalformedError);
  const result = await log.query({ ...ofType('a', 'd'), after: 1n });
  assert.equal(numbers(result.event_records), '4');
  assert.match(result.event_records[0].occurred_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  assert.equal(result.current_context_version, 4n);
  assert.equal((await log.newest([ofType('c'), ofType('x')])).event_records[0]?.sequence_number, 3n);
  assert.equal(await log.contextVersion(ofType('x')), null);
  assert.equal((await log.batches(ofType('b'))).length, 1);
});

onPool('facts and rows commit together, or neither', async (pool) => {
  const log = fromPg(pool);
  await pool.query('CREATE TABLE seats (seat text)');
  const reserve = (fails: boolean): Promise<void> =>
    log.transaction(async (inside, client) => {
      await client.query("INSERT INTO seats VALUES ('1A')");
      await inside.append(events('seat-reserved'));
      if (fails) throw new Error('changed my mind');
    });
  await assert.rejects(reserve(true), /changed my mind/);
  assert.equal(await log.contextVersion(), null);
  await reserve(false);
  assert.equal(await log.contextVersion(), 1n);
  assert.equal((await pool.query('SELECT * FROM seats')).rows.length, 1);
});

onPool('a transaction can continue after a conflict, or runs again', async (pool) => {
  const log = fromPg(pool);
  let runs = 0;
  await log.transaction(async (inside) => {
    await inside.append(events('a'));
    await assert.rejects(inside.appendIf(events('b'), ofType('a'), null), ConflictError);
    await inside.append(events('c'));
  });
  assert.equal(await log.contextVersion(), 2n);
  await log.transaction(async (inside) => {
    const version = await inside.contextVersion(ofType('a'));
    if (++runs === 1) await log.append(events('a'));
    await inside.appendIf(events('b'), ofType('a'), version, { at_commit: true });
  });
  assert.equal(runs, 2);
});

onPool('an append at commit has its numbers after the commit', async (pool) => {
  const client = await pool.connect();
  const log = fromPg(client);
  assert.equal(await log.lastAppend(), null);
  await client.query('BEGIN');
  assert.equal((await log.append(events('a'), { at_commit: true })).first_sequence_number, null);
  await client.query('COMMIT');
  assert.equal((await log.lastAppend())?.last_sequence_number, 1n);
  client.release();
});

onPool('decide works over a pool and inside a transaction', async (pool) => {
  const log = fromPg(pool);
  const take = (inside: Log) =>
    decide(
      inside,
      ofType('taken'),
      (facts) => facts.length,
      (count) => (count > 0 ? [] : events('taken')),
    );
  const outcomes = await Promise.all([take(log), take(log), take(log)]);
  assert.equal(outcomes.filter(({ append_result }) => append_result !== null).length, 1);
  await log.transaction(async (inside) => {
    assert.equal((await take(inside)).state, 1);
  });
});

onPool('a transactional handler writes exactly once (rule 31)', async (pool) => {
  const log = fromPg(pool);
  await pool.query('CREATE TABLE counted (type text PRIMARY KEY, count int)');
  let failures = 0;
  await log.append(events('a', 'b'));
  const subscription = await log.streamToDurable({ name: 'counts' }, {}, async (records, _batch, client) => {
    for (const { event_type } of records)
      await client.query(
        'INSERT INTO counted VALUES ($1, 1) ON CONFLICT (type) DO UPDATE SET count = counted.count + 1',
        [event_type],
      );
    if (records[0].event_type === 'fails' && ++failures === 1) throw new Error('after writing');
    return true;
  });
  await log.append(events('fails', 'a'));
  const counts = async (): Promise<string> => {
    const { rows } = await pool.query('SELECT type, count FROM counted ORDER BY type');
    return rows.map(({ type, count }) => `${type} ${count}`).join(', ');
  };
  await eventually(() => failures === 1, 'the failure');
  await eventually(async () => {
    const { rows } = await pool.query('SELECT last_error FROM factstr_stream_status');
    return rows[0].last_error === 'after writing';
  }, 'its record');
  await eventually(async () => (await counts()) === 'a 2, b 1, fails 1', 'all counts');
  await log.append(events('b'));
  await eventually(async () => (await counts()) === 'a 2, b 2, fails 1', 'the count of the last');
  subscription.unsubscribe();
  await subscription.closed;
});

onPool('logs of one database are separate stores', async (pool, url) => {
  await pool.query("SELECT factstr_create_log('orders')");
  const orders = fromPg(pool, { log: 'orders' });
  await orders.append(events('a', 'b'));
  assert.equal(await fromPg(pool).contextVersion(), null);
  const store = await openStore(`${url}&factstr_log=orders`);
  assert.equal(await store.contextVersion(), 2n);
  const seen: string[] = [];
  const subscription = await orders.streamAllDurable({ name: 's' }, (records) => {
    seen.push(numbers(records));
  });
  await eventually(() => seen.length === 1, 'the delivery of the log');
  await store.append(events('c'));
  await eventually(() => seen.length === 2, 'the notification of the log');
  subscription.unsubscribe();
  await subscription.closed;
  await store.close();
  await pool.query("SELECT factstr_seal_log('orders')");
  await assert.rejects(orders.append(events('a')), { code: 'log_sealed' });
  await assert.rejects(fromPg(pool, { log: 'none' }).append(events('a')), { code: 'no_such_log' });
});

onPool('long numbers are exact on request', async (pool) => {
  const log = fromPg(pool, { longNumbers: 'bigint' });
  await log.append([{ event_type: 'a', payload: 2n ** 80n + 1n }]);
  assert.equal((await log.query()).event_records[0].payload, 2n ** 80n + 1n);
});

test('fromPg requires a pool or a client', () => {
  assert.throws(() => fromPg({} as never), MalformedError);
});
