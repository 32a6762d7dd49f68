'use strict';

// What goes to and fro between streams and the callbacks of a program.

// What is kept of a handler's failure, whatever it has thrown.
function messageOf(error) {
  let message;
  try {
    message = String(error?.message ?? error);
  } catch {
    message = '';
  }
  return message.replaceAll('\u0000', ' ').toWellFormed() || 'the handler failed';
}

// Calls a program's callback; nothing depends on what becomes of it.
function tell(callback, value) {
  try {
    Promise.resolve(callback?.(value)).catch(() => {});
  } catch {
    // It is the callback's own affair.
  }
}

module.exports = { messageOf, tell };
