"""The loop of a decision: read, decide, append, and start again if the context has changed meanwhile."""

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
    """A decision: the state, the events, and the result of their append; None if there were no events."""

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
    """Reads the context, folds it into a state, calls the command with it, and appends the events that it returns.

    If a matching fact was appended meanwhile, this is repeated; after ``attempts`` conflicts, ConflictError is raised.
    fold and command may be called several times, so they must not have side effects. If one of them raises, nothing
    is appended.
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
