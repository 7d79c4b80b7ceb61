import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const openssl = (/** @type {string[]} */ args, /** @type {string} */ cwd) => promisify(execFile)('openssl', args, { cwd });

/** Certificates for 127.0.0.1 under an authority of their own, made by openssl, and the pair that a gateway is to serve. */
export class Certificates {
  #folder;

  /** @param {string} folder */
  constructor(folder) {
    this.#folder = folder;
  }

  /** @param {...string} names of pairs; the first is the one to serve */
  static async make(...names) {
    const certificates = new Certificates(await mkdtemp(join(tmpdir(), 'certificates-')));
    await certificates.#key('ca', ['-x509', '-days', '2', '-subj', '/CN=authority', '-out', 'ca.pem']);
    for (const name of names) {
      await certificates.#key(name, ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1', '-out', `${name}.csr`]);
      const sign = `x509 -req -in ${name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -copy_extensions copy -days 2 -out ${name}.pem`;
      await openssl(sign.split(' '), certificates.#folder);
    }
    await certificates.serve(names[0]);
    return certificates;
  }

  /** For a gateway. */
  get settings() {
    return { 'ops_listen': '127.0.0.1:0', 'tls.cert_file': this.#path('tls.crt'), 'tls.key_file': this.#path('tls.key') };
  }

  /** In PEM. */
  authority() {
    return readFile(this.#path('ca.pem'), 'utf8');
  }

  /** @param {string} name @returns {Promise<string>} as people compare it, in hexadecimal */
  async serial(name) {
    return new X509Certificate(await readFile(this.#path(`${name}.pem`))).serialNumber;
  }

  /** Puts a pair where the gateway looks; it may be told. @param {string} name @param {string} [keyOf] another one's key, which does not fit */
  async serve(name, keyOf = name) {
    await copyFile(this.#path(`${keyOf}.key`), this.#path('tls.key'));
    await copyFile(this.#path(`${name}.pem`), this.#path('tls.crt'));
  }

  /**
   * What `openssl s_client` is shown, which trusts the authority.
   *
   * @param {string} url
   * @returns {Promise<{ serial: string, protocol: string | undefined }>}
   */
  async seenByOpenssl(url) {
    const client = `s_client -connect ${new URL(url).host} -alpn h2,http/1.1 -CAfile ca.pem -verify_return_error`;
    const asked = openssl(client.split(' '), this.#folder);
    asked.child.stdin?.end();
    const { stdout } = await asked;
    return { serial: new X509Certificate(stdout).serialNumber, protocol: stdout.match(/^ALPN protocol: (.+)$/m)?.[1] };
  }

  async remove() {
    await rm(this.#folder, { recursive: true });
  }

  /** @param {string} file */
  #path(file) {
    return join(this.#folder, file);
  }

  /** @param {string} name @param {string[]} more */
  #key(name, more) {
    const request = ['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', `${name}.key`];
    return openssl([...request, ...more], this.#folder);
  }
}
