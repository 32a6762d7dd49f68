'use strict';

// Loads the addon: that of the package for this platform, else the one that was built here.

function platformPackage() {
  const libc =
    process.platform === 'linux' ? (process.report.getReport().header.glibcVersionRuntime ? '-gnu' : '-musl') : '';
  return `factstr-${process.platform}-${process.arch}${libc}`;
}

function load() {
  try {
    return require('../build/factstr.node');
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND') throw error;
  }
  const name = platformPackage();
  try {
    return require(name);
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND') throw error;
    throw new Error(
      `factstr has no addon for this platform: the package ${name} is not installed, and there is none in build/. ` +
        'Build it with "make" in clients/node of the sources, which needs a C compiler.',
      { cause: error },
    );
  }
}

module.exports = load();
