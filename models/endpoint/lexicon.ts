/** Words by which people and models state, deny, doubt and take back an answer, in the languages of most benchmarks. */

const word = (...all: string[]) => String.raw`(?<![\p{L}\p{N}_])(?:${all.join('|')})(?![\p{L}\p{N}_])`;

export const opening = String.raw`[\s([{<"'“„‘«‹【「『《〈〔$→⇒➡]*`;
export const closing = String.raw`[\s)\]}>"'”“’»›】」』》〉〕$]*`;

const copulas =
  "is|are|was|be|it['’]s|that['’]s|ist|sind|wäre|lautet|heißt|est|serait|c['’]est|es|sería|son|è|sarebbe|é|seria|são|это";
const articles = "the|an?|die|der|das|den|eine?|la|le|les|une?|l['’]|el|los|las|una?|il|lo|uno|o|os|uma?";
const nouns = 'options?|choices?|letter|antwort|opción|opcao|opção|opzione|lettre|letra|buchstabe|вариант';
const adverbs =
  'clearly|probably|likely|most likely|definitely|certainly|surely|obviously|therefore|thus|hence|so|then|also|finally|simply|just|maybe|perhaps|possibly|wahrscheinlich|vermutlich|daher|donc|probablement|probablemente|entonces|provavelmente|quindi';
const lead = String.raw`(?:(?:${copulas}|${articles}|${nouns}|${adverbs}|would be|should be|must be|correct|right|best|:)(?:\s+|(?<=['’:])))*`;

/** What stands right before a stated option. */
const answers = 'answer|ans|antwort|lösung|réponse|respuesta|solución|risposta|resposta|ответ';
const adjectives = String.raw`(?:\s+(?:correcta?|corretta|correte|correta|juste|exacte|richtige|giusta|final|choice|option|letter))?`;
const verb = '(?:is|are|would be|should be|must be|will be|ist|lautet|wäre|est|serait|es|sería|è|é|seria)';
export const statedBefore = new RegExp(
  [
    String.raw`(?<![\p{L}\p{N}_])(?:${answers})${adjectives}(?:\s+${verb})?["'”]?[\s.,]*[:=–—-]?\s*${lead}${opening}$`,
    String.raw`(?:correct|right|best|richtige|correcta?|bonne|correta|corretta|final)\s+(?:${nouns})\s+${verb}\s*:?\s*${lead}${opening}$`,
    String.raw`(?:opción|option|opção|opzione)\s+(?:correcta?|correta|corretta)\s+${verb}\s*:?\s*${lead}${opening}$`,
    String.raw`${word('guess', 'say', 'i (?:think|believe)(?: that)?', 'ich (?:denke|glaube),?(?: dass)?', 'je (?:pense|crois)(?: que)?', 'creo(?: que)?', 'choose', 'pick', 'select', 'go with', 'going with', 'opt for', 'i meant', 'i mean', 'wähle', 'nehme', 'choisis', 'opte pour', 'dirais', 'elijo', 'escojo', 'selecciono', 'diría', 'escolho', 'diria', 'scelgo', 'выбираю')}\s*:?\s*${lead}${opening}$`,
    String.raw`(?:答案|正解|正答|答え|解答|回答|答|정답|답)\s*(?:应该|應該|很可能|可能)?(?:是|为|為|选|選|は|が|은|는)?\s*[:=]?\s*(?:选项|選項|選択肢)?${opening}$`,
    String.raw`(?:正确|正確)(?:的)?(?:选项|選項|答案)(?:应该|應該)?(?:是|为|為)\s*:?${opening}$`,
    `(?:选|選)(?:择|擇)?${opening}$`,
    `我(?:认为|認為|觉得|覺得)(?:是|选|選)?${opening}$`,
  ].join('|'),
  'iu',
);

/** What says right behind an option that it is the answer. */
export const statedAfter = new RegExp(
  [
    String.raw`^${closing}(?:${verb}|would be|must be)\s+(?:\p{L}+ly\s+)?(?:(?:the|die|la|le|a|el)\s+)?(?:(?:most|best|only|one|más|plus)\s+){0,2}(?:correct|right|best|answer|accurate|likely|appropriate|richtig|korrekt|correcte?|juste|bonne|réponse|correct[ao]|respuesta|corret[ao]|resposta|corretta|giusta|risposta)`,
    `^${closing}(?:项|項|选项)?(?:是|为|為)?(?:正确|正確|对的|對的|最)`,
    `^${closing}(?:が|は)(?:正解|正しい|答え|適切|最も)`,
    String.raw`^${closing}(?:번)?(?:가|이)\s*(?:정답|맞|옳|답)`,
  ].join('|'),
  'iu',
);

/** What may stand right before a letter that is meant as an option. */
export const meansBefore = new RegExp(
  String.raw`(?:^|[.!?,;:\n=>•])\s*(?:\d+[.)]\s*)?(?:(?:${adverbs}|but|aber|however|and|or|sure|certainly|okay|ok|hm+|i think|i guess|und|sondern|mais|pero|sino|mas|ma|ni|weder|noch|neither|nor|not|no)\s*[,:!]?\s*)*[^\p{L}\p{N}]*$|${word(copulas, nouns, answers, "l['’]option", 'option', 'als', 'für', 'pour', 'por', 'per', 'for', 'nor', 'or', 'and', 'oder', 'und', 'ou', 'et', 'o', 'y', 'ni', 'noch', 'not', 'nicht', 'pas', 'no', 'non', 'não', 'sondern', 'but', 'mais', 'pero', 'sino', 'mas', 'ma', 'be', 'seems', 'würde', 'könnte', 'dürfte', 'muss', 'kann', 'dass es', 'both', 'either', 'neither')}\s*:?\s*(?:(?:the|die|la|le|el)\s+)?${opening}$|(?:it|that|there|he|she)['’]s\s+${opening}$`,
  'iu',
);

/** A and I are words, too: behind the letter stands no noun, but a mark, the end, or one of these. */
export const goesOn =
  /^(?:$|[^\p{L}\p{N}\s"“'‘«’+-]|["”'’»](?![\p{L}\p{N}])|\s*\n|\s*$|[ \t]+(?:[^\p{L}\p{N}"“'‘«]|(?:is|was|are|because|since|as|due|given|based|which|but|so|and|or|nor|not|rather|instead|seems|looks|would|cannot|isn['’]t|does|doesn['’]t|fits|matches|shows|ist|weil|denn|oder|und|noch|sondern|passt|sein|sagen|est|n['’]est|ne|car|ou|et|ni|mais|es|no|porque|o|y|pero|sino|è|é|perché|non|não|mas)(?![\p{L}\p{N}'’-]))|[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]|[ \t]+[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}])/u;

/** Where another thought begins. */
export const clauseBreak = new RegExp(
  String.raw`[.!?;\n。！？；，、…—–]|,(?!\s*(?:dass|ob|que|si|se|that|if|whether|che)(?!\p{L}))|${word('and(?= (?:choose|pick|select|say|go))', '(?<!thing |all )but', 'so', 'therefore', 'thus', 'hence', 'sondern', 'aber', 'daher', 'deshalb', 'mais', 'donc', 'sino', 'pero', 'entonces', 'mas', 'portanto', 'ma', 'bensì', 'quindi')}|而是|但是|但|所以|因此|따라서|하지만|なので|だから|なく`,
  'giu',
);

/** What denies, or leaves open, the options that come behind it in the same clause. */
export const deniedBefore = new RegExp(
  [
    word(
      'not',
      'never',
      'neither',
      'nor',
      'no',
      'none',
      'without',
      'cannot',
      'unable',
      'instead of',
      'rather than',
      'than',
      'unlike',
      'except',
      '(?:any|every|no)thing but',
      'all but',
      String.raw`exclud\p{L}*`,
      String.raw`eliminat\p{L}*`,
      'rul(?:e|es|ed|ing) out',
      'wrong',
      'incorrect',
      'false',
      'unlikely',
      'impossible',
      'hard to (?:say|tell)',
      'if(?! (?:i|we) (?:had|have|must|were|am|need))',
      'whether',
      'unless',
    ),
    String.raw`n['’]t(?!\p{L})`,
    word('nicht', String.raw`kein\p{L}*`, 'weder', 'ohne', 'statt', 'außer', 'falsch', 'ob', 'falls', 'wenn'),
    word('ne', 'pas', 'ni', String.raw`aucun\p{L}*`, 'sans', 'jamais', 'fausse?'),
    String.raw`(?<!\p{L})n['’](?=\p{L})`,
    word(
      'nunca',
      String.raw`ningun\p{L}*`,
      'ningún',
      'sin',
      'tampoco',
      'si(?! tratta)',
      '(?<!-)se(?! trata)',
    ),
    word(
      'não',
      'nem',
      'sem',
      String.raw`nenhum\p{L}*`,
      'non',
      'né',
      'senza',
      String.raw`nessun\p{L}*`,
      'не',
      'нет',
    ),
    '并非|並非|非|没|沒|无法|無法|不(?![过過仅僅妨断错])|排除|是否|如果|もし(?!く)|만약',
  ].join('|'),
  'iu',
);

/** The same, right behind an option; the second kind speaks of one option alone. */
export const deniedAfter = new RegExp(
  [
    String.raw`^${closing}(?:(?:is|are|was|were|looks?|seems?|appears?|would be)\s+(?:\p{L}+\s+)?|(?:can|could|must|should|may)\s+(?:\p{L}+\s+)?be\s+)(?:not|wrong|incorrect|false|unlikely|impossible|implausible|out|excluded|eliminated|ruled out)(?!\p{L})`,
    String.raw`^${closing}(?:(?:isn|aren|wasn|can|couldn|doesn|don|won)['’]t|cannot|does not|do not)(?!\p{L})`,
    String.raw`^${closing}(?:ist|sind|passt|passen|kann|können|scheidet)\s+(?:\p{L}+\s+)?(?:nicht|falsch|ausgeschlossen|aus)(?!\p{L})`,
    String.raw`^${closing}(?:n['’]|ne\s|(?:est|sont)\s+(?:\p{L}+\s+)?(?:fauss?e?s?|incorrecte?s?|exclue?s?|erronée?s?)(?!\p{L}))`,
    String.raw`^${closing}(?:no\s|non\s|não\s|(?:es|son|è|sono|é|são)\s+(?:\p{L}+\s+)?(?:incorrect[ao]s?|fals[aoei]s?|erróne[ao]s?|sbagliat[ao]|errat[ao]|errad[ao]s?|incorret[ao]s?)(?!\p{L}))`,
    String.raw`^${closing}(?:(?:という|だと)?(?:は|が|も)?\s*(?:では|じゃ)|でな|で(?:も|は)?な|は(?:間違|誤|不正解|違|な|考え)|が(?:間違|誤)|(?:は|が)正しくな|かどうか|とは|[はがもをの][^、。，\n]{0,15}(?:(?<!しれ)ません|(?<!違い|違いは|しか)な(?:い|かった)))`,
    `^${closing}(?:项|項|选项)?(?:是|都|也)?(?:不|并|並非|错|錯|被排除|有误|有誤)`,
    String.raw`^${closing}(?:번)?(?:가|이|은|는|이라고|라고|인지)?\s*(?:아니|아닙|아닌|틀|잘못|인지|모르)|^${closing}(?:는|은|가|이|도|를|을)\s*[^,.\n]{0,15}(?:않|없|못)`,
  ].join('|'),
  'iu',
);
export const ofOneAlone = /^[^\p{L}]*(?:is|was|isn|doesn|does|ist|est|es|è|é|n['’]est)(?!\p{L})/iu;

/** What stands between options that are offered beside each other. */
export const offeredBeside = new RegExp(
  String.raw`^${closing}[.:]?[\s(]*(?:[,/&+|、;]|\n\s*[-–•]|${word('or', 'and', 'nor', 'oder', 'und', 'noch', 'ou', 'et', 'ni', 'o', 'u', 'y', 'e', 'ou bien', 'или', 'и')}|或者?|和|还是|還是|または|もしくは|あるいは|か|と|や|또는|혹은|이나|나|와|과)\s*(?:(?:[,/]|or|and|nor|oder|und|noch|ou|et|ni|possibly|maybe|perhaps|even|also|either|(?:${nouns})|${articles})\s*){0,4}${opening}$`,
  'iu',
);
export const byWord = /[\p{L}&+|/]/u;

/** What takes back what was said before it. The first kind does so for sure. */
const clauseStart = String.raw`(?:^|[.,;:!?\n。，、；…—–-])[\s"“(*]{0,8}`;
export const takesBack = new RegExp(
  `${clauseStart}(?:(${[
    '(?:no|oh|hmm?|hold on|but)?[ ,]*wait',
    'scratch that',
    'on second thought',
    String.raw`let me (?:re\p{L}+|look again|think again|check again|correct)`,
    'correction',
    'i (?:meant|made a mistake|was wrong)',
    'my mistake',
    'moment',
    'warte',
    'attend(?:s|ez)',
    '(?:no,? )?espera',
    'いや',
    'やっぱり',
    '待って',
    '等等',
    '等一下',
    '不对',
    '不對',
    '잠깐',
    '아니',
  ].join(
    '|',
  )})|(?:no|nein|non|não)(?=\\s*[,.;:!—–-])|actually|sorry|hmm?|rather|or rather|doch|eigentlich|vielmehr|en fait|plutôt|mejor dicho|perdón|na verdade|anzi|其实|其實|사실)(?!\\p{Script=Latin})`,
  'giu',
);

/** Sure ways to say so, although they hold a negation. */
export const certainty = new RegExp(
  `${word('(?:there (?:is|was) )?no doubt(?: that)?', 'without (?:a |any )?doubt', 'ohne zweifel', 'sans (?:aucun )?doute', 'sin duda', 'sem dúvida', 'senza dubbio')}|毫无疑问|毫無疑問|間違いな[くい]|に違いな[くい]|의심할 여지 없이`,
  'giu',
);

/** Options that are words of every sentence: they are meant only where they stand by themselves. */
export const plainWord =
  /^(?:yes|no|none|neither|both|ja|nein|keine?|oui|non|aucune?|sí|si|sì|sim|não|да|нет|是|否|不是|有|无|無|没有|沒有|对|對|不对|不對|はい|いいえ|예|네|아니요|아니오)$/iu;

/** Whose words these are: those of a text that the model was given, not its own. */
export const reportedBefore = new RegExp(
  String.raw`(?<!(?:^|[^\p{L}])(?:i|i['’]d|i['’]ll|would|could|can|picture|image|photo)\s+)${word('says', 'said', 'claims', 'claimed', 'states', 'stated', 'asserts', 'insists', 'alleges', 'writes', 'wrote', 'tells (?:me|us|you)', '(?:you|they|people|texts) (?:say|claim|write)', 'behauptet', 'sagt', 'dit', 'affirme', 'prétend', 'dice', 'afirma', 'diz', 'sostiene')}|文字(?:说|称)|文本(?:说|称)|声称|聲稱|写着|寫著`,
  'iu',
);

/** Words for none: beside them a negation does not deny. */
export const noneWord = /^(?:aucun|ning[uú]n|nenhum|nessun|rien|nada|niente|personne|nadie|pas )/iu;
export const doubledNegation = /(?<!\p{L})(?:n['’]|(?:ne|no|non|não)\s)/giu;
