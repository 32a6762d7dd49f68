"""Facts in the transactions of psycopg."""

from decimal import Decimal

import factstr
import support
from factstr import (ConflictError, EmptyAppendError, EventFilter, EventQuery, IdempotencyKeyReusedError,
                     MalformedInputError, NoSuchLogError)
from support import StoreTest, event, numbers, psql


class Connections(StoreTest):
    kind = 'postgres'

    def setUp(self):
        super().setUp()
        psycopg = support.psycopg()
        from factstr.psycopg import from_psycopg
        self.from_psycopg = from_psycopg
        self.connection = psycopg.connect(self.url)
        self.addCleanup(self.connection.close)
        self.facts = from_psycopg(self.connection)

    def test_commit_and_rollback(self):
        with self.connection.transaction():
            self.connection.execute('CREATE TABLE orders (number integer)')
            self.connection.execute('INSERT INTO orders VALUES (1)')
            self.assertEqual(self.facts.append([event(), event()]), factstr.AppendResult(1, 2, 2))
            self.assertIsNone(self.store.context_version())
        self.assertEqual(self.store.context_version(), 2)
        self.connection.execute('INSERT INTO orders VALUES (2)')
        self.facts.append(event())
        self.connection.rollback()
        self.assertEqual((self.facts.context_version(), self.connection.execute('SELECT * FROM orders').fetchall()),
                         (2, [(1,)]))

    def test_at_commit(self):
        self.assertIsNone(self.facts.append(event(), at_commit=True))
        self.assertIsNone(self.facts.last_append())
        self.connection.commit()
        self.assertEqual(self.facts.last_append(), factstr.AppendResult(1, 1, 1))

    def test_the_same_answers_as_the_store(self):
        self.facts.append([event('a', {'x': Decimal('1.10'), 'n': 10**40}, {'m': 1}), event('b', ['ü'])])
        self.connection.commit()
        for query in (None, EventFilter(['a']), EventQuery(after=1), EventFilter(['none'])):
            with self.subTest(query):
                self.assertEqual(self.facts.query(query), self.store.query(query))
                self.assertEqual(self.facts.context_version(query), self.store.context_version(query))
        queries = [EventFilter(['a']), EventFilter(['none']), None]
        self.assertEqual(self.facts.newest(queries), self.store.newest(queries))

    def test_conditions_and_keys(self):
        self.facts.append_if(event(), EventFilter(['a']), None, idempotency_key='k')
        self.connection.commit()
        self.assertEqual(self.facts.append(event(), idempotency_key='k').first_sequence_number, 1)
        self.facts.append_unless(event('b'), EventFilter(['b']), 0)
        self.connection.commit()

        def fails(error, call):
            with self.assertRaises(error) as caught:
                call()
            self.connection.rollback()
            return caught.exception

        error = fails(ConflictError, lambda: self.facts.append_if(event(), None, 1))
        self.assertEqual((error.expected_context_version, error.actual_context_version), (1, 2))
        error = fails(ConflictError, lambda: self.facts.append_if(event(), None, None))
        self.assertEqual((error.expected_context_version, error.actual_context_version), (None, 2))
        error = fails(ConflictError, lambda: self.facts.append_unless(event(), None, 1))
        self.assertEqual((error.after_sequence_number, error.actual_context_version), (1, 2))
        fails(EmptyAppendError, lambda: self.facts.append([]))
        fails(IdempotencyKeyReusedError, lambda: self.facts.append(event('x'), idempotency_key='k'))
        fails(MalformedInputError, lambda: self.facts.append(event('')))
        fails(MalformedInputError, lambda: self.facts.query({'filter': []}))
        fails(NoSuchLogError, lambda: self.from_psycopg(self.connection, log='none').query())
        self.assertEqual(numbers(self.facts.query().event_records), [1, 2])

    def test_logs(self):
        self.connection.execute("SELECT factstr_create_log('orders')")
        orders = self.from_psycopg(self.connection, log='orders')
        orders.append(event('order'))
        self.connection.commit()
        self.assertIsNone(self.facts.context_version())
        self.assertEqual(orders.query().event_records[0].event_type, 'order')
        with factstr.open_store(self.url, log='orders') as store:
            self.assertEqual(store.append(event()).first_sequence_number, 2)
        self.assertEqual(orders.context_version(), 2)
        with self.assertRaises(NoSuchLogError):
            factstr.open_store(self.url, log='none')


class Logs(StoreTest):
    kind = 'postgres'

    def test_a_log_of_a_url(self):
        psql(self.url, "SELECT factstr_create_log('two')")
        with factstr.open_store(self.url + '&factstr_log=two') as store:
            store.append([event(), event()])
        with factstr.open_store(self.url, log='two') as store:
            self.assertEqual(store.context_version(), 2)
        self.assertIsNone(self.store.context_version())
        psql(self.url, "SELECT factstr_seal_log('two')")
        with factstr.open_store(self.url, log='two') as store, self.assertRaises(factstr.LogSealedError):
            store.append(event())
