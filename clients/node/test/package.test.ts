// npm installs the package from its tarballs in an empty project, on a machine without a compiler.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'node:test';

const PACKAGE = join(__dirname, '../../..');

function find(program: string): string | undefined {
  try {
    return execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}

const npm = find('npm');

// A directory for PATH that contains only these programs.
function pathOf(directory: string, ...programs: string[]): string {
  const bin = join(directory, 'bin');
  mkdirSync(bin);
  for (const program of programs) symlinkSync(realpathSync(find(program) ?? ''), join(bin, program));
  return bin;
}

const PROGRAM = `
const store = new FactstrMemoryStore();
store.append([{ event_type: 'greeted', payload: { name: 'Ada' } }]);
console.log(store.query({}).event_records[0].payload.name);
`;

const TYPED = `
import { decide, openStore, type EventRecord, type Store } from 'factstr';

type Events = { opened: { account: string }; deposited: { account: string; amount: number } };

function balance(facts: EventRecord<Events>[]): number {
  return facts.reduce((sum, fact) => (fact.event_type === 'deposited' ? sum + fact.payload.amount : sum), 0);
}

export async function main(): Promise<bigint | undefined> {
  const store: Store<Events> = await openStore<Events>('memory:');
  await store.append([{ event_type: 'opened', payload: { account: 'a' } }]);
  // @ts-expect-error: an amount is a number
  await store.append([{ event_type: 'deposited', payload: { account: 'a', amount: '1' } }]);
  // @ts-expect-error: there is no such event type
  await store.query({ filters: [{ event_types: ['closed'] }] });
  const query = { filters: [{ event_types: ['deposited' as const] }] };
  const { state, append_result } = await decide(store, query, balance, (sum) =>
    sum > 10 ? [] : [{ event_type: 'deposited', payload: { account: 'a', amount: 1 } }],
  );
  for await (const batch of store.stream(query, { signal: AbortSignal.timeout(1000) })) {
    if (balance(batch.event_records) >= state) break;
  }
  return append_result?.last_sequence_number;
}
`;

test(
  'installed from tarballs, without a compiler, for require and import',
  { skip: !npm && 'there is no npm' },
  () => {
    const directory = mkdtempSync(join(tmpdir(), 'factstr-package-'));
    try {
      execFileSync('make', ['-s', 'package'], { cwd: PACKAGE, stdio: 'pipe' });
      const tarballs = readdirSync(join(PACKAGE, 'build')).filter((name) => name.endsWith('.tgz'));
      const env = { ...process.env, PATH: pathOf(directory, 'node', 'npm', 'sh', 'env') };
      const project = join(directory, 'project');
      mkdirSync(project);
      writeFileSync(join(project, 'package.json'), '{ "private": true }');
      const options = ['--offline', '--no-audit', '--no-fund', '--no-update-notifier', `--cache=${directory}/cache`];
      const paths = tarballs.map((name) => join(PACKAGE, 'build', name));
      execFileSync('npm', ['install', ...options, ...paths], { cwd: project, env, stdio: 'pipe' });
      const run = (file: string, program: string): string => {
        writeFileSync(join(project, file), program);
        return execFileSync(process.execPath, [file], { cwd: project, env, encoding: 'utf8' });
      };
      assert.equal(run('a.cjs', `const { FactstrMemoryStore } = require('factstr');${PROGRAM}`), 'Ada\n');
      assert.equal(run('a.mjs', `import { FactstrMemoryStore } from 'factstr';${PROGRAM}`), 'Ada\n');
      assert.equal(
        run('b.mjs', `import factstr from 'factstr'; const { FactstrMemoryStore } = factstr;${PROGRAM}`),
        'Ada\n',
      );
      for (const file of ['typed.mts', 'typed.cts']) writeFileSync(join(project, file), TYPED);
      const compilerOptions = { strict: true, noEmit: true, target: 'es2022', module: 'nodenext', types: [] };
      writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['typed.*'] }));
      const compiler = join(dirname(require.resolve('typescript')), 'tsc.js');
      const { stdout } = spawnSync(process.execPath, [compiler, '-p', '.'], { cwd: project, encoding: 'utf8' });
      assert.equal(stdout, '');
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
);

test('import provides the same objects as require', async () => {
  const required = require('factstr') as Record<string, unknown>;
  const imported = (await import('factstr')) as Record<string, unknown>;
  for (const name of Object.keys(required)) assert.equal(imported[name], required[name], name);
});
