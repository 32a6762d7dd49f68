'use strict';

// Writes and reads the library's JSON.  JSON.stringify does not support bigint, and JSON.parse loses digits of long
// numbers.  Both are passed as strings that begin with U+0000, which no text in a store may contain.

const MARK = '\u0000';
const ESCAPED = '\\u0000';
const MARKED = `"${ESCAPED}`;
const MARKED_NUMBER = /"\\u0000([-+.eE\d]+)"/g;
const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

// Numbers with less than this many digits are exact.
const SAFE_DIGITS = 15;

// A number with all its digits, which a JavaScript number cannot hold. JSON.stringify alone does not support it.
class LongNumber {
  constructor(text) {
    if (!/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text)) throw new TypeError(`"${text}" is not a number`);
    this.text = text;
  }

  toString() {
    return this.text;
  }

  toJSON() {
    return MARK + this.text;
  }
}

function markNumber(key, value) {
  if (typeof value === 'bigint') return MARK + value;
  if (typeof value === 'string' && value.startsWith(MARK) && !(this[key] instanceof LongNumber))
    throw new TypeError('a text in a payload cannot contain U+0000');
  return value;
}

// Returns the text, or a marked one if the value has a bigint, which JSON.stringify refuses.
function encodePlainly(value) {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (!(error instanceof TypeError && /BigInt/.test(error.message))) throw error;
    return MARKED;
  }
}

// Returns undefined for a value with a bigint, a LongNumber or U+0000, and for a value that JSON cannot represent.
function encodePlain(value) {
  let text;
  try {
    text = JSON.stringify(value);
  } catch {
    return undefined;
  }
  return text === undefined || text.includes(ESCAPED) ? undefined : text;
}

// Returns undefined for a value that JSON cannot represent, such as a function.
function encode(value) {
  const text = encodePlainly(value);
  if (text === undefined || !text.includes(MARKED)) return text;
  return JSON.stringify(value, markNumber).replace(MARKED_NUMBER, '$1');
}

// The significant digits of a number and its exponent: equal texts for equal numbers.
function normalForm(text) {
  const [, sign, whole, fraction = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  const scale = BigInt(exponent) - BigInt(fraction.length) + BigInt(digits.length - significant.length);
  return `${sign}${significant}e${scale}`;
}

function isExact(text) {
  if (text.length <= SAFE_DIGITS && !/[eE]/.test(text)) return true;
  const number = Number(text);
  if (!Number.isFinite(number)) return false;
  return normalForm(String(number)) === normalForm(text);
}

function markLongNumber(token) {
  return token.startsWith('"') || isExact(token) ? token : `"\\u0000${token}"`;
}

// How to read a number that a JavaScript number cannot hold, by the option "longNumbers".
const REVIVALS = {
  bigint: (text) => (/^-?\d+$/.test(text) ? BigInt(text) : new LongNumber(text)),
  string: (text) => text,
};

function decode(text, longNumbers) {
  if (longNumbers === undefined) return JSON.parse(text);
  const marked = text.replace(STRING_OR_NUMBER, markLongNumber);
  if (marked.length === text.length) return JSON.parse(text);
  const revive = REVIVALS[longNumbers];
  return JSON.parse(marked, (key, value) =>
    typeof value === 'string' && value.startsWith(MARK) ? revive(value.slice(1)) : value,
  );
}

function decodeExactly(text) {
  return decode(text, 'bigint');
}

module.exports = { LongNumber, encode, encodePlain, decode, decodeExactly, LONG_NUMBERS: Object.keys(REVIVALS) };
