/**
 * Two people in a call while gateways are replaced, for `cargo xtask upgrade`: `node upgrade.js http://127.0.0.1:8080/`.
 *
 * Says «in a call» once each sees the other's picture move. From then on each line of standard input is answered by one of
 * JSON: what each of them saw since the one before. Ends when standard input does.
 */
import { createInterface } from 'node:readline';
import { watchFrames } from './support/frame_watch.js';
import { closeBrowser, World } from './support/world.js';

/** @import { DemoPage } from './support/demo_page.js' */

const [url] = process.argv.slice(2);
if (!url) {
  console.error('node upgrade.js <url of the page>');
  process.exit(2);
}
const world = new World();
try {
  await run(url);
} catch (error) {
  console.error(`${await world.describe()}\n`, error);
  process.exitCode = 1;
} finally {
  await world.end();
  await closeBrowser();
}

/** @param {string} url */
async function run(url) {
  const [ada, bob] = await world.call({ at: { url }, name: 'Ada' }, { at: { url }, name: 'Bob' });
  await Promise.all([ada.untilPicturesMove('Bob'), bob.untilPicturesMove('Ada')]);
  const reports = await Promise.all([reporter('Ada', ada, await bob.peer()), reporter('Bob', bob, await ada.peer())]);
  console.log('in a call');
  for await (const _ of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await Promise.all(reports.map((report) => report()))));
  }
}

/**
 * @param {string} name
 * @param {DemoPage} page
 * @param {string} other the other's peer id
 */
async function reporter(name, page, other) {
  const frames = await watchFrames(page);
  let sockets = 0;
  page.page.on('websocket', () => sockets++);
  let told = { statuses: (await page.statuses()).length, heard: page.heardOf(other).length, complaints: page.complaints.length };

  return async () => {
    const statuses = await page.statuses();
    const heard = page.heardOf(other);
    const histories = (await page.connections()).map(({ history }) => history.join());
    const complaints = [
      ...page.complaints.slice(told.complaints),
      ...statuses.slice(told.statuses).map((status) => `the page said that its connection is ${status}`),
      ...heard.slice(told.heard).filter((word) => word !== 'member-updated').map((word) => `the other one was ${word}`),
    ];
    const [history] = histories;
    if (histories.length !== 1 || history !== 'new,connecting,connected') {
      complaints.push(`the RTCPeerConnections were ${histories.join('; ')}`);
    }
    told = { statuses: statuses.length, heard: heard.length, complaints: page.complaints.length };
    const moves = sockets;
    sockets = 0;
    return { name, ...(await frames()), moves, complaints };
  };
}
