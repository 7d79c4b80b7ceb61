/** @import { Call, Member } from '/sdk/index.js' */
/** @import { Panels } from './panels.js' */
/** @import { SentMessage } from './chat_exchange.js' */
import { SwitchboardError } from '/sdk/index.js';
import { ChatExchange } from './chat_exchange.js';
import { byId, find } from './dom.js';
import { inWords } from './errors.js';
import { clock } from './formats.js';
import { list, t } from './i18n.js';
import { nameOf } from './tile_view.js';
import { toast } from './toast.js';

/** Older ones go. */
const MESSAGES_MAX = 200;
/** As much of a message as is shown while the panel is closed. */
const GLANCE_MAX = 80;
/** Receipts come at once, mostly: who has not confirmed is named after this. */
const PATIENCE_MS = 2_000;
/** As far from the end as this, nobody is reading the end. */
const AT_THE_END_PX = 40;

/** The panel «Chat»: messages as long as the call lasts. */
export class Chat {
  #button = byId('chat-button', HTMLButtonElement);
  #unreadBadge = byId('chat-unread', HTMLElement);
  #log = byId('chat-log', HTMLElement);
  #form = byId('chat-form', HTMLFormElement);
  #field = byId('chat-input', HTMLTextAreaElement);
  #error = byId('chat-error', HTMLElement);
  #exchange;
  #myName;
  #isOpen = false;
  #unread = 0;
  /** Where the page shows which members a message did not reach. @type {Map<SentMessage, HTMLElement>} */
  #notes = new Map();
  /** @type {Set<ReturnType<typeof setTimeout>>} */
  #timers = new Set();

  /**
   * @param {{ call: Call, myName: () => string, panels: Panels, signal: AbortSignal }} parts `signal` ends it
   */
  constructor({ call, myName, panels, signal }) {
    this.#myName = myName;
    this.#exchange = new ChatExchange(call, {
      onMessage: (member, text) => this.#received(member, text),
      onReceipt: (message) => this.#showMissing(message),
    });
    panels.add({
      button: this.#button,
      element: byId('chat-panel', HTMLElement),
      field: this.#field,
      onToggle: (isOpen) => this.#toggled(isOpen),
    });
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#send();
    }, { signal });
    this.#field.addEventListener('keydown', (event) => this.#pressed(event), { signal });
    this.#field.addEventListener('input', () => (this.#error.textContent = ''), { signal });
    this.#showUnread(0);
  }

  close() {
    this.#exchange.stop();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#log.replaceChildren();
    this.#field.value = this.#error.textContent = '';
  }

  /** Enter sends; what an input method composes is not sent yet. @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.#form.requestSubmit();
  }

  #send() {
    const text = this.#field.value.trim();
    this.#error.textContent = '';
    if (!text) return;
    try {
      const message = this.#exchange.send(text);
      const note = this.#show(this.#myName(), text, true);
      this.#field.value = '';
      if (message.waiting.size + message.missed.length === 0) return void (note.textContent = t('nobody-else'));
      this.#notes.set(message, note);
      this.#showMissing(message);
      const timer = setTimeout(() => this.#runOut(timer, message), PATIENCE_MS);
      this.#timers.add(timer);
    } catch (error) {
      const isTooLong = error instanceof SwitchboardError && error.code === 'too-large';
      this.#error.textContent = isTooLong ? t('chat-too-long') : inWords(error);
    }
  }

  /**
   * @param {ReturnType<typeof setTimeout>} timer
   * @param {SentMessage} message
   */
  #runOut(timer, message) {
    this.#timers.delete(timer);
    this.#showMissing(message, true);
  }

  /**
   * @param {SentMessage} message
   * @param {boolean} [isLate] whether those who have not confirmed it are to be named; they stay named then
   */
  #showMissing(message, isLate = false) {
    const note = this.#notes.get(message);
    if (!note) return;
    if (isLate) note.dataset['late'] = 'true';
    const { waiting, missed } = message;
    const waited = note.dataset['late'] === 'true' ? [...waiting.values()] : [];
    const sentences = [
      missed.length > 0 && t('chat-missed', { names: list(missed.map(nameOf)) }),
      waited.length > 0 && t('chat-waiting', { names: list(waited.map(nameOf)) }),
    ];
    const text = sentences.filter(Boolean).join(' ');
    if (note.textContent !== text) note.textContent = text;
  }

  /**
   * @param {Member} member
   * @param {string} text
   */
  #received(member, text) {
    const name = nameOf(member);
    this.#show(name, text, false);
    if (this.#isOpen) return;
    this.#showUnread(this.#unread + 1);
    toast(t('chat-heard', { name, text: text.length > GLANCE_MAX ? `${text.slice(0, GLANCE_MAX)}…` : text }));
  }

  /**
   * @param {string} name
   * @param {string} text
   * @param {boolean} isOwn
   * @returns {HTMLElement} the place for a note under it
   */
  #show(name, text, isOwn) {
    const wasAtTheEnd = this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < AT_THE_END_PX;
    const copy = /** @type {DocumentFragment} */ (byId('message-template', HTMLTemplateElement).content.cloneNode(true));
    const now = new Date();
    find(copy, '.message', HTMLElement).dataset['own'] = String(isOwn);
    find(copy, '.message-name', HTMLElement).textContent = isOwn ? t('you', { name }) : name;
    Object.assign(find(copy, 'time', HTMLTimeElement), { dateTime: now.toISOString(), textContent: clock(now) });
    find(copy, '.message-text', HTMLElement).textContent = text;
    const note = find(copy, '.message-note', HTMLElement);
    this.#log.append(copy);
    while (this.#log.childElementCount > MESSAGES_MAX) this.#forgetOldest();
    if (isOwn || wasAtTheEnd) this.#scrollToEnd();
    return note;
  }

  #forgetOldest() {
    const oldest = this.#log.firstElementChild;
    oldest?.remove();
    for (const [message, note] of this.#notes) if (oldest?.contains(note)) this.#notes.delete(message);
  }

  #scrollToEnd() {
    this.#log.scrollTop = this.#log.scrollHeight;
  }

  /** @param {boolean} isOpen */
  #toggled(isOpen) {
    this.#isOpen = isOpen;
    if (!isOpen) return;
    this.#showUnread(0);
    this.#scrollToEnd();
    toast(''); // the message that it told of is there
  }

  /** @param {number} count */
  #showUnread(count) {
    this.#unread = count;
    this.#unreadBadge.hidden = count === 0;
    find(this.#unreadBadge, '[data-testid=unread]', HTMLElement).textContent = String(count);
    find(this.#unreadBadge, '.visually-hidden', HTMLElement).textContent = t('chat-unread', { count: String(count) });
  }
}
