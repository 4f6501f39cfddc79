import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Installs packages of Debian; one test file at a time. Throws where apt-get fails. */
export function install(...packages: string[]): void {
  const apt = `apt-get update -qq && apt-get install -y -qq --no-install-recommends ${packages.join(' ')}`;
  execFileSync('flock', [join(tmpdir(), 'modality-guard-apt.lock'), 'sh', '-c', apt], { stdio: 'inherit' });
}
