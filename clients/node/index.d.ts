// Types of the package factstr. The README shows how to use it; docs/contract.md defines the behaviour of all stores.

/** Payload types by event type, such as `{ 'account-opened': { account: string } }`. */
export type EventMap = Record<string, unknown>;

/** Data about a fact. It is stored and delivered with the fact; queries do not match it. */
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
  /** Another name for `after`; only one of the two may be given. */
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
  /** Moves the cursor of a durable stream behind this batch. Requesting the next batch does the same. */
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

/** Handles a batch. If it throws, rejects or returns false, the batch is delivered again. Promises are awaited. */
export type EventHandler<Events = EventMap> = (event_records: EventRecord<Events>[], batch: Batch<Events>) => unknown;

/** The name of a durable stream, whose cursor is kept in the store. */
export interface DurableStream {
  name: string;
}

export declare class EventStreamSubscription {
  private constructor();
  /** Ends the deliveries. Further calls do nothing. */
  unsubscribe(): void;
  /** Keeps the program alive while this stream is open. This is the default; unref() turns it off. */
  ref(): this;
  unref(): this;
  /** Resolves when the stream has ended and its handler has returned. */
  readonly closed: Promise<void>;
}

export interface StoreOptions {
  /**
   * How to read a number in a payload that a JavaScript number cannot hold. By default it is rounded, as by
   * JSON.parse. "bigint": an integer becomes a bigint, any other number a LongNumber. "string": it becomes a string.
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
  /** Makes the call repeatable: another call with this key and the same events stores nothing. */
  idempotency_key?: string | null;
}

export interface StreamOptions {
  /** The start of a new stream. By default a live one begins with the next fact, a durable one with the first. */
  start?: 'first' | 'now';
  /** A live stream delivers the facts after this number. */
  after?: bigint;
  /** How long to wait for another consumer of the durable stream to end; -1: without limit. */
  timeoutMs?: number;
  partition_key?: string;
  partitions?: number;
  partition?: number;
  signal?: AbortSignal;
}

export interface SubscriptionOptions extends StreamOptions {
  /** For a durable stream: return before older facts have been delivered, and retry them after a failure. */
  inBackground?: boolean;
  /** Called with each failure of the handler. */
  failed?: (error: unknown) => void;
  /** Called once when the stream has ended: with null after unsubscribe(), otherwise with the error that ended it. */
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

/** A property that exists only in the types: from it, TypeScript infers the event types of a log. */
declare const eventTypes: unique symbol;

/** The calls for decisions; they also work in a transaction of the program. */
export interface Log<Events = EventMap, Options = AppendOptions> {
  readonly [eventTypes]?: Events;
  append(events: NewEvent<Events>[], options?: Options): Promise<AppendResult>;
  /** Appends if the context has the expected version (null: it is empty). Otherwise throws ConflictError. */
  appendIf(
    events: NewEvent<Events>[],
    query: EventQuery<Events> | null | undefined,
    expected?: bigint | null,
    options?: Options,
  ): Promise<AppendResult>;
  /** Appends unless a fact of the context has a higher number than `after`. Otherwise throws ConflictError. */
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

/** Selects batches of a log. */
export interface BatchOptions {
  after?: bigint;
  maxBatches?: number;
}

/** Reads committed batches that contain a matching fact, after a position. */
export interface Batches<Events = EventMap> {
  batches(query?: EventQuery<Events> | null, options?: BatchOptions): Promise<Batch<Events>[]>;
}

/** Durable streams. They deliver older facts first. */
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

/** Opening a durable stream throws HandlerFailedError if the handler fails while older facts are delivered. */
export interface Store<Events = EventMap>
  extends Log<Events>,
    Batches<Events>,
    DurableStreams<Events, EventHandler<Events>, SubscriptionOptions> {}

/** A store whose calls return promises. No call blocks the event loop. */
export declare class Store<Events = EventMap> {
  private constructor();
  /** Iterates over the matching facts that are in the log now. It keeps one page of them in memory. */
  read(
    query?: EventQuery<Events> | null,
    options?: { maxCount?: number; backwards?: boolean; signal?: AbortSignal },
  ): AsyncIterableIterator<EventRecord<Events>>;
  /** Reads whole batches, in the format that import accepts. */
  export(options?: BatchOptions): Promise<ExportedBatch[]>;
  import(batches: ExportedBatch[]): Promise<{
    first_sequence_number: bigint | null;
    last_sequence_number: bigint | null;
    committed_count: bigint;
  }>;
  importRedactions(batches: ExportedBatch[]): Promise<bigint>;

  /** Erases the content of a fact. Resolves with true if the storage still contains the old text. */
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
  /** Iterates over batches; with options.name, of a durable stream. Requesting the next batch acknowledges the last. */
  stream(
    query?: EventQuery<Events> | null,
    options?: StreamOptions & { name?: string },
  ): AsyncIterableIterator<PulledBatch<Events>>;

  streams(): Promise<StreamStatus[]>;
  seekStream(name: string, sequenceNumber: bigint): Promise<void>;
  dropStream(name: string): Promise<void>;
  /** Waits until the cursor of a durable stream has reached a fact. */
  wait(name: string, sequenceNumber: bigint, options?: { timeoutMs?: number; signal?: AbortSignal }): Promise<void>;

  /** The logs of the PostgreSQL database on which the role has a right. Other stores throw UnsupportedError. */
  logs(): Promise<LogStatus[]>;
  createLog(log: string): Promise<void>;
  /** Seals a log: nothing can be appended to it any more. Resolves with false if it was sealed before. */
  sealLog(log: string): Promise<boolean>;
  /** Drops a log if the confirmation repeats its name. Resolves with the number of its facts. */
  dropLog(log: string, confirmation: string): Promise<bigint>;

  /** Delivers the facts committed so far to the open streams, then closes the store. */
  close(options?: { timeoutMs?: number }): Promise<void>;
}

/** Opens `memory:`, `sqlite:PATH` or `postgresql://...`. */
export declare function openStore<Events = EventMap>(url: string, options?: StoreOptions): Promise<Store<Events>>;

/**
 * Reads the facts of a query, folds them into a state, and appends the events that the command returns. If a matching
 * fact was appended meanwhile, it starts again; after `attempts` conflicts (20 by default), it throws the
 * `ConflictError`. If the command throws, nothing is appended.
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
   * Appends when the transaction commits, so other appends wait only during the commit. The numbers in the result are
   * null; lastAppend() returns them after the commit. After a conflict, the call or the COMMIT fails.
   */
  at_commit?: boolean;
}

/** The part of a client of the driver pg that factstr uses. */
export interface PgClient {
  query(text: string, values?: unknown[]): Promise<{ rows: any[] }>;
}

/** The part of a pool of the driver pg that factstr uses. */
export interface PgPool<Client extends PgClient = PgClient> extends PgClient {
  connect(): Promise<Client>;
  readonly totalCount: number;
}

/**
 * A log over a connection of the program: in a transaction, facts and rows commit together. After ConflictError, the
 * transaction can continue, unless the append used at_commit.
 */
export interface PgLog<Events = EventMap> extends Log<Events, PgAppendOptions>, Batches<Events> {
  /** The last batch that this connection has committed, or null. */
  lastAppend(): Promise<AppendResult | null>;
}

export type TransactionHandler<Events, Client> = (
  event_records: EventRecord<Events>[],
  batch: Batch<Events>,
  client: Client,
) => unknown;

/** Handlers write in the transaction that moves the cursor: exactly once. Older facts are delivered in background. */
export interface PgStore<Events = EventMap, Client = PgClient>
  extends PgLog<Events>,
    DurableStreams<Events, TransactionHandler<Events, Client>, PgSubscriptionOptions> {
  /** Runs the body in a transaction, and again in a new one after ConflictError: up to `attempts` (20) times in all. */
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

/** A log of a PostgreSQL database, through a pool of the driver pg. */
export declare function fromPg<Events = EventMap, Client extends PgClient = PgClient>(
  pool: PgPool<Client>,
  options?: PgOptions,
): PgStore<Events, Client>;
/** The same through one client, in the transactions of the program. */
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

/** A store in a SQLite file. The file is created if it does not exist. */
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
  /** Such as conditional_append_conflict; docs/errors.md lists all codes. */
  readonly code: string;
  /** The SQLSTATE of the same error in the extension, or an empty string. */
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
/** It is unknown whether an append was committed. Repeat it with its idempotency key. */
export declare class ConnectionLostError extends FactstrError {}
export declare class HandlerFailedError extends FactstrError {}
export declare class UnsupportedError extends FactstrError {}
export declare class ClosedError extends FactstrError {}
export declare class InterruptedError extends FactstrError {}
export declare class NotConnectedError extends FactstrError {}
export declare class PermissionDeniedError extends FactstrError {}
export declare class ReadOnlyError extends FactstrError {}

/** The version of the library in the package. */
export declare const version: string;

export {};
