"""The logs of a database: listed, created, sealed and dropped."""

import asyncio
from datetime import datetime, timezone

import factstr
from factstr import LogStatus, NewEvent
from factstr.aio import AsyncStore
from support import StoreTest, on_stores


class Logs(StoreTest):
    kind = 'postgres'

    def names(self):
        return [one.log for one in self.store.logs()]

    def test_created_and_listed(self):
        self.assertEqual(self.store.logs(), [LogStatus('main', None, None, None, None)])
        self.store.create_log('orders')
        with self.assertRaises(factstr.LogExistsError):
            self.store.create_log('orders')
        with self.assertRaises(factstr.MalformedInputError):
            self.store.create_log('Or ders')
        self.assertEqual(self.names(), ['main', 'orders'])
        orders = self.store.logs()[1]
        self.assertLess(abs((datetime.now(timezone.utc) - orders.created_at).total_seconds()), 3600)
        self.assertTrue(orders.created_by)
        self.assertIsNone(orders.sealed_at)

    def test_sealed_and_dropped(self):
        self.store.create_log('orders')
        with factstr.open_store(self.url, log='orders') as orders:
            orders.append([NewEvent('a', 1), NewEvent('b', 2)])
            self.assertIs(self.store.seal_log('orders'), True)
            self.assertIs(orders.seal_log('orders'), False)
            self.assertIsNotNone(self.store.logs()[1].sealed_at)
            with self.assertRaises(factstr.LogSealedError):
                orders.append(NewEvent('a', 1))
        with self.assertRaises(factstr.MalformedInputError):
            self.store.drop_log('orders', 'main')
        self.assertEqual(self.store.drop_log('orders', 'orders'), 2)
        with self.assertRaises(factstr.NoSuchLogError):
            self.store.drop_log('orders', 'orders')
        with self.assertRaises(factstr.UnsupportedError):
            self.store.drop_log('main', 'main')
        self.assertEqual(self.names(), ['main'])

    def test_asyncio(self):
        async def change():
            store = AsyncStore(self.open_again())
            async with store:
                await store.create_log('orders')
                self.assertEqual([one.log for one in await store.logs()], ['main', 'orders'])
                self.assertIs(await store.seal_log('orders'), True)
                self.assertEqual(await store.drop_log('orders', 'orders'), 0)

        asyncio.run(change())
        self.assertEqual(self.names(), ['main'])


@on_stores('memory', 'sqlite')
class OneLog:
    def test_it_has_no_others(self):
        for call in (self.store.logs, lambda: self.store.create_log('orders'), lambda: self.store.seal_log('orders'),
                     lambda: self.store.drop_log('orders', 'orders')):
            with self.assertRaises(factstr.UnsupportedError):
                call()
        with self.assertRaises(factstr.MalformedInputError):
            self.store.create_log('a\0')
