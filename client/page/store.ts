// Holds the page's state and tells one listener about changes, at most ten times a second and only in an animation frame:
// a trainer reports hundreds of steps a second, and nobody reads faster.

export interface Store<S> {
  get(): S;
  set(patch: Partial<S>): void;
}

export interface Frames {
  now(): number; // ms
  request(callback: () => void): void; // before the next paint
}

/** Calls `render` with the newest state, never twice within `intervalMs`. */
export function createStore<S extends object>(
  initial: S,
  render: (state: S) => void,
  frames: Frames,
  intervalMs = 100,
): Store<S> {
  let state = initial;
  let renderedAt = -Infinity;
  let isPending = false;

  const frame = () => {
    if (frames.now() - renderedAt < intervalMs) return frames.request(frame);
    isPending = false;
    renderedAt = frames.now();
    render(state);
  };

  return {
    get: () => state,
    set(patch) {
      state = { ...state, ...patch };
      if (isPending) return;
      isPending = true;
      frames.request(frame);
    },
  };
}
