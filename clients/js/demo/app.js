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
 * | `lobby-status`, `lobby-error`        | what it waits for; what went wrong, in words |
 * | `preview-video`, `preview-mic`, `preview-camera` | before the call |
 * | `room-name`, `node`, `status`        | header; `status` has `data-state`: `connecting`, `open`, `reconnecting`, `closed` |
 * | `banner`, `toast`                    | connection lost; passing remarks |
 * | `tiles`                              | the stage, with `data-count` |
 * | `alone`, `invitation`, `copy-link`   | the invitation |
 * | `mic`, `camera`, `screen`, `leave`   | controls; `aria-pressed="true"` is muted, camera off, sharing |
 * | `tap-to-hear`                        | there when the browser refuses to play sound |
 *
 * A tile is `article.tile[data-peer=…]` with `data-connection` (`self`, or an RTCPeerConnectionState: `new`, `connecting`,
 * `connected`, `disconnected`, `failed`), `data-self="true"` on one's own only, and `data-muted`, `data-video-off`,
 * `data-sharing`, `data-picture`, `data-away`, `data-speaking`: `true` or `false`. In it: `tile-name`, `tile-connection`
 * and one `video`.
 */
import { Call, Client, LocalMedia, SwitchboardError } from '/sdk/index.js';
import { translatePage, t } from './i18n.js';
import { Lobby } from './lobby.js';
import { rememberRoom } from './room_link.js';
import { Stage } from './stage.js';

/** @import { Room, StateChange } from '/sdk/index.js' */

/** @type {Client | undefined} the one that connects or is in the call */
let client;

translatePage();
const media = new LocalMedia();
const lobby = new Lobby(media, { onJoin: join, onCancel: cancel });
lobby.openMedia();

/** @param {{ name: string, room: string }} choice */
async function join({ name, room: roomId }) {
  const token = new URLSearchParams(location.search).get('access_token');
  const mine = (client = new Client({ url: gatewayUrl(), name, agent: 'switchboard-demo', ...(token && { token }) }));
  lobby.busy('');
  const stopWaiting = mine.on('state', (change) => lobby.busy(waitingFor(change)));
  try {
    const { ice_servers: iceServers = [] } = await mine.connect();
    const room = await mine.join(roomId, { state: media.state });
    stopWaiting();
    enter(mine, new Call(room, media, { iceServers }), room);
  } catch (error) {
    stopWaiting();
    mine.close();
    if (client === mine) lobby.show(error);
  }
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
  const stage = new Stage({ client: mine, room, call, media, onLeave: () => end() });
  call.on('ended', ({ error }) => end(error));
  call.on('error', ({ member, error }) => console.warn(`Negotiation with ${member.peer} failed.`, error));
  mine.on('state', ({ state, advice }) => {
    if (state === 'closed' && advice) end(new SwitchboardError(advice.why, advice.message));
  });

  /** @param {unknown} [error] */
  async function end(error) {
    if (client !== mine) return;
    client = undefined;
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
