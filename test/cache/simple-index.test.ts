import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { findFile } from '../../cache/index.ts';
import { fetchFrom } from '../../models/index.ts';
import { sha256Of, startIndex, type TestIndex } from '../support/package-index.ts';
import { temporaryFolder } from '../worker-server/folder.ts';

const name = 'a_b-1.0+cu13-py3-none-any.whl';
const bytes = Buffer.from('a wheel');
let index: TestIndex;
beforeAll(async () => {
  index = await startIndex();
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await index.close();
});
beforeEach(() => {
  // Of this machine's own nothing counts.
  vi.stubEnv('NETRC', '/dev/null');
  Object.assign(index, { asked: [], fault: null, form: 'json', hashes: new Map() });
  index.files = new Map([
    [
      'a-b',
      new Map([
        [name, bytes],
        ['a_b-0.9-py3-none-any.whl', bytes],
      ]),
    ],
  ]);
});

const find = (file = name, urls = [index.address], project = 'a-b') =>
  findFile({ urls, from: '--index' }, project, file, fetchFrom);

describe.each(['json', 'html'] as const)('an index in %s', (form) => {
  beforeEach(() => {
    index.form = form;
  });

  it('gives the address and the hash of a file', async () => {
    const url = `http://127.0.0.1:${index.port}/files/a-b/${encodeURIComponent(name)}`;
    expect(await find()).toEqual({ url, sha256: sha256Of(bytes) });
    index.hashes.set(name, null);
    expect(await find()).toEqual({ url, sha256: null });
  });

  it('that lacks the file is named, with what it has', async () => {
    await expect(find('a_b-2.0-py3-none-any.whl')).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringMatching(
        /no package index has a_b-2\.0.*127\.0\.0\.1:\d+\/simple has a_b-1\.0.*, a_b-0\.9.* \(from --index\).*mirrored.*--index <url>/,
      ),
    });
    await expect(find(name, [index.address], 'other')).rejects.toThrow(/does not have other/);
  });

  it('gives the name and the password of its address to its own files, in a header', async () => {
    const { sha256, url } = await find(name, [index.address.replace('//', '//me:se%20cret@')]);
    expect(sha256).toBe(sha256Of(bytes));
    expect(url).toContain('//me:se%20cret@127.0.0.1');
    const basic = `Basic ${Buffer.from('me:se cret').toString('base64')}`;
    expect(index.asked).toMatchObject([{ path: '/simple/a-b/', authorization: basic }]);
  });
});

describe('an index', () => {
  it('that asks for a name and a password gets those of netrc', async () => {
    const netrc = join(await temporaryFolder(), 'netrc');
    vi.stubEnv('NETRC', netrc);
    const asked = async (text: string) => {
      await writeFile(netrc, text);
      index.asked = [];
      await find();
      const [, encoded] = /^Basic (.*)$/.exec(index.asked[0]?.authorization ?? '') ?? [];
      return encoded === undefined ? null : Buffer.from(encoded, 'base64').toString();
    };
    try {
      expect(await asked('machine other.example login me password secret')).toBeNull();
      const entry = 'machine 127.0.0.1\n  login "a \\"name\\""\n  account x\n  password p#1\n';
      expect(
        await asked(`# mine\nmacdef init\n  machine 127.0.0.1 login no\n\n${entry}default login no`),
      ).toBe('a "name":p#1');
      expect(await asked('machine a.example login b password c\ndefault login d password e')).toBe('d:e');
    } finally {
      vi.stubEnv('NETRC', '/dev/null');
    }
  });

  it('is asked for JSON first, and the next one where the first lacks the file', async () => {
    const second = await startIndex();
    const { files } = index;
    second.files = files;
    index.files = new Map([['a-b', new Map()]]);
    try {
      let accept: string | undefined;
      index.fault = ({ headers }) => {
        accept = headers.accept;
        return false;
      };
      const { url } = await find(name, [index.address, second.address]);
      expect(url).toContain(`:${second.port}/`);
      expect(accept).toMatch(/^application\/vnd\.pypi\.simple\.v1\+json, .*text\/html;q=0\.01$/);
    } finally {
      await second.close();
    }
  });

  it('may lead elsewhere: links are relative to where that is, which gets no password', async () => {
    const second = await startIndex();
    second.files = index.files;
    index.fault = ({ url }, answer) => {
      answer.writeHead(302, { location: `http://localhost:${second.port}${url}` }).end();
      return true;
    };
    try {
      const found = await find(name, [index.address.replace('//', '//me:secret@')]);
      expect(found.url).toBe(`http://localhost:${second.port}/files/a-b/${encodeURIComponent(name)}`);
      expect(second.asked).toMatchObject([{ authorization: null }]);
    } finally {
      await second.close();
    }
  });

  it('in HTML may have a base, entities, and attributes in any order', async () => {
    index.fault = (_, answer) => {
      answer.writeHead(200, { 'content-type': 'text/html' });
      answer.end(
        '<html><head><base href="https://files.example/x/?a=1&amp;b=2"></head><body><abbr href="no"></abbr>' +
          `<A class='>' HREF='y/${encodeURIComponent(name)}?t=1&amp;u=2#md5=0&sha256=${'A'.repeat(64)}'>text</A></body></html>`,
      );
      return true;
    };
    const url = `https://files.example/x/y/${encodeURIComponent(name)}?t=1&u=2`;
    expect(await find()).toEqual({ url, sha256: 'a'.repeat(64) });
  });

  it.each([
    [401, /answered 401.*netrc.*https:\/\/name:password@host\/simple/],
    [403, /answered 403.*NO_PROXY/],
    [500, /answered 500/],
  ])('that answers %i is named', async (status, words) => {
    index.fault = (_, answer) => {
      answer.writeHead(status).end();
      return true;
    };
    await expect(find()).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringMatching(words),
    });
    // What may pass is tried once more.
    expect(index.asked).toHaveLength(status === 500 ? 2 : 1);
  });

  it('that cannot be reached, or speaks something else, is named without its password', async () => {
    const gone = await startIndex();
    await gone.close();
    const address = gone.address.replace('//', '//me:secret@');
    const failure = await find(name, [address]).catch((error: Error) => error);
    expect(failure).toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/simple\/a-b\/: (?!.*secret).*ECONNREFUSED/),
    });
    index.fault = (_, answer) => {
      answer.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      return true;
    };
    await expect(find()).rejects.toThrow(/no "files"/);
    index.fault = (_, answer) => {
      answer.writeHead(302, { location: '/simple/a-b/' }).end();
      return true;
    };
    await expect(find()).rejects.toThrow(/leads on more than 5 times/);
  });
});
