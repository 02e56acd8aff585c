// A picture of what liars cost: for each attack a bar for the rule alone and one for all checks together, 20% and 40% liars.

interface Row {
  readonly name: string;
  readonly value: number | null;
}

const shownAtMost = 30; // percent; longer bars are cut and marked
const [left, width, barHeight, gap] = [190, 420, 9, 8];
const colours = { alone: '#c9793a', all: '#2f7d6d' };

/** @param rows as `npm run bench:attacks` writes them; of several seeds the first is shown */
export function attacksSvg(rows: readonly Row[]): string {
  const names = rows
    .filter(({ name }) => /^all: [^,]+, \d+%$/.test(name))
    .map(({ name }) => name.slice('all: '.length));
  const rowHeight = 2 * barHeight + gap;
  const height = names.length * rowHeight + 60;
  const lines = names.map((name, i) => group(name, rows, 40 + i * rowHeight));
  const ticks = [0, 10, 20, 30].map((percent) => tick(percent, height));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${left + width + 60} ${height}" font-family="sans-serif" font-size="11">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    `<text x="${left}" y="16" fill="${colours.alone}">robust rule alone</text>`,
    `<text x="${left + 120}" y="16" fill="${colours.all}">rule, gate, audits and bans</text>`,
    `<text x="${left + 300}" y="16" fill="#555">held-out loss above clean, %</text>`,
    ...ticks,
    ...lines,
    '</svg>',
    '',
  ].join('\n');
}

function group(name: string, rows: readonly Row[], y: number): string {
  const alone = rows.find((row) => row.name === `robust: ${name.replace('quiet ', '')}`)?.value ?? null;
  const all = rows.find((row) => row.name === `all: ${name}`)?.value ?? null;
  return [
    `<text x="${left - 8}" y="${y + 13}" text-anchor="end">${name}</text>`,
    bar(alone, y, colours.alone),
    bar(all, y + barHeight, colours.all),
  ].join('');
}

function bar(value: number | null, y: number, colour: string): string {
  const length = (width * Math.min(shownAtMost, Math.max(0, value ?? shownAtMost))) / shownAtMost;
  const label = value === null ? 'diverged' : value.toFixed(1);
  return (
    `<rect x="${left}" y="${y}" width="${length.toFixed(1)}" height="${barHeight - 1}" fill="${colour}"/>` +
    `<text x="${(left + length + 4).toFixed(1)}" y="${y + 8}" font-size="9" fill="#333">${label}</text>`
  );
}

function tick(percent: number, height: number): string {
  const x = left + (width * percent) / shownAtMost;
  return `<path d="M${x} 28V${height - 16}" stroke="#ddd"/><text x="${x}" y="${height - 4}" text-anchor="middle">${percent}</text>`;
}
