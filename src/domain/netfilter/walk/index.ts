/** What the rules do to one packet: the judgement of single rules, and the way through all tables and hooks. */
export type { AddressType, Answer, Surroundings } from './answer.ts';
export type { HookName, Verdict } from './effect.ts';
export { readRouting, type NodeRouting } from './inspect.ts';
export { Protocol, WHOLE_HEADER, type Packet, type TransportHeader } from './packet.ts';
export { readPacket, type PacketQuestion, type PacketWords } from './packet-words.ts';
export { trailItems, type Assumption, type Step } from './path.ts';
export { reportWalk, type PacketSummary, type PacketTest, type PacketTestStep } from './report.ts';
export { staticType, statedRouting, type Origin, type Route, type Routing, type StatedRouting } from './routing.ts';
export { examineRule, ruleMatches, type Examination } from './rule.ts';
export { summarizeWalk, type BackendCount, type WalkSummary } from './verdict.ts';
export { walkPacket, type WalkEnd, type WalkPath, type WalkRequest } from './walk.ts';
export { testPacket, type Hook, type PacketTestRequest } from './test-packet.ts';
