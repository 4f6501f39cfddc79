#!/usr/bin/env node
import { ensureReady, reportSetupError, runCli } from '../scripts/bootstrap.mjs';

try {
  ensureReady();
  await runCli(process.argv.slice(2));
  // All is done: what a library has left open keeps nobody waiting.
  setTimeout(() => process.exit(), 5000).unref();
} catch (error) {
  reportSetupError(error);
}
