"""decide: the loop of a decision."""

import threading
import unittest

import factstr
from factstr import ConflictError, EventFilter, NewEvent, decide
from support import event, on_all_stores


@on_all_stores
class Deciding:
    ACCOUNT = EventFilter(['deposited', 'withdrawn'], [{'account': 'A-1'}])

    @staticmethod
    def balance(records):
        sign = {'deposited': 1, 'withdrawn': -1}
        return sum(sign[record.event_type] * record.payload['amount'] for record in records)

    def withdraw(self, amount):
        def command(balance):
            if balance < amount:
                raise ValueError(f'{balance} is less than {amount}')
            return NewEvent('withdrawn', {'account': 'A-1', 'amount': amount})
        return command

    def test_a_decision(self):
        self.store.append(NewEvent('deposited', {'account': 'A-1', 'amount': 10}))
        decision = decide(self.store, self.ACCOUNT, self.balance, self.withdraw(7))
        self.assertEqual((decision.state, decision.events[0].event_type, decision.result.last_sequence_number),
                         (10, 'withdrawn', 2))
        with self.assertRaises(ValueError):
            decide(self.store, self.ACCOUNT, self.balance, self.withdraw(7))
        self.assertEqual(self.store.context_version(), 2)

    def test_nothing_to_append(self):
        for nothing in (None, [], ()):
            decision = decide(self.store, None, len, lambda count, nothing=nothing: nothing)
            self.assertEqual((decision.state, decision.events, decision.result), (0, (), None))

    def test_another_append_meanwhile(self):
        attempts = []

        def command(count):
            attempts.append(count)
            if len(attempts) < 3:
                self.store.append(event())
            return [event('b'), event('c')]

        decision = decide(self.store, None, len, command)
        self.assertEqual((attempts, decision.state, decision.result.first_sequence_number), ([0, 1, 2], 2, 3))

    def test_attempts_end(self):
        def command(count):
            self.store.append(event())
            return event()

        with self.assertRaises(ConflictError):
            decide(self.store, None, len, command, attempts=2)
        self.assertEqual(self.store.context_version(), 2)
        with self.assertRaises(ValueError):
            decide(self.store, None, len, command, attempts=0)

    def test_a_key_makes_it_repeatable(self):
        for _ in range(2):
            decision = decide(self.store, EventFilter(['x']), len, lambda count: event('a', 7), idempotency_key='k')
            self.assertEqual(decision.result.first_sequence_number, 1)

    def test_the_money_is_spent_once(self):
        self.store.append(NewEvent('deposited', {'account': 'A-1', 'amount': 5}))
        won = []

        def work():
            try:
                won.append(decide(self.store, self.ACCOUNT, self.balance, self.withdraw(1), attempts=1000))
            except ValueError:
                pass

        threads = [threading.Thread(target=work) for _ in range(9)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual((len(won), self.balance(self.store.query(self.ACCOUNT).event_records)), (5, 0))


class Errors(unittest.TestCase):
    def test_each_code_has_a_class(self):
        from factstr import _errors, _native
        self.assertEqual({number: name for number, name, _ in _native.CODES.values()},
                         {number: kind.code for number, kind in _errors.CLASSES.items()})
        for kind in _errors.CLASSES.values():
            self.assertIs(getattr(factstr, kind.__name__), kind)
            self.assertIn(kind.__name__, factstr.__all__)

    def test_errors_can_be_copied(self):
        import copy
        import pickle
        with factstr.open_store('memory:') as store:
            store.append(event())
            for call in (lambda: store.append_if(event(), None, 9), lambda: store.append(event(''))):
                with self.assertRaises(factstr.FactstrError) as caught:
                    call()
                for other in (pickle.loads(pickle.dumps(caught.exception)), copy.copy(caught.exception)):
                    self.assertEqual((type(other), str(other), other.__dict__),
                                     (type(caught.exception), str(caught.exception), caught.exception.__dict__))

    def test_records_can_be_copied(self):
        import copy
        import pickle
        with factstr.open_store('memory:') as store:
            store.append(event('a', {'x': 1}, {'m': 1}))
            result = store.query()
            self.assertEqual(pickle.loads(pickle.dumps(result)), result)
            self.assertEqual(copy.deepcopy(result), result)
            with self.assertRaises(AttributeError):
                result.event_records[0].payload = 1
