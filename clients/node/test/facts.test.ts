// Facts on their way to C and back: many facts, long facts, and events that are not plain objects.

import assert from 'node:assert/strict';
import type { EventRecord, NewEvent, Store } from 'factstr';
import { onStores } from './stores.js';

/** The members of a record that the program supplied. */
function eventOf({ event_type, payload, metadata }: EventRecord): NewEvent {
  return metadata === undefined ? { event_type, payload } : { event_type, payload, metadata };
}

function eventsOf(records: EventRecord[]): NewEvent[] {
  return records.map(eventOf);
}

// More facts than fit into a page, in batches that begin and end anywhere in a page.
onStores('many facts, in batches of all sizes, come back as they were', async (target) => {
  const store = await target.open();
  const sizes = [1, 255, 1, 256, 2, 700, 3];
  const batches = sizes.map((size, batch) =>
    Array.from({ length: size }, (_, place): NewEvent => {
      const event: NewEvent = { event_type: `type ${place % 40}`, payload: { batch, place, text: 'x'.repeat(place % 7) } };
      return place % 3 === 0 ? { ...event, metadata: { place } } : event;
    }),
  );
  for (const batch of batches) await store.append(batch);
  const all = batches.flat();

  const { event_records, last_returned_sequence_number } = await store.query();
  assert.deepEqual(eventsOf(event_records), all);
  assert.deepEqual(
    event_records.map((record) => record.sequence_number),
    all.map((_, place) => BigInt(place + 1)),
  );
  assert.equal(last_returned_sequence_number, BigInt(all.length));
  assert.deepEqual(eventsOf((await store.query({ after: 1200n })).event_records), all.slice(1200));

  const read: EventRecord[] = [];
  for await (const record of store.read()) read.push(record);
  assert.deepEqual(read, event_records);

  const found = await store.batches();
  assert.deepEqual(
    found.map((batch) => eventsOf(batch.event_records)),
    batches,
  );
  let end = 0;
  for (const [place, { first_sequence_number, last_sequence_number }] of found.entries()) {
    assert.equal(first_sequence_number, BigInt(end + 1));
    end += sizes[place];
    assert.equal(last_sequence_number, BigInt(end));
  }

  const delivered: NewEvent[][] = [];
  const subscription = await store.streamAllDurable({ name: 'all' }, (records) => {
    delivered.push(eventsOf(records));
  });
  subscription.unsubscribe();
  assert.deepEqual(delivered, batches);
});

onStores('more batches of one fact than fit into a page', async (target) => {
  const store = await target.open();
  const batches = Array.from({ length: 600 }, (_, place) => ({
    event_records: [{ event_type: 'a', payload: place, occurred_at: '2026-01-31T08:15:30.123456Z' }],
  }));
  await store.import(batches);
  const found = await store.batches();
  assert.deepEqual(
    found.map(({ event_records }) => event_records.map(({ payload }) => payload)),
    batches.map((_, place) => [place]),
  );
});

const TIMES = [
  '1969-12-31T23:59:59.999999Z',
  '1970-01-01T00:00:00.000001Z',
  '2026-01-31T08:15:30.123456Z',
  '2026-01-31T08:15:30.000000Z',
];

async function expectTimes(store: Store, times: string[]): Promise<void> {
  await store.import([
    { event_records: times.map((occurred_at) => ({ event_type: 'a', payload: null, occurred_at })) },
  ]);
  assert.deepEqual(
    (await store.query()).event_records.map((record) => record.occurred_at),
    times,
  );
}

onStores('times before and after 1970', async (target) => expectTimes(await target.open(), TIMES));

// PostgreSQL does not accept years of five digits.
onStores(
  'times that are longer than others',
  async (target) => expectTimes(await target.open(), [...TIMES, '12026-01-31T08:15:30.123456Z', ...TIMES]),
  ['memory', 'sqlite'],
);

onStores('long texts and characters of several bytes are never cut', async (target) => {
  const store = await target.open();
  const texts = ['é', '€', '😀', '"\\\b\n\u001f', '\ufffd'];
  const all: NewEvent[] = [];
  for (let length = 980; length < 1030; length += 3)
    for (const text of texts) all.push({ event_type: `${'t'.repeat(length)}${text}`, payload: text.repeat(length) });
  all.push({ event_type: 'long', payload: 'x'.repeat(3_000_000) }, { event_type: 'short', payload: 1 });
  for (const event of all) await store.append([event]);
  assert.deepEqual(eventsOf((await store.query()).event_records), all);
  const query = { filters: [{ payload_predicates: [all[7].payload] }] };
  assert.deepEqual(eventsOf((await store.query(query)).event_records), [all[7]]);
});

onStores('events are stored as JSON.stringify writes them', async (target) => {
  const store = await target.open();
  class Opened {
    readonly event_type = 'opened';
    constructor(readonly payload: Date) {}
  }
  await store.append([
    new Opened(new Date(0)),
    { event_type: 'a', payload: { none: undefined, toJSON: () => 'seven' }, metadata: undefined },
    { toJSON: () => ({ event_type: 'b', payload: [1] }) } as unknown as NewEvent,
    { event_type: 'c', payload: { __proto__: null, 'a\u2028b': -0 }, metadata: null },
  ]);
  assert.deepEqual(eventsOf((await store.query()).event_records), [
    { event_type: 'opened', payload: '1970-01-01T00:00:00.000Z' },
    { event_type: 'a', payload: 'seven' },
    { event_type: 'b', payload: [1] },
    { event_type: 'c', payload: { 'a\u2028b': 0 } },
  ]);
});

onStores('errors for malformed events name the place', async (target) => {
  const store = await target.open();
  const good = { event_type: 'a', payload: 1 };
  const refused: [unknown[], RegExp][] = [
    [[good, { event_type: 'a\0', payload: 1 }], /[\\u+]0000/i],
    [[good, { event_type: '\ud800', payload: 1 }], /surrogate|UTF-8|\\ud800/i],
    [[{ event_type: 'a', payload: '\0' }], /[\\u+]0000/i],
    [[good, { event_type: 'a' }], /\[1\]/],
    [[good, { event_type: 1, payload: 1 }], /\[1\]/],
    [[good, null], /\[1\]/],
    [[good, { ...good, extra: 1 }], /\[1\]/],
    [[good, { ...good, metadata: [] }], /\[1\]/],
    [[{ event_type: 'x'.repeat(2001), payload: 1 }], /2000/],
  ];
  for (const [found, message] of refused) {
    const isRight = (error: Error): boolean => {
      assert.equal((error as Error & { code: string }).code, 'malformed_input');
      return message.test(`${error.message} ${(error as Error & { detail?: string }).detail}`);
    };
    await assert.rejects(store.append(found as NewEvent[]), isRight, String(message));
    await assert.rejects(store.appendIf(found as NewEvent[], {}, null), isRight, String(message));
  }
  assert.equal(await store.contextVersion(), null);
});

onStores('concurrent calls get their own answers', async (target) => {
  const store = await target.open();
  for (let count = 0; count < 8; count++)
    await store.append(Array.from({ length: 100 * count + 1 }, () => ({ event_type: `t${count}`, payload: count })));
  const counts = Array.from({ length: 64 }, (_, place) => place % 8);
  const answers = await Promise.all(
    counts.map((count) => store.query({ filters: [{ event_types: [`t${count}`] }] })),
  );
  for (const [place, { event_records }] of answers.entries()) {
    assert.equal(event_records.length, 100 * counts[place] + 1);
    assert.ok(event_records.every(({ payload }) => payload === counts[place]));
  }
  const appended = await Promise.all(counts.map((payload) => store.append([{ event_type: 'x', payload }])));
  const { event_records } = await store.query({ filters: [{ event_types: ['x'] }] });
  const payloads = new Map(event_records.map((record) => [record.sequence_number, record.payload]));
  for (const [place, { first_sequence_number }] of appended.entries())
    assert.equal(payloads.get(first_sequence_number), counts[place]);
});
