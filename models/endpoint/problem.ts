/** What a server says went wrong, wherever in its answer it says so. */
export interface Problem {
  /** In the server's own words. */
  message: string;
  /** Codes, types and statuses that stand beside the message, in one line. */
  codes: string;
  /** Told by the body before the status line; 0: neither says. */
  status: number;
}

type Fields = Record<string, unknown>;
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Names of statuses that stand in bodies; beside a status line of their own they are too vague. */
const statusNames: [RegExp, number][] = [
  [/insufficient_quota|billing|payment/i, 402],
  [/unauthenticated|authentication_error|invalid_api_key/i, 401],
  [/permission_(?:denied|error)/i, 403],
  [/not_?found/i, 404],
  [/resource_exhausted|rate_?limit|too_many_requests|throttl/i, 429],
  [/overloaded/i, 529],
  [/deadline_exceeded|timeout/i, 504],
  [/unavailable|upstream/i, 503],
  [/internal|server_error|api_error/i, 500],
  [/invalid_(?:argument|request)|bad_?request/i, 400],
];

/**
 * The error in a body: `{error: {…}}`, `{error: "…"}`, `[{error}]`, `{object: "error", message}`, `{detail}`, `{errors: […]}`, and
 * what else servers write; null: it holds none.
 */
export function problemIn(body: unknown, httpStatus: number): Problem | null {
  const error = errorIn(body);
  if (error === null) return null;
  const [fields, outer] = [isFields(error) ? error : {}, isFields(body) ? body : {}];
  const said = ['code', 'type', 'status', 'reason', 'param'].flatMap((key) => {
    const [inner, around] = [fields[key], outer[key]];
    return [inner, around].filter((value) => typeof value === 'string' || typeof value === 'number');
  });
  const codes = [...said, ...innerCodes(fields)].join(' ');
  const numbers = [
    fields.code,
    fields.status,
    fields.status_code,
    outer.code,
    outer.status,
    outer.status_code,
  ];
  const own = numbers.map(Number).find((value) => Number.isInteger(value) && value >= 400 && value < 600);
  const named = httpStatus >= 400 ? httpStatus : (statusNames.find(([name]) => name.test(codes))?.[1] ?? 0);
  return { message: wordsOf(error) || codes, codes, status: own ?? named };
}

function errorIn(body: unknown): unknown {
  if (Array.isArray(body)) return body.map(errorIn).find((found) => found !== null) ?? null;
  if (!isFields(body)) return null;
  const inside = [body.error, body.errors, body.detail].find(
    (value) => value !== undefined && value !== null,
  );
  if (inside !== undefined && inside !== false && inside !== '') return inside;
  const status = isFields(body.base_resp) ? Number(body.base_resp.status_code) : 0;
  if (status !== 0) return body.base_resp;
  const saysSo = body.object === 'error' || body.type === 'error' || !('choices' in body);
  const words = [body.message, body.msg, body.error_msg, body.errorMessage, body.title, body.Message];
  // Some wrap another form into the message.
  const wrapped = isFields(body.message) ? errorIn(body.message) : null;
  return saysSo && (wrapped !== null || words.some((value) => typeof value === 'string'))
    ? (wrapped ?? body)
    : null;
}

/** Azure puts the filter's code inside, OpenRouter the moderator's reasons. */
function innerCodes({ innererror, metadata }: Fields): string[] {
  const inner = isFields(innererror) && typeof innererror.code === 'string' ? [innererror.code] : [];
  const flagged =
    isFields(metadata) && (metadata.flagged_input !== undefined || Array.isArray(metadata.reasons));
  return [...inner, ...(flagged ? ['content flagged'] : [])];
}

function wordsOf(error: unknown): string {
  if (typeof error === 'string') return error;
  if (Array.isArray(error)) return error.map(wordsOf).filter(Boolean).join('; ');
  if (!isFields(error)) return '';
  const { loc, metadata } = error;
  const keys = ['message', 'msg', 'error_msg', 'errorMessage', 'status_msg', 'detail', 'title', 'Message'];
  const words =
    keys.map((key) => error[key]).find((value) => typeof value === 'string' && value !== '') ?? '';
  const nested = words === '' && isFields(error.error) ? wordsOf(error.error) : '';
  const place = Array.isArray(loc) ? `${loc.join('.')}: ` : '';
  const raw = isFields(metadata) && typeof metadata.raw === 'string' ? `: ${metadata.raw}` : '';
  return `${place}${words}${nested}${raw}`;
}

/** What follows from a problem. */
export type Consequence =
  /** Of this sample alone: a filter withholds it; it is too long, or its picture cannot be used. */
  | 'filtered'
  | 'impossible'
  /** The answer did not fit into the longest length. */
  | 'cut_off'
  /** The longest length that was asked for is more than the server gives. */
  | 'too_much_room'
  /** It asks in a way that the server does not know. */
  | 'refused'
  | 'again'
  | 'too_many'
  | 'key'
  | 'quota'
  | 'not_found';

const filters =
  /content[ _-]?(?:filter|policy|management|moderation|safety)|content exists risk|content flagged|data_?inspection|responsible_?ai|moderation|prohibited_content|inappropriate content|(?:input|prompt|message|content|image|picture|text|request)s?\b(?: \S+){0,4} (?:flagged|filtered|censored|moderated)|(?:input|prompt|content|image) (?:was |has been )?blocked|flagged (?:as|by|for)|safety (?:system|filter|setting|polic|reason)|usage polic|violat\w+ [^.]{0,30}(?:guidelines?|polic)|guardrail|_sensitive|敏感|不合规|违规|违反/i;

const pictures =
  /(?:could not|cannot|can['’]?t|failed to|unable to|error|invalid|corrupt\w*|not a valid|unsupported)\b[^.]{0,30}\b(?:process|decod\w*|load\w*|identify|open|read|pars\w*)\b[^.]{0,30}\b(?:image|picture)|\binvalid[_ ]image|image_(?:parse|too|content|size)\w*|(?:image|picture)s?\b[^.]{0,60}\b(?:too (?:large|small|big)|corrupt\w*|exceeds?|must be (?:at least|smaller|larger|less)|dimensions?)|\baspect ratio\b|\b(?:height|width)\b[^.]{0,60}\b(?:must be|larger|smaller|at least|restrictions?)/i;

const lengths =
  /context_length|exceed_context|string_above_max|request_too_large|(?:maximum|max|exceed\w*|beyond|longer|limit\w*|over|fits?|larger|available)\b[^.]{0,80}\bcontext\b|\bcontext\b[^.]{0,60}\b(?:length|window|size|limit|of \d+|exceed\w*|overflow\w*|full)|\b(?:prompt|input|messages?|request|text)\b[^.]{0,40}\b(?:too (?:long|large|many tokens)|longer than)|too many (?:input |prompt )?tokens|(?:payload|entity|body) too large|input tokens? (?:count )?[^.]{0,20}exceeds?|\binputs?\b.{0,3} (?:must have less than|tokens \+)|range of input length/i;

const tooLittleRoom =
  /higher max_tokens|max_tokens or model output limit was reached|output limit was reached/i;
const room = /max_(?:completion_|output_|new_)?tokens|completion tokens|output tokens/i;
const tooMuch =
  /too (?:large|high|big)|at most|less than or equal|must be (?:<|less)|exceeds?|maximum|range|up to \d/i;

const emptyAccount =
  /insufficient_quota|insufficient (?:balance|credit|quota|funds)|no quota|too few credits|out of credits|any credits|balance is too low|budget[ _](?:has been )?exceeded|\b(?:key|credit|spend\w*) limits? (?:exceeded|reached)|reached [^.]{0,40}\busage limits?|call volume quota|arrearage|billing_not_active|free_?tier[^.]{0,40}(?:exhausted|only)|free tier [^.]{0,40}exhausted|余额不足|欠费/i;

const wrongKey =
  /(?:api[ _-]?key|token|credentials?)\b[^.]{0,20}\b(?:not valid|invalid|expired)|(?:incorrect|invalid|missing)[^.]{0,20}\b(?:api[ _-]?key|authorization)|login fail/i;
const wrongModel =
  /invalid_model|\binvalid model\b|\bunknown model\b|\bmodel not found\b|\bmodel\b [^.]{0,60}\b(?:does not exist|not found)/i;
const tooOften = /too many requests|rate[ _-]?limit|request limit/i;
/** Of servers that give such things a status of their own. */
const passes = /\bcrashed\b|out of memory|capacity[ _]exceeded|failed during generation/i;

const asksInVain =
  /invalid|unsupported|not (?:supported|allowed|enabled|permitted|implemented)|must be|is required|unknown (?:field|parameter|argument)|no argument|unrecognized/i;

/** What follows from a problem: by what the body says, then by the status. */
export function consequenceOf({ codes, message, status }: Problem): Consequence {
  const all = `${codes} ${message}`;
  // These say of themselves what they are, whatever else they mention.
  const plain = [401, 402, 408, 425, 429, 502, 503, 504, 529].includes(status);
  if (status === 402 || emptyAccount.test(all)) return 'quota';
  // More than a whole minute's quota never fits.
  if (status === 429 && /\brequest too large\b/i.test(message)) return 'impossible';
  if (!plain) {
    if (tooLittleRoom.test(all)) return 'cut_off';
    if (/log[-_ ]?prob/i.test(all)) return 'refused';
    if (filters.test(all) && !/\b(?:account|ip address|your ip)\b/i.test(message)) return 'filtered';
    if (status === 413 || lengths.test(all) || pictures.test(all)) return 'impossible';
    if (room.test(all) && tooMuch.test(all)) return 'too_much_room';
  }
  if (status === 401 || status === 403) return 'key';
  if (status === 404 || status === 405) return 'not_found';
  if (status === 429) return 'too_many';
  if (status === 501 || status === 505) return 'refused';
  if (!plain && status >= 500 && /(?:is|are) not supported|does not support/i.test(message)) return 'refused';
  if (status >= 500 || [408, 409, 425].includes(status)) return 'again';
  if (status >= 400 && passes.test(all)) return 'again';
  if (wrongKey.test(all)) return 'key';
  if (wrongModel.test(all)) return 'not_found';
  if (status >= 400) return 'refused';
  if (tooOften.test(all)) return 'too_many';
  if (/unexpected endpoint|no route|unknown (?:path|endpoint|url)|cannot (?:get|post)|not found/i.test(all))
    return 'not_found';
  if (/unauthori[sz]ed|forbidden|api[ _-]?key|authenticat/i.test(all)) return 'key';
  return asksInVain.test(all) ? 'refused' : 'again';
}
