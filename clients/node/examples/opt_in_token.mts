// Opt-in tokens: a sign-up is confirmed with a token that was sent by mail. It is valid once, for an hour.
//
//     FACTSTR_URL=sqlite:signups.db node examples/opt_in_token.mts initiate_sign_up ada@example.org 1234
//     FACTSTR_URL=sqlite:signups.db node examples/opt_in_token.mts confirm_sign_up ada@example.org 1234

import type { EventQuery, EventRecord } from 'factstr';
import { main, Refused, type Decision } from './decisions.mts';

type SignUp = { email: string; token: string };
type Events = { 'sign-up-initiated': SignUp; 'sign-up-confirmed': SignUp };
type Facts = EventRecord<Events>[];

const VALID_MS = 60 * 60 * 1000;

function signUpsOf(email: string): EventQuery<Events> {
  return {
    filters: [{ event_types: ['sign-up-initiated', 'sign-up-confirmed'], payload_predicates: [{ email }] }],
  };
}

function requireUnconfirmed(email: string, facts: Facts): void {
  if (facts.some((fact) => fact.event_type === 'sign-up-confirmed'))
    throw new Refused(`${email} is signed up already`);
}

export function initiate_sign_up(email: string, token: string): Decision<Events> {
  return {
    boundary: signUpsOf(email),
    decide(facts) {
      requireUnconfirmed(email, facts);
      if (facts.some((fact) => fact.payload.token === token)) throw new Refused('the token was given out before');
      return { event_type: 'sign-up-initiated', payload: { email, token } };
    },
  };
}

export function confirm_sign_up(email: string, token: string): Decision<Events> {
  return {
    boundary: signUpsOf(email),
    decide(facts) {
      const initiated = facts.find((fact) => fact.event_type === 'sign-up-initiated' && fact.payload.token === token);
      if (initiated === undefined) throw new Refused(`no sign-up of ${email} has this token`);
      requireUnconfirmed(email, facts);
      if (Date.now() - Date.parse(initiated.occurred_at) > VALID_MS) throw new Refused('the token has expired');
      return { event_type: 'sign-up-confirmed', payload: { email, token } };
    },
  };
}

await main<Events>(import.meta.url, { initiate_sign_up, confirm_sign_up });
