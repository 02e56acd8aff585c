// Reads what the host must know about a WGSL module: for each entry point, the storage bindings and the overrides it
// reaches. Enough of a parser for our own files; not a validator.
//
// A binding whose elements are of a type `alias NAME = f32;` may be an array of f16: a dispatch changes that line where its tensor is
// stored so, and the code converts, f32(x[i]) and NAME(value). With an `override name_scale: f32 = 1;` what is stored may be so many
// times the value, as gradients are: the code divides and multiplies by it.

/**
 * @typedef {{ number: number, name: string, access: 'read' | 'write', type: string, stored?: string }} Binding
 * @typedef {{ bindings: Binding[], required: string[], optional: string[] }} EntryPoint
 */

/** @returns {Record<string, EntryPoint>} by entry point */
export function describeWgsl(code, path) {
  const declarations = splitDeclarations(code.replace(/\/\/[^\n]*/g, '').replace(/\/\*[^]*?\*\//g, '')).map(
    readDeclaration,
  );
  const names = new Map(
    declarations.filter((declaration) => declaration.name).map((declaration) => [declaration.name, declaration]),
  );
  const entryPoints = declarations.filter((declaration) => declaration.isEntryPoint);
  if (entryPoints.length === 0) throw new Error(`${path}: no @compute function`);
  return Object.fromEntries(
    entryPoints.map((entry) => [entry.name, describeEntryPoint(reach(entry, names), `${path}: ${entry.name}`)]),
  );
}

/** Module-scope declarations, each with its attributes: they end with a ; or a } outside of any braces. */
function splitDeclarations(code) {
  const declarations = [];
  let [depth, start] = [0, 0];
  for (let i = 0; i < code.length; i++) {
    if (code[i] === '{') depth++;
    if (code[i] === '}') depth--;
    if (depth > 0 || (code[i] !== ';' && code[i] !== '}')) continue;
    declarations.push(code.slice(start, i + 1).trim());
    start = i + 1;
  }
  return declarations;
}

function readDeclaration(text) {
  const name = /\b(?:fn|struct|alias|const|override|var(?:\s*<[^>]*>)?)\s+([A-Za-z_]\w*)/.exec(text)?.[1];
  const storage = /@binding\((\d+)\)\s*var\s*<\s*storage\s*(?:,\s*(\w+)\s*)?>\s*\w+\s*:\s*([^;]+);/.exec(text);
  const override = /\boverride\s+\w+[^;=]*(=)?/.exec(text);
  return {
    name,
    isEntryPoint: /@compute\b/.test(text),
    isStored: /^alias \w+ = f32;$/.test(text),
    // A member or method name after a dot is not a use.
    uses: new Set(text.replace(/\.\s*[A-Za-z_]\w*/g, '').match(/[A-Za-z_]\w*/g) ?? []),
    binding: storage && {
      number: Number(storage[1]),
      name,
      access: storage[2] === 'read_write' ? 'write' : 'read',
      type: storage[3].trim(),
    },
    override:
      override && !text.includes('fn ') && /^(@id\(\d+\)\s*)?override\b/.test(text)
        ? { hasDefault: override[1] === '=' }
        : null,
  };
}

function reach(entry, names) {
  const reached = new Set([entry]);
  for (const declaration of reached) {
    for (const name of declaration.uses) if (names.has(name)) reached.add(names.get(name));
  }
  return [...reached];
}

function describeEntryPoint(reached, where) {
  const bindings = reached.flatMap(({ binding }) => binding ?? []).sort((a, b) => a.number - b.number);
  for (const [index, { number, name }] of bindings.entries()) {
    const other = bindings[index + 1];
    if (other?.number === number)
      throw new Error(
        `${where}: ${name} and ${other.name} are both at binding ${number} (does a local name hide one?)`,
      );
  }
  const stored = reached.filter(({ isStored }) => isStored).map(({ name }) => name);
  for (const binding of bindings) {
    const alias = stored.find((name) => new RegExp(`\\b${name}\\b`).test(binding.type));
    if (alias) binding.stored = alias;
  }
  const overrides = reached.filter(({ override }) => override).sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    bindings,
    required: overrides.filter(({ override }) => !override.hasDefault).map(({ name }) => name),
    optional: overrides.filter(({ override }) => override.hasDefault).map(({ name }) => name),
  };
}
