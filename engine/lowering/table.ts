import { attention } from './attention.ts';
import { groupQuery } from './group-query.ts';
import type { Lowering } from './lowering.ts';
import { norms } from './norms.ts';
import { quantised } from './quantised.ts';
import { rotary } from './rotary.ts';

/** Fused and quantised operations as simpler ones; names outside the standard domain carry their domain. */
export const FUSED: Readonly<Record<string, Lowering>> = {
  ...attention,
  ...norms,
  ...rotary,
  ...quantised,
  'com.microsoft.GroupQueryAttention': groupQuery,
};
