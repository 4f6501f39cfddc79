import { Random } from '../../random/index.ts';
import { labelOf, type PerturbedSample } from '../../schemas/benchmark.ts';
import {
  type AttackBatch,
  type AttackOptions,
  type AttackResult,
  type AttackSource,
  answersOf,
} from './batch.ts';
import { answersUnder, Course, halvesOf } from './halves.ts';
import { placeOf, type Words } from './words.ts';

/** Times that each place of a trigger is tried anew. */
const SWEEPS = 3;
/** Tokens, of those that promise most, that are tried at a place by running the model. */
const TRIED = 12;
/** Tokens that are spelt at most, until enough of them are read as they are meant. */
const SPELT = 1000;
/** Tokens whose embeddings are looked up together. */
const CHUNK = 4096;

/** Tokens, and their text. */
interface Trigger {
  ids: readonly number[];
  text: string;
}

/**
 * Answers of half of the samples with a few tokens before each question, the same for all, that were found on the other half. The
 * tokens are real ones, and their text, as it is in the result, is read as just these tokens. Found place by place: the tokens
 * that promise the largest rise of the loss, to the first order (its gradient by the embedding at the place, summed over the
 * training half, times a token's embedding), are tried by running the model, and the best one stays. `eps` is the number of tokens.
 * Source: Wallace et al. 2019, "Universal Adversarial Triggers for Attacking and Analyzing NLP", after Ebrahimi et al. 2018 (HotFlip).
 * Throws GuardError BAD_INPUT where there are fewer than two source items.
 */
export async function attackByTrigger(
  source: AttackSource,
  samples: readonly PerturbedSample[],
  options: AttackOptions,
): Promise<AttackResult> {
  const { eps: length, seed } = options;
  const { measured, training } = halvesOf(samples, seed);
  const course = new Course(options, samples.length, SWEEPS * length * (TRIED + 1) + 2);
  const words = await source.words();
  const random = new Random(seed, 'attack', 'universal_text', length);
  const drawn = [0, 1].map(() => drawTrigger(words, length, random));
  const [start, other] = drawn;
  if (!start || !other)
    return {
      predictions: [],
      leftOut: 'its tokenizer reads no text as tokens that were put together by hand',
    };
  const found = await new Search(source, words, training, course).from(start);
  const answers = ({ text }: Trigger) =>
    answersUnder(source, withTrigger(measured, text), course, ({ embeds }) => embeds);
  return { predictions: await answers(found), control: await answers(other), trigger: found.text };
}

function withTrigger(samples: readonly PerturbedSample[], text: string): PerturbedSample[] {
  return samples.map((sample) => ({
    ...sample,
    context: sample.context ? `${text}\n${sample.context}` : text,
  }));
}

function drawTrigger(words: Words, length: number, random: Random): Trigger | null {
  for (let i = 0; i < SPELT; i++) {
    const ids = Array.from({ length }, () => words.ids[random.int(words.ids.length)]!);
    const text = words.spell(ids);
    if (text !== null) return { ids, text };
  }
  return null;
}

class Search {
  private readonly source: AttackSource;
  private readonly words: Words;
  private readonly training: readonly PerturbedSample[];
  private readonly course: Course;

  constructor(source: AttackSource, words: Words, training: readonly PerturbedSample[], course: Course) {
    this.source = source;
    this.words = words;
    this.training = training;
    this.course = course;
  }

  /** The trigger where no place can be bettered any more, or after the last sweep. */
  async from(start: Trigger): Promise<Trigger> {
    let best = start;
    let loss = await this.loss(start);
    for (let sweep = 0, before = -Infinity; sweep < SWEEPS && loss > before; sweep++) {
      before = loss;
      for (const place of start.ids.keys()) {
        for (const tried of await this.promising(best, place)) {
          const found = await this.loss(tried);
          if (found > loss) [best, loss] = [tried, found];
        }
      }
    }
    return best;
  }

  /** Mean over the training half of the negative log of the right answer's chance, nats. */
  private async loss({ text }: Trigger): Promise<number> {
    const read = withTrigger(this.training, text);
    const answers = await answersUnder(this.source, read, this.course, ({ embeds }) => embeds);
    return (
      answers.reduce((sum, a) => sum - Math.log(Math.max(a.probabilities[labelOf(a)]!, 1e-12)), 0) /
      answers.length
    );
  }

  /** Triggers that differ at one place, those first that promise the largest loss. */
  private async promising(trigger: Trigger, place: number): Promise<Trigger[]> {
    const slope = await this.slopeAt(trigger, place);
    const { ids } = this.words;
    const scores = new Float64Array(ids.length);
    for (let from = 0; from < ids.length; from += CHUNK) {
      const chunk = ids.slice(from, from + CHUNK);
      const table = await this.words.embeddings(chunk);
      for (let i = 0; i < chunk.length; i++) {
        let sum = 0;
        for (const [j, rise] of slope.entries()) sum += rise * table[i * slope.length + j]!;
        scores[from + i] = sum;
      }
    }
    const order = [...ids.keys()].sort((a, b) => scores[b]! - scores[a]! || a - b);
    const found: Trigger[] = [];
    for (const i of order.slice(0, SPELT)) {
      if (found.length === TRIED) break;
      if (ids[i] === trigger.ids[place]) continue;
      const tried = trigger.ids.with(place, ids[i]!);
      const text = this.words.spell(tried);
      if (text !== null) found.push({ ids: tried, text });
    }
    return found;
  }

  /** The loss's gradient by the embedding at a place of the trigger, summed over the training half. */
  private async slopeAt({ ids, text }: Trigger, place: number): Promise<Float32Array> {
    const read = withTrigger(this.training, text);
    let slope = new Float32Array(0);
    for await (const batch of this.source.batches(read, this.course.quiet)) {
      const gradient = await batch.gradient(batch.embeds, answersOf(batch, read));
      const width = gradient.length / batch.mask.length;
      if (slope.length === 0) slope = new Float32Array(width);
      for (const at of placesOf(batch, ids)) {
        for (let i = 0; i < width; i++) slope[i]! += gradient[(at + place) * width + i]!;
      }
    }
    this.course.count();
    return slope;
  }
}

/** Of each row the token where the trigger begins; a row whose own text was drawn into it has none. */
function placesOf({ ids, indices, mask }: AttackBatch, trigger: readonly number[]): number[] {
  const length = mask.length / indices.length;
  return indices.flatMap((_, row) => {
    const from = mask.indexOf(1, row * length);
    const at = placeOf(trigger, ids, from, (row + 1) * length);
    return from < 0 || at < 0 ? [] : [at];
  });
}
