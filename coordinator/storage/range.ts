// The Range header of a request, RFC 9110 section 14.2: one range of bytes. Several ranges, or another unit, are answered
// with the whole, as the RFC allows.

export interface ByteRange {
  offset: number;
  length: number;
}

/** The bytes asked for, null for all of them, or 'unsatisfiable'. `size` is the object's. */
export function parseRange(header: string | null, size: number): ByteRange | null | 'unsatisfiable' {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (match === null || (match[1] === '' && match[2] === '')) return null;
  const [first, last] = [match[1]!, match[2]!].map((digits) => (digits === '' ? null : Number(digits)));
  const offset = first ?? Math.max(0, size - last!);
  const end = first === null || last === null ? size : Math.min(last! + 1, size);
  return offset < end ? { offset, length: end - offset } : 'unsatisfiable';
}
