'use strict';

// Arguments and results of calls: checks, and numbers as bigint.

const native = require('./native.js');
const json = require('./json.js');
const { createError } = require('./errors.js');
const { readFacts } = require('./facts.js');

const MOST_NUMBER = 2n ** 64n;

function malformed(message) {
  return createError('malformed_input', message);
}

// Checks a text for C, which must not contain U+0000 or unpaired surrogates.
function checkText(value, name) {
  if (typeof value !== 'string') throw malformed(`${name} must be a string`);
  if (value.includes('\u0000') || !value.isWellFormed())
    throw malformed(`${name} contains U+0000 or an unpaired surrogate`);
  return value;
}

// A sequence number, which may also be a safe integer.
function checkNumber(value, name) {
  const number = typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof number !== 'bigint') throw malformed(`${name} must be a bigint`);
  if (number < 0n || number >= MOST_NUMBER) throw malformed(`${name} must not be negative or have more than 64 bits`);
  return number;
}

function checkCount(value, name) {
  if (!Number.isSafeInteger(value) || value < 1) throw malformed(`${name} must be an integer of 1 or more`);
  return value;
}

// A JSON text, or undefined.
function encodeValue(value, name) {
  if (value === undefined) return undefined;
  let text;
  try {
    text = json.encode(value);
  } catch (error) {
    throw malformed(`${name} cannot be written as JSON: ${error.message}`);
  }
  if (text === undefined) throw malformed(`${name} cannot be written as JSON`);
  return text;
}

function encodeRequired(value, name) {
  return encodeValue(value, name) ?? encodeValue(null, name);
}

// A query that is null or undefined matches every fact.
function encodeQuery(query) {
  return query === null ? undefined : encodeValue(query, 'the event query');
}

// Writes the condition of an append and its key as the options of factstr_json_append.
function encodeAppendOptions(condition, key) {
  const members = {};
  if (condition?.query != null) members.context_query = encodeQuery(condition.query);
  if (condition?.expected !== undefined) members.expected_context_version = encodeVersion(condition.expected);
  if (condition?.after !== undefined) members.after_sequence_number = checkNumber(condition.after, 'after');
  if (key != null) members.idempotency_key = encodeValue(key, 'the idempotency key');
  return encodeMembers(members);
}

// The texts of an event for the addon, with U+0000 between them. Returns undefined unless the event is plain: it must
// contain nothing that JSON.stringify treats in a special way or that the library refuses.
function joinEvent(event) {
  if (typeof event !== 'object' || event === null || event.toJSON !== undefined) return undefined;
  let type;
  let payload;
  let metadata;
  for (const key in event)
    if (key === 'event_type') type = event.event_type;
    else if (key === 'payload') payload = event.payload;
    else if (key === 'metadata') metadata = event.metadata ?? undefined;
    else return undefined;
  if (typeof type !== 'string' || payload === undefined) return undefined;
  const text = json.encodePlain(payload);
  if (metadata === undefined) return text === undefined ? undefined : `${type}\0${text}\0`;
  const more = json.encodePlain(metadata);
  return text === undefined || more === undefined ? undefined : `${type}\0${text}\0${more}`;
}

function joinEvents(events) {
  if (!Array.isArray(events)) return undefined;
  let joined = '';
  for (let i = 0; i < events.length; i++) {
    const text = joinEvent(events[i]);
    if (text === undefined) return undefined;
    joined = i === 0 ? text : `${joined}\0${text}`;
  }
  return joined;
}

function isPlainText(text) {
  return typeof text === 'string' && !text.includes('\0') && text.isWellFormed();
}

// An append for the addon, without JSON around its events. Returns undefined unless all of it is plain. The caller then
// passes the append as JSON, which the library checks with messages that name the place.
function joinAppend(events, condition, key) {
  const joined = joinEvents(events);
  if (joined === undefined || (key != null && !isPlainText(key))) return undefined;
  const append = {
    name: native.APPEND,
    events: joined,
    query: undefined,
    key: key ?? undefined,
    number: undefined,
    count: events.length,
  };
  if (condition === undefined) return append;
  append.query = encodeQuery(condition.query);
  if (condition.after !== undefined) {
    append.name = native.APPEND_UNLESS;
    append.number = checkNumber(condition.after, 'after');
  } else {
    append.name = native.APPEND_IF;
    if (condition.expected !== null) append.number = checkNumber(condition.expected, 'the expected context version');
  }
  return append;
}

// An empty context has no version.
function encodeVersion(version) {
  return version === null ? 'null' : checkNumber(version, 'the expected context version');
}

// Makes an object from JSON texts; undefined without members.
function encodeMembers(members) {
  const parts = Object.entries(members).map(([key, text]) => `"${key}": ${text}`);
  return parts.length === 0 ? undefined : `{${parts.join(', ')}}`;
}

// Converts a number of the library that JSON.parse has read.
function toBigint(value) {
  if (value == null) return null;
  if (typeof value === 'number' && !Number.isSafeInteger(value)) throw malformed('a sequence number is beyond 2^53');
  return BigInt(value);
}

function numbersToBigint(object, ...keys) {
  for (const key of keys) object[key] = toBigint(object[key]);
  return object;
}

function fixRecords(records) {
  for (const record of records) if (record !== null) record.sequence_number = toBigint(record.sequence_number);
  return records;
}

function fixQueryResult(result) {
  fixRecords(result.event_records);
  return numbersToBigint(result, 'last_returned_sequence_number', 'current_context_version');
}

function fixNewest(result) {
  fixRecords(result.event_records);
  return numbersToBigint(result, 'current_context_version');
}

// Zero means none.
function orNull(number) {
  return number === 0n ? null : number;
}

function readQueryResult(text, longNumbers) {
  return {
    event_records: readFacts(text, longNumbers),
    last_returned_sequence_number: orNull(native.numbers[0]),
    current_context_version: orNull(native.numbers[1]),
  };
}

function readContextVersion() {
  return orNull(native.numbers[0]);
}

function readAppendResult() {
  const { numbers } = native;
  return { first_sequence_number: numbers[0], last_sequence_number: numbers[1], committed_count: numbers[2] };
}

function fixAppendResult(result) {
  return numbersToBigint(result, 'first_sequence_number', 'last_sequence_number', 'committed_count');
}

function fixBatches(batches) {
  for (const batch of batches) {
    numbersToBigint(batch, 'first_sequence_number', 'last_sequence_number');
    fixRecords(batch.event_records);
  }
  return batches;
}

function fixRedactions(redactions) {
  for (const redaction of redactions) redaction.sequence_number = toBigint(redaction.sequence_number);
  return redactions;
}

function fixStreams(streams) {
  for (const stream of streams)
    numbersToBigint(stream, 'cursor_sequence_number', 'head_sequence_number', 'lag_facts');
  return streams;
}

// A conflict as a value, as in the reference's interface.
function conflictOf(error) {
  return {
    conflict: {
      expected_context_version: error.expected_context_version ?? null,
      actual_context_version: error.actual_context_version ?? null,
    },
  };
}

module.exports = {
  checkText,
  checkNumber,
  checkCount,
  encodeValue,
  encodeRequired,
  encodeQuery,
  encodeAppendOptions,
  encodeMembers,
  joinAppend,
  readQueryResult,
  readContextVersion,
  readAppendResult,
  toBigint,
  fixQueryResult,
  fixNewest,
  fixAppendResult,
  fixBatches,
  fixRedactions,
  fixStreams,
  conflictOf,
  malformed,
};
