/** What is read of an SDP, besides what the browser does with it. */

/**
 * The session id of the `o=` line (RFC 8866 section 5.2): the same as long as an RTCPeerConnection lives (RFC 8829 section
 * 5.2.1).
 *
 * @param {RTCSessionDescriptionInit} description
 */
export function originOf({ sdp }) {
  return sdp?.match(/^o=\S+ (\S+)/m)?.[1];
}

/**
 * The whole of that line: another one with each offer that is made (RFC 8829 section 5.2.2).
 *
 * @param {RTCSessionDescriptionInit} description
 */
export function versionOf({ sdp }) {
  return sdp?.match(/^o=.*/m)?.[0];
}

/**
 * Whether the candidate is one of that description's. A candidate without a fragment may be one of any.
 *
 * @param {RTCIceCandidateInit} candidate
 * @param {RTCSessionDescription} description
 */
export function belongs({ usernameFragment }, { sdp }) {
  return !usernameFragment || sdp.includes(`a=ice-ufrag:${usernameFragment}`);
}
