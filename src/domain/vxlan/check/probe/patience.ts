import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 5;

/** Asks again and again until the answer is yes or patience ends; returns the last answer. */
export async function until(isDone: () => boolean, patienceMs: number): Promise<boolean> {
  for (const end = performance.now() + patienceMs; performance.now() < end; await sleep(POLL_MS)) if (isDone()) return true;
  return isDone();
}
