import { readFileSync } from 'node:fs';

function statusBytes(field: 'VmHWM' | 'VmRSS'): number {
  const line = readFileSync('/proc/self/status', 'utf8').match(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm'));
  return 1024 * Number(line?.[1]);
}

/** Memory of this process that lies in RAM now (Linux only). */
export const residentBytes = (): number => statusBytes('VmRSS');

/** The most that ever lay in RAM. */
export const peakBytes = (): number => statusBytes('VmHWM');
