export { diagnose } from './diagnose.ts';
export { driftWatch } from './drift.ts';
export { notice } from './notice.ts';
export { pilot } from './pilot.ts';
export { registry } from './registry.ts';
export { robustify } from './robustify.ts';
export { rollout } from './rollout.ts';
export { train } from './training.ts';
