const words = (list: string): ReadonlySet<string> => new Set(list.trim().split(/\s+/));

/** Begin a phrase that has its determiner, or stand for things by themselves. */
export const determiners = words(`
  the a an no none nothing nobody nowhere something somebody someone everything everybody everyone anything not some any
  all both each every neither either this that these those my your his her its our their one two three four five six seven
  eight nine ten eleven twelve dozens several many few most more another various
`);

/** A phrase that begins with one of these is no noun phrase. */
export const clauseStarts = words(`
  i he she it they we you there here to in on at by from with without for of under over behind beside between inside outside
  into onto above below near next if when while because since as than yes please who what which where why how
`);

/** A phrase that holds one of these is a clause. */
export const verbs = words(`
  is are was were am be been isn't aren't wasn't has have had can could cannot can't will would shall should may might must
  does do did doesn't don't didn't seems appears shows contains looks it's there's that's
`);

/** What is said of a thing, and is no thing: adjectives, answers, directions. Participles in -ed are told by their ending. */
export const notNouns = words(`
  yes no true false maybe perhaps unsure uncertain unknown unclear good bad better worse best worst ok okay fine intact normal abnormal
  positive negative neutral defective faulty broken torn worn bent rusty dirty clean dry wet moist hot cold warm cool open shut empty full new
  old used large small big tiny huge tall short long wide narrow thick thin heavy light high low medium strong weak
  fast slow young happy sad angry surprised scared afraid calm bored left right top bottom up down front back centre center
  inside outside above below red green blue yellow white black grey gray purple violet pink brown turquoise beige cyan magenta
  golden silvery bright dark male female sharp blurry blurred round oval smooth rough visible invisible present absent
  correct incorrect wrong valid invalid legal illegal safe unsafe toxic benign malignant healthy sick ill ripe unripe rotten fresh stale
  raw cooked upright sideways vertical horizontal diagonal sunny rainy cloudy snowy foggy windy stormy available other same different
  similar identical equal
`);

/** Nouns that are not counted. */
export const massNouns = words(`
  rust corrosion contamination discoloration discolouration oxidation delamination dust dirt mud sand oil grease mould damage wear debris
  dampness moisture condensation water ice snow rain fog smoke steam fire milk wine beer coffee tea juice lemonade vinegar eggnog
  rice bread corn maize wheat barley oats hay straw flour dough sugar salt cheese butter cream meat beef pork mutton bacon ham
  seafood calamari tartare carpaccio sashimi sushi ramen pho paella lasagna lasagne risotto spaghetti pasta gnocchi guacamole hummus ketchup
  mustard mayonnaise honey jam soup broth consomme yogurt yoghurt tiramisu bolognese carbonara ravioli edamame ceviche poutine foie thai
  bibimbap takoyaki bruschetta food broccoli spinach lettuce celery garlic ginger pepperoni popcorn chocolate tofu
  cotton wool silk leather velvet linen denim lace fabric cloth paper cardboard plastic rubber glassware wood timber metal steel copper
  silver gold aluminium aluminum tin brass bronze lead zinc concrete cement gravel marble asphalt clay chalk coal wax paint ink glue
  gas air oxygen hydrogen nitrogen helium carbon methane petrol gasoline diesel electricity sunlight
  grass moss seaweed ivy wildlife poultry livestock clothing footwear underwear jewellery jewelry luggage baggage furniture equipment machinery
  hardware software stationery cutlery crockery pottery armour armor mail tissue traffic weather music jazz art photography architecture
  mathematics maths physics chemistry biology economics politics history geography literature philosophy poetry information advice news
  knowledge evidence research work homework money cash rubbish garbage waste litter soap shampoo toothpaste makeup
  tennis golf hockey rugby badminton chess polo yoga gymnastics archery athletics
  swimming running walking cycling reading writing cooking eating drinking dancing singing sleeping sitting standing jumping climbing
  fishing hunting skiing surfing sailing driving talking smoking shopping gardening knitting boxing wrestling
  peeling flaking chipping cracking pitting spalling warping bulging leaking porosity misalignment scaling scuffing fraying mildew
  happiness sadness anger fear disgust surprise contempt joy love hate peace war health sleep pneumonia diabetes cancer asthma influenza
  measles rabies malaria tuberculosis herpes
`);

/** Plurals without an s at the end. */
export const irregularPlurals = words(`
  people men women children policemen firemen fishermen snowmen gentlemen feet teeth geese mice lice oxen cattle police criteria phenomena
  bacteria data media fungi cacti nuclei radii alumni larvae algae vertebrae antennae dice pence
`);

/** Singular though they end like a plural. */
export const singularInS = words(`
  lens bus gas canvas atlas bias pancreas christmas news series species means cosmos rhinoceros thermos asbestos albatros pathos ethos
  chaos corps kudos biceps triceps triceratops patas pyrenees alias texas pampas sassafras madras molasses judas dais summons
`);

/** Plural though they end like a singular: -is and -us. */
export const pluralInS = words(`
  skis taxis bikinis kiwis khakis zucchinis safaris rabbis salamis tsunamis graffitis wasabis alibis chilis menus emus gnus gurus tofus
  haikus tutus igloos
`);

/** No vowel is heard at the start, or a vowel though a consonant is written. */
export const soundsLikeConsonant =
  /^(?:uni(?![nm][a-z]|dent)|us[aeu]|ut[eio]|uk[eu]|ur[aio]|ub[io]|eu|ewe|once|one(?![a-z])|ouija|u(?=-))/;
export const soundsLikeVowel = /^(?:hour|honest|honou?r|heir|8|11(?!\d)|18(?!\d))/;

/** Acronyms that are read as words. */
export const spokenAcronyms = words(
  'SIM RAM ROM LAN WAN NASA LASER RADAR SCUBA NATO FIFA LIDAR MIDI MOSFET SWAT NAS REM',
);

/** Adjectives of places and names before a common noun, beside those in -an and -ese. */
export const properAdjectives =
  /^(?:\p{Lu}\p{L}*(?:an|ese|ish|ch)|Dutch|Swiss|Greek|Welsh|Irish|Turkish|Thai|Czech|Windsor|Polaroid|Christmas|Easter)$/u;

/** Common nouns that labels like to write with a capital letter. */
export const commonNouns = words(`
  defect dent scratch crack stain hole scuff bump chip tear cut leak fracture spot mark smudge fold bend bubble burr void pore
  shirt tshirt t-shirt trouser trousers pullover dress coat sandal sneaker bag boot boots shoe shoes top ankle skirt jacket hat cap glove sock scarf
  cat dog horse cow sheep deer bird frog fish lion tiger bear elephant rabbit mouse snake spider ant bee butterfly
  car truck ship boat plane airplane aeroplane train bicycle motorcycle bus van tram house building bridge road tree flower leaf
  apple banana pear lemon cherry grape peach plum melon tomato potato onion carrot cucumber pepper egg cake pie pizza burger sandwich salad
  chair table bed sofa lamp desk door window wall floor roof phone laptop computer keyboard screen camera clock watch book pen pencil
  cup bottle plate bowl fork knife spoon box bucket basket key ring man woman boy girl child person baby hand foot head
  invoice receipt letter form report contract email photo picture map sign label ticket tumor tumour nodule cyst lesion fracture
`);
