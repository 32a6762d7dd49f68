'use strict';

// Creates a database with the extension.

const native = require('./native.js');
const { errorOfDocument } = require('./errors.js');
const { checkText, malformed } = require('./records.js');

// The parts of a URI of libpq: user and host, the database, and the options.
const URI = /^(postgres(?:ql)?:\/\/[^/?]*)(\/[^?]*)?(\?.*)?$/;

const MAINTENANCE_DATABASE = 'postgres';
const EXISTS = new Set(['42P04', '23505', '42710']);

function partsOf(serverUrl) {
  const parts = URI.exec(checkText(serverUrl, 'the URL of the server'));
  if (parts === null) throw malformed('the URL of the server must begin with postgresql://');
  const [, server, path = '/', options = ''] = parts;
  return { server, database: path === '/' ? MAINTENANCE_DATABASE : path.slice(1), options };
}

function databaseUrl(serverUrl, databaseName) {
  const { server, options } = partsOf(serverUrl);
  return `${server}/${encodeURIComponent(databaseName)}${options}`;
}

// True if the statement created its object; false if the object existed.
function execute(url, sql) {
  const outcome = native.call(native.EXECUTE_SQL, null, url, sql);
  if (!Array.isArray(outcome)) return true;
  const error = errorOfDocument(outcome[0]);
  if (EXISTS.has(error.sqlstate)) return false;
  throw error;
}

function createDatabase(serverUrl, databaseName) {
  if (checkText(databaseName, 'the name of the database') === '')
    throw malformed('the name of the database is empty');
  const { server, database, options } = partsOf(serverUrl);
  const name = `"${databaseName.replaceAll('"', '""')}"`;
  execute(`${server}/${database}${options}`, `CREATE DATABASE ${name} ENCODING 'UTF8' TEMPLATE template0`);
  execute(databaseUrl(serverUrl, databaseName), 'CREATE EXTENSION IF NOT EXISTS factstr');
}

module.exports = { databaseUrl, createDatabase };
