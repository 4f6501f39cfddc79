import type { Comparison } from '../measure.ts';
import { diagnosis } from './diagnosis.ts';
import { largeSession } from './large-session.ts';
import { steps } from './steps.ts';

/** In the order in which they run. */
export const comparisons: readonly Comparison[] = [...steps, largeSession, diagnosis];
