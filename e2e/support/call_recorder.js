/**
 * Runs in the page before its own scripts, and gives the test what the page has no reason to show: its
 * RTCPeerConnections, the states they have been in, and how often an own offer yielded to one that crossed it; and what
 * its connection to the gateway was shown to be.
 *
 * @typedef {RTCPeerConnection & { history: RTCPeerConnectionState[], yielded: number }} Recorded
 */
export function recordCalls() {
  const Original = window.RTCPeerConnection;
  /** @type {Recorded[]} */
  const connections = [];

  window.RTCPeerConnection = class extends Original {
    history = [/** @type {RTCPeerConnectionState} */ ('new')];
    /** Offers of the other side that were taken while an own one was out. */
    yielded = 0;

    /** @param {RTCConfiguration} configuration */
    constructor(configuration) {
      super(configuration);
      connections.push(this);
      this.addEventListener('connectionstatechange', () => this.history.push(this.connectionState));
    }

    /** @param {RTCSessionDescriptionInit} description */
    setRemoteDescription(description) {
      if (description.type === 'offer' && this.signalingState === 'have-local-offer') this.yielded++;
      return super.setRemoteDescription(description);
    }
  };

  /** @type {(string | undefined)[]} */
  const statuses = [];
  addEventListener('DOMContentLoaded', () => {
    const status = document.getElementById('status');
    if (!status) return; // not the demo's page
    const watcher = new MutationObserver(() => {
      if (status.dataset['state'] !== statuses.at(-1)) statuses.push(status.dataset['state']);
    });
    watcher.observe(status, { attributeFilter: ['data-state'] });
  });

  Object.assign(window, { recordedConnections: connections, recordedStatuses: statuses });
}
