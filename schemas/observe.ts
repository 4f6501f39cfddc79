import { z } from 'zod';

const positive = z.number().positive();
/** "port" or "host:port"; without a host loopback. */
const listenAddress = z
  .string()
  .regex(/^([\w.-]+:|\[[\da-f:]+\]:)?\d{1,5}$/i, { error: 'expected a port, or host:port' });
const variable = z
  .string()
  .regex(/^[A-Za-z_]\w*$/, { error: 'expected the name of an environment variable' });

export const logFormats = ['text', 'json'] as const;
export type LogFormat = (typeof logFormats)[number];

/** What a worker logs. */
export const LogSettings = z.strictObject({
  /** text: into worker.log of the state folder; json: a line each on stderr. */
  format: z.enum(logFormats).default('text'),
  level: z.enum(['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR']).default('WARN'),
  /** A log file that would become larger is set aside. */
  maxMegabytes: positive.default(10),
  /** As many that were set aside are kept. */
  files: z.number().int().min(1).max(100).default(3),
});
export type LogSettings = z.infer<typeof LogSettings>;

/** Where something is sent by OTLP. `headers`: their values are taken from these environment variables. */
const Otlp = z.strictObject({
  url: z.url({ protocol: /^(https?|grpcs?)$/ }),
  headers: z.record(z.string(), variable).default({}),
});

/** How the command `worker` is looked at from outside. */
export const ObserveConfig = z.strictObject({
  logs: LogSettings.prefault({}),
  /** Metrics of Temporal's SDK: served for Prometheus, or sent. */
  metrics: z
    .union([
      z.strictObject({ prometheus: listenAddress }),
      z.strictObject({ otlp: Otlp.extend({ protocol: z.enum(['grpc', 'http']).default('grpc') }) }),
    ])
    .nullable()
    .default(null),
  /** Spans of workflows and steps, sent as OTLP over HTTP; a URL such as http://127.0.0.1:4318/v1/traces. */
  traces: z.strictObject({ otlp: Otlp }).nullable().default(null),
  /** Serves /healthz and /readyz. */
  health: listenAddress.nullable().default(null),
});
export type ObserveConfig = z.infer<typeof ObserveConfig>;
export type MetricsConfig = ObserveConfig['metrics'];

export const noticeKinds = [
  'gate_waits',
  'night_failed',
  'rule_broken',
  'drift_alarm',
  'schedule_paused',
] as const;
export type NoticeKind = (typeof noticeKinds)[number];

/** Whom to tell, and of what. Secrets come from the environment alone. */
export const NotifyConfig = z
  .strictObject({
    on: z.array(z.enum(noticeKinds)).default([...noticeKinds]),
    /** Gets each notice as JSON by POST. `urlFrom`, `headers`: environment variables that hold the value. */
    webhook: z
      .strictObject({
        url: z.url({ protocol: /^https?$/ }).optional(),
        urlFrom: variable.optional(),
        headers: z.record(z.string(), variable).default({}),
      })
      .refine(({ url, urlFrom }) => (url === undefined) !== (urlFrom === undefined), {
        error: 'give either url or urlFrom',
      })
      .optional(),
    /** A program and its arguments, without a shell; gets each notice as JSON on stdin. */
    command: z.array(z.string().min(1)).min(1).optional(),
    /** Of one try. */
    timeoutSeconds: positive.max(300).default(10),
  })
  .refine(({ command, webhook }) => (command === undefined) !== (webhook === undefined), {
    error: 'give either a webhook or a command',
  });
export type NotifyConfig = z.infer<typeof NotifyConfig>;

/** What people are told: JSON of webhooks and commands. */
export interface Notice {
  /** The same in every try, and of no other notice. */
  id: string;
  kind: NoticeKind;
  at: string;
  model: string;
  workflowId: string;
  runId: string;
  /** One sentence or a few. */
  message: string;
  /** What to do: command lines of modality-guard, to be completed where they have "<…>". */
  commands: string[];
}
