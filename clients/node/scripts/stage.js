'use strict';

// usage: node scripts/stage.js BUILD [PACKAGE]
//
// Lays out the packages for npm in BUILD/stage/: the package factstr, with the sources of its addon, and the package of
// this platform, with the addon that has been built in BUILD; or only the package of another platform.

const { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { dirname, join, resolve } = require('node:path');
const { PLATFORMS, packageName } = require('../lib/platform.js');

const here = join(__dirname, '..');
const top = join(here, '../..');
const [, , build = 'build', other] = process.argv;
const stage = resolve(here, build, 'stage');

// The sources of the addon, as in the repository.
const SOURCES = [
  'LICENSE',
  'factstr.control',
  'src/match',
  'memstore/Makefile',
  'memstore/include',
  'memstore/src',
  'clients/node/Makefile',
  'clients/node/src',
];

function copy(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to, { recursive: true, filter: (path) => !/\.(o|bc)$/.test(path) });
}

function writePackage(directory, description) {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'package.json'), `${JSON.stringify(description, null, 2)}\n`);
  copy(join(top, 'LICENSE'), join(directory, 'LICENSE'));
}

function stageMain({ devDependencies, scripts, ...description }) {
  const directory = join(stage, description.name);
  writePackage(directory, {
    ...description,
    files: [...description.files, 'scripts/install.js', 'sources/'],
    scripts: { install: 'node scripts/install.js' },
    optionalDependencies: Object.fromEntries(Object.keys(PLATFORMS).map((name) => [name, description.version])),
  });
  for (const name of [...description.files, 'scripts/install.js']) copy(join(here, name), join(directory, name));
  for (const name of SOURCES) copy(join(top, name), join(directory, 'sources', name));
}

function stagePlatform(name, { version, license, engines }) {
  const directory = join(stage, name);
  writePackage(directory, {
    name,
    version,
    description: `The addon of the package factstr for ${name.slice('factstr-'.length)}`,
    license,
    engines,
    ...PLATFORMS[name],
    main: 'factstr.node',
    files: ['factstr.node'],
  });
  copy(resolve(here, build, 'factstr.node'), join(directory, 'factstr.node'));
}

const description = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'));
rmSync(stage, { recursive: true, force: true });
if (other === undefined) stageMain(description);
stagePlatform(other ?? packageName(), description);
