/** Ciphers of ESP, by what they cost. */

/** What a cipher costs in every packet. */
export interface Cipher {
  title: string;
  /** Bytes of initialisation vector in every packet. */
  iv: number;
  /** What is encrypted is filled up to a multiple of this; never less than 4. @rfc 4303 section 2.4 */
  block: number;
  /** Bytes of integrity check value at the end. */
  icv: number;
}

/** By the name that `--cipher` takes. @rfc 3602, 2404, 4868, 4106, 7634 */
export const CIPHERS = {
  'aes-cbc-sha1': { title: 'AES-CBC, SHA-1', iv: 16, block: 16, icv: 12 },
  'aes-cbc-sha256': { title: 'AES-CBC, SHA-256', iv: 16, block: 16, icv: 16 },
  'aes-gcm': { title: 'AES-GCM', iv: 8, block: 4, icv: 16 },
  'chacha20-poly1305': { title: 'ChaCha20-Poly1305', iv: 8, block: 4, icv: 16 },
} as const satisfies Readonly<Record<string, Cipher>>;

/** One of them. */
export type CipherName = keyof typeof CIPHERS;
