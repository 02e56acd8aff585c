/// One head of one sequence at one position, numbered [B, H, T].
struct Place {
  t: u32,
  first: u32, // the number of the same head's place at t = 0
  sequence: u32, // first row of the sequence
  column: u32, // of the head in a part of width C
}

fn place_of(number: u32) -> Place {
  let head = number / time;
  return Place(number % time, head * time, head / heads * time, head % heads * head_size);
}

/// Where q (part 0), k (1) or v (2) of a head begins in qkv [B * T, 3 C].
fn offset_in_qkv(place: Place, t: u32, part: u32) -> u32 {
  return ((place.sequence + t) * 3 + part) * heads * head_size + place.column;
}

/// Where a head begins in out [B * T, C].
fn offset_in_out(place: Place, t: u32) -> u32 {
  return (place.sequence + t) * heads * head_size + place.column;
}
