// The logs of a database: listed, created, sealed and dropped.

import assert from 'node:assert/strict';
import test from 'node:test';
import {
  FactstrPostgresStore,
  LogExistsError,
  MalformedError,
  NoSuchLogError,
  UnsupportedError,
  openStore,
} from 'factstr';
import { databaseUrl, events, newDatabase, newPath, serverUrl, withoutServer } from './stores.js';

test('logs of a database', { skip: withoutServer, timeout: 60000 }, async () => {
  const databaseName = newDatabase();
  FactstrPostgresStore.bootstrap({ serverUrl: serverUrl ?? '', databaseName }).close();
  const url = databaseUrl(databaseName);
  const store = await openStore(url);
  const names = async (): Promise<string> => (await store.logs()).map(({ log }) => log).join(' ');
  assert.deepEqual(await store.logs(), [
    { log: 'main', created_at: null, created_by: null, sealed_at: null, sealed_by: null },
  ]);
  await store.createLog('orders');
  await assert.rejects(store.createLog('orders'), LogExistsError);
  await assert.rejects(store.createLog('Or ders'), MalformedError);
  assert.equal(await names(), 'main orders');
  assert.match((await store.logs())[1].created_at ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  const orders = await openStore(`${url}&factstr_log=orders`);
  await orders.append(events('a', 'b'));
  assert.equal(await store.sealLog('orders'), true);
  assert.equal(await orders.sealLog('orders'), false);
  assert.notEqual((await store.logs())[1].sealed_by, null);
  await assert.rejects(orders.append(events('a')), { code: 'log_sealed' });
  await assert.rejects(store.dropLog('orders', 'main'), MalformedError);
  assert.equal(await store.dropLog('orders', 'orders'), 2n);
  await assert.rejects(store.dropLog('orders', 'orders'), NoSuchLogError);
  await assert.rejects(store.dropLog('main', 'main'), UnsupportedError);
  assert.equal(await names(), 'main');
  await orders.close();
  await store.close();
});

test('stores of a single log have no other logs', async () => {
  for (const url of ['memory:', `sqlite:${newPath()}`]) {
    const store = await openStore(url);
    await assert.rejects(store.logs(), UnsupportedError);
    await assert.rejects(store.createLog('orders'), UnsupportedError);
    await assert.rejects(store.sealLog('orders'), UnsupportedError);
    await assert.rejects(store.dropLog('orders', 'orders'), UnsupportedError);
    await assert.rejects(store.createLog(1 as never), MalformedError);
    await store.close();
  }
});
