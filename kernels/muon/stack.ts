// Stacks: matrices of one shape taken together, so that a product of all of them is one dispatch. A matrix that is taller than
// wide is taken transposed: every matrix of a stack is [rows, columns] with rows <= columns.

import type { Parameter } from '../plan/plan.ts';

export interface Stack {
  readonly rows: number;
  readonly columns: number;
  readonly matrices: readonly StackedMatrix[];
  readonly decays: boolean; // weight decay applies to all of them, or to none
}

export interface StackedMatrix {
  readonly offset: number; // elements into the flat vector
  readonly isTransposed: boolean; // lies [columns, rows] there
}

/** Elements of the largest stack of more than one matrix: 128 MiB, what every WebGPU device can bind. */
const mostElements = 2 ** 25;

/** Stacks of matrices, in the order of their first ones. @param parameters each of two dimensions */
export function stacksOf(parameters: readonly Parameter[], most = mostElements): Stack[] {
  const byShape = Map.groupBy(parameters, ({ shape, decay }) => `${Math.min(...shape)} ${Math.max(...shape)} ${decay}`);
  return [...byShape.values()].flatMap((alike) => {
    const { shape, elements, decay } = alike[0]!;
    const size = Math.max(1, Math.floor(most / elements));
    return Array.from({ length: Math.ceil(alike.length / size) }, (_, part) => ({
      rows: Math.min(...shape),
      columns: Math.max(...shape),
      matrices: alike.slice(part * size, (part + 1) * size).map(stacked),
      decays: decay,
    }));
  });
}

function stacked({ offset, shape }: Parameter): StackedMatrix {
  return { offset, isTransposed: shape[0]! > shape[1]! };
}

/** The rows of a stack in its order: where each begins there and in the flat vector, and how far apart its elements lie in that. */
export function forEachRow(
  { rows, columns, matrices }: Stack,
  visit: (at: number, flat: number, stride: number) => void,
): void {
  for (const [index, { offset, isTransposed }] of matrices.entries()) {
    for (let i = 0; i < rows; i++) {
      const at = (index * rows + i) * columns;
      if (isTransposed) visit(at, offset + i, rows);
      else visit(at, offset + i * columns, 1);
    }
  }
}
