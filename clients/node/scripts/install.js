'use strict';

// After the installation: builds the addon from the sources in the package where npm has no built one, or where that does
// not load, as with an older C library. A failure is told, and again when the package is loaded.

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
