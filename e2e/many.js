/**
 * What a test shows once, many times: `npm run many -- calls 50`, `npm run many -- glare 50`.
 *
 * - `calls`: two people on two nodes meet in a new room, and see each other's picture move.
 * - `glare`: in one call offers cross, by an ICE restart that both ask for, and then both pictures move.
 *
 * Ends with the first that fails, and with what everyone saw.
 */
import { parseArgs } from 'node:util';
import { crossOffers } from './support/glare.js';
import { closeBrowser, World } from './support/world.js';

/** @import { DemoPage } from './support/demo_page.js' */

const PLAYS = { calls, glare };
const USAGE = `npm run many -- ${Object.keys(PLAYS).join('|')} [times, 50]`;

const [name, times = '50'] = parseArgs({ allowPositionals: true }).positionals;
const play = Object.hasOwn(PLAYS, name) ? PLAYS[/** @type {keyof typeof PLAYS} */ (name)] : undefined;
if (play && Number(times) >= 1) await run(play, Number(times));
else {
  console.error(USAGE);
  process.exitCode = 2;
}

/**
 * @param {(world: World) => Promise<() => Promise<void>>} begin returns what is done each time
 * @param {number} times
 */
async function run(begin, times) {
  const world = new World();
  const took = [];
  try {
    const once = await begin(world);
    while (took.length < times) {
      const start = performance.now();
      await once();
      took.push(performance.now() - start);
      progress(`${name}: ${took.length} of ${times}`);
    }
    const [problem] = world.complaints();
    if (problem) throw new Error(`a page complained: ${problem}`);
  } catch (error) {
    console.error(`\n${await world.describe()}\n`);
    console.error(error);
    process.exitCode = 1;
  } finally {
    await world.end();
    await closeBrowser();
  }
  took.sort((a, b) => a - b);
  const seconds = (/** @type {number | undefined} */ ms) => ((ms ?? 0) / 1_000).toFixed(1);
  console.log(`\n${name}: ${took.length} of ${times} went well, ${seconds(took[took.length >> 1])} s in the middle, ${seconds(took.at(-1))} s at most`);
}

/** @param {World} world */
async function calls(world) {
  const [first, second] = await world.cluster();
  let count = 0;
  return async () => {
    const room = `call-${++count}`;
    const [ada, bob] = await world.call({ at: first, name: 'Ada', room }, { at: second, name: 'Bob', room });
    await bothPicturesMove(ada, bob);
    await Promise.all([ada.close(), bob.close()]);
  };
}

/** @param {World} world */
async function glare(world) {
  const [first, second] = await world.cluster();
  const [ada, bob] = await world.call({ at: first, name: 'Ada' }, { at: second, name: 'Bob' });
  return async () => {
    await crossOffers(ada, bob);
    await bothPicturesMove(ada, bob);
  };
}

/**
 * @param {DemoPage} ada
 * @param {DemoPage} bob
 */
async function bothPicturesMove(ada, bob) {
  await Promise.all([ada.untilInCallWith('Bob'), bob.untilInCallWith('Ada')]);
  await Promise.all([ada.untilPicturesMove('Bob'), bob.untilPicturesMove('Ada')]);
}

/** @param {string} text */
function progress(text) {
  if (process.stdout.isTTY) process.stdout.write(`\r${text}`);
  else console.log(text);
}
