"""An event-sourced aggregate: an account, loaded from all of its facts.

    FACTSTR_URL=sqlite:bank.db python3 examples/dcb/aggregate.py open_account A-1
    FACTSTR_URL=sqlite:bank.db python3 examples/dcb/aggregate.py deposit A-1 100.50
"""

from decimal import Decimal

from decisions import Facts, Refused, main

from factstr import EventFilter, EventQuery, NewEvent

SIGNS = {'money-deposited': 1, 'money-withdrawn': -1}


class Account:
    """The state of an account according to its facts. Amounts are exact: the package returns them as Decimal or int."""

    def __init__(self, name: str, facts: Facts) -> None:
        types = [fact.event_type for fact in facts]
        self.name = name
        self.exists = bool(facts)
        self.is_open = 'account-opened' in types and 'account-closed' not in types
        self.balance = sum(SIGNS.get(fact.event_type, 0) * fact.payload.get('amount', 0) for fact in facts)

    def require_open(self) -> None:
        if not self.is_open:
            raise Refused(f'account "{self.name}" is not open')

    def event(self, event_type, **payload):
        return NewEvent(event_type, {'account': self.name, **payload})

    def open(self):
        if self.exists:
            raise Refused(f'account "{self.name}" exists already')
        return self.event('account-opened')

    def deposit(self, amount):
        self.require_open()
        if amount <= 0:
            raise Refused('a deposit needs an amount above 0')
        return self.event('money-deposited', amount=amount)

    def withdraw(self, amount):
        self.require_open()
        if amount > self.balance:
            raise Refused(f'account "{self.name}" holds only {self.balance}')
        return self.event('money-withdrawn', amount=amount)

    def close(self):
        self.require_open()
        if self.balance != 0:
            raise Refused(f'account "{self.name}" still holds {self.balance}')
        return self.event('account-closed')


def boundary(name):
    return EventQuery([EventFilter(payload_predicates=[{'account': name}])])


def open_account(name):
    return boundary(name), lambda facts: Account(name, facts).open()


def deposit(name, amount):
    return boundary(name), lambda facts: Account(name, facts).deposit(Decimal(amount))


def withdraw(name, amount):
    return boundary(name), lambda facts: Account(name, facts).withdraw(Decimal(amount))


def close_account(name):
    return boundary(name), lambda facts: Account(name, facts).close()


if __name__ == '__main__':
    main(open_account, deposit, withdraw, close_account)
