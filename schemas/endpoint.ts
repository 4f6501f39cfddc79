import { z } from 'zod';
import { unansweredOutcomes } from './benchmark.ts';
import { UnansweredCounts } from './report.ts';

const price = z.number().nonnegative();

/** endpoint.json: a model behind an OpenAI-compatible server. It never holds a key: that is read from the environment. */
export const EndpointConfig = z
  .strictObject({
    /** Up to the part before /chat/completions; usually it ends in /v1. */
    baseUrl: z
      .url({ protocol: /^https?$/, error: 'expected an address like http://127.0.0.1:8000/v1' })
      .refine((url) => !/[?#@]/.test(url), {
        error: 'expected an address without name, key, query and fragment',
      }),
    /** The model's name on the server. */
    model: z.string().min(1),
    /** The environment variable that holds the key. Without it no key goes over plain HTTP to another machine. */
    apiKeyEnv: z
      .string()
      .regex(/^[A-Za-z_]\w*$/, 'expected the name of an environment variable')
      .optional(),
    /** Requests under way at once; fewer while the server says that there are too many. */
    concurrency: z.number().int().min(1).max(256).default(8),
    /** Of one attempt, from sending it to the last byte of the answer. */
    timeoutSeconds: z.number().positive().max(3600).default(120),
    /** Attempts a request, before the step fails. */
    attempts: z.number().int().min(1).max(20).default(6),
    /** Longest answer, in tokens; absent: 16, and more once an answer ended there without naming an option. */
    maxTokens: z.number().int().min(1).max(65_536).optional(),
    /** What one image counts at most as, in prompt tokens; the worst case of the budget. */
    imageTokens: z.number().int().nonnegative().default(4096),
    /** In any one currency. */
    prices: z
      .strictObject({ promptPerMillion: price, completionPerMillion: price, perImage: price.default(0) })
      .optional(),
    /** Most that this endpoint may cost in a project, over all runs. */
    budget: z.number().positive().optional(),
    /** Of the waiting times between attempts. */
    seed: z.number().int().default(0),
  })
  .refine(({ budget, prices }) => budget === undefined || prices !== undefined, {
    path: ['prices'],
    error: 'a budget needs prices: {"promptPerMillion": ..., "completionPerMillion": ..., "perImage": ...}',
  });
export type EndpointConfig = z.infer<typeof EndpointConfig>;

/** The first and the last time of answers; null: none of them has one. */
const span = { from: z.string().nullable(), to: z.string().nullable() };
const names = z.array(z.string());

/** What can be seen from outside of which model stands behind an address, at one time. */
export const Fingerprint = z.strictObject({
  at: z.string(),
  models: names,
  systemFingerprints: names,
  /** What the server's list of models says of it; null: nothing. */
  entry: z.record(z.string(), z.string()).nullable(),
  /** The distributions over the options of the fixed questions. */
  canary: z.array(z.array(z.number())),
});
export type Fingerprint = z.infer<typeof Fingerprint>;

/** The model behind an address over a run, beside what stood there before. */
export const ServedModel = z.strictObject({
  start: Fingerprint,
  end: Fingerprint,
  /** Fixed questions that got another answer when they were asked again at once. */
  unsteady: z.number().int().nonnegative(),
  /** What changed between start and end, in words; empty: nothing that can be seen. */
  changed: names,
  /** A night of a schedule: it is compared with the night before. */
  nightly: z.boolean(),
  /** The last diagnosis before (of nights: the last night), and what is another since; null: there was none. */
  before: z.strictObject({ workflowId: z.string(), at: z.string(), changed: names }).nullable(),
});
export type ServedModel = z.infer<typeof ServedModel>;

/**
 * What the answers of one table came from and cost; those from the response cache at what they cost then. Each request counts once, with the
 * question that it was sent for, and with it those for the same question whose answers ended too early.
 */
export const EndpointUse = z.strictObject({
  samples: z.number().int(),
  /** Answers read from probabilities, from the text alone, and questions without an answer. */
  readFrom: z.strictObject({ logprobs: z.number().int(), text: z.number().int(), nothing: z.number().int() }),
  /** Why questions have no answer; absent: all have one. */
  unanswered: UnansweredCounts.optional(),
  /** By outcome the words of a server, or of a model, that led to it. */
  words: z.partialRecord(z.enum(unansweredOutcomes), z.string()).optional(),
  /** Longest answer that was asked for in the end, in tokens, and whether it was set or chosen by what the first requests showed. */
  maxTokens: z.strictObject({ tokens: z.number().int().positive(), set: z.boolean() }).optional(),
  promptTokens: z.number().int(),
  completionTokens: z.number().int(),
  /** 0 without prices. */
  cost: z.number(),
  /** When they were given. */
  asked: z.strictObject(span).optional(),
  /** Of these, answers to runs before this one; absent: none. */
  reused: z.strictObject({ answers: z.number().int().positive(), ...span }).optional(),
  /** What they say of the model: its names, and values of `system_fingerprint`. */
  served: z.strictObject({ models: names, systemFingerprints: names }).optional(),
});
export type EndpointUse = z.infer<typeof EndpointUse>;
