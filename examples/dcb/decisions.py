"""What the Python programs in this directory share: a decision, and the loop that makes it.

    FACTSTR_URL=sqlite:courses.db python3 examples/dcb/course_subscriptions.py define_course c1 20

A command is a function of the program, by its arguments. It returns the boundary, which is the query of the facts that it
depends on, and a function that decides on these facts: it returns the new event, or raises Refused.
"""

import os
import sys
from typing import Callable, Tuple

import factstr

Facts = Tuple[factstr.EventRecord, ...]
Decide = Callable[[Facts], factstr.NewEvent]
Command = Callable[..., Tuple[factstr.EventQuery, Decide]]


class Refused(Exception):
    """The command is not possible now; the text says why."""


def decide_and_append(store: factstr.Store, command: Command, *arguments: str) -> factstr.NewEvent:
    """Decides and appends; after a conflict it decides again."""
    boundary, decide = command(*arguments)
    return factstr.decide(store, boundary, lambda facts: facts, decide).events[0]


def main(*commands: Command) -> None:
    """The program: its first argument is the name of a command."""
    by_name = {command.__name__: command for command in commands}
    if len(sys.argv) < 2 or sys.argv[1] not in by_name:
        sys.exit(f'{sys.argv[0]}: a command is missing: one of {", ".join(by_name)}')
    with factstr.open_store(os.environ['FACTSTR_URL']) as store:
        try:
            print(decide_and_append(store, by_name[sys.argv[1]], *sys.argv[2:]))
        except Refused as refused:
            sys.exit(f'{sys.argv[0]}: {refused}')
