/**
 * Runs the journeys of README.md and docs/: the blocks behind `<!-- journey: <name> -->`, as a reader would, each journey in a new folder with an
 * empty home. What the commands print must be what stands there, but for what is another each time: see `steady`.
 *   node scripts/journeys.mjs [name…]       compares
 *   node scripts/journeys.mjs --write [name…]   writes what was printed into the documents
 * Without TEMPORAL_ADDRESS each command starts a server of its own.
 */
import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const block = /<!-- journey: ([\w-]+) -->\n```console\n([\s\S]*?)```/g;

/** The text without what is another each time: ids and digests, durations, times, and the folder of the journey; each is "…". */
export function steady(text, folder = '\0') {
  return text
    .replaceAll(folder, '…')
    .replace(/sha256:[0-9a-f]{64}/g, 'sha256:…')
    .replace(/\b[0-9a-f]{16,64}\b/g, '…')
    .replace(/\b(?:\d+ h \d+ min|\d+ min \d+ s|\d+\.\d s)\b/g, '… s')
    .replace(/\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d\S*( [A-Z]\S+)?/g, '…');
}

/** Whether lines are those of a document, in which a line "…" stands for any number of lines. */
export function agrees(expected, actual) {
  if (expected.length === 0) return actual.length === 0;
  const [first, ...rest] = expected;
  if (first !== '…') return actual[0] === first && agrees(rest, actual.slice(1));
  for (let skipped = 0; skipped <= actual.length; skipped++)
    if (agrees(rest, actual.slice(skipped))) return true;
  return false;
}

/** Commands with what they print. `code`: the exit code that a comment names: "# exit code 3". */
export function stepsIn(text) {
  const steps = [];
  for (const line of text.split('\n').slice(0, -1)) {
    const last = steps.at(-1);
    if (line.startsWith('$ ')) steps.push({ command: line.slice(2), output: [] });
    else if (last?.command.endsWith('\\') && last.output.length === 0)
      last.command = `${last.command.slice(0, -1).trimEnd()} ${line.trim()}`;
    else if (!last) throw new Error(`a journey begins with "$ <command>", found: ${line}`);
    else last.output.push(line);
  }
  return steps.map((step) => ({
    ...step,
    code: Number(/# exit code (\d+)$/.exec(step.command)?.[1] ?? 0),
  }));
}

function run(command, folder, environment) {
  const child = spawn('bash', ['-c', command], {
    cwd: folder,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'])
    child[name].setEncoding('utf8').on('data', (text) => {
      texts[name] += text;
    });
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('close', (code) => done({ ...texts, code }));
  });
}

/** A shell's environment with an empty home, and the program on its path. */
async function environmentIn(home) {
  const bin = join(home, 'bin');
  await mkdir(bin);
  const program = join(bin, 'modality-guard');
  await writeFile(
    program,
    `#!/bin/sh\nexec "${process.execPath}" "${join(root, 'cli/modality-guard.mjs')}" "$@"\n`,
  );
  await chmod(program, 0o755);
  const kept = Object.entries(process.env).filter(([name]) => !/^(XDG_|NO_COLOR|FORCE_COLOR)/.test(name));
  return { ...Object.fromEntries(kept), HOME: home, TZ: 'UTC', PATH: `${bin}:${process.env.PATH}` };
}

/** Runs one block after the other, and says of each step what it printed and whether that is what stands there. */
async function runJourney(blocks, log) {
  const place = await realpath(await mkdtemp(join(tmpdir(), 'j-')));
  let folder = join(place, 'work');
  await mkdir(folder);
  await mkdir(join(place, 'home'));
  const environment = await environmentIn(join(place, 'home'));
  const failures = [];
  try {
    for (const one of blocks)
      for (const step of one.steps) {
        log(`$ ${step.command}`);
        const moved = /^cd (\S+)$/.exec(step.command);
        if (moved) {
          folder = resolve(folder, moved[1]);
          continue;
        }
        const { code, stderr, stdout } = await run(step.command, folder, environment);
        const lines = stdout.split('\n').slice(0, -1);
        step.printed = lines.map((line) => steady(line, join(place, 'work')));
        const said = step.output.map((line) => steady(line));
        if (code === step.code && agrees(said, step.printed)) continue;
        failures.push({
          file: one.file,
          command: step.command,
          code,
          expected: said,
          printed: step.printed,
          stderr,
        });
      }
  } finally {
    await rm(place, { recursive: true, force: true });
  }
  return failures;
}

async function documents() {
  const names = (await readdir(join(root, 'docs'))).filter((name) => name.endsWith('.md')).sort();
  return ['README.md', ...names.map((name) => join('docs', name))];
}

async function main([...words]) {
  const write = words[0] === '--write';
  const wanted = write ? words.slice(1) : words;
  const journeys = new Map();
  const texts = new Map();
  for (const file of await documents()) {
    const text = await readFile(join(root, file), 'utf8');
    texts.set(file, text);
    for (const [whole, name, body] of text.matchAll(block)) {
      if (wanted.length > 0 && !wanted.includes(name)) continue;
      journeys.set(name, [...(journeys.get(name) ?? []), { file, whole, steps: stepsIn(body) }]);
    }
  }
  const failures = [];
  let count = 0;
  for (const [name, blocks] of journeys) {
    process.stderr.write(`Journey ${name}\n`);
    failures.push(...(await runJourney(blocks, (line) => process.stderr.write(`  ${line}\n`))));
    count += blocks.reduce((sum, { steps }) => sum + steps.length, 0);
    if (!write) continue;
    for (const { file, steps, whole } of blocks) {
      const body = steps.flatMap(({ command, output, printed = [] }) => [
        `$ ${command}`,
        ...(agrees(
          output.map((line) => steady(line)),
          printed,
        )
          ? output
          : printed),
      ]);
      const fresh = `<!-- journey: ${name} -->\n\`\`\`console\n${body.join('\n')}\n\`\`\``;
      texts.set(
        file,
        texts.get(file).replace(whole, () => fresh),
      );
      await writeFile(join(root, file), texts.get(file));
    }
  }
  const wrong = write
    ? failures.filter(({ code, command }) => code !== stepsIn(`$ ${command}\n`)[0].code)
    : failures;
  for (const { code, command, expected, file, printed, stderr } of wrong)
    process.stdout.write(
      [
        `${file}: $ ${command}`,
        `exit code ${code}`,
        '--- in the document',
        ...expected,
        '--- printed',
        ...printed,
        '--- stderr',
        stderr,
        '',
      ].join('\n'),
    );
  process.stdout.write(
    `${journeys.size} journeys, ${count} commands, ${wrong.length} not as they stand there\n`,
  );
  process.exitCode = wrong.length === 0 && count > 0 ? 0 : 1;
}

if (resolve(process.argv[1] ?? '') === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
