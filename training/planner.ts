import { Random } from '../random/index.ts';
import { type PerturbedSample, TaskKind, taskKinds } from '../schemas/benchmark.ts';
import { ErrorCode, GuardError } from '../schemas/errors.ts';
import { mixNone, stepShares, type TrainConfig } from '../schemas/training.ts';

/** A clean sample and one of its perturbed forms. */
export interface Pair {
  clean: PerturbedSample;
  perturbed: PerturbedSample;
}

/** The rows of one step, half of the first two kinds perturbed. */
export interface StepRows {
  imageHeavy: Pair[];
  textHeavy: Pair[];
  vqa: PerturbedSample[];
}

/** One sample with all its perturbed forms. */
interface Family {
  clean: PerturbedSample;
  perturbed: PerturbedSample[];
}

/** Which rows each training step sees: a pure function of the rows, the seed and the step. */
export class BatchPlanner {
  private readonly families: Record<TaskKind, Family[]>;
  private readonly batch: number;
  private readonly seed: number;
  private readonly augmentation: boolean;
  private readonly vqaAlone: boolean;
  private readonly shares: Record<TaskKind, number>;

  /**
   * `rows` holds clean rows (perturbation `origin`) and, under the same id, their perturbed forms.
   * Throws GuardError BAD_INPUT where a clean row has no perturbed form, and where a kind of task is absent that is not to be left out.
   */
  constructor(
    rows: readonly PerturbedSample[],
    {
      batch,
      seed,
      augmentation,
      data,
      mix,
    }: Pick<TrainConfig, 'batch' | 'seed' | 'augmentation' | 'data' | 'mix'>,
  ) {
    this.vqaAlone = data === 'vqa';
    this.batch = batch;
    this.seed = seed;
    this.augmentation = augmentation;
    const families = familiesOf(rows);
    const of = (kind: TaskKind) => {
      const found = families.filter((family) => family.clean.taskKind === kind);
      const fail = (what: string) => new GuardError(ErrorCode.BadInput, `training rows: ${what}`);
      if (found.length === 0 && mix !== mixNone)
        throw fail(`no ${kind} rows; mix them in (training.mix), or leave them out with "mix": "${mixNone}"`);
      const alone = kind === TaskKind.Vqa ? undefined : found.find((f) => f.perturbed.length === 0);
      if (alone && augmentation) throw fail(`sample '${alone.clean.id}' (${kind}) has no perturbed form`);
      return found;
    };
    this.families = {
      image_heavy: of(TaskKind.ImageHeavy),
      text_heavy: of(TaskKind.TextHeavy),
      vqa: of(TaskKind.Vqa),
    };
    this.shares = stepShares(
      batch,
      taskKinds.filter((kind) => this.families[kind].length > 0),
    );
    if (this.shares.image_heavy + this.shares.text_heavy === 0)
      throw new GuardError(
        ErrorCode.BadInput,
        'training rows: nothing is perturbed; training needs image-heavy or text-heavy samples',
      );
  }

  /** Rows of step `step`, counted from 0. */
  step(step: number): StepRows {
    if (this.vqaAlone) {
      const vqa = this.draw(TaskKind.Vqa, step, this.batch).map((family) => family.clean);
      return { imageHeavy: [], textHeavy: [], vqa };
    }
    const random = new Random(this.seed, 'perturbed form', step);
    const paired = (kind: TaskKind) =>
      this.draw(kind, step, this.shares[kind]).map(({ clean, perturbed }) => ({
        clean,
        perturbed: this.augmentation ? random.pick(perturbed) : clean,
      }));
    return {
      imageHeavy: paired(TaskKind.ImageHeavy),
      textHeavy: paired(TaskKind.TextHeavy),
      vqa: this.draw(TaskKind.Vqa, step, this.shares.vqa).map((family) => family.clean),
    };
  }

  /** Takes from a shuffled pass over all samples of the kind; each pass has its own order. */
  private draw(kind: TaskKind, step: number, count: number): Family[] {
    const all = this.families[kind];
    const result: Family[] = [];
    let at = step * count;
    while (result.length < count) {
      const order = this.order(kind, Math.floor(at / all.length), all.length);
      const from = at % all.length;
      const taken = order.slice(from, from + count - result.length);
      for (const index of taken) result.push(all[index] as Family);
      at += taken.length;
    }
    return result;
  }

  private readonly orders = new Map<string, number[]>();

  private order(kind: TaskKind, pass: number, length: number): number[] {
    const key = `${kind} ${pass}`;
    let order = this.orders.get(key);
    if (!order) {
      order = new Random(this.seed, 'order', kind, pass).shuffle(Array.from({ length }, (_, i) => i));
      this.orders.set(key, order);
    }
    return order;
  }
}

function familiesOf(rows: readonly PerturbedSample[]): Family[] {
  const byId = new Map<string, Family>();
  for (const row of rows) {
    if (row.perturbation !== 'origin') continue;
    if (byId.has(row.id)) {
      throw new GuardError(
        ErrorCode.BadInput,
        `training rows: sample '${row.id}' is there twice unperturbed`,
      );
    }
    byId.set(row.id, { clean: row, perturbed: [] });
  }
  for (const row of rows) {
    if (row.perturbation === 'origin') continue;
    const family = byId.get(row.id);
    if (!family) {
      throw new GuardError(
        ErrorCode.BadInput,
        `training rows: sample '${row.id}' (${row.perturbation}) lacks its unperturbed row (perturbation origin)`,
      );
    }
    family.perturbed.push(row);
  }
  return [...byId.values()].sort((a, b) => (a.clean.id < b.clean.id ? -1 : 1));
}
