// The store with promises: functions beyond the reference's classes, by the rules of docs/contract.md.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import {
  ClosedError,
  ConflictError,
  EmptyAppendError,
  FactstrError,
  IdempotencyKeyReusedError,
  LongNumber,
  MalformedError,
  decide,
  openStore,
  type EventRecord,
  type NewEvent,
} from 'factstr';
import { events, newPath, numbers, ofType, onStores } from './stores.js';

onStores('appendIf fails with ConflictError (rules 14, 15, 17)', async (target) => {
  const store = await target.open();
  await store.append(events('a', 'b'));
  await assert.rejects(store.appendIf(events('a'), ofType('a'), null), (error) => {
    assert.ok(error instanceof ConflictError && error instanceof FactstrError);
    assert.equal(error.code, 'conditional_append_conflict');
    assert.equal(error.sqlstate, 'FS001');
    assert.equal(error.expected_context_version, null);
    assert.equal(error.actual_context_version, 1n);
    return true;
  });
  const attempts = Array.from({ length: 8 }, () => store.appendIf(events('a'), ofType('a'), 1n));
  const outcomes = await Promise.allSettled(attempts);
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
});

onStores('appendUnless compares with any position (rule 43)', async (target) => {
  const store = await target.open();
  await store.append(events('a', 'b'));
  await store.appendUnless(events('c'), ofType('a'), 2n);
  await assert.rejects(store.appendUnless(events('c'), ofType('b'), 1n), (error) => {
    assert.ok(error instanceof ConflictError);
    assert.equal(error.after_sequence_number, 1n);
    assert.equal(error.actual_context_version, 2n);
    return true;
  });
  await assert.rejects(store.appendUnless(events('c'), ofType('b'), 99n), MalformedError);
});

onStores('an idempotency key makes an append repeatable (rule 33)', async (target) => {
  const store = await target.open();
  const first = await store.append(events('a'), { idempotency_key: 'k "1"' });
  assert.deepEqual(await store.append(events('a'), { idempotency_key: 'k "1"' }), first);
  assert.deepEqual(await store.appendIf(events('a'), {}, null, { idempotency_key: 'k "1"' }), first);
  await assert.rejects(store.append(events('b'), { idempotency_key: 'k "1"' }), IdempotencyKeyReusedError);
  await assert.rejects(store.append(events('b'), { idempotency_key: '' }), MalformedError);
});

onStores('metadata is kept, and queries do not match it (rule 32)', async (target) => {
  const store = await target.open();
  await store.append([{ event_type: 'a', payload: 1, metadata: { by: 'Ada' } }, ...events('a')]);
  const { event_records } = await store.query();
  assert.deepEqual(event_records[0].metadata, { by: 'Ada' });
  assert.ok(!('metadata' in event_records[1]));
  assert.equal((await store.query({ filters: [{ payload_predicates: [{ by: 'Ada' }] }] })).event_records.length, 0);
});

onStores('queries: after, the newest of each, versions, and reads in parts (rules 11, 13, 47)', async (target) => {
  const store = await target.open();
  await store.append(events('a', 'b', 'a', 'c'));
  assert.equal(numbers((await store.query({ after: 1n, ...ofType('a') })).event_records), '3');
  const newest = await store.newest([ofType('a'), ofType('none'), {}]);
  assert.deepEqual(
    newest.event_records.map((record) => record?.sequence_number),
    [3n, undefined, 4n],
  );
  assert.equal(newest.current_context_version, 4n);
  assert.equal(await store.contextVersion(ofType('b')), 2n);
  assert.equal(await store.contextVersion(ofType('none')), null);
  const read = async (options: { maxCount?: number; backwards?: boolean }): Promise<string> => {
    const found: EventRecord[] = [];
    for await (const record of store.read(ofType('a', 'c'), options)) found.push(record);
    return numbers(found);
  };
  assert.equal(await read({}), '1 3 4');
  assert.equal(await read({ backwards: true, maxCount: 2 }), '4 3');
  for await (const record of store.read()) {
    assert.equal(record.sequence_number, 1n);
    break;
  }
  assert.deepEqual(
    (await store.batches(ofType('b'), { after: 0n })).map(({ last_sequence_number }) => last_sequence_number),
    [4n],
  );
});

onStores('payloads come back unchanged (rule 4)', async (target) => {
  const store = await target.open();
  const payloads = [null, true, 0, -1.5, 1e21, '', 'ü€😀\n"\\', [], {}, { a: [1, { b: null }] }, 'x'.repeat(5000)];
  await store.append(payloads.map((payload) => ({ event_type: 'ü€😀', payload })));
  const { event_records } = await store.query();
  assert.deepEqual(
    event_records.map(({ payload }) => payload),
    payloads,
  );
  for (const payload of ['\u0000', '\ud800', { '\ud800': 1 }, undefined, () => 1, Symbol.iterator])
    await assert.rejects(store.append([{ event_type: 'a', payload }]), MalformedError);
  await assert.rejects(store.append([{ event_type: '\ud800', payload: 1 }]), MalformedError);
  const circle: Record<string, unknown> = {};
  circle.circle = circle;
  await assert.rejects(store.append([{ event_type: 'a', payload: circle }]), MalformedError);
});

const LONG_INTEGER = '123456789012345678901234567890';
const LONG_FRACTION = '0.1000000000000000000000000000000000000001';

onStores('long numbers are exact on request', async (target) => {
  const store = await target.open({ longNumbers: 'bigint' });
  const payload = [BigInt(LONG_INTEGER), -9007199254740993n, new LongNumber(LONG_FRACTION), 0.1, 1e300, 42, '123'];
  await store.append([{ event_type: 'a', payload }]);
  const [record] = (await store.query({ filters: [{ payload_predicates: [[BigInt(LONG_INTEGER)]] }] })).event_records;
  assert.deepEqual(record.payload, payload);
  await store.append([{ event_type: 'b', payload: record.payload }]);
  assert.deepEqual((await store.query(ofType('b'))).event_records[0].payload, payload);
  for (const text of ['\u00001', '\u0000'])
    await assert.rejects(store.append([{ event_type: 'a', payload: [1n, text] }]), MalformedError);
});

test('long numbers: as text on request, and rounded without', async () => {
  const path = newPath();
  const texts = await openStore(`sqlite:${path}`, { longNumbers: 'string' });
  await texts.append([{ event_type: 'a', payload: [BigInt(LONG_INTEGER), new LongNumber(LONG_FRACTION), 1.5] }]);
  assert.deepEqual((await texts.query()).event_records[0].payload, [LONG_INTEGER, LONG_FRACTION, 1.5]);
  await texts.close();
  const rounded = await openStore(`sqlite:${path}`);
  assert.deepEqual((await rounded.query()).event_records[0].payload, [Number(LONG_INTEGER), 0.1, 1.5]);
  assert.equal(String((await rounded.export())[0].event_records[0].payload), `${LONG_INTEGER},${LONG_FRACTION},1.5`);
  await rounded.close();
  await assert.rejects(openStore('memory:', { longNumbers: 'number' as never }), MalformedError);
  assert.throws(() => new LongNumber('1x'), TypeError);
});

onStores('an export is imported into another store, with redactions (rules 37, 40, 41)', async (target) => {
  const store = await target.open();
  await store.append([{ event_type: 'a', payload: { name: 'Ada', big: 2n ** 70n } }], { idempotency_key: 'k' });
  await store.append(events('b', 'c'));
  assert.equal(typeof (await store.redact(1n, { payload: { name: null }, reason: 'asked for' })), 'boolean');
  assert.deepEqual((await store.query(ofType('a'))).event_records[0].payload, { name: null });
  const [redaction] = await store.redactions();
  assert.equal(redaction.sequence_number, 1n);
  assert.equal(redaction.reason, 'asked for');
  const exported = [...(await store.export({ maxBatches: 1 })), ...(await store.export({ after: 1n }))];
  assert.equal(exported.length, 2);
  const copy = await openStore('memory:');
  assert.equal((await copy.import(exported)).committed_count, 3n);
  assert.deepEqual(await copy.export(), exported);
  assert.equal(await copy.importRedactions(exported), 0n);
  assert.equal((await copy.append(events('c'), { idempotency_key: 'k2' })).first_sequence_number, 4n);
  await copy.close();
  await assert.rejects(store.redact(99n, { payload: 1, reason: 'none' }), MalformedError);
});

interface SeatEvents extends Record<string, unknown> {
  'seat-offered': { seat: string };
  'seat-taken': { seat: string; by: string };
}

onStores('decide appends only decisions on the current facts', async (target) => {
  const store = await openStoreTyped(target);
  await store.append([{ event_type: 'seat-offered', payload: { seat: '1A' } }]);
  const query = { filters: [{ payload_predicates: [{ seat: '1A' }] }] };
  const take = (by: string): ReturnType<typeof decide<SeatEvents, string[]>> =>
    decide<SeatEvents, string[]>(
      store,
      query,
      (facts) =>
        facts.flatMap((fact) => (fact.event_type === 'seat-taken' ? [(fact.payload as { by: string }).by] : [])),
      (takers) => (takers.length > 0 ? [] : [{ event_type: 'seat-taken', payload: { seat: '1A', by } }]),
    );
  const outcomes = await Promise.all(['Ada', 'Bob', 'Eve', 'Joe'].map(take));
  assert.equal(outcomes.filter(({ append_result }) => append_result !== null).length, 1);
  assert.equal((await store.query(query)).event_records.length, 2);
  const losers = outcomes.filter(({ append_result }) => append_result === null);
  assert.ok(losers.every(({ state }) => state.length === 1));
});

async function openStoreTyped(target: { open(): Promise<unknown> }) {
  return (await target.open()) as Awaited<ReturnType<typeof openStore<SeatEvents>>>;
}

onStores('decide ends after the given attempts, and passes on errors of a command', async (target) => {
  const store = await target.open();
  const intrude = async (): Promise<NewEvent[]> => {
    await store.append(events('a'));
    return events('a');
  };
  await assert.rejects(
    decide(store, ofType('a'), () => 0, intrude, { attempts: 3 }),
    ConflictError,
  );
  assert.equal((await store.query()).event_records.length, 3);
  const refusal = new Error('no');
  await assert.rejects(
    decide(
      store,
      {},
      (facts) => facts.length,
      () => Promise.reject(refusal),
    ),
    refusal,
  );
  const aborted = AbortSignal.abort(new Error('enough'));
  await assert.rejects(
    decide(
      store,
      {},
      () => 0,
      () => events('a'),
      { signal: aborted },
    ),
    /enough/,
  );
});

onStores('errors have classes, codes, details and hints', async (target) => {
  const store = await target.open();
  await assert.rejects(store.append([]), EmptyAppendError);
  await assert.rejects(store.append([{ event_type: 'a', payload: 1, more: 1 } as never]), (error) => {
    assert.ok(error instanceof MalformedError && error.name === 'MalformedError');
    assert.ok(error.detail || error.hint, error.message);
    return true;
  });
  await assert.rejects(openStore('nothing:'), { name: 'CannotOpenError', code: 'cannot_open' });
  await assert.rejects(openStore('sqlite:/nowhere/at/all.db'), { code: 'cannot_open' });
  await assert.rejects(openStore(1 as never), MalformedError);
  await assert.rejects(store.seekStream('none', 0n), { name: 'NoSuchStreamError' });
});

onStores('a closed store refuses calls, and may be closed again (rule 34)', async (target) => {
  const store = await target.open();
  const calls = Promise.allSettled(Array.from({ length: 20 }, () => store.append(events('a'))));
  await store.close();
  for (const outcome of await calls)
    if (outcome.status === 'rejected') assert.ok(outcome.reason instanceof FactstrError, String(outcome.reason));
  await assert.rejects(store.query(), ClosedError);
  await store.close();
});

test('a file that may only be read refuses appends (rule 39)', async () => {
  const path = newPath();
  const store = await openStore(`sqlite:${path}`);
  await store.append(events('a'));
  await store.close();
  const reader = await openStore(`sqlite:${path}?mode=ro`);
  assert.equal((await reader.query()).event_records.length, 1);
  await assert.rejects(reader.append(events('a')), { name: 'ReadOnlyError', code: 'read_only' });
  await reader.close();
});

interface MatchingCase {
  name: string;
  payload: string;
  predicate: string;
  matches: boolean;
}

// The table of cases for all stores and languages.
const TABLE = join(__dirname, '../../../../../test/data/matching-cases.jsonl');

onStores('payloads match predicates as in the table of cases (rule 12)', async (target) => {
  const store = await target.open({ longNumbers: 'bigint' });
  const cases = readFileSync(TABLE, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as MatchingCase);
  assert.ok(cases.length > 50);
  for (const { name, payload, predicate, matches } of cases) {
    const event_type = name.replaceAll('\u0000', '');
    await store.append([{ event_type, payload: exactly(payload) }]);
    const query = { filters: [{ event_types: [event_type], payload_predicates: [exactly(predicate)] }] };
    assert.equal((await store.query(query)).event_records.length, matches ? 1 : 0, name);
  }
});

// A JSON text with all its digits: each number that JSON.parse would round becomes a LongNumber.
function exactly(text: string): unknown {
  const marked = text.replace(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g, (token) =>
    token.startsWith('"') ? token : `{"number": "${token}"}`,
  );
  return JSON.parse(marked, (_, value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.keys(value).join() === 'number' &&
    typeof value.number === 'string'
      ? new LongNumber(value.number)
      : value,
  );
}
