'use strict';

// Loads the addon that was built here, or else the addon from the package for this platform.

const { packageName } = require('./platform.js');

// Returns undefined if the module does not exist.
function tryRequire(name) {
  try {
    return require(name);
  } catch (error) {
    if (error.code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

function load() {
  const native = tryRequire('../build/factstr.node') ?? tryRequire(packageName());
  if (native !== undefined) return native;
  throw new Error(
    `factstr has no addon for this platform: the package ${packageName()} does not exist or was not installed. ` +
      'Install a C compiler, make, pkg-config and the development files of SQLite and libpq, then "npm rebuild factstr".',
  );
}

module.exports = load();
