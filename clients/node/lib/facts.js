'use strict';

// Reads the facts that a call has found from the pages of the addon: see src/found.h. Each page is one JSON text, since
// V8 parses one long text faster than many short ones.

const native = require('./native.js');
const json = require('./json.js');

const { sequenceNumbers, firstOfBatch, lastOfBatch, countOfBatch, types: placesOfTypes, sizes } = native;

// The places of the sizes of a page.
const FACTS = 0;
const BATCHES = 1;
const IS_LAST = 2;

const TIME_LENGTH = 27;

// Adds the facts of a page to the records.
function readPage(text, longNumbers, records) {
  if (text === null) return;
  const page = json.decode(text, longNumbers);
  const times = page[0];
  const types = page[1];
  const payloads = page[2];
  const metadata = page[3];
  const areTimesJoined = typeof times === 'string';
  const count = sizes[FACTS];
  for (let i = 0; i < count; i++) {
    const record = {
      sequence_number: sequenceNumbers[i],
      occurred_at: areTimesJoined ? times.slice(TIME_LENGTH * i, TIME_LENGTH * (i + 1)) : times[i],
      event_type: types[placesOfTypes[i]],
      payload: payloads[i],
    };
    if (metadata !== undefined && metadata[i] !== null) record.metadata = metadata[i];
    records.push(record);
  }
}

function readFacts(text, longNumbers) {
  const records = [];
  readPage(text, longNumbers, records);
  while (sizes[IS_LAST] === 0) readPage(native.nextPage(), longNumbers, records);
  return records;
}

// The batches that begin in a page.
function beginBatches(batches, counts) {
  const count = sizes[BATCHES];
  for (let i = 0; i < count; i++) {
    batches.push({
      first_sequence_number: firstOfBatch[i],
      last_sequence_number: lastOfBatch[i],
      event_records: undefined,
    });
    counts.push(countOfBatch[i]);
  }
}

function readBatches(text, longNumbers) {
  const batches = [];
  const counts = [];
  const records = [];
  beginBatches(batches, counts);
  readPage(text, longNumbers, records);
  while (sizes[IS_LAST] === 0) {
    const next = native.nextPage();
    beginBatches(batches, counts);
    readPage(next, longNumbers, records);
  }
  let begin = 0;
  for (let i = 0; i < batches.length; i++) {
    batches[i].event_records = records.slice(begin, begin + counts[i]);
    begin += counts[i];
  }
  return batches;
}

module.exports = { readFacts, readBatches };
