/**
 * What kind of failure an error is; `cli/exit-codes.ts` turns it into the exit code.
 *
 * `usage` 2, `failed` 3, `permission` 4, `not-found` 5, `unsupported` 6, `reverted` 7, `revert-failed` 8, `busy` 9,
 * `timeout` 124.
 */
export type Reason =
  | 'usage'
  | 'failed'
  | 'permission'
  | 'not-found'
  | 'unsupported'
  | 'reverted'
  | 'revert-failed'
  | 'busy'
  | 'timeout';

/** What every error carries beside its one line. */
export interface ErrorFacts {
  /** Stable identifier such as `SL1203`, listed in `lib/error-catalog.ts`. */
  code: string;
  reason: Reason;
  /** Why it happened, one fact a line; printed as `cause:`. */
  causes?: readonly string[];
  /** Commands or actions that help, printed as `try:`. */
  hints?: readonly string[];
  /** Machine-readable facts for `-o json`. */
  details?: Readonly<Record<string, unknown>>;
  cause?: unknown;
}

/**
 * The root of all errors that sluice raises on purpose: facts first, one line second, evidence on request.
 *
 * `code` is stable, the text is not. Anything else that reaches the command line is a defect and is reported as such.
 */
export abstract class SluiceError extends Error {
  readonly code: string;
  readonly reason: Reason;
  readonly causes: readonly string[];
  readonly hints: readonly string[];
  readonly details: Readonly<Record<string, unknown>>;

  constructor(message: string, facts: ErrorFacts) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = new.target.name;
    this.code = facts.code;
    this.reason = facts.reason;
    this.causes = facts.causes ?? [];
    this.hints = facts.hints ?? [];
    this.details = facts.details ?? {};
  }
}

/** The user asked for something that cannot be understood or may not be combined. */
export class UsageError extends SluiceError {
  constructor(message: string, facts: Partial<ErrorFacts> = {}) {
    super(message, { code: 'SL1000', reason: 'usage', ...facts });
  }
}

/** An operation on the node failed, or the answer could not be determined. */
export class OperationError extends SluiceError {
  constructor(message: string, facts: Partial<ErrorFacts> & { code: string }) {
    super(message, { reason: 'failed', ...facts });
  }
}

/** The named object does not exist. */
export class NotFoundError extends SluiceError {
  constructor(message: string, facts: Partial<ErrorFacts> = {}) {
    super(message, { code: 'SL1005', reason: 'not-found', ...facts });
  }
}

/** Somebody else holds what this needs: a lock, or another unconfirmed change. */
export class BusyError extends SluiceError {
  constructor(message: string, facts: Partial<ErrorFacts> = {}) {
    super(message, { code: 'SL1009', reason: 'busy', ...facts });
  }
}

/** The caller lacks root or a capability. */
export class PermissionError extends SluiceError {
  constructor(message: string, facts: Partial<ErrorFacts> = {}) {
    super(message, { code: 'SL1004', reason: 'permission', ...facts });
  }
}

/** This kernel, machine or build lacks `feature`. */
export class UnsupportedError extends SluiceError {
  constructor(feature: string, facts: Partial<ErrorFacts> & { needs?: string } = {}) {
    const { needs, ...rest } = facts;
    super(needs === undefined ? `${feature} is not supported here` : `${feature} needs ${needs}`, {
      code: 'SL1006',
      reason: 'unsupported',
      ...rest,
    });
  }
}

/** A system call that the kernel refused; `errno` is positive, `errnoName` is its symbol (`EPERM`). */
export class SyscallError extends SluiceError {
  readonly call: string;
  readonly errno: number;
  readonly errnoName: string;

  constructor(call: string, errno: number, errnoName: string, detail = '') {
    super(detail === '' ? `${call}: ${errnoName}` : `${call}: ${errnoName}: ${detail}`, {
      code: 'SL2000',
      reason: reasonOfErrno(errnoName),
      details: { call, errno, errnoName },
    });
    this.call = call;
    this.errno = errno;
    this.errnoName = errnoName;
  }
}

/** Which attribute of a request the kernel objected to: its names from the outside in, and its offset in the message. */
export interface RefusedAttribute {
  path: string;
  offset: number;
}

/** A netlink request that the kernel refused: `operation` names message and object, `extendedAck` is the kernel's own text. */
export class NetlinkError extends SluiceError {
  readonly operation: string;
  readonly errno: number;
  readonly errnoName: string;
  readonly extendedAck: string;

  constructor(operation: string, errno: number, errnoName: string, ack: { text?: string; attribute?: RefusedAttribute; others?: readonly string[] } = {}) {
    const { text = '', attribute, others = [] } = ack;
    super(text === '' ? `${operation}: ${errnoName}` : `${operation}: ${errnoName}: ${text}`, {
      code: errnoName === 'EOPNOTSUPP' ? 'SL2701' : 'SL2700',
      reason: errnoName === 'ENODEV' ? 'not-found' : reasonOfErrno(errnoName),
      causes: [...(attribute === undefined ? [] : [`the kernel points at ${attribute.path}`]), ...others],
      details: { operation, errno, errnoName, extendedAck: text, ...(attribute === undefined ? {} : { attribute }) },
    });
    this.operation = operation;
    this.errno = errno;
    this.errnoName = errnoName;
    this.extendedAck = text;
  }

  /** The same refusal with those of other requests of its batch as further causes. */
  withOthers(others: readonly string[]): NetlinkError {
    const attribute = this.details['attribute'] as RefusedAttribute | undefined;
    return new NetlinkError(this.operation, this.errno, this.errnoName, { text: this.extendedAck, others, ...(attribute === undefined ? {} : { attribute }) });
  }
}

/** Why and where the verifier refused a program, as far as its log tells. */
export interface Refusal {
  /** In its own words, the decisive one last. */
  reasons: readonly string[];
  /** Number of the instruction that it was looking at, and what that does. */
  instruction?: number;
  code?: string;
  /** The line of C that it is made of, and `file:line` where the kernel tells. */
  source?: { text: string; place?: string };
  /** What was known of the registers that the instruction or the reason name. */
  registers: Readonly<Record<string, string>>;
  /** What helps against well-known causes. */
  advice: readonly string[];
  /** Where the whole log was saved. */
  logFile?: string;
}

/** The verifier refused a program. `log` is its whole text. */
export class VerifierError extends SluiceError {
  readonly program: string;
  readonly errnoName: string;
  readonly log: string;
  readonly refusal: Refusal;

  constructor(program: string, errnoName: string, log: string, refusal: Refusal) {
    const { reasons, instruction, code, source, registers, advice, logFile } = refusal;
    const line = source === undefined ? undefined : source.place === undefined ? source.text : `${source.place} (${source.text})`;
    const place = line ?? (instruction === undefined ? undefined : `instruction ${instruction}`);
    super(`load ${program}: ${errnoName}${place === undefined ? '' : ` at ${place}`}: ${reasons.at(-1) ?? 'refused by the verifier'}`, {
      code: 'SL2100',
      reason: 'failed',
      causes: [
        ...reasons.slice(0, -1),
        ...(code === undefined ? [] : [`instruction ${instruction}: ${code}`]),
        ...Object.entries(registers).map(([register, state]) => `${register} is ${state}`),
      ],
      hints: [...advice, ...(logFile === undefined ? [] : [`the whole log: ${logFile}`])],
      details: { program, errnoName, ...refusal },
    });
    this.program = program;
    this.errnoName = errnoName;
    this.log = log;
    this.refusal = refusal;
  }
}

/** A program that sluice ran exited with an error. `stderr` is bounded and stripped of escapes. */
export class ToolError extends SluiceError {
  readonly argv: readonly string[];
  readonly exitCode: number | undefined;
  readonly stderr: string;

  constructor(argv: readonly string[], outcome: { exitCode?: number; signal?: string; stderr: string }) {
    const ended = outcome.signal === undefined ? 'failed' : `was ended by ${outcome.signal}`;
    const how = outcome.exitCode === undefined ? ended : `exited ${outcome.exitCode}`;
    const first = outcome.stderr.trim().split('\n')[0] ?? '';
    super(`${argv[0]} ${how}${first === '' ? '' : `: ${first}`}`, {
      code: 'SL2200',
      reason: 'failed',
      causes: outcome.stderr.trim().split('\n').slice(0, 8),
      details: { argv, ...outcome },
    });
    this.argv = argv;
    this.exitCode = outcome.exitCode;
    this.stderr = outcome.stderr;
  }
}

/** Text from outside that does not parse; `line` and `column` count from 1. */
export class ParseError extends SluiceError {
  readonly source: string;
  readonly line: number;
  readonly column: number;

  constructor(source: string, line: number, column: number, what: string, facts: Partial<ErrorFacts> = {}) {
    super(`${source}:${line}:${column}: ${what}`, {
      code: 'SL1100',
      reason: 'usage',
      ...facts,
      details: { source, line, column, ...facts.details },
    });
    this.source = source;
    this.line = line;
    this.column = column;
  }
}

function reasonOfErrno(errnoName: string): Reason {
  if (errnoName === 'EPERM' || errnoName === 'EACCES') return 'permission';
  if (errnoName === 'EBUSY' || errnoName === 'EAGAIN') return 'busy';
  if (errnoName === 'EOPNOTSUPP' || errnoName === 'ENOSYS' || errnoName === 'ENOTSUPP') return 'unsupported';
  return 'failed';
}
