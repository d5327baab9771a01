import { SluiceError } from '../../../lib/errors.ts';

/** `reason` is what the kernel said when it is not there. */
export interface Feature {
  available: boolean;
  reason?: string;
}

/** Tries; a refusal for want of rights counts as absent too, and `reason` then has EPERM. */
export function attempt(work: () => void): Feature {
  try {
    work();
    return { available: true };
  } catch (error) {
    if (error instanceof SluiceError) return { available: false, reason: error.message };
    throw error;
  }
}
