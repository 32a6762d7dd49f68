'use strict';

// The pause after a failure grows from a quarter of a second to a minute.

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 60000;

function pauseAfter(failuresBefore) {
  return Math.min(FIRST_PAUSE_MS * 2 ** failuresBefore, LONGEST_PAUSE_MS);
}

module.exports = { pauseAfter };
