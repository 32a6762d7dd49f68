"""Records decode their members on first use, and otherwise work like ordinary dataclasses."""

import collections
import copy
import dataclasses
import gc
import pickle
import sys
import threading
import unittest
import weakref
from datetime import datetime, timezone
from decimal import Decimal

import factstr
from factstr import EventRecord, NewEvent
from support import SANITIZED, on_all_stores, run_python, wait_until

NAMES = ('sequence_number', 'occurred_at', 'event_type', 'payload', 'metadata')
TIME = datetime(2026, 1, 31, tzinfo=timezone.utc)


@on_all_stores
class Stored:
    EVENTS = [NewEvent('a', {'n': 1, 'amount': Decimal('0.10'), 'of': [2**70, None]}, {'by': 'ü'}),
              NewEvent('ß', [1, 2]), NewEvent('a', 'x' * 100000, {'long': 'y' * 50000}), NewEvent('b', None)]

    def setUp(self):
        super().setUp()
        self.store.append(self.EVENTS)

    def sources(self):
        """Yields the same records from each call that returns them."""
        store = self.store
        yield lambda: list(store.query().event_records)
        yield lambda: list(store.read())
        yield lambda: list(store.read(backwards=True))[::-1]
        yield lambda: list(store.batches()[0].event_records)
        yield lambda: self.delivered()
        yield lambda: [record for batch in store.stream(start='first', idle_timeout=0) for record in batch.event_records]

    def delivered(self):
        got = []
        with self.store.subscribe(got.append, start='first'):
            wait_until(lambda: got)
        return list(got[0].event_records)

    def test_members(self):
        for source in self.sources():
            records = source()
            self.assertEqual([record.sequence_number for record in records], [1, 2, 3, 4])
            self.assertEqual([record.event_type for record in records], ['a', 'ß', 'a', 'b'])
            self.assertEqual([record.payload for record in records], [event.payload for event in self.EVENTS])
            self.assertEqual([record.metadata for record in records], [event.metadata for event in self.EVENTS])
            self.assertTrue(all(record.occurred_at.tzinfo is timezone.utc for record in records))
            self.assertIs(records[0].payload, records[0].payload)
            self.assertIs(records[0].occurred_at, records[0].occurred_at)

    def test_comparing_and_showing(self):
        first = next(self.sources())()
        for source in self.sources():
            self.assertEqual(source(), first)
            self.assertEqual(repr(source()), repr(first))
            self.assertFalse(source()[0] != first[0])
            self.assertNotEqual(source()[0], first[1])
        self.assertEqual(repr(first[3]), f'EventRecord(sequence_number=4, occurred_at={first[3].occurred_at!r}, '
                                         "event_type='b', payload=None, metadata=None)")

    def test_hashing(self):
        records = self.store.query().event_records
        self.assertEqual(hash(records[3]), hash(self.store.query().event_records[3]))
        with self.assertRaises(TypeError):
            hash(records[0])

    def test_copying(self):
        for make in (pickle.loads, None):
            for source in self.sources():
                records = source()
                copies = pickle.loads(pickle.dumps(records)) if make else copy.deepcopy(records)
                self.assertEqual(copies, source())
                self.assertIsInstance(copies[0], EventRecord)
        record = self.store.query().event_records[0]
        self.assertIs(copy.copy(record).payload, record.payload)

    def test_as_dataclasses(self):
        record = self.store.query().event_records[0]
        self.assertEqual(tuple(field.name for field in dataclasses.fields(record)), NAMES)
        self.assertEqual(dataclasses.replace(record, payload=7),
                         EventRecord(1, record.occurred_at, 'a', 7, {'by': 'ü'}))
        self.assertEqual(dataclasses.asdict(record), {name: getattr(record, name) for name in NAMES})
        self.assertEqual(dataclasses.astuple(record)[0], 1)

    def test_frozen(self):
        record = self.store.query().event_records[0]
        for name in (*NAMES, 'other'):
            with self.assertRaises(dataclasses.FrozenInstanceError):
                setattr(record, name, 1)
            with self.assertRaises(dataclasses.FrozenInstanceError):
                delattr(record, name)
        self.assertFalse(hasattr(record, '__dict__'))

    def test_records_outlive_what_they_were_read_with(self):
        store = self.open_again() if self.kind != 'memory' else self.store
        reader = store.read()
        record = next(reader)
        reader.close()
        del reader
        if store is not self.store:
            store.close()
        gc.collect()
        self.assertEqual(record.payload, self.EVENTS[0].payload)

    def test_numbers_are_read_as_the_store_says(self):
        self.assertEqual(self.store.query().event_records[0].payload['amount'], Decimal('0.10'))
        self.store.append(NewEvent('f', 0.5))
        read = self.store._read
        try:
            record = self.store.query().event_records[-1]
            self.store._read = factstr._json.make_reader(float)
            later = self.store.query().event_records[-1]
        finally:
            self.store._read = read
        self.assertEqual((type(record.payload), type(later.payload)), (Decimal, float))


class MadeByHand(unittest.TestCase):
    def test_constructor(self):
        record = EventRecord(1, TIME, 'a', {'x': 1}, None)
        self.assertEqual(record, EventRecord(sequence_number=1, occurred_at=TIME, event_type='a', payload={'x': 1},
                                             metadata=None))
        with self.assertRaises(TypeError):
            EventRecord(1, TIME, 'a', {})
        self.assertEqual(pickle.loads(pickle.dumps(record)), record)

    def test_without_members(self):
        record = EventRecord.__new__(EventRecord)
        for name in NAMES:
            with self.assertRaises(AttributeError):
                getattr(record, name)

    def test_subclass(self):
        class Named(EventRecord):
            pass

        record = Named(1, TIME, 'a', {}, None)
        self.assertEqual(record.occurred_at, TIME)
        self.assertIsInstance(copy.copy(record), Named)

    @unittest.skipIf(sys.version_info < (3, 10), 'this version has no match statement')
    def test_matching(self):
        self.assertEqual(EventRecord.__match_args__, NAMES)

    def test_other_records(self):
        with factstr.open_store('memory:') as store:
            result = store.append(NewEvent('a', 1))
            self.assertEqual(result, factstr.AppendResult(1, 1, 1))
            self.assertEqual(pickle.loads(pickle.dumps(store.batches())), store.batches())
            self.assertEqual(store.query(), factstr.QueryResult(store.query().event_records, 1, 1))
            self.assertEqual(store.newest([None]), factstr.NewestResult(store.query().event_records, 1))
            with self.assertRaises(dataclasses.FrozenInstanceError):
                result.committed_count = 2


class Reading(unittest.TestCase):
    def test_a_reader_is_an_iterator(self):
        with factstr.open_store('memory:') as store:
            store.append([NewEvent('a', number) for number in range(1000)])
            reader = store.read()
            self.assertIs(iter(reader), reader)
            self.assertIsInstance(reader, collections.abc.Iterator)
            self.assertEqual(next(reader).payload, 0)
            self.assertEqual([record.payload for record in reader], list(range(1, 1000)))
            for _ in range(2):
                with self.assertRaises(StopIteration):
                    next(reader)
            reader = store.read(max_count=300)
            next(reader)
            reader.close()
            reader.close()
            self.assertEqual(list(reader), [])

    def test_threads_share_a_reader(self):
        with factstr.open_store('memory:') as store:
            store.append([NewEvent('a', number) for number in range(20000)])
            reader = store.read()
            got = []

            def read():
                while True:
                    try:
                        got.append(next(reader).payload)
                    except StopIteration:
                        return
                    except factstr.MisuseError:
                        continue

            threads = [threading.Thread(target=read) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(sorted(got), list(range(20000)))

    def test_threads_read_a_member(self):
        with factstr.open_store('memory:', parse_float=lambda text: [text]) as store:
            store.append([NewEvent('a', [1.5] * 50)] * 200)
            records = store.query().event_records
            seen = [[] for _ in range(4)]
            start = threading.Barrier(4)

            def read(values):
                start.wait()
                values += [record.payload for record in records]

            switch = sys.getswitchinterval()
            sys.setswitchinterval(1e-6)
            try:
                threads = [threading.Thread(target=read, args=(values,)) for values in seen]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
            finally:
                sys.setswitchinterval(switch)
            for values in seen:
                self.assertTrue(all(one is record.payload for one, record in zip(values, records)))

    def test_a_payload_that_cannot_be_read(self):
        def fail(text):
            raise ArithmeticError(text)

        with factstr.open_store('memory:', parse_float=fail) as store:
            store.append(NewEvent('a', 1.5))
            record = store.query().event_records[0]
            for _ in range(2):
                with self.assertRaises(ArithmeticError):
                    record.payload
            self.assertEqual(record.event_type, 'a')

    def test_payloads_that_refer_to_their_record_are_collected(self):
        class Witness:
            pass

        with factstr.open_store('memory:') as store:
            store.append(NewEvent('a', {}))
            for read in (lambda: store.query().event_records[0], lambda: next(store.read()),
                         lambda: EventRecord(1, TIME, 'a', {}, None)):
                record = read()
                witness = Witness()
                record.payload['record'] = (record, witness)
                reference = weakref.ref(witness)
                del record, witness
                gc.collect()
                self.assertIsNone(reference())

    @unittest.skipIf(SANITIZED, 'a sanitizer keeps freed memory')
    def test_one_record_keeps_little_memory(self):
        run_python('''
import resource, factstr
with factstr.open_store('memory:') as store:
    store.append([factstr.NewEvent('a', 'x' * 2000)] * 1000)
    def peak():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    kept = [record for number in range(20) for record in store.read() if record.sequence_number % 500 == 0]
    before = peak()
    kept += [record for number in range(200) for record in store.read() if record.sequence_number % 500 == 0]
    # 400 records of 2 kB, each with a page of at most 32 kB. All facts together are 400 MB.
    assert peak() - before < 50000, (before, peak())
''')
