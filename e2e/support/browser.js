import { chromium } from 'playwright-core';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
  // Camera, microphone and screen that need neither device nor consent. Ten pictures a second: a mesh of three makes
  // six streams, which two cores have to encode and decode. Of the three cameras the second one has a format (Y16) that
  // Chromium shows but does not send.
  '--use-fake-device-for-media-stream=fps=10,device-count=3',
  '--use-fake-ui-for-media-stream',
  // Calls within this machine, with or without a network.
  '--allow-loopback-in-peer-connection',
  '--disable-features=WebRtcHideLocalIpsWithMdns,LocalNetworkAccessChecks',
];

/** @returns {Promise<import('playwright-core').Browser>} */
export function launchBrowser() {
  const { CHROMIUM } = process.env;
  if (!CHROMIUM) throw new Error('CHROMIUM must name the browser; `cargo xtask test --only browser` sees to it.');
  return chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
}
