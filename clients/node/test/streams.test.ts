// Streams of the store with promises: subscriptions and iterations.

import assert from 'node:assert/strict';
import test from 'node:test';
import {
  FactstrError,
  MalformedError,
  NoSuchStreamError,
  StreamActiveError,
  StreamQueryDiffersError,
  WaitTimedOutError,
  openStore,
  type EventRecord,
  type Store,
} from 'factstr';
import { eventually, events, numbers, ofType, onStores } from './stores.js';

async function statusOf(store: Store, name: string) {
  return (await store.streams()).find((stream) => stream.name === name);
}

onStores('an iteration delivers batches, and requesting the next acknowledges (rules 18, 44)', async (target) => {
  const store = await target.open();
  await store.append(events('a', 'b'));
  await store.append(events('b'));
  await store.append(events('a'));
  const seen: string[] = [];
  for await (const batch of store.stream(ofType('a'), { name: 's' })) {
    seen.push(`${batch.first_sequence_number}-${batch.last_sequence_number}: ${numbers(batch.event_records)}`);
    if (seen.length === 2) break;
  }
  assert.deepEqual(seen, ['1-2: 1', '4-4: 4']);
  assert.equal((await statusOf(store, 's'))?.cursor_sequence_number, 2n);
  for await (const batch of store.stream(ofType('a'), { name: 's' })) {
    assert.equal(batch.last_sequence_number, 4n);
    await batch.ack();
    break;
  }
  assert.equal((await statusOf(store, 's'))?.cursor_sequence_number, 4n);
});

onStores('an iteration waits for facts after its start (rule 19)', async (target) => {
  const store = await target.open();
  await store.append(events('a'));
  await store.append(events('a'));
  const iterations = [{ after: 1n }, { start: 'first' as const }, {}].map((options) => store.stream({}, options));
  const firsts = iterations.map((iteration) => iteration.next());
  assert.equal((await firsts[0]).value?.first_sequence_number, 2n);
  assert.equal((await firsts[1]).value?.first_sequence_number, 1n);
  let isDone = false;
  void firsts[2].then(() => {
    isDone = true;
  });
  await eventually(async () => {
    if (!isDone) await store.append(events('a'));
    return isDone;
  }, 'a fact after the third iteration began');
  for (const iteration of iterations) await iteration.return?.();
});

onStores('a signal ends an iteration, a wait and a subscription', async (target) => {
  const store = await target.open();
  const enough = new Error('enough');
  const controller = new AbortController();
  const iteration = store.stream({}, { signal: controller.signal }).next();
  const subscription = await store.streamAll(() => {}, { signal: controller.signal });
  const durable = await store.streamAllDurable({ name: 's' }, () => {}, { signal: controller.signal });
  const wait = store.wait('s', 99n, { signal: controller.signal });
  controller.abort(enough);
  await Promise.all([assert.rejects(iteration, enough), assert.rejects(wait, enough)]);
  await subscription.closed;
  await durable.closed;
  await assert.rejects(store.stream({}, { signal: controller.signal }).next(), enough);
});

onStores('a name has one consumer (rules 25, 29, 30)', async (target) => {
  const store = await target.open();
  const subscription = await store.streamAllDurable({ name: 's' }, () => {});
  await assert.rejects(
    store.streamAllDurable({ name: 's' }, () => {}),
    StreamActiveError,
  );
  await assert.rejects(
    store.streamToDurable({ name: 's' }, ofType('a'), () => {}),
    StreamQueryDiffersError,
  );
  await assert.rejects(store.dropStream('s'), StreamActiveError);
  const waiting = store.streamAllDurable({ name: 's' }, () => {}, { timeoutMs: -1 });
  subscription.unsubscribe();
  const next = await waiting;
  next.unsubscribe();
  await store.seekStream('s', 0n);
  await store.dropStream('s');
  await assert.rejects(store.dropStream('s'), NoSuchStreamError);
  assert.deepEqual(await store.streams(), []);
});

onStores('waiting for a cursor (rule 30)', async (target) => {
  const store = await target.open();
  await store.append(events('a'));
  await assert.rejects(store.wait('s', 1n, { timeoutMs: 0 }), NoSuchStreamError);
  let release: () => void = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  await store.streamAllDurable({ name: 's' }, () => held, { inBackground: true });
  await assert.rejects(store.wait('s', 1n, { timeoutMs: 10 }), WaitTimedOutError);
  release();
  await store.wait('s', 1n);
  assert.equal((await statusOf(store, 's'))?.lag_facts, 0n);
});

onStores('in background, a failing replay is retried, and failures are reported (rule 28)', async (target) => {
  const store = await target.open();
  await store.append(events('a'));
  const failures: unknown[] = [];
  let attempts = 0;
  const subscription = await store.streamAllDurable(
    { name: 's' },
    () => {
      attempts++;
      if (attempts === 1) throw new Error('not yet');
    },
    { inBackground: true, failed: (error) => failures.push(error) },
  );
  await store.wait('s', 1n);
  assert.equal(attempts, 2);
  assert.match(String(failures[0]), /not yet/);
  assert.equal((await statusOf(store, 's'))?.failure_count, 0);
  subscription.unsubscribe();
});

onStores('during the pause after a failure another consumer may take over (rules 28, 45)', async (target) => {
  const store = await target.open();
  let isFailing = false;
  let reason: FactstrError | null | undefined;
  await store.streamAllDurable(
    { name: 's' },
    () => {
      isFailing = true;
      throw new Error('never');
    },
    {
      ended: (why) => {
        reason = why;
      },
    },
  );
  await store.append(events('a'));
  await eventually(() => isFailing, 'the failure');
  const seen: string[] = [];
  await store.streamAllDurable(
    { name: 's' },
    (records) => {
      seen.push(numbers(records));
    },
    { timeoutMs: -1 },
  );
  assert.deepEqual(seen, ['1']);
  await eventually(() => reason !== undefined, 'the end of the first consumer');
  assert.ok(reason instanceof StreamActiveError);
});

onStores('partitions keep facts with the same key in order (rules 42, 46)', async (target) => {
  const store = await target.open();
  const accounts = ['a', 'b', 'c', 'd'];
  for (let round = 0; round < 3; round++)
    for (const account of accounts) await store.append([{ event_type: 'moved', payload: { account, round } }]);
  const seen: EventRecord[] = [];
  for (let partition = 0; partition < 2; partition++)
    await store.streamAllDurable(
      { name: 's' },
      (records) => {
        seen.push(...records);
      },
      { partition_key: '$.account', partitions: 2, partition },
    );
  assert.equal(seen.length, 12);
  for (const account of accounts) {
    const rounds = seen.map(({ payload }) => payload as { account: string; round: number });
    assert.deepEqual(
      rounds.filter((payload) => payload.account === account).map(({ round }) => round),
      [0, 1, 2],
    );
  }
});

onStores('closing delivers the committed facts (rule 34)', async (target) => {
  const store = await target.open();
  const seen: string[] = [];
  await store.streamAll(async (records) => {
    await new Promise((resolve) => setImmediate(resolve));
    seen.push(numbers(records));
  });
  for (let i = 0; i < 20; i++) await store.append(events('a'));
  await store.close();
  assert.equal(seen.length, 20);
});

onStores('closing does not wait for ever for a handler (rule 34)', async (target) => {
  const store = await target.open();
  let isRunning = false;
  let finish: () => void = () => {};
  const subscription = await store.streamAll(() => {
    isRunning = true;
    return new Promise<void>((resolve) => {
      finish = resolve;
    });
  });
  await store.append(events('a'));
  await eventually(() => isRunning, 'the handler');
  await assert.rejects(store.close({ timeoutMs: 10 }), WaitTimedOutError);
  finish();
  await subscription.closed;
});

onStores('closing ends iterations', async (target) => {
  const store = await target.open();
  const next = store
    .stream()
    .next()
    .catch((error: unknown) => error);
  await store.streams();
  await store.close();
  const outcome = await next;
  assert.ok(outcome instanceof FactstrError || (outcome as IteratorResult<unknown>).done === true);
});

onStores(
  'facts of another store of the same log are also delivered (rule 23)',
  async (target) => {
    const [store, other] = [await target.open(), await target.open()];
    const seen: string[] = [];
    await store.streamAll((records) => {
      seen.push(numbers(records));
    });
    await other.append(events('a'));
    await other.append(events('a'));
    await eventually(() => seen.length === 2, 'the facts of the other');
    assert.deepEqual(seen, ['1', '2']);
  },
  ['sqlite', 'postgresql'],
);

onStores('handlers may throw any value, and the stream continues', async (target) => {
  const store = await target.open();
  const thrown = [undefined, null, 'text', 1n, { message: 'a\u0000b\ud800' }, Object.create(null), Symbol('x')];
  for (const what of thrown) {
    await store.append(events('a'));
    const name = `s${thrown.indexOf(what)}`;
    await assert.rejects(
      store.streamAllDurable({ name }, () => {
        throw what;
      }),
      { code: 'handler_failed' },
    );
  }
  assert.equal((await store.streams()).length, thrown.length);
});

onStores('callbacks that throw do no harm', async (target) => {
  const store = await target.open();
  const fail = (): never => {
    throw new Error('of a callback');
  };
  let attempts = 0;
  const subscription = await store.streamAllDurable({ name: 's' }, () => ++attempts > 1, {
    inBackground: true,
    failed: fail,
    ended: fail,
  });
  await store.append(events('a'));
  await store.wait('s', 1n);
  subscription.unsubscribe();
  await subscription.closed;
  assert.equal(attempts, 2);
});

onStores('names with U+0000 or unpaired surrogates are errors', async (target) => {
  const store = await target.open();
  for (const name of ['a\u0000b', '\ud800', 1 as never])
    await assert.rejects(
      store.streamAllDurable({ name }, () => {}),
      MalformedError,
    );
  await assert.rejects(store.stream({ after: 1n }).next(), MalformedError);
});

test('opening and closing many subscriptions leaks nothing', { timeout: 60000 }, async () => {
  const store = await openStore('memory:');
  for (let round = 0; round < 100; round++) {
    const subscriptions = await Promise.all(Array.from({ length: 100 }, () => store.streamAll(() => {})));
    await store.append(events('a'));
    for (const subscription of subscriptions) subscription.unsubscribe();
    await Promise.all(subscriptions.map(({ closed }) => closed));
  }
  assert.equal((await store.query()).event_records.length, 100);
  await store.close();
});
