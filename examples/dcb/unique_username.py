"""Unique usernames: no two accounts have the same name, and a name that was given up stays reserved for three days.

    FACTSTR_URL=sqlite:accounts.db python3 examples/dcb/unique_username.py register_account ada
    FACTSTR_URL=sqlite:accounts.db python3 examples/dcb/unique_username.py change_username ada countess
"""

from datetime import datetime, timedelta, timezone

from decisions import Facts, Refused, main

from factstr import EventFilter, EventQuery, NewEvent

RESERVED_FOR = timedelta(days=3)


def facts_of(*names):
    return EventQuery([EventFilter(['account-registered', 'account-closed', 'username-changed'],
                                   [{'username': name}, {'old_username': name}]) for name in names])


def state_of(name: str, facts: Facts) -> str:
    """free, taken or reserved: by the newest fact about the name."""
    newest = None
    for fact in facts:
        if name in (fact.payload.get('username'), fact.payload.get('old_username')):
            newest = fact
    if newest is None:
        return 'free'
    if newest.event_type != 'account-closed' and newest.payload['username'] == name:
        return 'taken'
    return 'reserved' if datetime.now(timezone.utc) - newest.occurred_at < RESERVED_FOR else 'free'


def require_free(name: str, facts: Facts) -> None:
    state = state_of(name, facts)
    if state == 'taken':
        raise Refused(f'username "{name}" is taken')
    if state == 'reserved':
        raise Refused(f'username "{name}" is still reserved')


def register_account(username):
    def decide(facts):
        require_free(username, facts)
        return NewEvent('account-registered', {'username': username})

    return facts_of(username), decide


def change_username(old, new):
    def decide(facts):
        if state_of(old, facts) != 'taken':
            raise Refused(f'nobody has the username "{old}"')
        require_free(new, facts)
        return NewEvent('username-changed', {'old_username': old, 'username': new})

    return facts_of(old, new), decide


if __name__ == '__main__':
    main(register_account, change_username)
