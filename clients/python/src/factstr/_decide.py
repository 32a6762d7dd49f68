"""The loop of a decision: read, decide, append, and begin again if the context has changed meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Generic, Iterable, List, Optional, Tuple, TypeVar, Union

from ._errors import ConflictError
from ._records import AppendResult, EventRecord, NewEvent, Query, query_text
from ._store import Store

State = TypeVar('State')

Fold = Callable[[Tuple[EventRecord, ...]], State]
Command = Callable[[State], Union[NewEvent, Iterable[NewEvent], None]]


@dataclass(frozen=True)
class Decision(Generic[State]):
    """What was decided: on which state, the events, and their numbers; None if there was nothing to append."""

    state: State
    events: Tuple[NewEvent, ...]
    result: Optional[AppendResult]


def events_of(decided: Union[NewEvent, Iterable[NewEvent], None]) -> List[NewEvent]:
    """The events that a command has returned."""
    if decided is None:
        return []
    return [decided] if isinstance(decided, NewEvent) else list(decided)


def decide(store: Store, query: Query, fold: Fold[State], command: Command[State], *, attempts: int = 20,
           idempotency_key: Optional[str] = None) -> Decision[State]:
    """Reads the context, lets the command decide on the state that fold makes of it, and appends what it returns.

    If a matching fact was appended meanwhile, all of that is repeated, at most so many times; then ConflictError is
    raised. An exception of fold or command ends it: nothing is appended. So they must not have effects.
    """
    if attempts < 1:
        raise ValueError(f'attempts must be 1 or more, not {attempts}')
    text = query_text(query)
    while True:
        context = store._query(text)
        state = fold(context.event_records)
        events = events_of(command(state))
        if not events:
            return Decision(state, (), None)
        try:
            result = store._append_if(events, text, context.current_context_version, idempotency_key)
            return Decision(state, tuple(events), result)
        except ConflictError:
            attempts -= 1
            if attempts == 0:
                raise
