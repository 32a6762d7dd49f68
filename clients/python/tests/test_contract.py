"""The rules of docs/contract.md, by their numbers, through the package. The library's suite covers all of them."""

import threading
import unittest
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import factstr
from factstr import (ConflictError, EmptyAppendError, EventFilter, EventQuery, ExportedBatch, HandlerFailedError,
                     IdempotencyKeyReusedError, ImportedEvent, MalformedInputError, NewEvent, NoSuchStreamError,
                     Partition, StoreClosedError, StreamActiveError, StreamQueryDiffersError, WaitTimedOutError)
from support import event, numbers, on_all_stores, on_shared_stores, wait_until


class Broken(Exception):
    """An exception of a test's handler."""


@on_all_stores
class Facts:
    def test_rule_02_numbers_have_no_gaps(self):
        self.store.append([event(), event()])
        with self.assertRaises(ConflictError):
            self.store.append_if(event(), None, 1)
        self.assertEqual(self.store.append(event()).first_sequence_number, 3)
        self.assertEqual(numbers(self.store.query().event_records), [1, 2, 3])

    def test_rule_03_times_are_aware(self):
        before = datetime.now(timezone.utc) - timedelta(seconds=60)
        self.store.append(event())
        time = self.store.query().event_records[0].occurred_at
        self.assertEqual(time.utcoffset(), timedelta(0))
        self.assertTrue(before < time < before + timedelta(seconds=120), time)

    def test_rule_04_values_come_back_unchanged(self):
        values = [None, True, False, 0, -1, '', 'Jürgen 🦊 "\\\n\t\x01', [], {}, [1, [2, {'a': None}]], {'': {'ü': [1]}},
                  2**63, -2**64, 10**300, 123456789012345678901234567890]
        self.store.append([event(payload=value) for value in values])
        self.assertEqual([record.payload for record in self.store.query().event_records], values)

    def test_rule_04_decimals_are_exact(self):
        values = [Decimal('0.1'), Decimal('1.10'), Decimal('-12345678901234567890.12345678901234567890'),
                  Decimal('1e-300'), Decimal('1E+20')]
        self.store.append([event(payload={'amount': value}) for value in values])
        found = [record.payload['amount'] for record in self.store.query().event_records]
        self.assertEqual(found, values)
        self.assertTrue(all(isinstance(one, (Decimal, int)) for one in found), found)

    def test_rule_04_integers_of_many_digits(self):
        value = 10**20000 + 7
        self.store.append(event(payload=[value, -value]))
        self.assertEqual(self.store.query().event_records[0].payload, [value, -value])

    def test_rule_04_nesting(self):
        value = 'x'
        for number in range(999):
            value = [value] if number % 2 else {'a': value}
        self.store.append(event(payload=value))
        found = self.store.query().event_records[0].payload
        depth = 0
        while not isinstance(found, str):
            found = found[0] if isinstance(found, list) else found['a']
            depth += 1
        self.assertEqual((found, depth), ('x', 999))

    def test_rule_04_values_that_no_store_has(self):
        circle = []
        circle.append(circle)
        for value in (float('nan'), float('inf'), Decimal('NaN'), 'a\0b', '\ud800', circle):
            with self.subTest(repr(value)), self.assertRaises(MalformedInputError):
                self.store.append(event(payload=value))
        for value in (object(), {1, 2}, b'x', datetime.now()):
            with self.subTest(repr(value)), self.assertRaises(TypeError):
                self.store.append(event(payload=value))
        self.assertIsNone(self.store.context_version())

    def test_rule_05_an_append_is_a_batch(self):
        self.store.append([event(), event()])
        self.store.append(event())
        self.assertEqual([(batch.first_sequence_number, batch.last_sequence_number, len(batch.event_records))
                          for batch in self.store.batches()], [(1, 2, 2), (3, 3, 1)])
        self.assertEqual(len(self.store.batches(after=2)), 1)
        self.assertEqual(len(self.store.batches(max_batches=1)), 1)


@on_all_stores
class Appends:
    def test_rule_06_result(self):
        self.store.append(event())
        self.assertEqual(self.store.append([event(), event()]), factstr.AppendResult(2, 3, 2))

    def test_rule_07_empty(self):
        for append in (lambda: self.store.append([]), lambda: self.store.append_if([], None, None),
                       lambda: self.store.append_unless([], None, 0)):
            with self.assertRaises(EmptyAppendError) as caught:
                append()
            self.assertEqual(caught.exception.code, 'empty_append')

    def test_rule_08_malformed(self):
        with self.assertRaisesRegex(MalformedInputError, r'\$\[1\]'):
            self.store.append([event(), event('')])
        with self.assertRaisesRegex(MalformedInputError, 'metadata'):
            self.store.append(NewEvent('a', 1, [1]))
        for wrong in ([{'event_type': 'a'}], 'abc', 7, [None]):
            with self.subTest(repr(wrong)), self.assertRaises(TypeError):
                self.store.append(wrong)
        with self.assertRaises(TypeError):
            self.store.append(NewEvent(7, 1))
        self.assertEqual(self.store.query().event_records, ())

    def test_rule_14_append_if(self):
        opened = EventFilter(['opened'])
        self.store.append_if(event('opened'), opened, None)
        self.store.append(event('other'))
        for wrong in (None, 0, 2, 3):
            with self.subTest(wrong), self.assertRaises(ConflictError):
                self.store.append_if(event('opened'), opened, wrong)
        self.assertEqual(self.store.append_if(event('opened'), opened, 1).first_sequence_number, 3)

    def test_rule_15_conflict_has_versions(self):
        with self.assertRaises(ConflictError) as caught:
            self.store.append_if(event(), None, 7)
        self.assertEqual((caught.exception.expected_context_version, caught.exception.actual_context_version), (7, None))
        self.store.append(event())
        with self.assertRaises(ConflictError) as caught:
            self.store.append_if(event(), None, None)
        self.assertEqual((caught.exception.expected_context_version, caught.exception.actual_context_version), (None, 1))

    def test_rule_17_one_of_several_threads(self):
        won, lost = [], []
        barrier = threading.Barrier(8)

        def work(number):
            barrier.wait()
            try:
                won.append(self.store.append_if(event(payload=number), None, None))
            except ConflictError as error:
                lost.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual((len(won), len(lost)), (1, 7))

    def test_rule_32_metadata(self):
        self.store.append([event(metadata={'by': 'Ada', 'n': Decimal('0.10')}), event()])
        self.assertEqual([record.metadata for record in self.store.query().event_records],
                         [{'by': 'Ada', 'n': Decimal('0.10')}, None])

    def test_rule_33_idempotency(self):
        first = self.store.append(event(payload=1), idempotency_key='k')
        self.store.append(event())
        self.assertEqual(self.store.append(event(payload=1), idempotency_key='k'), first)
        self.assertEqual(self.store.append_if(event(payload=1), None, None, idempotency_key='k'), first)
        with self.assertRaises(IdempotencyKeyReusedError):
            self.store.append(event(payload=2), idempotency_key='k')
        self.assertEqual(self.store.context_version(), 2)

    def test_rule_43_append_unless(self):
        self.store.append([event('a'), event('b')])
        with self.assertRaises(ConflictError) as caught:
            self.store.append_unless(event(), EventFilter(['b']), 1)
        self.assertEqual((caught.exception.after_sequence_number, caught.exception.actual_context_version), (1, 2))
        self.store.append_unless(event(), EventFilter(['b']), 2)
        with self.assertRaises(MalformedInputError):
            self.store.append_unless(event(), EventFilter(['c']), 99)
        with self.assertRaises(MalformedInputError):
            self.store.append_unless(event(), None, -1)


@on_all_stores
class Queries:
    def test_rule_09_unknown_keys(self):
        for query in ({'filter': []}, {'filters': [{'event_type': ['a']}]}, {'filters': 7}):
            with self.subTest(query), self.assertRaises(MalformedInputError):
                self.store.query(query)
        with self.assertRaises(TypeError):
            self.store.query(EventFilter('abc'))
        with self.assertRaises(TypeError):
            self.store.query('{}')

    def test_rule_10_filters(self):
        self.store.append([event('a', {'x': 1}), event('b', {'x': 1}), event('b', {'x': 2, 'y': [1, 2]})])
        for query, expected in (
                (None, [1, 2, 3]), (EventQuery(), [1, 2, 3]), (EventQuery([]), [1, 2, 3]), (EventFilter(), [1, 2, 3]),
                (EventFilter(['a']), [1]), (EventFilter([]), []), (EventFilter(['b'], [{'x': 1}]), [2]),
                (EventFilter(None, [{'x': Decimal('2.0')}]), [3]), (EventFilter(None, [{'y': [2]}]), [3]),
                (EventQuery([EventFilter(['a']), EventFilter(None, [{'x': 2}])]), [1, 3]),
                ({'filters': [{'event_types': ['b']}]}, [2, 3]), (EventQuery([{'event_types': ['a']}]), [1])):
            with self.subTest(query):
                self.assertEqual(numbers(self.store.query(query).event_records), expected)
                self.assertEqual(numbers(self.store.read(query)), expected)
                self.assertEqual(self.store.context_version(query), expected[-1] if expected else None)

    def test_rule_11_after(self):
        self.store.append([event(), event()])
        result = self.store.query(EventQuery(after=1))
        self.assertEqual((numbers(result.event_records), result.current_context_version), ([2], 2))
        result = self.store.query(EventQuery(after=2))
        self.assertEqual((result.event_records, result.last_returned_sequence_number, result.current_context_version),
                         ((), None, 2))
        with self.assertRaises(MalformedInputError):
            self.store.query(EventQuery(after=-1))

    def test_rule_13_nothing_is_none(self):
        self.assertEqual(self.store.query(), factstr.QueryResult((), None, None))

    def test_rule_42_partitions(self):
        self.store.append([event(payload={'k': key}) for key in range(40)])
        parts = [numbers(self.store.query(EventQuery(partition=Partition('$.k', 4, number))).event_records)
                 for number in range(4)]
        self.assertEqual(sorted(sum(parts, [])), list(range(1, 41)))
        self.assertGreater(len([part for part in parts if part]), 1)

    def test_rule_47_newest(self):
        self.store.append([event('a', 1), event('b', 2), event('a', 3)])
        result = self.store.newest([EventFilter(['a']), EventFilter(['c']), None])
        self.assertEqual([record and record.sequence_number for record in result.event_records], [3, None, 3])
        self.assertEqual(result.current_context_version, 3)
        self.assertEqual(self.store.newest([]), factstr.NewestResult((), None))

    def test_readers(self):
        self.store.append([event(payload=number) for number in range(600)])
        reader = self.store.read()
        self.store.append(event())
        self.assertEqual(numbers(reader), list(range(1, 601)))
        self.assertEqual(list(reader), [])
        self.assertEqual(numbers(self.store.read(max_count=3, backwards=True)), [601, 600, 599])
        with self.store.read() as reader:
            next(reader)
        self.assertEqual(list(reader), [])
        with self.assertRaises(ValueError):
            self.store.read(max_count=0)


@on_all_stores
class Streams:
    def test_rule_18_batches_in_order(self):
        got = []
        with self.store.subscribe(got.append, EventFilter(['a'])):
            for _ in range(20):
                self.store.append([event('a'), event('b')])
                self.store.append(event('b'))
            wait_until(lambda: len(got) == 20)
        self.assertEqual([(batch.first_sequence_number, batch.last_sequence_number) for batch in got],
                         [(number, number + 1) for number in range(1, 60, 3)])
        self.assertTrue(all(len(batch.event_records) == 1 for batch in got))

    def test_rule_19_streams_start_where_they_are_told(self):
        self.store.append([event(), event()])
        self.store.append(event())
        for options, expected in (({}, []), ({'start': 'first'}, [1, 3]), ({'after': 2}, [3]), ({'start': 'now'}, [])):
            with self.subTest(options), self.store.stream(idle_timeout=0, **options) as stream:
                self.assertEqual([batch.first_sequence_number for batch in stream], expected)

    def test_rule_20_a_failing_handler(self):
        calls, other = [], []

        def handler(batch):
            calls.append(batch.first_sequence_number)
            if len(calls) == 1:
                raise Broken('no')

        with self.store.subscribe(handler) as subscription, self.store.subscribe(other.append):
            with self.assertLogs('factstr', 'WARNING'):
                self.store.append(event())
                wait_until(lambda: subscription.error is not None)
            self.assertIsInstance(subscription.error, Broken)
            self.assertTrue(subscription.active)
            self.store.append(event())
            wait_until(lambda: len(calls) == 3 and len(other) == 2)
            wait_until(lambda: subscription.error is None)
        self.assertEqual(calls, [1, 1, 2])

    def test_rule_21_unsubscribing(self):
        got = []
        subscription = self.store.subscribe(got.append)
        subscription.unsubscribe()
        subscription.unsubscribe()
        self.store.append(event())
        self.assertFalse(subscription.active)
        subscription.close()
        subscription.close()
        subscription.unsubscribe()
        self.assertEqual(got, [])

    def test_rule_22_handlers_may_use_the_store(self):
        got = []
        done = threading.Event()

        def handler(batch):
            got.append(self.store.query().current_context_version)
            if batch.last_sequence_number < 3:
                self.store.append(event())
            else:
                self.store.subscribe(lambda batch: None).close()
                subscription.close()
                done.set()

        subscription = self.store.subscribe(handler)
        self.store.append(event())
        self.assertTrue(done.wait(60))
        self.assertEqual(len(got), 3)

    def test_rule_22_handlers_may_unsubscribe_during_the_replay(self):
        for _ in range(3):
            self.store.append(event())
        got = []

        def handler(batch):
            got.append(batch)
            holder[0].unsubscribe()

        holder = []
        original = factstr.Subscription._open

        def opening(subscription, query, options):
            holder.append(subscription)
            original(subscription, query, options)

        factstr.Subscription._open = opening
        try:
            self.store.subscribe(handler, name='s')
        finally:
            factstr.Subscription._open = original
        holder[0].close()
        self.assertEqual(len(got), 1)

    def test_rule_24_durable_streams_continue(self):
        got = []
        for _ in range(2):
            self.store.append(event())
            with self.store.subscribe(lambda batch: got.append(batch.first_sequence_number), name='s'):
                self.store.append(event())
                self.store.wait('s', self.store.context_version(), 60)
        self.assertEqual(got, [1, 2, 3, 4])

    def test_rule_25_another_query(self):
        self.store.subscribe(print, EventFilter(['a']), name='s').close()
        with self.assertRaises(StreamQueryDiffersError):
            self.store.subscribe(print, EventFilter(['b']), name='s')

    def test_rule_28_a_failing_replay(self):
        self.store.append(event())
        with self.assertRaises(HandlerFailedError) as caught:
            self.store.subscribe(self.fails, name='s')
        self.assertIsInstance(caught.exception.__cause__, Broken)
        status, = self.store.streams()
        self.assertEqual((status.cursor_sequence_number, status.failure_count, status.last_error),
                         (0, 1, 'Broken: it is broken'))
        self.assertGreater(status.lag, timedelta(0))
        self.assertIsNotNone(status.last_failed_at.utcoffset())

    def fails(self, batch):
        raise Broken('it is broken')

    def test_rule_29_one_consumer(self):
        with self.store.subscribe(print, name='s'):
            with self.assertRaises(StreamActiveError):
                self.store.stream(name='s')
            with self.assertRaises(StreamActiveError):
                self.store.seek_stream('s', 0)
        self.store.stream(name='s', timeout=60).close()

    def test_rule_29_waiting_for_the_other_consumer(self):
        first = self.store.stream(name='s')
        opened = []
        thread = threading.Thread(target=lambda: opened.append(self.store.stream(name='s', timeout=None)))
        thread.start()
        first.close()
        thread.join(60)
        self.assertEqual(len(opened), 1)
        opened[0].close()

    def test_rule_30_streams_are_listed_moved_and_dropped(self):
        self.store.append([event(), event()])
        self.store.subscribe(lambda batch: None, EventFilter(['a']), name='s').close()
        status = self.store.status()
        self.assertEqual(status.head_sequence_number, 2)
        self.assertEqual((status.streams[0].name, status.streams[0].cursor_sequence_number, status.streams[0].lag_facts),
                         ('s', 2, 0))
        self.assertEqual(status.streams[0].event_query, {'filters': [{'event_types': ['a']}]})
        self.store.seek_stream('s', 1)
        with self.assertRaises(WaitTimedOutError):
            self.store.wait('s', 2, 0.01)
        self.store.drop_stream('s')
        self.assertEqual(self.store.streams(), [])
        for call in (lambda: self.store.drop_stream('s'), lambda: self.store.seek_stream('s', 0),
                     lambda: self.store.wait('s', 1)):
            with self.assertRaises(NoSuchStreamError):
                call()

    def test_rule_44_pulling(self):
        for _ in range(5):
            self.store.append(event())
        with self.assertRaises(Broken):
            with self.store.stream(name='s') as stream:
                for batch in stream:
                    if batch.first_sequence_number == 3:
                        raise Broken('at 3')
        status, = self.store.streams()
        self.assertEqual((status.cursor_sequence_number, status.last_error), (2, 'Broken: at 3'))
        with self.store.stream(name='s', idle_timeout=0) as stream:
            self.assertEqual([batch.first_sequence_number for batch in stream], [3, 4, 5])
        self.assertEqual(self.store.streams()[0].cursor_sequence_number, 5)

    def test_rule_44_acknowledging_by_hand(self):
        for _ in range(3):
            self.store.append(event())
        with self.store.stream(name='s', auto_ack=False) as stream:
            self.assertEqual([batch.first_sequence_number for batch in stream.next(2)], [1, 2])
            stream.ack(1)
            stream.fail('again')
            self.assertEqual([batch.first_sequence_number for batch in stream.next()], [2, 3])
            self.assertEqual(stream.next(timeout=0), [])
            self.assertGreaterEqual(stream.fileno(), 0)
        self.assertEqual(self.store.streams()[0].cursor_sequence_number, 1)

    def test_rule_44_many_batches_an_acknowledgement(self):
        for _ in range(250):
            self.store.append(event())
        with self.store.stream(name='s', ack_batches=100, idle_timeout=0) as stream:
            self.assertEqual(len(list(stream)), 250)
        self.assertEqual(self.store.streams()[0].cursor_sequence_number, 250)

    def test_rule_44_a_stream_ends_with_its_store(self):
        store = self.open_again()
        got = []
        stream = store.stream(start='first')
        thread = threading.Thread(target=lambda: got.extend(stream))
        thread.start()
        store.append(event())
        wait_until(lambda: len(got) == 1 or self.kind != 'memory')
        store.close()
        thread.join(60)
        self.assertFalse(thread.is_alive())
        stream.close()

    def test_rule_45_the_end_is_reported(self):
        store = self.open_again()
        subscription = store.subscribe(print)
        store.close()
        self.assertIsInstance(subscription.end, StoreClosedError)
        self.assertFalse(subscription.active)
        subscription.close()

    def test_rule_46_partitioned_streams(self):
        self.store.append([event(payload={'k': key}) for key in range(20)])
        got = []
        for number in range(3):
            with self.store.stream(name='s', partition_key='$.k', partitions=3, partition=number,
                                   idle_timeout=0) as stream:
                got += [record.sequence_number for batch in stream for record in batch.event_records]
        self.assertEqual(sorted(got), list(range(1, 21)))
        self.assertEqual([status.name for status in self.store.streams()], ['s#0', 's#1', 's#2'])

    def test_handlers_in_the_background(self):
        self.store.append(event())
        threads = []
        with self.store.subscribe(lambda batch: threads.append(threading.get_ident()), name='s', in_background=True):
            self.store.wait('s', 1, 60)
        self.assertNotIn(threading.get_ident(), threads)

    def test_thread_local_data_lasts(self):
        local = threading.local()
        seen = []

        def handler(batch):
            local.count = getattr(local, 'count', 0) + 1
            seen.append(local.count)

        with self.store.subscribe(handler):
            for _ in range(3):
                self.store.append(event())
            wait_until(lambda: len(seen) == 3)
        self.assertEqual(seen, [1, 2, 3])

    def test_options_that_do_not_fit(self):
        for options in ({'start': 'last'}, {'start': 'now', 'after': 1}, {'ack_batches': 0}, {'timeout': -1}):
            with self.subTest(options), self.assertRaises(ValueError):
                self.store.subscribe(print, **options)
        with self.assertRaises(factstr.MisuseError):
            self.store.subscribe(print, name='s', after=1)
        self.assertEqual(self.store._subscriptions, set())


@on_shared_stores
class Transactions:
    def test_rule_31_writes_and_cursor_commit_together(self):
        attempts = []

        def handler(batch):
            sql = batch.transaction
            if not attempts:
                sql.execute('CREATE TABLE seen (number integer, note text)')
            attempts.append(batch.first_sequence_number)
            mark = ('$1', '$2') if self.kind == 'postgres' else ('?', '?')
            sql.execute(f'INSERT INTO seen VALUES ({", ".join(mark)})', (batch.first_sequence_number, 'ü'))
            self.assertEqual(sql.rowcount, 1)
            if len(attempts) == 2:
                raise Broken('after writing')
            rows.append(sql.execute('SELECT number, note FROM seen ORDER BY number'))
            kept.append(sql)

        rows, kept = [], []
        self.store.append(event())
        with self.store.subscribe(handler, name='s', transactional=True):
            with self.assertLogs('factstr', 'WARNING'):
                self.store.append(event())
                self.store.wait('s', 2, 60)
        self.assertEqual(attempts, [1, 2, 2])
        self.assertEqual(rows[-1], [(1, 'ü'), (2, 'ü')])
        with self.assertRaises(factstr.MisuseError):
            kept[-1].execute('SELECT 1')

    def test_rule_31_calls_that_do_not_work_there(self):
        errors = []

        def handler(batch):
            for call in (lambda: self.store.append(event()), lambda: self.store.subscribe(print, name='other')):
                try:
                    call()
                except factstr.MisuseError as error:
                    errors.append(error)

        self.store.append(event())
        self.store.subscribe(handler, name='s', transactional=True).close()
        self.assertEqual(len(errors), 2)

    def test_values_of_statements(self):
        def handler(batch):
            sql = batch.transaction
            if self.kind == 'postgres':
                results.append(sql.execute(
                    "SELECT $1::int, $2::numeric, $3::bool, $4::text, $5::bytea, $6::jsonb, NULL, $7::float8",
                    (7, Decimal('1.10'), True, 'x', b'\x00\xff', {'a': [1]}, 0.5))[0])
            else:
                results.append(sql.execute('SELECT ?, ?, ?, ?, ?, ?, NULL, ?',
                                           (7, Decimal('1.10'), True, 'x', b'\x00\xff', {'a': [1]}, 0.5))[0])
            for statement, error in (('SELEC 1', factstr.StorageError), ('SELECT 1 \0', MalformedInputError)):
                if self.kind == 'sqlite':
                    with self.assertRaises(error):
                        sql.execute(statement)
            with self.assertRaises(TypeError):
                sql.execute('SELECT 1', (object(),))

        results = []
        self.store.append(event())
        self.store.subscribe(handler, name='s', transactional=True).close()
        expected = (7, Decimal('1.10'), True, 'x', b'\x00\xff', {'a': [1]}, None, 0.5)
        if self.kind == 'sqlite':
            expected = (7, '1.10', 1, 'x', b'\x00\xff', '{"a":[1]}', None, 0.5)
        self.assertEqual(results, [expected])


@on_all_stores
class Moving:
    def test_rule_37_export_and_import(self):
        self.store.append([event('a', {'x': Decimal('1.10')}, {'m': 1}), event('b')], idempotency_key='k')
        self.store.append(event('c'))
        self.store.redact(1, {'x': None}, reason='erased')
        batches = list(self.store.export())
        self.assertEqual(batches[0].idempotency_key, 'k')
        with factstr.open_store('memory:') as copy:
            self.assertEqual(copy.import_batches(batches), factstr.AppendResult(1, 3, 3))
            self.assertEqual(list(copy.export()), batches)
            self.assertEqual(copy.query(), self.store.query())
            with self.assertRaises(MalformedInputError):
                copy.import_batches(batches)
        self.assertEqual(len(list(self.store.export(after=2))), 1)

    def test_rule_37_history_from_elsewhere(self):
        time = datetime(2018, 2, 7, 1, 45, 21, 123456, timezone(timedelta(hours=2)))
        history = [ExportedBatch(None, None, (ImportedEvent(time, 'a', 1),), 'k')]
        self.assertEqual(self.store.import_batches(history).first_sequence_number, 1)
        self.assertIsNone(self.store.import_batches(history))
        self.assertEqual(self.store.query().event_records[0].occurred_at, time)
        with self.assertRaises(ValueError):
            self.store.import_batches([ExportedBatch(None, None, (ImportedEvent(datetime.now(), 'a', 1),))])

    def test_rule_40_redaction(self):
        self.store.append(event('a', {'name': 'Ada'}, {'by': 'x'}))
        self.assertIsInstance(self.store.redact(1, {}, reason='asked for', metadata={'n': 1}), bool)
        record, = self.store.query().event_records
        self.assertEqual((record.payload, record.metadata), ({}, {'n': 1}))
        redaction, = self.store.redactions()
        self.assertEqual((redaction.sequence_number, redaction.reason), (1, 'asked for'))
        self.assertEqual(redaction.redacted_at.utcoffset(), timedelta(0))
        for number, reason in ((9, 'x'), (1, '')):
            with self.assertRaises(MalformedInputError):
                self.store.redact(number, {}, reason=reason)

    def test_rule_41_redactions_of_a_copy(self):
        self.store.append([event(payload=number) for number in range(3)])
        with factstr.open_store('memory:') as copy:
            copy.import_batches(self.store.export())
            for number in (1, 3):
                self.store.redact(number, None, reason='x')
            self.assertEqual(copy.import_redactions(self.store.export()), 2)
            self.assertEqual(copy.import_redactions(self.store.export()), 0)
            self.assertEqual([record.payload for record in copy.query().event_records], [None, 1, None])


class ReadOnly(unittest.TestCase):
    def test_rule_39_read_only(self):
        import pathlib
        import tempfile
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory, 'a?b%c.db')
            with factstr.open_store(path) as store:
                store.append(event())
            self.assertTrue(path.exists())
            with factstr.open_store(f'sqlite:{directory}/a%3Fb%25c.db?mode=ro') as store:
                self.assertEqual(store.context_version(), 1)
                with self.assertRaises(factstr.ReadOnlyError):
                    store.append(event())

    def test_stores_that_cannot_be_opened(self):
        for url in ('nonsense:', 'sqlite:/nowhere/facts.db', 'postgresql://%zz'):
            with self.subTest(url), self.assertRaises(factstr.CannotOpenError):
                factstr.open_store(url)
        with self.assertRaises(MalformedInputError):
            factstr.open_store('memory:\0')
        with self.assertRaises(ValueError):
            factstr.open_store('memory:', log='orders')


class Unsupported(unittest.TestCase):
    def test_memory_has_no_transactions(self):
        with factstr.open_store('memory:') as store, self.assertRaises(factstr.UnsupportedError):
            store.subscribe(print, name='s', transactional=True)

    def test_floats_on_request(self):
        with factstr.open_store('memory:', parse_float=float) as store:
            store.append(event(payload=0.5))
            self.assertIsInstance(store.query().event_records[0].payload, float)
