// Unique usernames: no two accounts have the same name, and a name that was given up stays reserved for three days.
//
//     FACTSTR_URL=sqlite:accounts.db node examples/unique_username.mts register_account ada
//     FACTSTR_URL=sqlite:accounts.db node examples/unique_username.mts change_username ada countess

import type { EventFilter, EventRecord } from 'factstr';
import { main, Refused, type Decision } from './decisions.mts';

type Events = {
  'account-registered': { username: string };
  'account-closed': { username: string };
  'username-changed': { old_username: string; username: string };
};

type Facts = EventRecord<Events>[];

const RESERVED_MS = 3 * 24 * 60 * 60 * 1000;

function factsOf(name: string): EventFilter<Events> {
  return {
    event_types: ['account-registered', 'account-closed', 'username-changed'],
    payload_predicates: [{ username: name }, { old_username: name }],
  };
}

function isAbout(name: string, { payload }: EventRecord<Events>): boolean {
  return payload.username === name || ('old_username' in payload && payload.old_username === name);
}

/** By the newest fact about the name. */
function stateOf(name: string, facts: Facts): 'free' | 'taken' | 'reserved' {
  const newest = facts.filter((fact) => isAbout(name, fact)).at(-1);
  if (newest === undefined) return 'free';
  if (newest.event_type !== 'account-closed' && newest.payload.username === name) return 'taken';
  return Date.now() - Date.parse(newest.occurred_at) < RESERVED_MS ? 'reserved' : 'free';
}

function requireFree(name: string, facts: Facts): void {
  const state = stateOf(name, facts);
  if (state === 'taken') throw new Refused(`username "${name}" is taken`);
  if (state === 'reserved') throw new Refused(`username "${name}" is still reserved`);
}

export function register_account(username: string): Decision<Events> {
  return {
    boundary: { filters: [factsOf(username)] },
    decide(facts) {
      requireFree(username, facts);
      return { event_type: 'account-registered', payload: { username } };
    },
  };
}

export function change_username(old_username: string, username: string): Decision<Events> {
  return {
    boundary: { filters: [factsOf(old_username), factsOf(username)] },
    decide(facts) {
      if (stateOf(old_username, facts) !== 'taken') throw new Refused(`nobody has the username "${old_username}"`);
      requireFree(username, facts);
      return { event_type: 'username-changed', payload: { old_username, username } };
    },
  };
}

await main<Events>(import.meta.url, { register_account, change_username });
