// Text for a terminal of 80 columns: help is read there, and a line that wraps by itself breaks its columns.

const columns = 80;

/** Paragraphs wrapped at words; lines that begin with a space are examples, and stay as they are. */
export function paragraphs(text: string): string {
  const lines: string[] = [];
  let open = ''; // the paragraph so far
  const end = (): void => {
    if (open !== '') lines.push(...wrapped(open, columns));
    open = '';
  };
  for (const line of text.split('\n')) {
    const isText = line !== '' && !line.startsWith(' ');
    if (isText) open = open === '' ? line : `${open} ${line}`;
    else {
      end();
      lines.push(line);
    }
  }
  end();
  return lines.join('\n');
}

/** Two columns, the right one wrapped. */
export function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  const indent = ' '.repeat(width + 4);
  return rows
    .map(([left, right]) => `  ${left.padEnd(width)}  ${wrapped(right, columns - indent.length).join(`\n${indent}`)}`)
    .join('\n');
}

/** Lines of at most `width` characters, unless a word is longer. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
