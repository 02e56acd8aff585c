// WebRTC for Node: puts the W3C classes of node-datachannel where PeerJS looks for them, then loads PeerJS's CommonJS
// bundle (its ES module gives "Peer is not a constructor" here). Import this file before anything that dials.

import { createRequire } from 'node:module';
import * as rtc from 'node-datachannel/polyfill';
import type { Peer, PeerOptions } from 'peerjs';

Object.assign(globalThis, {
  RTCPeerConnection: rtc.RTCPeerConnection,
  RTCSessionDescription: rtc.RTCSessionDescription,
  RTCIceCandidate: rtc.RTCIceCandidate,
  RTCDataChannel: rtc.RTCDataChannel,
});

const peerjs = createRequire(import.meta.url)('peerjs') as { Peer: new (id: string, options: PeerOptions) => Peer };

/** A PeerJS peer on node-datachannel. */
export function createPeer(id: string, options: PeerOptions): Peer {
  return new peerjs.Peer(id, options);
}
