import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { ErrorCode, GuardError } from '../schemas/errors.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface IndexSetting {
  /** Addresses in the form of PEP 503, the better one first; they may hold a name and a password. */
  urls: string[];
  /** Who says so: a flag, a variable, a file of pip's, or nobody. */
  from: string;
  /** The certificates that pip trusts, where it was told. */
  ca?: string;
}

const standard = 'https://pypi.org/simple';

/**
 * The package indexes that pip would ask: `option`, else PIP_INDEX_URL and PIP_EXTRA_INDEX_URL, else `index-url` and
 * `extra-index-url` of pip's files, else PyPI. Throws GuardError BAD_CONFIG for an address that is not http or https.
 */
export function indexSettings(
  option: string | undefined,
  environment: Environment = process.env,
): IndexSetting {
  const files = pipFiles(environment).map((path) => [path, settingsIn(path)] as const);
  const ca = settingOf('cert', environment, files);
  const first = option
    ? { value: option, from: '--index' }
    : (settingOf('index-url', environment, files) ?? { value: standard, from: 'the default' });
  const more = option ? undefined : settingOf('extra-index-url', environment, files);
  const urls = [first, ...(more ? [more] : [])].flatMap(({ from, value }) =>
    value.split(/\s+/).map((url) => checked(url, from)),
  );
  return { urls, from: first.from, ...(ca ? { ca: ca.value } : {}) };
}

function checked(url: string, from: string): string {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url;
  throw new GuardError(
    ErrorCode.BadConfig,
    `${from} names no package index: expected an address such as https://host/simple, found "${url.replace(/\/\/[^/]*@/, '//')}"`,
  );
}

/** pip's files in the order in which later ones win: of the machine, of the user, of the environment. */
function pipFiles(environment: Environment): string[] {
  const {
    PIP_CONFIG_FILE: named,
    VIRTUAL_ENV: venv,
    XDG_CONFIG_DIRS: dirs,
    XDG_CONFIG_HOME: own,
  } = environment;
  if (named === '/dev/null') return [];
  const machine = (dirs || '/etc/xdg').split(':').filter(isAbsolute);
  const home = environment.HOME || homedir();
  const user = named ? [] : [join(home, '.pip/pip.conf'), join(own || join(home, '.config'), 'pip/pip.conf')];
  return [
    ...machine.map((folder) => join(folder, 'pip/pip.conf')),
    '/etc/pip.conf',
    ...user,
    ...(venv ? [join(venv, 'pip.conf')] : []),
    ...(named ? [named] : []),
  ];
}

type Settings = ReadonlyMap<string, string>;

/** A section of a command goes before [global], a later file before an earlier one, and a variable before all. */
function settingOf(
  name: string,
  environment: Environment,
  files: readonly (readonly [string, Settings])[],
): { value: string; from: string } | undefined {
  const variable = `PIP_${name.toUpperCase().replaceAll('-', '_')}`;
  const set = environment[variable]?.trim();
  if (set) return { value: set, from: variable };
  for (const section of ['download', 'install', 'global']) {
    for (const [path, settings] of files.toReversed()) {
      const value = settings.get(`${section}.${name}`);
      if (value) return { value, from: path };
    }
  }
  return undefined;
}

/** The form of Python's configparser: sections, `name = value` or `name: value`, values that go on in indented lines. */
function settingsIn(path: string): Settings {
  const settings = new Map<string, string>();
  let section = '';
  let last = '';
  for (const line of textOf(path).split(/\r?\n/)) {
    if (/^\s*([#;]|$)/.test(line)) continue;
    const [, header] = /^\[(.+)\]\s*$/.exec(line) ?? [];
    const [, name, value] = /^([^\s=:][^=:]*?)\s*[=:]\s*(.*?)\s*$/.exec(line) ?? [];
    if (header !== undefined) section = header;
    else if (/^\s/.test(line) && last !== '')
      settings.set(last, `${settings.get(last)} ${line.trim()}`.trim());
    else if (name !== undefined) {
      last = `${section}.${name.toLowerCase().replaceAll('_', '-')}`;
      settings.set(last, value ?? '');
    }
  }
  return settings;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
