// WebRTC for Node: puts the W3C classes of node-datachannel where PeerJS looks for them, then loads PeerJS's CommonJS
// bundle (its ES module gives "Peer is not a constructor" here). Import this file before anything that dials.

import { createRequire } from 'node:module';
import * as rtc from 'node-datachannel/polyfill';
import type { Peer, PeerOptions } from 'peerjs';

/**
 * Sends candidates only when the other side can use them. node-datachannel gathers at once, where a browser waits for its
 * description to be set, so PeerJS would send candidates ahead of the answer, and they would be dropped. And libdatachannel
 * refuses the certificate of a peer that connects while its answer is still being applied ("unknown CA"), so an offerer
 * stays silent until then.
 *
 * And it closes its channels with itself: one that never opened hears nothing of its connection's end, and its five native callbacks
 * would keep the process for ever.
 */
class PatientPeerConnection extends rtc.RTCPeerConnection {
  private early: Event[] | null = [];
  private readonly channels: rtc.RTCDataChannel[] = [];

  override createDataChannel(label: string, options?: RTCDataChannelInit): rtc.RTCDataChannel {
    const channel = super.createDataChannel(label, options);
    this.channels.push(channel);
    return channel;
  }

  override close(): void {
    super.close();
    for (const channel of this.channels.splice(0)) channel.close();
  }

  override dispatchEvent(event: Event): boolean {
    if (event.type !== 'icecandidate' || this.early === null) return super.dispatchEvent(event);
    this.early.push(event);
    return true;
  }

  override async setLocalDescription(description: rtc.RTCSessionDescription): Promise<void> {
    await super.setLocalDescription(description);
    if (description.type === 'answer') this.release();
  }

  override async setRemoteDescription(description: rtc.RTCSessionDescription): Promise<void> {
    await super.setRemoteDescription(description);
    if (description.type === 'answer') this.release();
  }

  private release(): void {
    setImmediate(() => {
      const events = this.early ?? []; // PeerJS has sent the answer by now
      this.early = null;
      for (const event of events) super.dispatchEvent(event);
    });
  }
}

Object.assign(globalThis, {
  RTCPeerConnection: PatientPeerConnection,
  RTCSessionDescription: rtc.RTCSessionDescription,
  RTCIceCandidate: rtc.RTCIceCandidate,
  RTCDataChannel: rtc.RTCDataChannel,
});

const peerjs = createRequire(import.meta.url)('peerjs') as { Peer: new (id: string, options: PeerOptions) => Peer };

/** A PeerJS peer on node-datachannel. */
export function createPeer(id: string, options: PeerOptions): Peer {
  return new peerjs.Peer(id, options);
}
