import type { EncodedImage } from '../../schemas/benchmark.ts';
import { type TableSchema, writeTableFile } from '../../store/index.ts';
import type { Exchange } from './conversation.ts';

export const exportFormats = ['llava', 'sharegpt', 'huggingface'] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** Puts files into the folder that is being written. */
export interface Target {
  /** Writes a file; the path is relative to the folder. */
  text(path: string, content: string): Promise<void>;
  /** Writes a picture once, however often it comes. @returns its path inside the folder */
  image(image: EncodedImage): Promise<string>;
  /** Absolute path of a file in the folder. */
  path(name: string): string;
}

type Writer = (exchanges: readonly Exchange[], target: Target) => Promise<void>;

/** A list with an item a line: readable, and one item at a time in memory. */
function list(items: readonly unknown[]): string {
  return `[\n${items.map((item) => JSON.stringify(item)).join(',\n')}\n]\n`;
}

const llava: Writer = async (exchanges, target) => {
  const entries: unknown[] = [];
  for (const { assistant, id, image, user } of exchanges) {
    entries.push({
      id,
      ...(image ? { image: await target.image(image) } : {}),
      conversations: [
        { from: 'human', value: user },
        { from: 'gpt', value: assistant },
      ],
    });
  }
  await target.text('data.json', list(entries));
};

/** What LLaMA-Factory has to know of the file to read it. */
const datasetInfo = {
  modality_guard: {
    file_name: 'data.json',
    formatting: 'sharegpt',
    columns: { messages: 'messages', images: 'images' },
    tags: { role_tag: 'role', content_tag: 'content', user_tag: 'user', assistant_tag: 'assistant' },
  },
};

const messagesOf = ({ assistant, user }: Exchange) => [
  { role: 'user', content: user },
  { role: 'assistant', content: assistant },
];

const sharegpt: Writer = async (exchanges, target) => {
  const entries: unknown[] = [];
  for (const exchange of exchanges) {
    const images = exchange.image ? [await target.image(exchange.image)] : [];
    entries.push({ messages: messagesOf(exchange), images });
  }
  await target.text('data.json', list(entries));
  await target.text('dataset_info.json', `${JSON.stringify(datasetInfo, null, 2)}\n`);
};

const columns = {
  id: { kind: 'string' },
  messages: { kind: 'messages' },
  image: { kind: 'image', nullable: true },
  perturbation: { kind: 'string' },
} as const satisfies TableSchema;

const huggingface: Writer = (exchanges, target) =>
  writeTableFile(
    target.path('train.parquet'),
    columns,
    exchanges.map((exchange) => ({
      id: exchange.id,
      messages: messagesOf(exchange),
      image: exchange.image,
      perturbation: exchange.perturbation,
    })),
  );

export const writers: Readonly<Record<ExportFormat, Writer>> = { llava, sharegpt, huggingface };
