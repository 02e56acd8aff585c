// A cluster under seeded faults: nodes with clocks of their own, requests and answers that are delayed or lost, nodes that
// freeze or start over, and forced elections. It runs the real `decide` and the real belief of a node, and checks what has
// to hold at every moment: at most one node believes that it leads, and no request of an older leader is taken.

import { LoomError } from '../errors.ts';
import { createRandom } from '../random.ts';
import type { Random } from '../random.ts';
import { decide, isAskedToYield } from './decide.ts';
import { leaderAt, roleOf } from './fold.ts';
import { heardAnswer, newStanding, roleAt } from './standing.ts';
import type { HeartbeatAnswer, Standing } from './standing.ts';
import { newCluster } from './types.ts';
import type { ClusterCommand, ClusterEvent, ClusterState } from './types.ts';

export interface Simulated {
  readonly events: ClusterEvent[];
  readonly refused: number; // requests of leaders that were none any more
  readonly taken: number[]; // fences of the requests that were carried out, in order
  readonly leaderlessMs: number; // the longest time without a leader after the faults were over
  readonly violations: string[];
}

interface SimulatedNode {
  readonly nodeId: string;
  readonly rate: number; // of its clock against true time
  readonly offset: number;
  session: number;
  frozenUntil: number;
  nextBeat: number;
  standing: Standing;
  yields: number | null;
  beat: number; // of the latest heartbeat: answers to earlier ones are not listened to
}

const leaseMs = 10_000;
const beatMs = 3_000;
const stepMs = 50;
const faultsMs = 180_000;
const calmMs = 60_000;

/** `clockJumps`: clocks stand still in a sleep and run at different rates, so that only fences are left to protect. */
export function simulate(seed: number, options: { nodes: number; clockJumps: boolean }): Simulated {
  const random = createRandom(seed);
  const run = new Run(random, options);
  for (let now = 0; now < faultsMs + calmMs; now += stepMs) run.step(now);
  return run.result();
}

class Run {
  private state: ClusterState = newCluster;
  private readonly nodes: SimulatedNode[];
  private readonly wire: { at: number; act: (now: number) => void }[] = [];
  private readonly events: ClusterEvent[] = [];
  private readonly taken: number[] = [];
  private readonly violations: string[] = [];
  private refused = 0;
  private leaderlessMs = 0;
  private ledAt = faultsMs;
  private readonly random: Random;
  private readonly clockJumps: boolean;

  constructor(random: Random, { nodes, clockJumps }: { nodes: number; clockJumps: boolean }) {
    this.random = random;
    this.clockJumps = clockJumps;
    this.nodes = Array.from({ length: nodes }, (_, i) => ({
      nodeId: `node-${i}`,
      rate: clockJumps ? 0.5 + random.uniform() : 0.99 + random.uniform() * 0.02,
      offset: random.uniform() * 1e6,
      session: 0,
      frozenUntil: 0,
      nextBeat: random.uniform() * beatMs,
      standing: newStanding(i === nodes - 1),
      yields: null,
      beat: 0,
    }));
  }

  step(now: number): void {
    if (now < faultsMs) this.fault(now);
    for (const node of this.nodes) if (now >= node.frozenUntil) this.act(node, now);
    for (let i = 0; i < this.wire.length; i++) {
      if (this.wire[i]!.at > now) continue;
      this.wire.splice(i--, 1)[0]!.act(now);
    }
    this.check(now);
  }

  result(): Simulated {
    const { events, refused, taken, leaderlessMs, violations } = this;
    return { events, refused, taken, leaderlessMs, violations };
  }

  private clock(node: SimulatedNode, now: number): number {
    return node.offset + now * node.rate;
  }

  private fault(now: number): void {
    const node = this.nodes[this.random.below(this.nodes.length)]!;
    const draw = this.random.uniform();
    if (draw < 0.002) node.frozenUntil = now + this.random.uniform() * 40_000;
    else if (draw < 0.003) this.restart(node);
    else if (draw < 0.005)
      this.attempt({ type: 'elect', wanted: this.random.uniform() < 0.5 ? null : node.nodeId }, now);
    else if (draw < 0.006) this.leave(node, now);
  }

  private restart(node: SimulatedNode): void {
    node.session += 1;
    node.standing = newStanding(this.isObserver(node));
    node.yields = null;
  }

  /** It stops acting, says goodbye, and is started again. */
  private leave(node: SimulatedNode, now: number): void {
    const command = { type: 'leave', nodeId: node.nodeId, session: String(node.session) } as const;
    this.restart(node);
    this.send(now, (arrived) => void this.attempt(command, arrived));
  }

  private isObserver(node: SimulatedNode): boolean {
    return node === this.nodes.at(-1);
  }

  private act(node: SimulatedNode, now: number): void {
    if (this.believes(node, now) && this.random.uniform() < 0.05) this.request(node, now);
    if (now < node.nextBeat) return;
    node.nextBeat = now + beatMs;
    const [sentAt, session, yields] = [this.clock(node, now), node.session, node.yields];
    const beat = ++node.beat;
    this.send(now, (arrived) => {
      const answer = this.heartbeat(node, session, yields, arrived);
      if (answer === null) return;
      this.send(arrived, () => {
        if (node.session === session && node.beat === beat) this.hear(node, answer, sentAt);
      });
    });
  }

  private hear(node: SimulatedNode, answer: HeartbeatAnswer, sentAt: number): void {
    node.standing = heardAnswer(answer, sentAt, leaseMs);
    node.yields = answer.isAskedToYield && answer.role === 'leader' ? answer.fence : null;
  }

  /** A leader's request, with its fence: carried out only while that is the leader's. */
  private request(node: SimulatedNode, now: number): void {
    const { fence } = node.standing;
    this.send(now, (arrived) => {
      if (leaderAt(this.state, arrived)?.fence === fence) this.taken.push(fence);
      else this.refused += 1;
    });
  }

  private heartbeat(node: SimulatedNode, session: number, yields: number | null, now: number): HeartbeatAnswer | null {
    const { nodeId } = node;
    const own = { nodeId, session: String(session), observer: this.isObserver(node), leaseMs };
    if (!this.attempt({ type: 'heartbeat', node: own, yields, isHeld: false }, now)) return null;
    const leader = leaderAt(this.state, now);
    const leads = leader?.nodeId === nodeId && leader.session === own.session;
    const role = leads ? 'leader' : own.observer ? 'observer' : 'follower';
    return {
      role,
      fence: this.state.fence,
      leader: leader?.nodeId ?? null,
      isAskedToYield: isAskedToYield(this.state),
    };
  }

  private attempt(command: ClusterCommand, now: number): boolean {
    try {
      const { state, events } = decide(this.state, command, now);
      this.state = state;
      this.events.push(...events);
      return true;
    } catch (error) {
      if (error instanceof LoomError) return false;
      throw error;
    }
  }

  private send(now: number, act: (now: number) => void): void {
    const isFaulty = now < faultsMs;
    if (isFaulty && this.random.uniform() < 0.1) return;
    this.wire.push({ at: now + this.random.uniform() * (isFaulty && this.random.uniform() < 0.1 ? 15_000 : 300), act });
  }

  private believes(node: SimulatedNode, now: number): boolean {
    return roleAt(node.standing, this.clock(node, now)) === 'leader';
  }

  private check(now: number): void {
    const leaders = this.nodes.filter((node) => this.believes(node, now));
    if (leaders.length > 1 && !this.clockJumps)
      this.violations.push(`${now}: ${leaders.map(({ nodeId }) => nodeId).join(' and ')} believe that they lead`);
    const leader = leaderAt(this.state, now);
    if (leader !== null && roleOf(this.state, leader.nodeId, now) !== 'leader') this.violations.push(`${now}: no role`);
    if (leader !== null || now < faultsMs) this.ledAt = Math.max(now, faultsMs);
    else this.leaderlessMs = Math.max(this.leaderlessMs, now - this.ledAt);
  }
}
