'use strict';

const { version } = require('./lib/native.js');
const { classes } = require('./lib/errors.js');
const { LongNumber } = require('./lib/json.js');
const { FactstrMemoryStore, FactstrSqliteStore, FactstrPostgresStore } = require('./lib/compatible.js');
const { EventStreamSubscription } = require('./lib/streams.js');
const { Store, openStore } = require('./lib/store.js');
const { fromPg } = require('./lib/pg.js');
const { decide } = require('./lib/decide.js');

module.exports = {
  version,
  FactstrMemoryStore,
  FactstrSqliteStore,
  FactstrPostgresStore,
  EventStreamSubscription,
  Store,
  openStore,
  fromPg,
  decide,
  LongNumber,
  ...classes,
};
