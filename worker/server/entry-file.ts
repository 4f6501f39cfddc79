/**
 * The file to run as a process of its own. Node runs only compiled code: from a .ts source (as in tests) it is the same
 * path below dist/.
 */
export function entryFile(importerUrl: string, file: `./${string}.ts`): URL {
  const url = new URL(file, importerUrl);
  if (!importerUrl.endsWith('.ts')) return new URL(url.href.replace(/\.ts$/, '.js'));
  const marker = '/worker/server/';
  const at = url.href.lastIndexOf(marker);
  return new URL(`${url.href.slice(0, at)}/dist${url.href.slice(at).replace(/\.ts$/, '.js')}`);
}
