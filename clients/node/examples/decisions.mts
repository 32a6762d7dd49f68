// Shared by the programs in this directory: a decision, and the loop that makes it.
//
//     FACTSTR_URL=sqlite:courses.db node examples/course_subscriptions.mts define_course c1 20
//
// Node 22.18 and newer run TypeScript. For older ones, "make compiled" compiles it into build/compiled/examples/.
//
// A command is a function of the program. From its arguments it makes a decision: the boundary, which is the query of
// the facts that the decision depends on, and a function that decides on these facts.

import { realpathSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decide, openStore, type EventQuery, type EventRecord, type NewEvent, type Store } from 'factstr';

export interface Decision<Events> {
  boundary: EventQuery<Events>;
  /** Returns the new event, or throws Refused. */
  decide(facts: EventRecord<Events>[]): NewEvent<Events>;
}

export type Command<Events> = (...args: string[]) => Decision<Events>;

/** The command is not possible now; the message says why. */
export class Refused extends Error {}

/** Decides and appends; after a conflict it decides again. */
export async function decideAndAppend<Events>(
  store: Store<Events>,
  decision: Decision<Events>,
): Promise<NewEvent<Events>> {
  const { state: event } = await decide(store, decision.boundary, decision.decide, (decided) => [decided]);
  return event;
}

async function run<Events>(
  commands: Record<string, Command<Events>>,
  [name = '', ...args]: string[],
): Promise<NewEvent<Events>> {
  const names = Object.keys(commands).join(', ');
  const url = process.env.FACTSTR_URL;
  if (!Object.hasOwn(commands, name)) throw new Refused(`a command is missing: one of ${names}`);
  if (url === undefined) throw new Refused('FACTSTR_URL is not set; it names the store, such as sqlite:courses.db');
  const store = await openStore<Events>(url);
  try {
    return await decideAndAppend(store, commands[name](...args));
  } finally {
    await store.close();
  }
}

/** Runs the program, unless the module was only imported. Its first argument is the name of a command. */
export async function main<Events>(module: string, commands: Record<string, Command<Events>>): Promise<void> {
  const [, program = '', ...args] = process.argv;
  if (program === '' || realpathSync(program) !== fileURLToPath(module)) return;
  try {
    console.log(JSON.stringify(await run(commands, args)));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    console.error(`${basename(program)}: ${error.message}`);
    process.exitCode = 1;
  }
}
