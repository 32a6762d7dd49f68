'use strict';

// What goes into calls and comes out of them: checks, and numbers as bigint.

const json = require('./json.js');
const { createError } = require('./errors.js');

const MOST_NUMBER = 2n ** 64n;

function malformed(message) {
  return createError('malformed_input', message);
}

// A text for C, which ends at U+0000 and has no unpaired surrogates.
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

// null, like undefined, asks for every fact.
function encodeQuery(query) {
  return query === null ? undefined : encodeValue(query, 'the event query');
}

// The condition of an append, and its key, as the options of factstr_json_append.
function encodeAppendOptions(condition, key) {
  const members = {};
  if (condition?.query != null) members.context_query = encodeQuery(condition.query);
  if (condition?.expected !== undefined) members.expected_context_version = encodeVersion(condition.expected);
  if (condition?.after !== undefined) members.after_sequence_number = checkNumber(condition.after, 'after');
  if (key != null) members.idempotency_key = encodeValue(key, 'the idempotency key');
  return encodeMembers(members);
}

// An empty context has no version.
function encodeVersion(version) {
  return version === null ? 'null' : checkNumber(version, 'the expected context version');
}

// An object of JSON texts; undefined without members.
function encodeMembers(members) {
  const parts = Object.entries(members).map(([key, text]) => `"${key}": ${text}`);
  return parts.length === 0 ? undefined : `{${parts.join(', ')}}`;
}

// A number of the library, which JSON.parse has read.
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

// A conflict as a value, which the reference's interface has.
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
  toBigint,
  fixRecords,
  fixQueryResult,
  fixNewest,
  fixAppendResult,
  fixBatches,
  fixRedactions,
  fixStreams,
  conflictOf,
  malformed,
};
