'use strict';

// Runs after the installation. It builds the addon from the sources in the package if npm has no built addon for this
// platform, or if that does not load, for instance with an older C library. It reports a failure; so does loading the
// package.

const { execFileSync } = require('node:child_process');
const { cpSync, existsSync, mkdirSync } = require('node:fs');
const { join } = require('node:path');
const { packageName } = require('../lib/platform.js');

const top = join(__dirname, '..');
const sources = join(top, 'sources/clients/node');

function isBuilt() {
  if (existsSync(join(top, 'build/factstr.node'))) return true;
  try {
    require(packageName());
    return true;
  } catch {
    return false;
  }
}

function build() {
  execFileSync('make', ['-s', '-j2', '-C', sources, `NODE=${process.execPath}`], { stdio: 'inherit' });
  mkdirSync(join(top, 'build'), { recursive: true });
  cpSync(join(sources, 'build/factstr.node'), join(top, 'build/factstr.node'));
}

if (!isBuilt() && existsSync(sources)) {
  try {
    build();
  } catch (error) {
    console.error(`factstr: there is no ${packageName()}, and the addon could not be built: ${error.message}`);
  }
}
