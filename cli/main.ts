/** Runs one command line. Sets process.exitCode. */
export async function main(argv: string[]): Promise<void> {
  process.stderr.write(`${argv.join(' ')}\n`);
}
