/** @import { Call, Client, LocalMedia, Member, Room, StateChange, Tile } from '/sdk/index.js' */
/** @import { Loudspeaker } from './loudspeaker.js' */
import { Chat } from './chat.js';
import { ConnectionPanel } from './connection_panel.js';
import { byId } from './dom.js';
import { Controls } from './controls.js';
import { list, t } from './i18n.js';
import { Panels } from './panels.js';
import { RollCall } from './roll_call.js';
import { invitationLink } from './room_link.js';
import { Speaking } from './speaking.js';
import { nameOf, TileView } from './tile_view.js';
import { toast } from './toast.js';

/** The gateway's place in the roll call; no peer is called so. */
const SERVER = 'server';

/** The call: everyone's tile, how the connection is, the controls, and the panels beside it. */
export class Stage {
  #page = byId('call', HTMLElement);
  #grid = byId('tiles', HTMLElement);
  #tapToHear = byId('tap-to-hear', HTMLButtonElement);
  #client;
  #room;
  #call;
  #media;
  #loudspeaker;
  #chat;
  #connection;
  #panels;
  #speaking = new Speaking();
  #rollCall = new RollCall({ t, list }, (text) => (byId('announcements', HTMLElement).textContent = text));
  #self = new TileView();
  /** @type {Map<string, TileView>} by peer */
  #others = new Map();
  #listening = new AbortController();
  /** @type {(() => void)[]} */
  #subscriptions;

  /**
   * @param {{ client: Client, room: Room, call: Call, media: LocalMedia, loudspeaker: Loudspeaker, onLeave: () => void }} parts
   */
  constructor({ client, room, call, media, loudspeaker, onLeave }) {
    this.#client = client;
    this.#room = room;
    this.#call = call;
    this.#media = media;
    this.#loudspeaker = loudspeaker;
    const controls = new Controls(media, this.#listening.signal, onLeave);
    this.#subscriptions = [
      client.on('state', (change) => this.#showConnection(change)),
      client.on('moved', () => this.#showConnection({ state: client.state })),
      call.on('tile-added', (tile) => this.#showTile(tile)),
      call.on('tile-changed', (tile) => this.#showTile(tile)),
      call.on('tile-removed', ({ member }) => this.#removeTile(member)),
      room.on('rejoined', () => this.#showSelf()),
      media.on('changed', () => {
        controls.show();
        this.#showSelf();
      }),
    ];
    const { signal } = this.#listening;
    const panels = (this.#panels = new Panels(signal));
    this.#chat = new Chat({ call, myName: () => nameOf(room.me ?? {}), panels, signal });
    this.#connection = new ConnectionPanel({ client, room, call, panels });
    for (const id of ['copy-link', 'copy-link-alone']) {
      byId(id, HTMLButtonElement).addEventListener('click', () => this.#copyLink(), { signal });
    }
    this.#tapToHear.addEventListener('click', () => this.#playAll(), { signal });
    this.#open();
  }

  /** Takes everything down again. */
  close() {
    this.#panels.close();
    this.#chat.close();
    this.#connection.close();
    this.#listening.abort();
    for (const stop of this.#subscriptions) stop();
    this.#speaking.stop();
    this.#rollCall.stop();
    byId('announcements', HTMLElement).textContent = '';
    for (const peer of [...this.#others.keys()]) this.#takeOff(peer);
    this.#self.remove();
    this.#page.hidden = this.#tapToHear.hidden = true;
  }

  #open() {
    const name = byId('room-name', HTMLElement);
    name.textContent = this.#room.id;
    byId('invitation', HTMLElement).textContent = invitationLink(this.#room.id).replace(/^https?:\/\//, '');
    this.#page.hidden = false;
    this.#grid.append(this.#self.element);
    this.#rollCall.expect(SERVER, t('server'));
    this.#showConnection({ state: this.#client.state });
    this.#showSelf();
    for (const tile of this.#call.tiles) this.#showTile(tile);
    this.#arrange();
    name.focus();
  }

  /** @param {StateChange} change */
  #showConnection({ state }) {
    byId('status', HTMLElement).dataset['state'] = state;
    byId('status-text', HTMLElement).textContent = t(`status-${state}`);
    byId('node', HTMLElement).textContent = state === 'open' ? (this.#client.welcome?.node ?? '') : '';
    const banner = byId('banner', HTMLElement);
    banner.hidden = state === 'open';
    banner.textContent = state === 'open' ? '' : t('reconnecting');
    this.#rollCall.note(SERVER, t('server'), state === 'open' ? 'here' : 'interrupted');
  }

  #showSelf() {
    const member = this.#room.me;
    if (!member) return;
    const stream = this.#media.stream;
    this.#self.show({ member: { ...member, state: this.#media.state }, stream, connection: 'self' });
    this.#hear(stream, this.#self);
  }

  /** @param {Tile} tile */
  #showTile(tile) {
    const known = this.#others.get(tile.member.peer);
    const view = known ?? new TileView();
    view.show(tile);
    this.#hear(tile.stream, view);
    if (!known) {
      this.#others.set(tile.member.peer, view);
      this.#loudspeaker.add(view.video);
      this.#self.element.before(view.element);
      this.#arrange();
    }
    if (tile.stream.getTracks().length > 0) this.#play(view);
    const lost = tile.connection === 'disconnected' || tile.connection === 'failed';
    this.#rollCall.note(tile.member.peer, nameOf(tile.member), lost ? 'interrupted' : 'here');
  }

  /** @param {Member} member */
  #removeTile(member) {
    this.#takeOff(member.peer);
    this.#arrange();
    this.#rollCall.note(member.peer, nameOf(member), 'absent');
  }

  /** @param {string} peer */
  #takeOff(peer) {
    const view = this.#others.get(peer);
    if (!view) return;
    this.#loudspeaker.remove(view.video);
    view.remove();
    this.#others.delete(peer);
  }

  #arrange() {
    this.#grid.dataset['count'] = String(this.#others.size + 1);
    byId('alone', HTMLElement).hidden = this.#others.size > 0;
  }

  /**
   * @param {MediaStream} stream
   * @param {TileView} view
   */
  #hear(stream, view) {
    for (const track of stream.getAudioTracks()) this.#speaking.listen(track, (speaking) => (view.speaking = speaking));
  }

  /**
   * Browsers play sound only after the reader has touched the page; a reload into a call may come before that.
   *
   * @param {TileView} view
   */
  async #play({ video }) {
    try {
      await video.play();
    } catch (error) {
      if (error instanceof DOMException && error.name === 'NotAllowedError') this.#tapToHear.hidden = false;
    }
  }

  #playAll() {
    this.#tapToHear.hidden = true;
    for (const view of this.#others.values()) this.#play(view);
  }

  async #copyLink() {
    const link = invitationLink(this.#room.id);
    try {
      await navigator.clipboard.writeText(link);
      toast(t('copied'));
    } catch {
      // No clipboard outside https and localhost, or it is not allowed.
      prompt(t('copy-by-hand'), link);
    }
  }
}
