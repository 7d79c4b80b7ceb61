/** `npm run picture`: takes the picture of the demo that the README shows, from a real call across two nodes. */
import { fileURLToPath } from 'node:url';
import { CAST } from './support/cast.js';
import { paintCamera } from './support/painted_camera.js';
import { closeBrowser, World } from './support/world.js';

const PICTURE = fileURLToPath(new URL('../docs/demo.png', import.meta.url));
const SCREEN = { viewport: { width: 1280, height: 800 }, deviceScaleFactor: 1, colorScheme: /** @type {const} */ ('dark') };
const ROOM = 'design-review';

const world = new World();
try {
  const [first, second] = await world.cluster({ 'node.name': 'gw' });
  const pages = []; // the last one's screen is the picture
  for (const [index, { name, sitter }] of CAST.entries()) {
    const page = await world.person(SCREEN);
    await page.page.addInitScript(paintCamera, sitter);
    await page.visit((index % 2 ? second : first).url);
    await page.join({ name, room: ROOM });
    pages.push(page);
  }
  const [, kwame, tomas, screen] = pages;
  const others = CAST.slice(0, -1).map(({ name }) => name);
  await screen.untilInCallWith(...others);
  await kwame.element('mic').click();
  await tomas.element('camera').click();
  await screen.untilSees('Kwame Asante', { muted: true });
  await screen.untilSees('Tomás Rey', { picture: false });
  await screen.untilPicturesMove('Mira Lindqvist', 'Kwame Asante');
  await screen.untilSees('Mira Lindqvist', { speaking: true });
  await screen.page.mouse.move(0, 0);
  await screen.page.screenshot({ path: PICTURE });
  console.log(`${PICTURE} is the call as ${CAST.at(-1)?.name} sees it`);
} finally {
  await world.end();
  await closeBrowser();
}
