#!/usr/bin/env node
import { ensureReady, reportSetupError, runCli } from '../scripts/bootstrap.mjs';

try {
  ensureReady();
  await runCli(process.argv.slice(2));
} catch (error) {
  reportSetupError(error);
}
