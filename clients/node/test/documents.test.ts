// The TypeScript in docs/getting-started.md compiles, runs, and prints the output that is shown after it.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';

// Tests are compiled into build/compiled/test.
const PACKAGE = resolve(__dirname, '../../..');
const DOCUMENT = join(PACKAGE, '../../docs/getting-started.md');

const text = readFileSync(DOCUMENT, 'utf8');
const blocks = [...text.matchAll(/^```ts\n(.*?)^```\n\n```text\n(.*?)^```$/gms)];

// A project in which the package is installed.
function makeProject(program: string): string {
  const project = mkdtempSync(join(tmpdir(), 'documents-'));
  mkdirSync(join(project, 'node_modules'));
  symlinkSync(PACKAGE, join(project, 'node_modules/factstr'));
  symlinkSync(join(PACKAGE, 'node_modules/@types'), join(project, 'node_modules/@types'));
  writeFileSync(join(project, 'program.mts'), program);
  return project;
}

function run(project: string, ...command: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { cwd: project, encoding: 'utf8' });

  assert.equal(status, 0, stdout + stderr);
  return stdout;
}

test('docs/getting-started.md has TypeScript, and the output of each block', () => {
  assert.ok(blocks.length > 0);
  assert.equal(blocks.length, text.split('\n```ts\n').length - 1);
});

for (const [index, [, program, shown]] of blocks.entries()) {
  test(`docs/getting-started.md: block ${index + 1} of TypeScript`, () => {
    const project = makeProject(program);
    try {
      run(project, join(PACKAGE, 'node_modules/typescript/bin/tsc'), '--strict', '--target', 'es2022', '--module', 'nodenext',
        '--types', 'node', 'program.mts');
      assert.equal(run(project, 'program.mjs'), shown);
    } finally {
      rmSync(project, { recursive: true });
    }
  });
}
