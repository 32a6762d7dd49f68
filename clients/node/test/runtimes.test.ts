// The same tests on another version of Node, from npm; "make runtimes" also runs them on Bun and Deno.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';

const OTHER = process.version.startsWith('v22.') ? 20 : 22;
const TESTS = ['compatible', 'facts', 'streams'].map((name) => join(__dirname, `${name}.test.js`));
const FETCH_MS = 60_000;

// Installs that Node. Returns the reason if that fails.
function fetchNode(directory: string): string | undefined {
  const options = ['--no-audit', '--no-fund', '--no-update-notifier', '--fetch-retries=0', '--prefix', directory];
  const name = `node-${process.platform}-${process.arch}@${OTHER}`;
  const { status, error, stderr } = spawnSync('npm', ['install', ...options, name], {
    encoding: 'utf8',
    timeout: FETCH_MS,
  });
  if (status === 0) return undefined;
  return `npm could not fetch ${name}: ${error?.message ?? stderr.trim().split('\n').at(0)}`;
}

test(`on Node ${OTHER}, in memory and in files`, { skip: process.platform !== 'linux' && 'for Linux' }, (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'factstr-runtime-'));
  try {
    const reason = fetchNode(directory);
    if (reason !== undefined) {
      context.skip(reason);
      return;
    }
    const node = join(directory, 'node_modules', `node-linux-${process.arch}`, 'bin/node');
    // The inner tests need their own test runner, and use no server.
    const { PGHOST, NODE_TEST_CONTEXT, ...env } = process.env;
    const run = (...args: string[]): ReturnType<typeof spawnSync> => spawnSync(node, args, { encoding: 'utf8', env });
    assert.match(String(run('--version').stdout), new RegExp(`^v${OTHER}\\.`));
    const { status, stdout } = run('--test', '--test-reporter=tap', ...TESTS);
    assert.equal(status, 0, String(stdout));
    assert.match(String(stdout), /^# fail 0$/m);
    assert.ok(Number(/^# pass (\d+)$/m.exec(String(stdout))?.[1]) > 50);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
