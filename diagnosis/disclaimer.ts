/** What every report says of itself. */
export const disclaimer =
  'A diagnosis makes a risk visible under the conditions that were tested; it is no guarantee that the model is right ' +
  'under others.';
