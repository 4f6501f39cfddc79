import { type TaskKind, taskKinds } from '../../schemas/benchmark.ts';
import type { Pilot, Prices } from '../../schemas/estimate.ts';
import { TrainConfig } from '../../schemas/training.ts';
import type { Findings } from './findings.ts';

export interface Repair {
  steps: number;
  batch: number;
  /** Samples that the training takes, and those that have yet to be labelled, by kind. */
  samples: Record<TaskKind, number>;
  toAdd: Record<TaskKind, number>;
  /** On the machine that measured; null: nobody has. */
  secondsPerStep: number | null;
  /** The same work by device; null where the step time is not known. */
  devices: { name: string; hours: number | null; cost: number | null }[];
  /** The cheapest device. */
  device: string | null;
  costs: { labelling: number; compute: number; people: number; diagnosis: number };
  total: number;
}

/** What is known of the training before it is done. */
export interface TrainingFacts {
  batch: number;
  /** Steps asked for where no curve says how many. */
  steps: number;
  secondsPerStep: number | null;
  available: Partial<Record<TaskKind, number>>;
  /** Requests of one diagnosis. */
  requests: number;
}

const { batch: defaultBatch, steps: defaultSteps } = TrainConfig.parse({});

export function trainingFacts(findings: Findings, pilot: Pilot | null, prices: Prices): TrainingFacts {
  const { training } = prices;
  return {
    batch: pilot?.batch ?? training.batch ?? defaultBatch,
    steps: training.steps ?? findings.trainedSteps ?? defaultSteps,
    secondsPerStep: pilot?.secondsPerStep ?? findings.secondsPerStep ?? training.secondsPerStep ?? null,
    available: prices.available ?? pilot?.available ?? {},
    requests: Object.values(findings.figures).reduce((sum, { n }) => sum + n, 0),
  };
}

/** Samples a training of `steps` takes: of eight rows one image-heavy and one text-heavy pair, and four of VQA. */
function samplesOf(steps: number, batch: number): Record<TaskKind, number> {
  const pairs = Math.ceil((steps * batch) / 8);
  return { image_heavy: pairs, text_heavy: pairs, vqa: 4 * pairs };
}

/** What a training of `steps` takes and costs. */
export function repairOf(steps: number, facts: TrainingFacts, prices: Prices): Repair {
  const { available, batch, requests, secondsPerStep } = facts;
  const samples = samplesOf(steps, batch);
  const toAdd = { ...samples };
  for (const kind of taskKinds) toAdd[kind] = Math.max(0, samples[kind] - (available[kind] ?? 0));
  const devices = prices.devices.map(({ name, pricePerHour, speedRelativeToThis }) => {
    const hours = secondsPerStep === null ? null : (steps * secondsPerStep) / speedRelativeToThis / 3600;
    return { name, hours, cost: hours === null ? null : hours * pricePerHour };
  });
  const cheapest = devices.reduce((a, b) => ((b.cost ?? 0) < (a.cost ?? 0) ? b : a));
  const { endpoint, labelling, people } = prices;
  const costs = {
    labelling: taskKinds.reduce((sum, kind) => sum + toAdd[kind], 0) * (labelling?.perSample ?? 0),
    compute: cheapest.cost ?? 0,
    people: people.reduce((sum, { hours, perHour }) => sum + hours * perHour, 0),
    diagnosis: endpoint ? (endpoint.diagnoses * requests * endpoint.perThousandRequests) / 1000 : 0,
  };
  return {
    steps,
    batch,
    samples,
    toAdd,
    secondsPerStep,
    devices,
    device: secondsPerStep === null ? null : cheapest.name,
    costs,
    total: Object.values(costs).reduce((sum, cost) => sum + cost, 0),
  };
}
