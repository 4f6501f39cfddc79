/**
 * Runs the journeys of README.md and docs/: the blocks behind `<!-- journey: <name> -->`, as a reader would, each journey in a new folder with an
 * empty home. What the commands print must be what stands there, but for what is another each time: see `steady`.
 *   node scripts/journeys.mjs [name…]       compares
 *   node scripts/journeys.mjs --write [name…]   writes what was printed into the documents
 * `<!-- journey: <name> after <other> -->` goes on where the other one has ended; `<!-- journey: <name> writes <file> -->` makes a file of its block.
 * A model behind a server is `bench/chat-server.ts`, at $MODEL_URL. The commands of a folder share one Temporal server, which is started before the first.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const block = /<!-- journey: ([\w-]+)(?: after ([\w-]+))?(?: writes (\S+))? -->\n```(\w+)\n([\s\S]*?)```/g;
const compiled = (file) => import(pathToFileURL(join(root, 'dist', file)).href);
/** Commands that need a Temporal server; `--dry-run` needs none. */
const served =
  /modality-guard (?:diagnose|run|train|pilot|status|cancel|approve|reject|schedule|drift|models (?:list|export|history|promote|rollback|alias)|audit export)\b(?!.*--dry-run)/;

/** The text without what is another each time: ids and digests, durations, times, and the folder of the journey; each is "…". */
export function steady(text, folder = '\0') {
  return text
    .replaceAll(folder, '…')
    .replace(/sha256:[0-9a-f]{64}/g, 'sha256:…')
    .replace(/\bhttp:\/\/127\.0\.0\.1:\d+/g, 'http://…')
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

/** A command of a shell that knows what earlier ones have put into variables: `name=$(…)`. */
function inShell(command, variables) {
  const [, name] = /^(\w+)=\$\(/.exec(command) ?? [];
  const kept = name ? `; declare -p ${name} > "${variables}/${name}"` : '';
  return `for each in "${variables}"/*; do [ -e "$each" ] && . "$each"; done; ${command}${kept}`;
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
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(XDG_|NO_COLOR|FORCE_COLOR|TEMPORAL_|OPENAI_|npm_)/.test(name),
  );
  const { XDG_CACHE_HOME: cache = join(homedir(), '.cache') } = process.env;
  // What is downloaded once for all projects is not fetched again for each journey.
  return {
    ...Object.fromEntries(kept),
    HOME: home,
    TZ: 'UTC',
    PATH: `${bin}:${process.env.PATH}`,
    ...(existsSync(join(cache, 'modality-guard')) ? { XDG_CACHE_HOME: cache } : {}),
  };
}

/** One folder with its home, in which journeys run one after the other. */
class Place {
  static async make(log) {
    const place = new Place();
    place.log = log;
    place.root = await realpath(await mkdtemp(join(tmpdir(), 'j-')));
    place.folder = join(place.root, 'work');
    for (const name of ['work', 'home', 'variables']) await mkdir(join(place.root, name));
    place.environment = { ...(await environmentIn(join(place.root, 'home'))) };
    place.servers = new Map();
    return place;
  }

  async serve(command) {
    if (command.includes('$MODEL_URL') && !this.chat) {
      const { ChatServer } = await compiled('bench/chat-server.js');
      this.chat = await ChatServer.start({ logprobs: true });
      this.environment.MODEL_URL = this.chat.baseUrl;
    }
    const stateDir = join(this.folder, '.modality-guard');
    if (!served.test(command) || this.servers.has(stateDir)) return;
    const { connectServer } = await compiled('worker/server/index.js');
    this.servers.set(stateDir, await connectServer({ stateDir, log: () => {} }));
  }

  /** Runs one step, and says what it printed where that, or the exit code, is not what stands there; else null. */
  async take(step) {
    const started = Date.now();
    const moved = /^cd (\S+)$/.exec(step.command);
    if (moved) {
      this.folder = resolve(this.folder, moved[1]);
      return null;
    }
    await this.serve(step.command);
    const command = inShell(step.command, join(this.root, 'variables'));
    const { code, stderr, stdout } = await run(command, this.folder, this.environment);
    this.log(`${((Date.now() - started) / 1000).toFixed(1)} s  $ ${step.command}`);
    const lines = stdout.split('\n').slice(0, -1);
    step.printed = lines.map((line) => steady(line, join(this.root, 'work')));
    const said = step.output.map((line) => steady(line));
    if (code === step.code && agrees(said, step.printed)) return null;
    return { command: step.command, code, expected: said, printed: step.printed, stderr };
  }

  async leave() {
    await this.chat?.close();
    for (const server of this.servers.values()) await server.close();
    await rm(this.root, { recursive: true, force: true });
  }
}

/** Runs a journey's blocks, then those that go on from there. */
async function runJourney(place, { blocks, next }) {
  const failures = [];
  for (const { file, steps, writes } of blocks) {
    if (writes) await writeFile(join(place.folder, writes.name), writes.text);
    for (const step of steps) {
      const failure = await place.take(step);
      if (failure) failures.push({ file, ...failure });
    }
  }
  const { folder } = place;
  for (const journey of next) {
    place.folder = folder;
    place.log(`Journey ${journey.name}`);
    failures.push(...(await runJourney(place, journey)));
  }
  return failures;
}

async function documents() {
  const names = (await readdir(join(root, 'docs'))).filter((name) => name.endsWith('.md')).sort();
  return ['README.md', ...names.map((name) => join('docs', name))];
}

/** The journeys of the documents by name, each with its blocks and with those that go on from it. */
export function journeysIn(texts) {
  const journeys = new Map();
  for (const [file, text] of texts)
    for (const [whole, name, after, written, language, body] of text.matchAll(block)) {
      const journey = journeys.get(name) ?? { name, after, blocks: [], next: [] };
      journeys.set(name, journey);
      if (!written && language !== 'console')
        throw new Error(
          `${file}: the journey ${name} has a block of ${language}; expected console, or "writes <file>"`,
        );
      journey.blocks.push(
        written
          ? { file, whole, steps: [], writes: { name: written, text: body } }
          : { file, whole, steps: stepsIn(body) },
      );
    }
  for (const { after, name } of journeys.values())
    if (after && !journeys.has(after))
      throw new Error(`the journey ${name} goes on from ${after}, which is nowhere`);
  for (const journey of journeys.values()) if (journey.after) journeys.get(journey.after).next.push(journey);
  return journeys;
}

/** The names and those of the journeys that they go on from. */
function withBefore(names, journeys) {
  const found = new Set();
  for (let name of names) for (; name && journeys.has(name); name = journeys.get(name).after) found.add(name);
  return found;
}

function freshBlock({ steps, whole }) {
  const body = steps.flatMap(({ command, output, printed = [] }) => [
    `$ ${command}`,
    ...(agrees(
      output.map((line) => steady(line)),
      printed,
    )
      ? output
      : printed),
  ]);
  return `${whole.slice(0, whole.indexOf('\n'))}\n\`\`\`console\n${body.join('\n')}\n\`\`\``;
}

async function main([...words]) {
  const write = words[0] === '--write';
  const texts = new Map();
  for (const file of await documents()) texts.set(file, await readFile(join(root, file), 'utf8'));
  const journeys = journeysIn(texts);
  const names = write ? words.slice(1) : words;
  const wanted = withBefore(names.length > 0 ? names : journeys.keys(), journeys);
  for (const journey of journeys.values()) journey.next = journey.next.filter(({ name }) => wanted.has(name));
  const failures = [];
  for (const journey of journeys.values()) {
    if (journey.after || !wanted.has(journey.name)) continue;
    process.stderr.write(`Journey ${journey.name}\n`);
    const place = await Place.make((line) => process.stderr.write(`  ${line}\n`));
    try {
      failures.push(...(await runJourney(place, journey)));
    } finally {
      await place.leave();
    }
  }
  const run = [...journeys.values()].filter(({ name }) => wanted.has(name)).flatMap(({ blocks }) => blocks);
  if (write) {
    for (const one of run.filter(({ steps }) => steps.length > 0)) {
      texts.set(
        one.file,
        texts.get(one.file).replace(one.whole, () => freshBlock(one)),
      );
      await writeFile(join(root, one.file), texts.get(one.file));
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
  const count = run.reduce((sum, { steps }) => sum + steps.length, 0);
  process.stdout.write(
    `${wanted.size} journeys, ${count} commands, ${wrong.length} not as they stand there\n`,
  );
  process.exitCode = wrong.length === 0 && count > 0 ? 0 : 1;
}

if (resolve(process.argv[1] ?? '') === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
