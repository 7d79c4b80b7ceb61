/** `npm run picture`: takes the picture of the demo that the README shows, from a real call across two nodes. */
import { fileURLToPath } from 'node:url';
import { paintCamera } from './support/painted_camera.js';
import { closeBrowser, World } from './support/world.js';

/** @import { Sitter } from './support/painted_camera.js' */

const PICTURE = fileURLToPath(new URL('../docs/demo.png', import.meta.url));
const SCREEN = { viewport: { width: 1280, height: 800 }, deviceScaleFactor: 1 };
const ROOM = 'design-review';

/** @type {{ name: string, sitter: Sitter }[]} the last one's screen is the picture */
const CAST = [
  {
    name: 'Mira Lindqvist',
    sitter: { wall: ['#f3dfc6', '#b98e6d'], skin: '#f0c8a4', hair: '#8a4b2a', shirt: '#2f6f73', longHair: true, speaks: true },
  },
  { name: 'Kwame Asante', sitter: { wall: ['#cfe0e8', '#6f8fa3'], skin: '#8a5a3c', hair: '#1d1614', shirt: '#e0a63a' } },
  { name: 'Tomás Rey', sitter: { wall: ['#cccccc', '#888888'], skin: '#e3b48f', hair: '#333333', shirt: '#555555' } },
  {
    name: '김하은',
    sitter: { wall: ['#dfe7d3', '#8ba27c'], skin: '#f2cfae', hair: '#1f1b1d', shirt: '#b5495b', longHair: true },
  },
];

const world = new World();
try {
  const [first, second] = await world.cluster({ 'node.name': 'gw' });
  const pages = [];
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
