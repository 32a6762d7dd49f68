'use strict';

// Calls of the addon, synchronous or on another thread. The outcome of a call must be read immediately, because the
// next call overwrites it. So each call is made with a function that reads the outcome; it receives a handle, a text or
// null, and the store's option "longNumbers".

const native = require('./native.js');
const { errorOfDocument } = require('./errors.js');

// The promises of calls on other threads, by the numbers of the calls. They belong to the addon, which stays when this
// module is loaded again.
if (native.waiting === undefined) {
  const waiting = new Map();
  native.waiting = { waiting, newest: 0 };
  native.listen((number, outcome, exception) => {
    const settle = waiting.get(number);
    waiting.delete(number);
    settle(outcome, exception);
  });
}
const calls = native.waiting;

// Call numbers have 32 bits.
function takeNumber() {
  do calls.newest = (calls.newest + 1) % 2 ** 32;
  while (calls.waiting.has(calls.newest));
  return calls.newest;
}

function valueOf(outcome, read, longNumbers) {
  if (Array.isArray(outcome)) throw errorOfDocument(outcome[0]);
  return read(outcome, longNumbers);
}

// Returns undefined if the events of an append are not plain.
function callNow(read, longNumbers, name, handle, text1, text2, text3, number, count) {
  const outcome = native.call(name, handle, text1, text2, text3, number, count);
  return outcome === false ? undefined : valueOf(outcome, read, longNumbers);
}

function callLater(read, longNumbers, name, handle, text1, text2, text3, number, count) {
  return new Promise((resolve, reject) => {
    const own = takeNumber();
    if (native.callLater(own, name, handle, text1, text2, text3, number, count) === false) {
      resolve(undefined);
      return;
    }
    calls.waiting.set(own, (outcome, exception) => {
      try {
        if (exception !== undefined) throw exception;
        resolve(valueOf(outcome, read, longNumbers));
      } catch (error) {
        reject(error);
      }
    });
  });
}

// Reads the outcome of a call that opens an object or returns nothing.
const asItIs = (outcome) => outcome;

module.exports = { callNow, callLater, asItIs };
