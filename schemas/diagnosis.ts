import { z } from 'zod';
import { AttackPoint, DiagnosisFigures } from './report.ts';

/** What one model's diagnosis found, as it lies in the store. */
export const Diagnosis = z.strictObject({ figures: DiagnosisFigures, attacks: z.array(AttackPoint) });
export type Diagnosis = z.infer<typeof Diagnosis>;
