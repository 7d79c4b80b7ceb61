/**
 * What happens to the page around a client. Without a page (in Node) nothing ever does.
 *
 * @param {object} listeners
 * @param {() => void} listeners.onAwake the network is back, or somebody looks at the page again; also when it was left
 *   and comes back as it was (back-forward cache)
 * @param {() => void} listeners.onHide the page is left: the last moment to say something
 * @returns {() => void} stops listening
 */
export function watchPage({ onAwake, onHide }) {
  if (typeof window === 'undefined') return () => {};
  const stop = new AbortController();
  const { signal } = stop;
  window.addEventListener('online', onAwake, { signal });
  document.addEventListener('visibilitychange', () => document.hidden || onAwake(), { signal });
  window.addEventListener('pagehide', onHide, { signal });
  window.addEventListener('pageshow', (event) => event.persisted && onAwake(), { signal });
  return () => stop.abort();
}
