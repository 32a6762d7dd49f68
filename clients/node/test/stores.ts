// The stores that tests run on: each test gets an empty one, in memory, in a file, or in a database.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import {
  FactstrMemoryStore,
  FactstrPostgresStore,
  FactstrSqliteStore,
  openStore,
  type NewEvent,
  type Store,
  type StoreOptions,
} from 'factstr';

export type SynchronousStore = FactstrMemoryStore | FactstrSqliteStore | FactstrPostgresStore;

export interface Target {
  /** The URL of the empty store; undefined in memory, where each opening makes another store. */
  url: string | undefined;
  openSynchronous(options?: StoreOptions): SynchronousStore;
  open(options?: StoreOptions): Promise<Store>;
}

const directory = mkdtempSync(join(tmpdir(), 'factstr-node-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));

let count = 0;

export function newPath(): string {
  return join(directory, `${++count}.db`);
}

const { PGHOST, PGPORT = '5432', PGUSER = 'postgres' } = process.env;

/** The server that libpq's variables lead to. */
export const serverUrl =
  PGHOST === undefined
    ? undefined
    : `postgresql://${PGUSER}@/postgres?host=${encodeURIComponent(PGHOST)}&port=${PGPORT}`;

export const withoutServer = serverUrl === undefined ? 'PGHOST leads to no PostgreSQL server' : false;

// Deno runs several test files in one process, each with its own copy of this module.
const own = randomBytes(4).toString('hex');

export function newDatabase(): string {
  return `node_${own}_${++count}`;
}

export function databaseUrl(database: string): string {
  assert.ok(serverUrl);
  return serverUrl.replace('/postgres?', `/${database}?`);
}

function memoryTarget(opened: { close(): void | Promise<void> }[]): Target {
  return {
    url: undefined,
    openSynchronous: (options) => keep(opened, new FactstrMemoryStore(options)),
    open: async (options) => keep(opened, await openStore('memory:', options)),
  };
}

function sqliteTarget(opened: { close(): void | Promise<void> }[]): Target {
  const path = newPath();
  return {
    url: `sqlite:${path}`,
    openSynchronous: (options) => keep(opened, new FactstrSqliteStore(path, options)),
    open: async (options) => keep(opened, await openStore(`sqlite:${path}`, options)),
  };
}

function postgresTarget(opened: { close(): void | Promise<void> }[]): Target {
  assert.ok(serverUrl);
  const databaseName = newDatabase();
  FactstrPostgresStore.bootstrap({ serverUrl, databaseName }).close();
  const url = databaseUrl(databaseName);
  return {
    url,
    openSynchronous: (options) => keep(opened, new FactstrPostgresStore(url, options)),
    open: async (options) => keep(opened, await openStore(url, options)),
  };
}

function keep<T extends { close(): void | Promise<void> }>(opened: { close(): void | Promise<void> }[], store: T): T {
  opened.push(store);
  return store;
}

const targets = { memory: memoryTarget, sqlite: sqliteTarget, postgresql: postgresTarget };

export type Kind = keyof typeof targets;

/** A test on each of the stores. It closes the stores that it has opened. */
export function onStores(
  name: string,
  body: (target: Target) => Promise<void>,
  kinds: Kind[] = ['memory', 'sqlite', 'postgresql'],
): void {
  for (const kind of kinds)
    test(`${kind}: ${name}`, { skip: kind === 'postgresql' && withoutServer, timeout: 60000 }, async () => {
      const opened: { close(): void | Promise<void> }[] = [];
      try {
        await body(targets[kind](opened));
      } finally {
        for (const store of opened) await store.close();
      }
    });
}

/** Waits until a condition holds. */
export async function eventually(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + 30000;
  while (!(await condition())) {
    assert.ok(Date.now() < end, `timed out waiting for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** An event of each type, with its place as payload. */
export function events(...types: string[]): NewEvent[] {
  return types.map((event_type, place) => ({ event_type, payload: { place } }));
}

export function ofType(...event_types: string[]) {
  return { filters: [{ event_types }] };
}

/** Numbers of facts, as "1 2". */
export function numbers(records: { sequence_number: bigint }[]): string {
  return records.map((record) => record.sequence_number).join(' ');
}
