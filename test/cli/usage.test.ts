import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { modalityGuard } from './command.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

describe('usage', () => {
  it('answers --version and --help on stdout with 0', async () => {
    expect(await modalityGuard(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
    const help = await modalityGuard(['run', '--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    for (const flag of [
      '--benchmark',
      '--model',
      '--config',
      '--seed',
      '--policy',
      '--steps',
      '--state-dir',
      '--ui',
    ]) {
      expect(help.stdout).toContain(flag);
    }
  });

  it.each([
    [['rnu'], /unknown command 'rnu'[\s\S]*Did you mean run\?/],
    [['run', '--polcy', 'demo'], /unknown option '--polcy'[\s\S]*Did you mean --policy\?/],
    [['run', '--seed', 'x'], /--seed.*'x' is invalid.*a whole number/],
    [['run', '--steps', '0'], /a whole number above 0/],
    [['run', '--port', '70000'], /a port, 1 to 65535/],
    [['run', 'extra'], /too many arguments/],
    [['models', 'export', 'champion'], /--out <folder>' not specified/],
    [['schedule', 'create'], /--nightly' not specified/],
    [['schedule', 'create', '--nightly', '--at', '25:00'], /a time such as 03:00/],
    [['drift', 'watch'], /--logs <folder>' not specified/],
    [['audit', 'export', '--out', 'x'], /missing required argument 'workflow'/],
    [
      ['diagnose', '--model', '127.0.0.1:8611/ok/v1', '--model-name', 'm'],
      /the address 127\.0\.0\.1:8611\/ok\/v1 needs http:\/\/ or https:\/\//,
    ],
    [['diagnose', '--model', 'localhost:8000', '--model-name', 'm'], /needs http:/],
    [[], /Usage: modality-guard/],
  ])('refuses %j with 2, in words on stderr', async (args, words) => {
    const { code, stdout, stderr } = await modalityGuard(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(words);
  });
});
