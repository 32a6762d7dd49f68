// Types of the package factstr. The README tells how it is used; the contract of all stores is docs/contract.md.

/** Payload types by event type, such as `{ 'account-opened': { account: string } }`. */
export type EventMap = Record<string, unknown>;

/** Data about a fact, which is stored and delivered with it, and never matched. */
export type Metadata = Record<string, unknown>;

type TypeOf<Events> = keyof Events & string;

/** An event to append. */
export type NewEvent<Events = EventMap> = {
  [Type in TypeOf<Events>]: { event_type: Type; payload: Events[Type]; metadata?: Metadata | null };
}[TypeOf<Events>];

/** A fact: an event that has been stored. */
export type EventRecord<Events = EventMap> = {
  [Type in TypeOf<Events>]: {
    sequence_number: bigint;
    /** Like 2026-01-31T08:15:30.123456Z. */
    occurred_at: string;
    event_type: Type;
    payload: Events[Type];
    metadata?: Metadata;
  };
}[TypeOf<Events>];

export interface EventFilter<Events = EventMap> {
  event_types?: TypeOf<Events>[] | null;
  payload_predicates?: unknown[] | null;
}

export interface Partition {
  /** A path such as $.account. */
  key: string;
  count: number;
  number: number;
}

export interface EventQuery<Events = EventMap> {
  filters?: EventFilter<Events>[] | null;
  partition?: Partition | null;
  /** Facts up to this number are not returned. */
  after?: bigint | null;
  /** The same; only one of the two may be given. */
  min_sequence_number?: bigint | null;
}

export interface QueryResult<Events = EventMap> {
  event_records: EventRecord<Events>[];
  last_returned_sequence_number?: bigint | null;
  /** The number of the newest fact of the context, null if it is empty. */
  current_context_version?: bigint | null;
}

export interface NewestResult<Events = EventMap> {
  event_records: (EventRecord<Events> | null)[];
  current_context_version: bigint | null;
}

export interface AppendResult {
  first_sequence_number: bigint;
  last_sequence_number: bigint;
  committed_count: bigint;
}

export interface ConditionalAppendConflict {
  expected_context_version?: bigint | null;
  actual_context_version?: bigint | null;
}

export interface AppendIfResult {
  append_result?: AppendResult | null;
  conflict?: ConditionalAppendConflict | null;
}

/** A committed batch, with its matching facts. */
export interface Batch<Events = EventMap> {
  first_sequence_number: bigint;
  last_sequence_number: bigint;
  event_records: EventRecord<Events>[];
}

/** A batch that an iteration has delivered. */
export interface PulledBatch<Events = EventMap> extends Batch<Events> {
  /** Moves the cursor of a durable stream behind this batch, which asking for the next one does by itself. */
  ack(): Promise<void>;
}

export interface Redaction {
  redacted_at: string;
  redacted_by: string;
  reason: string;
}

export interface ExportedBatch {
  first_sequence_number?: bigint;
  last_sequence_number?: bigint;
  idempotency_key?: string;
  event_records: {
    sequence_number?: bigint;
    occurred_at: string;
    event_type: string;
    payload: unknown;
    metadata?: Metadata;
    redactions?: Redaction[];
  }[];
}

/** A throw, a rejection, or false is failure: the batch is delivered again. Promises are awaited. */
export type EventHandler<Events = EventMap> = (event_records: EventRecord<Events>[], batch: Batch<Events>) => unknown;

/** The name of a durable stream, whose cursor is kept in the store. */
export interface DurableStream {
  name: string;
}

export declare class EventStreamSubscription {
  private constructor();
  /** Ends the deliveries; may be repeated. */
  unsubscribe(): void;
  /** Lets the program stay alive for this stream, as it does at first. */
  ref(): this;
  unref(): this;
  /** Resolves when the stream has ended and its handler is not running any more. */
  readonly closed: Promise<void>;
}

export interface StoreOptions {
  /**
   * What becomes of a number in a payload that a JavaScript number cannot hold. By default it is rounded, as by
   * JSON.parse. "bigint": an integer becomes a bigint, any other number a LongNumber. "string": its text.
   */
  longNumbers?: 'bigint' | 'string';
}

/** A number with all its digits, for payloads: `new LongNumber('0.10000000000000000000001')`. */
export declare class LongNumber {
  constructor(text: string);
  readonly text: string;
  toString(): string;
  toJSON(): string;
}

export interface AppendOptions {
  /** Makes the call repeatable: a later one with this key and equal events stores nothing. */
  idempotency_key?: string | null;
}

export interface StreamOptions {
  /** Where a new stream begins: a live one with the next fact by default, a durable one with the first. */
  start?: 'first' | 'now';
  /** A live stream delivers the facts after this number. */
  after?: bigint;
  /** How long to wait while the durable stream has another consumer; -1: without limit. */
  timeoutMs?: number;
  partition_key?: string;
  partitions?: number;
  partition?: number;
  signal?: AbortSignal;
}

export interface SubscriptionOptions extends StreamOptions {
  /** A durable stream: do not wait until older facts have been delivered, and try again if their handler fails. */
  inBackground?: boolean;
  /** Called with each failure of the handler. */
  failed?: (error: unknown) => void;
  /** Called once when the stream has ended: with null after unsubscribe(), otherwise with the reason. */
  ended?: (reason: FactstrError | null) => void;
}

export interface StreamStatus {
  name: string;
  event_query: EventQuery;
  cursor_sequence_number: bigint;
  head_sequence_number: bigint;
  lag_facts: bigint;
  lag_us: number;
  last_success_at: string | null;
  failure_count: number;
  last_error: string | null;
  last_failed_at: string | null;
  retry_at: string | null;
  active: boolean;
}

/** A log of a PostgreSQL database. */
export interface LogStatus {
  log: string;
  /** Null for main, which exists from the start. */
  created_at: string | null;
  created_by: string | null;
  /** Null while the log is open. */
  sealed_at: string | null;
  sealed_by: string | null;
}

/** Nothing has this property: it lets TypeScript find the event types of a log. */
declare const eventTypes: unique symbol;

/** What a decision needs, and what a transaction of the program can do too. */
export interface Log<Events = EventMap, Options = AppendOptions> {
  readonly [eventTypes]?: Events;
  append(events: NewEvent<Events>[], options?: Options): Promise<AppendResult>;
  /** Stores the events if the context has the expected version, null for an empty one; otherwise ConflictError. */
  appendIf(
    events: NewEvent<Events>[],
    query: EventQuery<Events> | null | undefined,
    expected?: bigint | null,
    options?: Options,
  ): Promise<AppendResult>;
  /** Stores the events unless a fact of the context has a higher number; otherwise ConflictError. */
  appendUnless(
    events: NewEvent<Events>[],
    query: EventQuery<Events> | null | undefined,
    after?: bigint | null,
    options?: Options,
  ): Promise<AppendResult>;
  query(query?: EventQuery<Events> | null): Promise<QueryResult<Events>>;
  /** The newest fact of each query, or null. */
  newest(queries: EventQuery<Events>[]): Promise<NewestResult<Events>>;
  contextVersion(query?: EventQuery<Events> | null): Promise<bigint | null>;
}

/** Which batches of a log. */
export interface BatchOptions {
  after?: bigint;
  maxBatches?: number;
}

/** Committed batches with a matching fact, after a position. */
export interface Batches<Events = EventMap> {
  batches(query?: EventQuery<Events> | null, options?: BatchOptions): Promise<Batch<Events>[]>;
}

/** Durable streams, which first deliver older facts. */
export interface DurableStreams<Events, Handler, Options> {
  streamAllDurable(
    durableStream: DurableStream,
    handle: Handler,
    options?: Options,
  ): Promise<EventStreamSubscription>;
  streamToDurable(
    durableStream: DurableStream,
    query: EventQuery<Events> | null | undefined,
    handle: Handler,
    options?: Options,
  ): Promise<EventStreamSubscription>;
}

/** HandlerFailedError if the handler of a durable stream fails while older facts are delivered. */
export interface Store<Events = EventMap>
  extends Log<Events>,
    Batches<Events>,
    DurableStreams<Events, EventHandler<Events>, SubscriptionOptions> {}

/** A store whose calls return promises; nothing blocks the event loop. */
export declare class Store<Events = EventMap> {
  private constructor();
  /** The matching facts that are in the log now, in memory a few at a time. */
  read(
    query?: EventQuery<Events> | null,
    options?: { maxCount?: number; backwards?: boolean; signal?: AbortSignal },
  ): AsyncIterableIterator<EventRecord<Events>>;
  /** Whole batches, as import takes them. */
  export(options?: BatchOptions): Promise<ExportedBatch[]>;
  import(batches: ExportedBatch[]): Promise<{
    first_sequence_number: bigint | null;
    last_sequence_number: bigint | null;
    committed_count: bigint;
  }>;
  importRedactions(batches: ExportedBatch[]): Promise<bigint>;

  /** Erases the content of a fact. True if the storage still contains the old text. */
  redact(
    sequenceNumber: bigint,
    content: { payload: unknown; metadata?: Metadata | null; reason: string },
  ): Promise<boolean>;
  redactions(options?: { after?: bigint; maxCount?: number }): Promise<(Redaction & { sequence_number: bigint })[]>;

  streamAll(handle: EventHandler<Events>, options?: SubscriptionOptions): Promise<EventStreamSubscription>;
  streamTo(
    query: EventQuery<Events> | null | undefined,
    handle: EventHandler<Events>,
    options?: SubscriptionOptions,
  ): Promise<EventStreamSubscription>;
  /** Batches to iterate over, of a durable stream with options.name. Asking for the next acknowledges the last. */
  stream(
    query?: EventQuery<Events> | null,
    options?: StreamOptions & { name?: string },
  ): AsyncIterableIterator<PulledBatch<Events>>;

  streams(): Promise<StreamStatus[]>;
  seekStream(name: string, sequenceNumber: bigint): Promise<void>;
  dropStream(name: string): Promise<void>;
  /** Waits until the cursor of a durable stream has reached a fact. */
  wait(name: string, sequenceNumber: bigint, options?: { timeoutMs?: number; signal?: AbortSignal }): Promise<void>;

  /** The logs of the PostgreSQL database on which the role has a right; UnsupportedError on other stores. */
  logs(): Promise<LogStatus[]>;
  createLog(log: string): Promise<void>;
  /** Ends appends to a log for good. Was it open before? */
  sealLog(log: string): Promise<boolean>;
  /** Drops a log if the confirmation repeats its name. How many facts did it have? */
  dropLog(log: string, confirmation: string): Promise<bigint>;

  /** Lets the streams deliver what was committed before, and closes the store. */
  close(options?: { timeoutMs?: number }): Promise<void>;
}

/** Opens `memory:`, `sqlite:PATH` or `postgresql://...`. */
export declare function openStore<Events = EventMap>(url: string, options?: StoreOptions): Promise<Store<Events>>;

/**
 * Reads the facts of a query, folds them into a state, and appends the events that the command makes of it if no
 * matching fact came in between; otherwise it begins again. A command that throws decides nothing.
 */
export declare function decide<Events = EventMap, State = unknown>(
  store: Log<Events>,
  query: EventQuery<Events> | null | undefined,
  fold: (event_records: EventRecord<Events>[]) => State | Promise<State>,
  command: (state: State) => NewEvent<Events>[] | null | undefined | Promise<NewEvent<Events>[] | null | undefined>,
  options?: AppendOptions & { attempts?: number; signal?: AbortSignal },
): Promise<{ state: State; append_result: AppendResult | null; attempts: number }>;

export interface PgAppendOptions extends AppendOptions {
  /**
   * Appends when the transaction commits, which keeps other appends waiting for the commit only. The numbers of the
   * result are null; lastAppend() has them afterwards. A conflict fails the call or the COMMIT.
   */
  at_commit?: boolean;
}

/** What factstr uses of a client of the driver pg, or of a client of one of its pools. */
export interface PgClient {
  query(text: string, values?: unknown[]): Promise<{ rows: any[] }>;
}

/** What factstr uses of a pool of the driver pg. */
export interface PgPool<Client extends PgClient = PgClient> extends PgClient {
  connect(): Promise<Client>;
  readonly totalCount: number;
}

/**
 * A log over a connection of the program: in a transaction, facts and rows commit together. After ConflictError the
 * transaction can go on, unless the append was to be at commit.
 */
export interface PgLog<Events = EventMap> extends Log<Events, PgAppendOptions>, Batches<Events> {
  /** What this connection has committed last, or null. */
  lastAppend(): Promise<AppendResult | null>;
}

export type TransactionHandler<Events, Client> = (
  event_records: EventRecord<Events>[],
  batch: Batch<Events>,
  client: Client,
) => unknown;

/** The handlers write in the transaction that moves the cursor: exactly once. Older facts follow in background. */
export interface PgStore<Events = EventMap, Client = PgClient>
  extends PgLog<Events>,
    DurableStreams<Events, TransactionHandler<Events, Client>, PgSubscriptionOptions> {
  /** Runs the body in a transaction, and again in a new one after ConflictError. */
  transaction<Result>(
    body: (log: PgLog<Events>, client: Client) => Promise<Result>,
    options?: { attempts?: number },
  ): Promise<Result>;
}

export interface PgSubscriptionOptions extends Pick<SubscriptionOptions, 'start' | 'signal' | 'failed'> {
  ended?: (reason: null) => void;
}

export interface PgOptions extends StoreOptions {
  /** The name of a log; main by default. */
  log?: string;
}

/** A log of a PostgreSQL database through the program's own pool of the driver pg. */
export declare function fromPg<Events = EventMap, Client extends PgClient = PgClient>(
  pool: PgPool<Client>,
  options?: PgOptions,
): PgStore<Events, Client>;
/** The same over one client, whose transactions are the program's. */
export declare function fromPg<Events = EventMap>(
  client: PgClient,
  options?: PgOptions,
): PgLog<Events>;

declare class SynchronousStore {
  append(events: NewEvent[]): AppendResult;
  query(query: EventQuery): QueryResult;
  appendIf(events: NewEvent[], query: EventQuery, expectedContextVersion?: bigint | null): AppendIfResult;
  streamAll(handle: EventHandler): EventStreamSubscription;
  streamTo(query: EventQuery, handle: EventHandler): EventStreamSubscription;
  streamAllDurable(durableStream: DurableStream, handle: EventHandler): Promise<EventStreamSubscription>;
  streamToDurable(
    durableStream: DurableStream,
    query: EventQuery,
    handle: EventHandler,
  ): Promise<EventStreamSubscription>;
  close(): void;
  /** The same store, with calls that return promises. */
  readonly store: Store;
}

/** A new, empty store in memory. */
export declare class FactstrMemoryStore extends SynchronousStore {
  constructor(options?: StoreOptions);
}

/** A store in a SQLite file, which is created if it does not exist. */
export declare class FactstrSqliteStore extends SynchronousStore {
  constructor(path: string, options?: StoreOptions);
}

/** A store in a PostgreSQL database with the extension. */
export declare class FactstrPostgresStore extends SynchronousStore {
  constructor(url: string, options?: StoreOptions);
  /** Creates the database and the extension in it, if they do not exist, and opens the store. */
  static bootstrap(target: { serverUrl: string; databaseName: string }, options?: StoreOptions): FactstrPostgresStore;
}

/** An error of a store. */
export declare class FactstrError extends Error {
  /** Such as conditional_append_conflict; docs/errors.md has all of them. */
  readonly code: string;
  /** The SQLSTATE of the same error on a server, or empty. */
  readonly sqlstate: string;
  readonly detail?: string;
  readonly hint?: string;
}

/** The context has changed since it was read. */
export declare class ConflictError extends FactstrError {
  readonly expected_context_version?: bigint | null;
  readonly after_sequence_number?: bigint;
  readonly actual_context_version: bigint | null;
}
export declare class EmptyAppendError extends FactstrError {}
export declare class StreamQueryDiffersError extends FactstrError {}
export declare class StreamActiveError extends FactstrError {}
export declare class NoSuchStreamError extends FactstrError {}
export declare class IdempotencyKeyReusedError extends FactstrError {}
export declare class WaitTimedOutError extends FactstrError {}
export declare class NoSuchLogError extends FactstrError {}
export declare class LogSealedError extends FactstrError {}
export declare class LogExistsError extends FactstrError {}
export declare class MalformedError extends FactstrError {}
export declare class MisuseError extends FactstrError {}
export declare class NoMemoryError extends FactstrError {}
export declare class CannotOpenError extends FactstrError {}
export declare class IncompatibleError extends FactstrError {}
export declare class BusyError extends FactstrError {}
export declare class StorageError extends FactstrError {}
/** Whether an append was committed is unknown; repeat it with its idempotency key. */
export declare class ConnectionLostError extends FactstrError {}
export declare class HandlerFailedError extends FactstrError {}
export declare class UnsupportedError extends FactstrError {}
export declare class ClosedError extends FactstrError {}
export declare class InterruptedError extends FactstrError {}
export declare class NotConnectedError extends FactstrError {}
export declare class PermissionDeniedError extends FactstrError {}
export declare class ReadOnlyError extends FactstrError {}

/** The version of the library inside. */
export declare const version: string;

export {};
