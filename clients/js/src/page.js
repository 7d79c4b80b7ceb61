/**
 * What happens to the page around a client. Without a page (in Node) nothing ever does.
 *
 * @param {object} listeners
 * @param {() => void} listeners.onDoubt the network is gone or another one, somebody looks at the page again, or it was frozen
 *   and goes on: the connection may not be what it seems
 * @param {() => void} listeners.onUnseen nobody looks at it any more: timers ring late from now on
 * @param {() => void} listeners.onHide the page is left: the last moment to say something
 * @param {() => void} listeners.onReturn it comes back as it was (back-forward cache)
 * @returns {() => void} stops listening
 */
export function watchPage({ onDoubt, onUnseen, onHide, onReturn }) {
  if (typeof window === 'undefined') return () => {};
  const stop = new AbortController();
  const { signal } = stop;
  window.addEventListener('online', onDoubt, { signal });
  window.addEventListener('offline', onDoubt, { signal });
  document.addEventListener('visibilitychange', () => (document.hidden ? onUnseen() : onDoubt()), { signal });
  document.addEventListener('resume', onDoubt, { signal });
  window.addEventListener('pagehide', onHide, { signal });
  window.addEventListener('pageshow', (event) => event.persisted && onReturn(), { signal });
  return () => stop.abort();
}

/**
 * @param {() => void} onOnline the page has a network again, perhaps another one
 * @returns {() => void} stops listening
 */
export function watchNetwork(onOnline) {
  if (typeof window === 'undefined') return () => {};
  window.addEventListener('online', onOnline);
  return () => window.removeEventListener('online', onOnline);
}
