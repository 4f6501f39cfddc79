import parquet from 'parquetjs-lite';
import { expect, it } from 'vitest';
import { Shredder } from '../../store/parquet/shred.ts';

const leaf = (type: string) => ({ type, optional: true, statistics: false as const });
const list = (element: object) => ({
  type: 'LIST',
  optional: true,
  fields: { list: { repeated: true, fields: { element } } },
});

const definition = {
  text: leaf('UTF8'),
  flag: leaf('BOOLEAN'),
  small: leaf('INT32'),
  large: leaf('INT64'),
  number: leaf('DOUBLE'),
  bytes: leaf('BYTE_ARRAY'),
  image: { optional: true, fields: { bytes: leaf('BYTE_ARRAY'), path: leaf('UTF8') } },
  words: list(leaf('UTF8')),
  numbers: list(leaf('DOUBLE')),
  messages: list({ optional: true, fields: { role: leaf('UTF8'), content: leaf('UTF8') } }),
};

const rows: Record<string, unknown>[] = [
  {
    text: 'Grüße 🙂',
    flag: false,
    small: -7,
    large: 2 ** 53 - 1,
    number: -0,
    bytes: Uint8Array.of(0, 255),
    image: { bytes: Uint8Array.of(1, 2, 3), path: 'a.png' },
    words: { list: [{ element: '' }, { element: 'b' }] },
    numbers: { list: [{ element: 0.1 }, { element: -0 }, { element: 1e-300 }] },
    messages: {
      list: [{ element: { role: 'user', content: 'x' } }, { element: { role: 'a', content: '' } }],
    },
  },
  {
    text: '',
    flag: true,
    small: 0,
    large: 0,
    number: 5e-324,
    bytes: new Uint8Array(0),
    image: { bytes: new Uint8Array(0), path: null },
    words: { list: [] },
    numbers: { list: [] },
    messages: { list: [] },
  },
  Object.fromEntries(Object.keys(definition).map((name) => [name, null])),
];

async function written(fill: (writer: InstanceType<typeof parquet.ParquetWriter>) => Promise<void> | void) {
  const chunks: Uint8Array[] = [];
  const sink = {
    write: (bytes: Uint8Array, done: () => void) => {
      chunks.push(bytes.slice());
      done();
    },
    end: (done: () => void) => done(),
  };
  const schema = new parquet.ParquetSchema(definition);
  const writer = await parquet.ParquetWriter.openStream(schema, sink, {
    useDataPageV2: false,
    pageIndex: false,
  });
  await fill(writer);
  await writer.close();
  return Buffer.concat(chunks).toString('hex');
}

it('leaves in the writer what the library’s own shredder leaves there', async () => {
  const all = [...rows, ...rows, rows[1]!];
  const theirs = await written(async (writer) => {
    for (const row of all) await writer.appendRow(row);
  });
  const ours = await written((writer) => {
    const shredder = new Shredder(new parquet.ParquetSchema(definition));
    for (const row of all) shredder.add(row, writer.rowBuffer);
  });
  expect(ours).toBe(theirs);
});
