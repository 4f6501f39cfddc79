import type * as Library from '@huggingface/transformers';

export type HfLibrary = typeof Library;

let loaded: Promise<HfLibrary> | undefined;

/** transformers.js, loaded when a folder first needs it (it is heavy), and kept from ever looking beyond local files. */
export function hfLibrary(): Promise<HfLibrary> {
  loaded ??= import('@huggingface/transformers').then((library) => {
    library.env.allowRemoteModels = false;
    library.env.allowLocalModels = true;
    // Files are read from the model's folder itself; a copy elsewhere would outlive it.
    library.env.useFSCache = false;
    return library;
  });
  return loaded;
}
