/**
 * The demo: a video call in one page, built on the SDK and nothing else. The gateway serves this folder at `/demo/`, the
 * SDK at `/sdk/` and `index.html` at `/`, with a Content-Security-Policy that allows no inline script or style.
 *
 * `#room` (or `?room=`) names the room, `?access_token=` is the token for `hello`.
 *
 * For browser tests; these stay as they are:
 *
 * | selector, `[data-testid=…]`          | what |
 * | ------------------------------------ | ---- |
 * | `lobby`, `call`                      | the two views; the other one is `hidden` |
 * | `name`, `room`, `join`, `cancel`     | the form; `cancel` is there while connecting |
 * | `returning`                          | there while a page that was loaded again gets back into its call |
 * | `lobby-status`, `lobby-error`        | what it waits for; what went wrong, in words |
 * | `preview-video`, `preview-mic`, `preview-camera` | before the call |
 * | `room-name`, `node`, `status`        | header; `status` has `data-state`: `connecting`, `open`, `reconnecting`, `closed` |
 * | `banner`, `toast`                    | connection lost; passing remarks |
 * | `announcements`                      | who came, left, lost the connection: for those who hear the page |
 * | `tiles`                              | the stage, with `data-count` |
 * | `alone`, `invitation`, `copy-link`   | the invitation |
 * | `mic`, `camera`, `screen`, `leave`   | controls; `aria-pressed="true"` is muted, camera off, sharing |
 * | `tap-to-hear`                        | there when the browser refuses to play sound |
 * | `preview-devices`, `devices`         | open `devices-menu`, a dialog, before the call and in it |
 * | `device-microphone`, `device-camera`, `device-loudspeaker` | its lists; `disabled` while there is nothing to choose from |
 * | `devices-error`, `devices-close`     | why the last choice could not be had; the end of it |
 * | `chat`, `connection`                 | open and close a panel, one at a time; `aria-expanded` |
 * | `unread`                             | on `chat`: messages that came while the panel was closed |
 * | `chat-panel`                         | in it `chat-log` of `chat-message`s with `data-own`, each with `chat-note`: the members it did not reach |
 * | `chat-input`, `chat-send`, `chat-error`, `chat-close` | the rest of that panel |
 * | `connection-panel`                   | in it `connection-node`, `round-trip`, `resumes`, `rejoins`, `moves` and `connection-close` |
 * | `peer-report`                        | there for each other member, with `data-peer` and `data-connection`: `peer-state`, `peer-path`, `peer-round-trip`, `peer-sends`, `peer-receives` |
 * | `signal`                             | there for each of the last 50 signals, the latest first, with `data-direction`: `in` or `out` |
 *
 * A tile is `article.tile[data-peer=…]` with `data-connection` (`self`, or an RTCPeerConnectionState: `new`, `connecting`,
 * `connected`, `disconnected`, `failed`), `data-self="true"` on one's own only, and `data-muted`, `data-video-off`,
 * `data-sharing`, `data-picture`, `data-away`, `data-speaking`: `true` or `false`. In it: `tile-name`, `tile-connection`
 * and one `video`.
 */
import { Call, Client, LocalMedia, SwitchboardError } from '/sdk/index.js';
import { DevicesMenu } from './devices_menu.js';
import { byId } from './dom.js';
import { translatePage, t } from './i18n.js';
import { Lobby } from './lobby.js';
import { onRoomLink, rememberRoom, roomOfAddress } from './room_link.js';
import { Stage } from './stage.js';

/** @import { KeptRoom, Room, StateChange } from '/sdk/index.js' */

/** How long a page that gets back into its call waits for microphone and camera. */
const DEVICES_MS = 1_500;

/** @type {Client | undefined} the one that connects or is in the call */
let client;
/** Where it goes. */
let destination = '';
/** Ends the call, where there is one. @type {(() => void) | undefined} */
let hangUp;

translatePage();
const media = new LocalMedia();
const { loudspeaker } = new DevicesMenu(media);
const lobby = new Lobby(media, { onJoin: join, onCancel: cancel });
onRoomLink(follow);
begin();

/** Where a call was under way when this page was left, it goes on; else there is the lobby. */
function begin() {
  const mine = newClient(lobby.name);
  const kept = mine.keptRooms.find(({ id }) => id === roomOfAddress());
  if (kept) {
    comeBack(mine, kept);
  } else {
    mine.close(); // what it has found is not to be kept any longer
    lobby.appear();
    lobby.openMedia();
  }
}

/** @param {{ name: string, room: string }} choice */
function join({ name, room }) {
  lobby.busy('');
  return connect(newClient(name), room);
}

/**
 * The others still see this person: no time for questions.
 *
 * @param {Client} mine
 * @param {KeptRoom} room
 */
async function comeBack(mine, { id, state }) {
  const returning = byId('returning', HTMLElement);
  returning.hidden = false;
  const opening = lobby.openMedia({ muted: Boolean(state['muted']), camera: !state['video_off'] });
  const stopWaiting = mine.on('state', (change) => {
    if (change.state !== 'reconnecting') return;
    returning.hidden = true;
    lobby.appear();
    lobby.busy(waitingFor(change));
  });
  // With its devices the page looks to the others as before; but they may want a permission first.
  await connect(mine, id, Promise.race([opening, new Promise((resolve) => setTimeout(resolve, DEVICES_MS))]));
  stopWaiting();
  returning.hidden = true;
}

/**
 * @param {Client} mine
 * @param {string} roomId
 * @param {Promise<unknown>} [devices] to be waited for before the others are met
 */
async function connect(mine, roomId, devices) {
  client = mine;
  destination = roomId;
  const stopWaiting = mine.on('state', (change) => lobby.busy(waitingFor(change)));
  try {
    const { ice_servers: iceServers = [] } = await mine.connect();
    await devices;
    const room = await mine.join(roomId, { state: media.state });
    stopWaiting();
    enter(mine, new Call(room, media, { iceServers }), room);
  } catch (error) {
    stopWaiting();
    mine.close();
    if (client === mine) lobby.show(error);
  }
}

/** @param {string} name */
function newClient(name) {
  const token = new URLSearchParams(location.search).get('access_token');
  return new Client({ url: gatewayUrl(), name, agent: 'switchboard-demo', ...(token && { token }) });
}

/**
 * Another link was followed in this tab: as in a new one, its room is offered; what was under way ends.
 *
 * @param {string} room
 */
function follow(room) {
  if (client && room === destination) return;
  if (hangUp) hangUp();
  else if (client) cancel();
  byId('returning', HTMLElement).hidden = true;
  lobby.propose(room);
}

function cancel() {
  const cancelled = client;
  client = undefined;
  cancelled?.close();
  lobby.show();
}

/**
 * @param {Client} mine
 * @param {Call} call
 * @param {Room} room
 */
function enter(mine, call, room) {
  rememberRoom(room.id);
  lobby.hide();
  hangUp = () => end();
  const stage = new Stage({ client: mine, room, call, media, loudspeaker, onLeave: hangUp });
  call.on('ended', ({ error }) => end(error));
  call.on('error', ({ member, error }) => console.warn(`Negotiation with ${member.peer} failed.`, error));
  mine.on('state', ({ state, advice }) => {
    if (state === 'closed' && advice) end(new SwitchboardError(advice.why, advice.message));
  });

  /** @param {unknown} [error] */
  async function end(error) {
    if (client !== mine) return;
    client = hangUp = undefined;
    media.stopSharing();
    stage.close();
    lobby.show(error);
    // The goodbye follows at once: it ends the session even where the gateway cannot or does not answer.
    const left = call.leave();
    mine.close();
    await left;
  }
}

function gatewayUrl() {
  return `${location.protocol === 'https:' ? 'wss:' : 'ws:'}//${location.host}/v1/connect`;
}

/** @param {StateChange} change */
function waitingFor({ state, advice }) {
  if (state !== 'reconnecting' || !advice) return '';
  return t(advice.action === 'retry-after' ? 'server-busy' : 'unreachable');
}
