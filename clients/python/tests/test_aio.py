"""The store for asyncio."""

import asyncio
import threading
import unittest

from factstr import (ConflictError, EventFilter, NoSuchStreamError, StoreClosedError, StreamActiveError,
                     WaitTimedOutError, aio)
from support import TIMEOUT, event, numbers, on_all_stores, run_python, wait_until


async def until(condition):
    async def poll():
        while not condition():
            await asyncio.sleep(0.005)
    await asyncio.wait_for(poll(), TIMEOUT)


@on_all_stores
class Asynchronous:
    def run_it(self, test):
        async def with_store():
            async with await aio.open_store(self.url) as store:
                await asyncio.wait_for(test(store), TIMEOUT)
        asyncio.run(with_store())

    def test_calls(self):
        async def test(store):
            self.assertEqual((await store.append([event('a', 1), event('b', 2)])).last_sequence_number, 2)
            await store.append_if(event('c'), None, 2)
            await store.append_unless(event('c'), EventFilter(['x']), 0, idempotency_key='k')
            with self.assertRaises(ConflictError):
                await store.append_if(event(), None, 2)
            self.assertEqual(numbers((await store.query(EventFilter(['c']))).event_records), [3, 4])
            self.assertEqual((await store.newest([EventFilter(['a'])])).event_records[0].payload, 1)
            self.assertEqual(await store.context_version(EventFilter(['b'])), 2)
            self.assertEqual([record.sequence_number async for record in store.read(backwards=True)], [4, 3, 2, 1])
            self.assertEqual(len(await store.batches()), 3)
            self.assertEqual(len([batch async for batch in store.export()]), 3)
            await store.redact(1, None, reason='x')
            self.assertEqual(len(await store.redactions()), 1)
            self.assertEqual((await store.status()).head_sequence_number, 4)
            with self.assertRaises(NoSuchStreamError):
                await store.drop_stream('s')

        self.run_it(test)

    def test_streams(self):
        async def test(store):
            got = []

            async def consume():
                async for batch in store.stream(start='first'):
                    got.append(batch.first_sequence_number)
                    if len(got) == 5:
                        break

            await store.append(event())
            task = asyncio.create_task(consume())
            await until(lambda: len(got) == 1)
            for _ in range(4):
                await store.append(event())
            await task
            self.assertEqual(got, [1, 2, 3, 4, 5])
            self.assertEqual([batch.first_sequence_number async for batch in store.stream(after=3, idle_timeout=0)],
                             [4, 5])

        self.run_it(test)

    def test_durable_streams(self):
        async def test(store):
            await store.append(event())
            await store.append(event())
            with self.assertRaises(RuntimeError):
                async with store.stream(name='s') as stream:
                    async for batch in stream:
                        if batch.first_sequence_number == 2:
                            raise RuntimeError('at 2')
            async with store.stream(name='s') as stream:
                self.assertEqual((await stream.__anext__()).first_sequence_number, 2)
                with self.assertRaises(StreamActiveError):
                    async with store.stream(name='s'):
                        pass
            status, = await store.streams()
            self.assertEqual((status.cursor_sequence_number, status.failure_count), (2, 0))

        self.run_it(test)

    def test_cancelling_a_stream(self):
        async def test(store):
            stream = store.stream(name='s')

            async def consume():
                async with stream:
                    async for _ in stream:
                        pass

            task = asyncio.create_task(consume())
            await until(lambda: stream._stream is not None)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            async with store.stream(name='s', timeout=TIMEOUT):
                pass

        self.run_it(test)

    def test_handlers(self):
        async def test(store):
            got = []
            loop = asyncio.get_running_loop()

            async def handler(batch):
                self.assertIs(asyncio.get_running_loop(), loop)
                got.append((batch.first_sequence_number, (await store.query()).current_context_version))

            await store.append(event())
            async with await store.subscribe(handler, name='s'):
                await store.append(event())
                await store.wait('s', 2, TIMEOUT)
                with self.assertRaises(WaitTimedOutError):
                    await store.wait('s', 1000, 0.01)
            self.assertEqual([first for first, _ in got], [1, 2])

        self.run_it(test)

    def test_failing_handlers(self):
        async def test(store):
            calls = []

            async def handler(batch):
                calls.append(batch)
                if len(calls) == 1:
                    raise RuntimeError('once')

            async with await store.subscribe(handler) as subscription:
                with self.assertLogs('factstr', 'WARNING'):
                    await store.append(event())
                    await until(lambda: subscription.error is not None or len(calls) > 1)
                    await until(lambda: len(calls) == 2)

        self.run_it(test)

    def test_nothing_blocks_the_loop(self):
        async def test(store):
            ticks = []

            async def tick():
                while True:
                    ticks.append(1)
                    await asyncio.sleep(0)

            async def consume():
                async for _ in store.stream():
                    pass

            consumers = [asyncio.create_task(consume()) for _ in range(20)]
            ticking = asyncio.create_task(tick())
            await asyncio.gather(*(store.append(event()) for _ in range(50)))
            await until(lambda: len(ticks) > 100)
            for task in (ticking, *consumers):
                task.cancel()
            await asyncio.gather(ticking, *consumers, return_exceptions=True)

        self.run_it(test)

    def test_closing_ends_everything(self):
        async def test(store):
            ended = []

            async def consume():
                async for _ in store.stream():
                    pass
                ended.append('stream')

            async def wait():
                try:
                    await store.wait('s', 1000)
                except StoreClosedError:
                    ended.append('wait')

            async with store.stream(name='s'):
                pass
            tasks = [asyncio.create_task(consume()), asyncio.create_task(wait())]
            await asyncio.sleep(0.05)
            await store.close()
            await store.close()
            await asyncio.gather(*tasks)
            self.assertEqual(sorted(ended), ['stream', 'wait'])
            with self.assertRaises(StoreClosedError):
                await store.query()

        self.run_it(test)

    def test_decisions(self):
        async def test(store):
            async def work():
                return await aio.decide(store, EventFilter(['n']), len, lambda count: event('n', count), attempts=1000)

            await asyncio.gather(*(work() for _ in range(10)))
            self.assertEqual([record.payload for record in (await store.query()).event_records], list(range(10)))

        self.run_it(test)


class Ends(unittest.TestCase):
    def test_a_program_that_closes_nothing(self):
        done = run_python('''
import asyncio, factstr
from factstr import aio
async def main():
    store = await aio.open_store('memory:')
    async def handler(batch):
        await asyncio.sleep(3600)
    await store.subscribe(handler)
    stream = store.stream()
    task = asyncio.create_task(stream.__anext__())
    await asyncio.sleep(0.01)
    await store.append(factstr.NewEvent('a', 1))
    await task
    return store
store = asyncio.run(main())
''')
        self.assertNotIn('Fatal', done.stderr)

    def test_no_thread_is_left(self):
        before = threading.active_count()

        async def test():
            async with await aio.open_store('memory:') as store:
                await asyncio.gather(*(store.append(event()) for _ in range(20)))

        asyncio.run(test())
        wait_until(lambda: threading.active_count() <= before)
