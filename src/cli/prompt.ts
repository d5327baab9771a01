import { OperationError, UsageError } from '../lib/errors.ts';

export interface Question {
  text: string;
  /** `severe` wants `word` typed instead of a y. */
  severity: 'moderate' | 'severe';
  word?: string;
  /** `--yes` was given. */
  yes: boolean;
  /** Somebody can answer. */
  interactive: boolean;
}

/** Returns when the answer is yes. @throws UsageError where nobody can answer; OperationError SL1013 when it is no. */
export async function ask(question: Question): Promise<void> {
  if (question.yes) return;
  if (!question.interactive) throw new UsageError(`${question.text} needs an answer and nobody can give one`, { hints: ['add --yes'] });
  const { default: inquirer } = await import('inquirer');
  const word = question.severity === 'severe' ? question.word : undefined;
  const { answer } = await inquirer.prompt<{ answer: string | boolean }>(
    word === undefined
      ? [{ type: 'confirm', name: 'answer', message: question.text, default: false }]
      : [{ type: 'input', name: 'answer', message: `${question.text} Type ${word} to go on:` }],
  );
  if (answer === true || (word !== undefined && answer === word)) return;
  throw new OperationError('not confirmed; nothing was changed', { code: 'SL1013' });
}
