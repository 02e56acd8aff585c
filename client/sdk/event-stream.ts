// Reads text/event-stream (WHATWG HTML, section 9.2): just fields `event`, `data`, `id`, as the coordinator sends them.

export interface StreamEvent {
  event: string; // 'message' unless named
  data: string;
  id: string | null;
}

/** The events of a response body. Ends when the body ends; an event cut off by that is dropped. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamEvent> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let buffered = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      buffered += decoder.decode(value, { stream: true });
      const blocks = buffered.split(/\r?\n\r?\n/);
      buffered = blocks.pop() ?? '';
      for (const block of blocks) {
        const event = parseBlock(block);
        if (event !== null) yield event;
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined); // the connection may be gone already
  }
}

function parseBlock(block: string): StreamEvent | null {
  const found: StreamEvent = { event: 'message', data: '', id: null };
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const [, name, value = ''] = /^([^:]*)(?:: ?(.*))?$/.exec(line) ?? [];
    if (name === 'data') data.push(value);
    else if (name === 'event') found.event = value;
    else if (name === 'id') found.id = value;
  }
  return data.length === 0 ? null : { ...found, data: data.join('\n') };
}
