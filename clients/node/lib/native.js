'use strict';

// Loads the addon: the one that was built here, else that of the package for this platform.

const { packageName } = require('./platform.js');

// undefined if the module is not there.
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
    `factstr has no addon for this platform: there is no package ${packageName()}, or npm has left it out. ` +
      'Install a C compiler, make, pkg-config and the development files of SQLite and libpq, then "npm rebuild factstr".',
  );
}

module.exports = load();
