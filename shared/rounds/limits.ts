// The times and bounds of a room, in one place. What a job's owner may choose is in the manifest; these are the same for
// every job. All times are milliseconds.

/** Rounds whose deadline comes from the workers' measured speeds, because too few before them were timed. */
export const settlingRounds = 3;
/** Beside training: pipelines that compile, links that open. */
export const settlingMs = 15_000;
/** The same while nobody's speed is known. */
export const unknownMs = 60_000;
export const minDeadlineMs = 5_000;
export const maxDeadlineMs = 600_000;
/** A round is not planned around a worker that needs so many times longer than most. */
export const patienceFactor = 3;
/** Durations remembered for the deadline. */
export const recentRounds = 16;
/** How often a deadline moves while too little work is in. */
export const maxExtensions = 3;

/** From this size on workers hear of changed neighbours only so often. */
export const largeSwarm = 64;
export const introduceMs = 500;
/** Beyond that many that hear of others at once, dials are spread: those of one are a hundred signals, and an object of signalling has 250 peers. */
export const dialMsEach = 100;
/** Longer than this, or than half a round, nothing is left to gain: the signalling of large swarms is divided. */
export const maxDialMs = 30_000;
/** Peers are told of a commit after so long, or a quarter of a round, together with those of others. */
export const noticeMs = 250;
/** Everyone has committed and all is safe: those who have not said that they received it get so long, or a quarter round. */
export const settleMs = 2_000;
/** With bounded staleness: the share has committed, and the others get an eighth of a round more, within these bounds. */
export const minShareGraceMs = 250;
export const maxShareGraceMs = 10_000;
/** A node's members get half a round to fold, within these bounds. */
export const minFoldMs = 3_000;
export const maxFoldMs = 30_000;

/** Fewer workers gain nothing by adding up; more would have a room remember too many hashes. */
export const minAdders = 3;
export const maxAdders = 32;
/** Segments are added up, or sums gathered, within the time given for a round at first, and no less than this. */
export const minAddMs = 10_000;
/** One in so many rounds that add up has one of its sums made again by someone else. */
export const checkEvery = 4;
/** After each round that could not be added up twice as many go without, up to so many. */
export const maxSetbackRounds = 64;

/** Once a quorum agrees on the state, the others get half a round more to report it, within these bounds. */
export const minAgreementGraceMs = 2_000;
export const maxAgreementGraceMs = 15_000;
/** After so many misses in a row a worker rests: 4 rounds, then 8, 16 and so on up to `maxRestRounds`. */
export const maxMisses = 3;
export const maxRestRounds = 256;
/** Workers that get ready a little later than the first ones still take part in the first round. */
export const startGraceMs = 5_000;
/** With verification: after so long a state is agreed without the word of the worker drawn to confirm it. */
export const unconfirmedLimitMs = 120_000;
/** After so long what has been reported must do. */
export const agreementLimitMs = 60_000;

/** Workers that were present before a restart of the room are waited for: longer than their longest pause between tries. */
export const rejoinMs = 20_000;

/** A checkpoint is due when the log has so many rounds or contributions, whatever the interval. */
export const maxLogRounds = 64;
export const maxLogContributions = 1024;
export const leaseMs = { checkpoint: 120_000, artifact: 300_000 };
/** All holders failed: try again later. */
export const leaseRetryMs = 15_000;
export const maxArtifactFailures = 6;

/** A holder that was asked to relay a payload has so long before the next one is asked. */
export const relayRetryMs = 4_000;
/** Nobody present can rebuild the state for so long: the job goes back; later, while some may still manage. */
export const rewindMs = 30_000;
export const patientRewindMs = 120_000;
/** A worker that is still wrong after so many fresh starts is turned away. */
export const maxResyncs = 5;

/** Payloads that are applied for a round at most: all of a mesh, and those of a tree in which hardly any node folded. */
export const maxApplied = 1024;
/** Contributions in one event of the ledger. */
export const maxListed = 1000;
/** Accepted contributions that the room remembers, so that nobody has an old one counted again; in large swarms two rounds of them. */
export const maxSpent = 4096;
/** Payloads a worker may report before the room has heard of their commits. */
export const maxEarly = 1024;
export const maxLossPoints = 1000;
/** Agreed states that the room remembers the hashes of; the ledger has them all. */
export const maxStateHashes = 1000;
/** Share of a round that measuring the validation loss may cost its worker. */
export const evaluationShare = 0.1;
/** A forward pass costs a third of a training step. */
export const forwardSpeedup = 3;
