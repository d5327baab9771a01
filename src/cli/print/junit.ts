/** Results of checks in the XML that build servers read. @see https://github.com/testmoapp/junitxml */

import type { JunitSuite } from '../view.ts';

/** One document with a suite for each thing that was checked. */
export function toJunit(suites: readonly JunitSuite[]): string {
  const count = (test: (one: JunitSuite['cases'][number]) => boolean): number => suites.flatMap(({ cases }) => cases).filter(test).length;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites tests="${count(() => true)}" failures="${count(isFailure)}" skipped="${count(isSkipped)}">`,
    ...suites.flatMap(suiteLines),
    '</testsuites>',
  ].join('\n');
}

const isFailure = ({ failure }: JunitSuite['cases'][number]): boolean => failure !== undefined;
const isSkipped = ({ skipped }: JunitSuite['cases'][number]): boolean => skipped === true;

const suiteLines = ({ name, cases }: JunitSuite): string[] => [
  `  <testsuite name="${escape(name)}" tests="${cases.length}" failures="${cases.filter(isFailure).length}" skipped="${cases.filter(isSkipped).length}">`,
  ...cases.flatMap((one) => caseLines(name, one)),
  '  </testsuite>',
];

function caseLines(suite: string, { name, failure, skipped }: JunitSuite['cases'][number]): string[] {
  const start = `    <testcase classname="${escape(suite)}" name="${escape(name)}"`;
  if (skipped === true) return [`${start}><skipped/></testcase>`];
  if (failure === undefined) return [`${start}/>`];
  return [`${start}>`, `      <failure message="${escape(failure.message)}">${escape(failure.text)}</failure>`, '    </testcase>'];
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };

/** Control characters other than a line's end have no form in XML at all. */
const escape = (text: string): string => text.replace(/[^\n\P{Cc}]/gu, '').replace(/[&<>"']/g, (sign) => ENTITIES[sign]!);
