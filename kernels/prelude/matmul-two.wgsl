// Two products in one dispatch: their sizes, and which workgroup makes what. Workgroups of the second come first, because it usually
// sums over more; they may share its sum.
// with: matmul-tile

override m: u32;
override n: u32;
override k: u32;
override a_row: u32;
override a_column: u32;
override b_row: u32;
override b_column: u32;
override second_m: u32;
override second_n: u32;
override second_k: u32;
override second_a_row: u32;
override second_a_column: u32;
override second_b_row: u32;
override second_b_column: u32;
override sums_columns: bool; // the second B is also summed over its rows: the gradient of a bias
override part_depth: u32; // of the second k
override part_pitch: u32; // elements of second_c from one part of the sum to the next; used when there are several
override a_factor: f32 = 1;
override b_factor: f32 = 1;
override second_a_factor: f32 = 1;
override second_b_factor: f32 = 1;

fn first_product() -> Product {
  return Product(m, n, k, a_row, a_column, b_row, b_column, k, false, false, false, a_factor, b_factor);
}

fn second_product() -> Product {
  return Product(second_m, second_n, second_k, second_a_row, second_a_column, second_b_row, second_b_column, part_depth, sums_columns, true, false, second_a_factor, second_b_factor);
}

fn tiles_of(product: Product) -> vec2u {
  return (vec2u(product.n, product.m) + tile - 1) / tile;
}

fn place_in(product: Product, number: u32) -> vec3u {
  let tiles = tiles_of(product);
  return vec3u(number % tiles.x, number / tiles.x % tiles.y, number / (tiles.x * tiles.y));
}

/// Workgroups that make a product.
fn workgroups_of(product: Product) -> u32 {
  let tiles = tiles_of(product);
  return tiles.x * tiles.y * ((product.k + product.part_depth - 1) / product.part_depth);
}
