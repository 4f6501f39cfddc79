import type { Random } from '../../random/index.ts';
import { fill } from './patterns.ts';

/**
 * Short statements of several kinds that have nothing to do with any picture, at most four words and a full
 * stop each, so that ten of them and a question stay below 96 tokens. `{a|b}` stands for one of its alternatives.
 * No statement names an item of clothing.
 */
export const factKinds: Readonly<Record<string, readonly string[]>> = {
  science: [
    '{iron|gold|copper|silver|tin} conducts {heat|electricity} .',
    '{water|milk|oil} boils when heated .',
    '{ice|butter|wax} melts in summer .',
    'light travels very fast .',
    '{the moon|a comet} orbits {earth|a star} .',
    'plants need {water|light|air} .',
    '{oxygen|nitrogen|helium} is a gas .',
    'sound needs {air|water} .',
    '{bees|birds|bats} help flowers .',
    'atoms contain electrons .',
  ],
  history: [
    'the {king|queen|emperor} built {castles|bridges|roads} .',
    'the war ended long ago .',
    '{rome|egypt|greece} had {many|great} temples .',
    'sailors crossed the {ocean|sea} .',
    'printing changed {europe|the world} .',
    'the {empire|kingdom|dynasty} fell slowly .',
    'monks copied old books .',
    'the treaty was signed .',
    'traders carried {salt|silk|spices} .',
  ],
  daily: [
    'the {bus|train|tram} was late .',
    'we had {soup|bread|rice} yesterday .',
    'my {neighbour|sister|uncle} grows {tomatoes|roses|beans} .',
    'the {kitchen|window|garden} needs cleaning .',
    'it rained all {morning|night|week} .',
    'the shop opens early .',
    'please close the {door|window|gate} .',
    'she called her {mother|brother|teacher} .',
    'dinner is almost ready .',
  ],
  philosophy: [
    'doubt leads to {wisdom|truth|knowledge} .',
    'nobody is entirely free .',
    '{virtue|courage|patience} needs practice .',
    'time never stands still .',
    'the mind seeks {meaning|order|peace} .',
    '{beauty|truth|justice} has many faces .',
    'to think is human .',
    'knowing yourself takes years .',
  ],
  mathematics: [
    '{two|three|four} plus one is {three|four|five} .',
    'a {triangle|square|circle} has area .',
    '{seven|eleven|five} is prime .',
    'parallel lines never meet .',
    'zero times {nine|six|ten} is zero .',
    'a cube has twelve edges .',
    'half of {eight|six|ten} is {four|three|five} .',
    'every even number divides .',
  ],
  false: [
    '{fish|cows|horses} can fly .',
    'the {sun|moon} is {green|square|cold} .',
    '{stones|clouds|rivers} are made of {cheese|paper|gold} .',
    'snow is always hot .',
    '{spiders|snakes|frogs} speak {latin|french} .',
    'the sea is dry .',
    'a week has {nine|six} days .',
    '{trees|mountains} walk at night .',
  ],
  random: [
    '{purple|quiet|seven} {ladders|lanterns|engines} sing .',
    'number {nine|four|twelve} follows nothing .',
    'perhaps {tomorrow|tuesday|later} .',
    'a {radio|puzzle|cactus} under glass .',
    '{north|left|up} of the {lake|tower|station} .',
    'random {letters|notes|signals} appear .',
    'the {clock|violin|lamp} is {new|old|broken} .',
    'blue {smoke|sand|thunder} returns .',
  ],
};

const kinds = Object.keys(factKinds);

/** `count` statements, each of a kind drawn at random, joined by spaces. */
export function randomFacts(random: Random, count: number): string {
  const facts: string[] = [];
  while (facts.length < count) {
    const fact = fill(random.pick(factKinds[random.pick(kinds)] as readonly string[]), random);
    if (!facts.includes(fact)) facts.push(fact);
  }
  return facts.join(' ');
}
