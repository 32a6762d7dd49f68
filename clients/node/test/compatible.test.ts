// Programs written for the reference's package: synchronous, with a conflict as a value.

import assert from 'node:assert/strict';
import test from 'node:test';
import { FactstrPostgresStore, type AppendIfResult, type EventRecord } from 'factstr';
import { eventually, events, newDatabase, numbers, ofType, onStores, serverUrl, withoutServer } from './stores.js';

onStores('append returns the range of the batch, as bigint (rules 2, 6)', async (target) => {
  const store = target.openSynchronous();
  assert.deepEqual(store.append(events('a', 'b')), {
    first_sequence_number: 1n,
    last_sequence_number: 2n,
    committed_count: 2n,
  });
  assert.equal(store.append(events('c')).first_sequence_number, 3n);
});

onStores('query returns records and the version of the context (rules 3, 13)', async (target) => {
  const store = target.openSynchronous();
  store.append(events('a', 'b', 'a'));
  const { event_records, ...rest } = store.query({ filters: [{ event_types: ['a'] }], min_sequence_number: 1n });
  assert.deepEqual(rest, { last_returned_sequence_number: 3n, current_context_version: 3n });
  const [record] = event_records;
  assert.match(record.occurred_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  assert.deepEqual(
    { ...record, occurred_at: '' },
    { sequence_number: 3n, occurred_at: '', event_type: 'a', payload: { place: 2 } },
  );
  assert.deepEqual(store.query({ filters: [{ event_types: ['none'] }] }), {
    event_records: [],
    last_returned_sequence_number: null,
    current_context_version: null,
  });
});

onStores('appendIf: a conflict is a value (rules 14, 15)', async (target) => {
  const store = target.openSynchronous();
  const query = { filters: [{ event_types: ['seat-taken'], payload_predicates: [{ seat: 1 }] }] };
  const take = (expected?: bigint | null): AppendIfResult =>
    store.appendIf([{ event_type: 'seat-taken', payload: { seat: 1 } }], query, expected);
  assert.deepEqual(take(7n).conflict, { expected_context_version: 7n, actual_context_version: null });
  assert.equal(take(null).append_result?.last_sequence_number, 1n);
  assert.deepEqual(take().conflict, { expected_context_version: null, actual_context_version: 1n });
  assert.equal(take(1n).append_result?.committed_count, 1n);
  assert.equal(store.query({}).event_records.length, 2);
});

onStores('numbers that are negative or have more than 64 bits are errors (rule 11)', async (target) => {
  const store = target.openSynchronous();
  for (const number of [-1n, 2n ** 64n, 2n ** 70n]) {
    assert.throws(() => store.appendIf(events('a'), {}, number), { code: 'malformed_input' });
    assert.throws(() => store.query({ min_sequence_number: number }), { code: 'malformed_input' });
  }
  assert.deepEqual(store.query({ min_sequence_number: 2n ** 63n - 1n }).event_records, []);
});

onStores('an empty append and malformed events are errors (rules 7, 8, 16)', async (target) => {
  const store = target.openSynchronous();
  assert.throws(() => store.append([]), { name: 'EmptyAppendError', code: 'empty_append' });
  assert.throws(() => store.appendIf([], {}, 99n), { name: 'EmptyAppendError' });
  for (const wrong of [
    undefined,
    null,
    {},
    [1],
    [{ payload: 1 }],
    [{ event_type: '', payload: 1 }],
    [{ event_type: 'a' }],
  ])
    assert.throws(() => store.append(wrong as never), { code: 'malformed_input' });
  assert.throws(() => store.append([{ event_type: 'a', payload: 1, extra: 1 } as never]), /extra/);
  assert.throws(() => store.query({ filter: [] } as never), /filter/);
  assert.equal(store.query({}).current_context_version, null);
});

onStores('a live stream delivers later facts in order (rules 18, 19)', async (target) => {
  const store = target.openSynchronous();
  const all: EventRecord[][] = [];
  const some: EventRecord[][] = [];
  store.append(events('before'));
  const first = store.streamAll((records) => {
    all.push(records);
  });
  const second = store.streamTo(ofType('b'), (records) => {
    some.push(records);
  });
  store.append(events('a', 'b'));
  store.append(events('a'));
  store.append(events('b'));
  await eventually(() => all.length === 3 && some.length === 2, 'deliveries');
  assert.deepEqual(all.map(numbers), ['2 3', '4', '5']);
  assert.deepEqual(some.map(numbers), ['3', '5']);
  first.unsubscribe();
  first.unsubscribe();
  store.append(events('b'));
  await eventually(() => some.length === 3, 'the delivery to the stream that is left');
  assert.equal(all.length, 3);
  second.unsubscribe();
});

onStores('a durable stream replays, continues, and its name is free again (rules 24, 27, 30)', async (target) => {
  const store = target.openSynchronous();
  const seen: string[] = [];
  const handle = (records: EventRecord[]): void => {
    seen.push(numbers(records));
  };
  store.append(events('a', 'a'));
  let subscription = await store.streamAllDurable({ name: 'reader' }, handle);
  assert.deepEqual(seen, ['1 2']);
  store.append(events('a'));
  await eventually(() => seen.length === 2, 'the live delivery');
  await store.store.wait('reader', 3n);
  subscription.unsubscribe();
  store.append(events('a'));
  subscription = await store.streamAllDurable({ name: 'reader' }, handle);
  subscription.unsubscribe();
  assert.deepEqual(seen, ['1 2', '3', '4']);
  await assert.rejects(store.streamToDurable({ name: 'reader' }, ofType('a'), handle), {
    code: 'stream_query_differs',
  });
});

onStores('a handler that fails in the replay fails the opening (rule 28)', async (target) => {
  const store = target.openSynchronous();
  const failures: (() => unknown)[] = [
    () => {
      throw new Error('thrown');
    },
    () => Promise.reject(new Error('rejected')),
    () => false,
    () => Promise.resolve(false),
  ];
  store.append(events('a'));
  for (const fail of failures)
    await assert.rejects(store.streamAllDurable({ name: 's' }, fail), {
      name: 'HandlerFailedError',
      code: 'handler_failed',
    });
  const seen: string[] = [];
  await store.streamAllDurable({ name: 's' }, async (records) => {
    await new Promise((resolve) => setImmediate(resolve));
    seen.push(numbers(records));
  });
  assert.deepEqual(seen, ['1']);
});

onStores('a handler that fails later gets the same batch again (rules 20, 28)', async (target) => {
  const store = target.openSynchronous();
  const seen: string[] = [];
  await store.streamAllDurable({ name: 's' }, async (records) => {
    seen.push(numbers(records));
    if (seen.length === 1) throw new Error('not yet');
    return seen.length !== 2;
  });
  store.append(events('a'));
  store.append(events('b'));
  await eventually(() => seen.length === 1, 'the first delivery');
  await eventually(async () => (await store.store.streams())[0].last_error === 'not yet', 'the message');
  await eventually(() => seen.length === 4, 'the repeated deliveries');
  assert.deepEqual(seen, ['1', '1', '1', '2']);
});

onStores('a handler may query and append during the replay (rule 22)', async (target) => {
  const store = target.openSynchronous();
  const lengths: number[] = [];
  store.append(events('a'));
  const subscription = await store.streamToDurable({ name: 's' }, ofType('a'), () => {
    lengths.push(store.query({}).event_records.length);
    store.append(events('b'));
  });
  assert.deepEqual(lengths, [1]);
  assert.equal(store.query({}).event_records.length, 2);
  subscription.unsubscribe();
});

onStores('a handler may unsubscribe its own stream (rules 21, 22)', async (target) => {
  const store = target.openSynchronous();
  const seen: string[] = [];
  const subscription = store.streamAll((records) => {
    seen.push(numbers(records));
    subscription.unsubscribe();
  });
  store.append(events('a'));
  store.append(events('a'));
  await subscription.closed;
  assert.deepEqual(seen, ['1']);
});

onStores('a handler that is not a function is an error', async (target) => {
  const store = target.openSynchronous();
  assert.throws(() => store.streamAll(undefined as never), { code: 'malformed_input' });
  await assert.rejects(store.streamAllDurable({ name: 's' }, 1 as never), { code: 'malformed_input' });
});

test('bootstrap creates the database and the extension, and may be repeated', { skip: withoutServer }, () => {
  const target = { serverUrl: serverUrl ?? '', databaseName: `${newDatabase()} "quoted" %20?` };
  const store = FactstrPostgresStore.bootstrap(target);
  store.append(events('a'));
  store.close();
  const again = FactstrPostgresStore.bootstrap(target);
  assert.equal(again.query({}).event_records.length, 1);
  again.close();
  assert.throws(() => FactstrPostgresStore.bootstrap({ ...target, serverUrl: 'postgresql://x@/?host=/nowhere' }), {
    code: 'not_connected',
  });
  assert.throws(() => FactstrPostgresStore.bootstrap({ ...target, databaseName: '' }), { code: 'malformed_input' });
  assert.throws(() => new FactstrPostgresStore('sqlite:x'), { code: 'malformed_input' });
});
