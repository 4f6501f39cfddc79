import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { indexSettings } from '../../cache/index.ts';
import { shownIndex } from '../../cache/simple-index.ts';
import { temporaryFolder } from '../worker-server/folder.ts';

let home: string;
let environment: Record<string, string>;
beforeEach(async () => {
  home = await temporaryFolder();
  // Nothing of this machine counts but /etc/pip.conf, which names no index where tests run.
  environment = { HOME: home, XDG_CONFIG_DIRS: join(home, 'etc') };
});

async function file(path: string, text: string): Promise<string> {
  await mkdir(dirname(join(home, path)), { recursive: true });
  await writeFile(join(home, path), text);
  return join(home, path);
}

const settings = (option?: string) => indexSettings(option, environment);

describe('the index that pip would ask', () => {
  it('is PyPI unless said otherwise', () => {
    expect(settings()).toMatchObject({ urls: ['https://pypi.org/simple'], from: 'the default' });
  });

  it('is that of the flag, then of the variables, then of files', async () => {
    const conf = await file('.config/pip/pip.conf', '[global]\nindex-url = https://file.example/simple\n');
    expect(settings()).toMatchObject({ urls: ['https://file.example/simple'], from: conf });
    environment.PIP_INDEX_URL = 'https://variable.example/simple/';
    environment.PIP_EXTRA_INDEX_URL = 'https://more.example/simple  http://and.example/simple';
    expect(settings()).toMatchObject({
      urls: ['https://variable.example/simple/', 'https://more.example/simple', 'http://and.example/simple'],
      from: 'PIP_INDEX_URL',
    });
    expect(settings('http://flag.example/simple')).toMatchObject({
      urls: ['http://flag.example/simple'],
      from: '--index',
    });
    environment.PIP_INDEX_URL = ' ';
    expect(settings().from).toBe(conf);
  });

  it('is read in the form of the files, whose order is that of pip', async () => {
    await file('etc/pip/pip.conf', '[global]\nindex-url: https://machine.example/simple\n');
    expect(settings().urls).toEqual(['https://machine.example/simple']);
    await file(
      '.pip/pip.conf',
      [
        '# the mirror',
        '[global]',
        'timeout = 3',
        'Index_URL = https://user.example/simple',
        'extra-index-url =',
        '    https://one.example/simple',
        '  # not this one',
        '    https://two.example/simple',
        'cert=/etc/own.pem',
      ].join('\r\n'),
    );
    expect(settings()).toMatchObject({
      urls: ['https://user.example/simple', 'https://one.example/simple', 'https://two.example/simple'],
      ca: '/etc/own.pem',
    });
    await file('venv/pip.conf', '[install]\nindex-url = https://venv.example/simple\n');
    environment.VIRTUAL_ENV = join(home, 'venv');
    expect(settings().urls[0]).toBe('https://venv.example/simple');
    // A section of a command goes before [global], whatever the file.
    const named = await file('named.conf', '[global]\nindex-url = https://named.example/simple\n');
    environment.PIP_CONFIG_FILE = named;
    expect(settings().urls).toEqual(['https://venv.example/simple']);
    delete environment.VIRTUAL_ENV;
    expect(settings()).toMatchObject({ urls: ['https://named.example/simple'], from: named });
    environment.PIP_CONFIG_FILE = '/dev/null';
    expect(settings().from).toBe('the default');
  });

  it.each([
    [
      'ftp://a.example/simple',
      /--index names no package index.*https:\/\/host\/simple, found "ftp:\/\/a\.example/,
    ],
    ['a.example/simple', /found "a\.example\/simple"/],
    ['file://name:secret@a.example/x', /^(?!.*secret)/],
  ])('refuses %s', (option, words) => {
    expect(() => settings(option)).toThrow(expect.objectContaining({ code: 'BAD_CONFIG' }));
    expect(() => settings(option)).toThrow(words);
  });

  it('is shown without name and password', () => {
    expect(shownIndex(settings('https://name:secret@a.example/simple'))).toBe(
      'https://a.example/simple (--index)',
    );
  });
});
