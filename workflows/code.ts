/** The digest of this very code: the bundle of the workflows is made with it in place of these words. */
export const workflowCodeDigest: string = '@digest-of-the-workflow-code@';

/** Key in the memo of every workflow. */
export const codeMemo = 'workflowCode';
