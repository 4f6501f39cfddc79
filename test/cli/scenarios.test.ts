import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { previewPack, writePreview } from '../../cli/scenario-preview.ts';
import { previewText } from '../../cli/views/scenarios.ts';
import { readPack } from '../../ingest/index.ts';

const folder = () => mkdtemp(join(tmpdir(), 'scenarios-'));

describe('scenarios preview', () => {
  it('shows what a pack makes, in a page and in files, the same bytes each time', async () => {
    const options = { pack: 'document-pictures', n: 2, seed: 3 };
    const preview = await previewPack(options);
    expect(preview.scenarios.map(({ samples }) => samples.length)).toEqual([2, 2, 2, 2, 2, 2, 2]);
    const [first, second] = [await folder(), await folder()];
    await writePreview(preview, first);
    await writePreview(await previewPack(options), second);
    const files = (await readdir(first)).sort();
    expect(files).toHaveLength(2 * 7 + 1);
    for (const file of files) {
      expect(await readFile(join(second, file)), file).toEqual(await readFile(join(first, file)));
    }
    const page = await readFile(join(first, 'index.html'), 'utf8');
    expect(page.match(/<img src="data:image\/png;base64,/g)).toHaveLength(2 * 7);
  });

  it('names for each sample the picture of its own scenario, texts beside one picture too', async () => {
    const preview = await previewPack({ pack: 'work-orders', n: 2, seed: 3 });
    const out = await folder();
    const { pictures } = await writePreview(preview, out);
    for (const { name, samples } of preview.scenarios)
      expect(samples.map((sample) => pictures.get(sample))).toEqual(
        [1, 2].map((i) => join(out, `${name.replace('/', '.')}-${i}.png`)),
      );
  });

  it('shows no markup of a pack as markup', async () => {
    const pack = join(await folder(), 'odd.yaml');
    const scenario = { name: 's', hinted: 'wrong', templates: ['<script>{option}</script>'] };
    const head = { name: 'odd', description: '<b>', owner: 'o', license: 'MIT', perturbs: 'text' };
    await writeFile(pack, JSON.stringify({ ...head, scenarios: [scenario] }));
    const { page } = await writePreview(await previewPack({ pack, n: 1, seed: 1 }), await folder());
    expect(await readFile(page, 'utf8')).not.toMatch(/<script>|<b>/);
  });

  it('says which field no sample has, of a list too', async () => {
    const pack = join(await folder(), 'fields.yaml');
    const head = { name: 'fields', description: 'd', owner: 'o', license: 'MIT', perturbs: 'text' };
    const scenario = { name: 's', templates: ['Order {list:numbers}, {a|b}.'] };
    const lists = { numbers: ['{field:work_order}'] };
    await writeFile(pack, JSON.stringify({ ...head, lists, scenarios: [scenario] }));
    const { scenarios } = await previewPack({ pack, n: 1, seed: 1 });
    expect(scenarios).toMatchObject([
      { samples: [], why: expect.stringMatching(/^its texts ask for the fields work_order, .* have none/) },
    ]);
    expect(previewText('fields', [{ ...scenarios[0]!, samples: [] }])).toContain('work_order');
  });

  it('refuses a pack with file and place', async () => {
    const pack = join(await folder(), 'wrong.yaml');
    await writeFile(pack, 'name: wrong\nperturbs: text\nscenarios: []\n');
    await expect(readPack(pack)).rejects.toThrow(/wrong\.yaml: has wrong values:[\s\S]*owner/);
    const missing = join(await folder(), 'missing.yaml');
    await expect(readPack(missing)).rejects.toThrow(
      `${missing}: cannot be read: there is no such file (ENOENT); check the path`,
    );
    await expect(readPack(join(missing, '..'))).rejects.toThrow(/: it is a folder, and a file is expected/);
    await expect(readPack('no-such-pack')).rejects.toThrow(/expected a file, or one of .*work-orders/);
  });
});
