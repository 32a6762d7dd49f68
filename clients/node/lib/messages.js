'use strict';

// Messages of failures, and calls of a program's callbacks.

// The message that is kept of a handler's failure. A handler can throw any value.
function messageOf(error) {
  let message;
  try {
    message = String(error?.message ?? error);
  } catch {
    message = '';
  }
  return message.replaceAll('\u0000', ' ').toWellFormed() || 'the handler failed';
}

// Calls a program's callback, and ignores its result and its errors.
function tell(callback, value) {
  try {
    Promise.resolve(callback?.(value)).catch(() => {});
  } catch {
    // An error of a callback is ignored.
  }
}

module.exports = { messageOf, tell };
