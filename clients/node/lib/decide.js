'use strict';

// A decision: read the facts of its context, decide, append; start again if a matching fact was appended meanwhile.

const { createError } = require('./errors.js');

const MOST_ATTEMPTS = 20;

async function decide(store, query, fold, command, { attempts = MOST_ATTEMPTS, idempotency_key, signal } = {}) {
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    const { event_records, current_context_version } = await store.query(query);
    const state = await fold(event_records);
    const events = await command(state);
    if (events == null || events.length === 0) return { state, append_result: null, attempts: attempt };
    try {
      const append_result = await store.appendIf(events, query, current_context_version, { idempotency_key });
      return { state, append_result, attempts: attempt };
    } catch (error) {
      if (error.code !== 'conditional_append_conflict') throw error;
      if (attempt >= attempts)
        throw Object.assign(
          createError(error.code, `the context changed during each of ${attempt} attempts`, error),
          { cause: error },
        );
    }
  }
}

module.exports = { decide };
