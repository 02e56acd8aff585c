;; The CPU backend's inner loops in WebAssembly SIMD. Pointers and strides are bytes, sizes are f32 elements.
;; Written with relaxed_madd, which is one fused instruction where the processor has it; the generator also makes a
;; module in which each is a multiplication and an addition, for engines without relaxed SIMD.
(module
  (memory (import "host" "memory") 1)

  ;; ---- matrix product -------------------------------------------------------------------------------------------
  ;; After Goto and van de Geijn: B is packed in panels of 8 columns, [n / 8][k][8], in blocks of at most 256 x 256, and a
  ;; tile of 4 x 8 of C stays in registers while it runs down the block. 8 sums, 2 of B, 1 of A fit 16 registers.

  ;; C tile [4, 8] = or += A B, A by four row pointers that move on by $step, B a packed panel.
  (func $tile
    (param $a0 i32) (param $a1 i32) (param $a2 i32) (param $a3 i32) (param $step i32)
    (param $b i32) (param $k i32) (param $c i32) (param $c_row i32) (param $accumulate i32)
    (local $end i32) (local $b0 v128) (local $b1 v128) (local $a v128)
    (local $s00 v128) (local $s01 v128) (local $s10 v128) (local $s11 v128)
    (local $s20 v128) (local $s21 v128) (local $s30 v128) (local $s31 v128)
    (local $c1 i32) (local $c2 i32) (local $c3 i32)
    (local.set $c1 (i32.add (local.get $c) (local.get $c_row)))
    (local.set $c2 (i32.add (local.get $c1) (local.get $c_row)))
    (local.set $c3 (i32.add (local.get $c2) (local.get $c_row)))
    (if (local.get $accumulate)
      (then
        (local.set $s00 (v128.load (local.get $c)))
        (local.set $s01 (v128.load offset=16 (local.get $c)))
        (local.set $s10 (v128.load (local.get $c1)))
        (local.set $s11 (v128.load offset=16 (local.get $c1)))
        (local.set $s20 (v128.load (local.get $c2)))
        (local.set $s21 (v128.load offset=16 (local.get $c2)))
        (local.set $s30 (v128.load (local.get $c3)))
        (local.set $s31 (v128.load offset=16 (local.get $c3)))))
    (local.set $end (i32.add (local.get $b) (i32.shl (local.get $k) (i32.const 5))))
    (loop $inner
      (local.set $b0 (v128.load (local.get $b)))
      (local.set $b1 (v128.load offset=16 (local.get $b)))
      (local.set $a (v128.load32_splat (local.get $a0)))
      (local.set $s00 (f32x4.relaxed_madd (local.get $a) (local.get $b0) (local.get $s00)))
      (local.set $s01 (f32x4.relaxed_madd (local.get $a) (local.get $b1) (local.get $s01)))
      (local.set $a (v128.load32_splat (local.get $a1)))
      (local.set $s10 (f32x4.relaxed_madd (local.get $a) (local.get $b0) (local.get $s10)))
      (local.set $s11 (f32x4.relaxed_madd (local.get $a) (local.get $b1) (local.get $s11)))
      (local.set $a (v128.load32_splat (local.get $a2)))
      (local.set $s20 (f32x4.relaxed_madd (local.get $a) (local.get $b0) (local.get $s20)))
      (local.set $s21 (f32x4.relaxed_madd (local.get $a) (local.get $b1) (local.get $s21)))
      (local.set $a (v128.load32_splat (local.get $a3)))
      (local.set $s30 (f32x4.relaxed_madd (local.get $a) (local.get $b0) (local.get $s30)))
      (local.set $s31 (f32x4.relaxed_madd (local.get $a) (local.get $b1) (local.get $s31)))
      (local.set $a0 (i32.add (local.get $a0) (local.get $step)))
      (local.set $a1 (i32.add (local.get $a1) (local.get $step)))
      (local.set $a2 (i32.add (local.get $a2) (local.get $step)))
      (local.set $a3 (i32.add (local.get $a3) (local.get $step)))
      (br_if $inner (i32.lt_u (local.tee $b (i32.add (local.get $b) (i32.const 32))) (local.get $end))))
    (v128.store (local.get $c) (local.get $s00))
    (v128.store offset=16 (local.get $c) (local.get $s01))
    (v128.store (local.get $c1) (local.get $s10))
    (v128.store offset=16 (local.get $c1) (local.get $s11))
    (v128.store (local.get $c2) (local.get $s20))
    (v128.store offset=16 (local.get $c2) (local.get $s21))
    (v128.store (local.get $c3) (local.get $s30))
    (v128.store offset=16 (local.get $c3) (local.get $s31)))

  ;; Copies or adds the first $rows x $columns of a tile [4, 8] to C.
  (func $store_part (param $from i32) (param $c i32) (param $c_row i32) (param $rows i32) (param $columns i32) (param $accumulate i32)
    (local $j i32) (local $at i32)
    (loop $row
      (local.set $j (i32.const 0))
      (loop $column
        (local.set $at (i32.add (local.get $c) (i32.shl (local.get $j) (i32.const 2))))
        (f32.store (local.get $at)
          (f32.add
            (f32.load (i32.add (local.get $from) (i32.shl (local.get $j) (i32.const 2))))
            (if (result f32) (local.get $accumulate) (then (f32.load (local.get $at))) (else (f32.const 0)))))
        (br_if $column (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1))) (local.get $columns))))
      (local.set $from (i32.add (local.get $from) (i32.const 32)))
      (local.set $c (i32.add (local.get $c) (local.get $c_row)))
      (br_if $row (local.tee $rows (i32.sub (local.get $rows) (i32.const 1))))))

  ;; Packs a block of B(p, j), p < $k, j < $n, in panels of 8 columns; the last panel is filled up with zeros.
  (func $pack_b (param $to i32) (param $b i32) (param $row i32) (param $column i32) (param $k i32) (param $n i32)
    (local $p i32)
    (loop $panel
      (local.set $p (i32.const 0))
      (if (i32.ge_u (local.get $n) (i32.const 8))
        (then
          (if (i32.eq (local.get $column) (i32.const 4))
            (then (call $copy_panel (local.get $to) (local.get $b) (local.get $row) (local.get $k)) (local.set $p (local.get $k))))
          (if (i32.eq (local.get $row) (i32.const 4))
            (then (local.set $p (call $transpose_panel (local.get $to) (local.get $b) (local.get $column) (local.get $k)))))))
      (call $gather_panel
        (local.get $to) (local.get $b) (local.get $row) (local.get $column) (local.get $p) (local.get $k) (local.get $n))
      (local.set $to (i32.add (local.get $to) (i32.shl (local.get $k) (i32.const 5))))
      (local.set $b (i32.add (local.get $b) (i32.shl (local.get $column) (i32.const 3))))
      (local.set $n (i32.sub (local.get $n) (i32.const 8)))
      (br_if $panel (i32.gt_s (local.get $n) (i32.const 0)))))

  ;; A panel whose columns are neighbours.
  (func $copy_panel (param $to i32) (param $b i32) (param $row i32) (param $k i32)
    (loop $next
      (v128.store (local.get $to) (v128.load (local.get $b)))
      (v128.store offset=16 (local.get $to) (v128.load offset=16 (local.get $b)))
      (local.set $to (i32.add (local.get $to) (i32.const 32)))
      (local.set $b (i32.add (local.get $b) (local.get $row)))
      (br_if $next (local.tee $k (i32.sub (local.get $k) (i32.const 1))))))

  ;; A panel whose rows are neighbours, four rows at a time; returns how many rows that were.
  (func $transpose_panel (param $to i32) (param $b i32) (param $column i32) (param $k i32) (result i32)
    (local $p i32)
    (block $done
      (loop $next
        (br_if $done (i32.lt_u (i32.sub (local.get $k) (local.get $p)) (i32.const 4)))
        (call $transpose_4x4 (local.get $to) (i32.const 32) (local.get $b) (local.get $column))
        (call $transpose_4x4
          (i32.add (local.get $to) (i32.const 16)) (i32.const 32)
          (i32.add (local.get $b) (i32.shl (local.get $column) (i32.const 2))) (local.get $column))
        (local.set $to (i32.add (local.get $to) (i32.const 128)))
        (local.set $b (i32.add (local.get $b) (i32.const 16)))
        (local.set $p (i32.add (local.get $p) (i32.const 4)))
        (br $next)))
    (local.get $p))

  (func $transpose_4x4 (param $to i32) (param $to_row i32) (param $from i32) (param $from_row i32)
    (local $x0 v128) (local $x1 v128) (local $x2 v128) (local $x3 v128)
    (local $lo v128) (local $hi v128) (local $lo2 v128) (local $hi2 v128)
    (local.set $x0 (v128.load (local.get $from)))
    (local.set $x1 (v128.load (local.tee $from (i32.add (local.get $from) (local.get $from_row)))))
    (local.set $x2 (v128.load (local.tee $from (i32.add (local.get $from) (local.get $from_row)))))
    (local.set $x3 (v128.load (i32.add (local.get $from) (local.get $from_row))))
    (local.set $lo (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $x0) (local.get $x1)))
    (local.set $hi (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $x0) (local.get $x1)))
    (local.set $lo2 (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $x2) (local.get $x3)))
    (local.set $hi2 (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $x2) (local.get $x3)))
    (v128.store (local.get $to)
      (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $lo) (local.get $lo2)))
    (v128.store (local.tee $to (i32.add (local.get $to) (local.get $to_row)))
      (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $lo) (local.get $lo2)))
    (v128.store (local.tee $to (i32.add (local.get $to) (local.get $to_row)))
      (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $hi) (local.get $hi2)))
    (v128.store (i32.add (local.get $to) (local.get $to_row))
      (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $hi) (local.get $hi2))))

  ;; Rows $p to $k of any panel, element by element; zeros beyond column $n.
  (func $gather_panel (param $to i32) (param $b i32) (param $row i32) (param $column i32) (param $p i32) (param $k i32) (param $n i32)
    (local $j i32) (local $from i32)
    (local.set $to (i32.add (local.get $to) (i32.shl (local.get $p) (i32.const 5))))
    (local.set $b (i32.add (local.get $b) (i32.mul (local.get $p) (local.get $row))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $p) (local.get $k)))
        (local.set $j (i32.const 0))
        (local.set $from (local.get $b))
        (loop $lane
          (f32.store (i32.add (local.get $to) (i32.shl (local.get $j) (i32.const 2)))
            (if (result f32) (i32.lt_s (local.get $j) (local.get $n)) (then (f32.load (local.get $from))) (else (f32.const 0))))
          (local.set $from (i32.add (local.get $from) (local.get $column)))
          (br_if $lane (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1))) (i32.const 8))))
        (local.set $to (i32.add (local.get $to) (i32.const 32)))
        (local.set $b (i32.add (local.get $b) (local.get $row)))
        (local.set $p (i32.add (local.get $p) (i32.const 1)))
        (br $next))))

  ;; Four neighbouring rows of a transposed A, [k][4]: strided reads would fall into few cache sets.
  (func $pack_a (param $to i32) (param $a i32) (param $column i32) (param $k i32)
    (loop $next
      (v128.store (local.get $to) (v128.load (local.get $a)))
      (local.set $to (i32.add (local.get $to) (i32.const 16)))
      (local.set $a (i32.add (local.get $a) (local.get $column)))
      (br_if $next (local.tee $k (i32.sub (local.get $k) (i32.const 1))))))

  ;; A strip of at most 4 rows of C against all panels of a packed block of B.
  (func $strip
    (param $rows i32) (param $n i32) (param $k i32) (param $a i32) (param $a_row i32) (param $a_column i32)
    (param $b i32) (param $c i32) (param $c_row i32) (param $accumulate i32) (param $part i32)
    (local $a1 i32) (local $a2 i32) (local $a3 i32)
    ;; Beyond the last row, that row is computed again and not stored.
    (local.set $a1 (i32.add (local.get $a) (select (local.get $a_row) (i32.const 0) (i32.gt_u (local.get $rows) (i32.const 1)))))
    (local.set $a2 (i32.add (local.get $a1) (select (local.get $a_row) (i32.const 0) (i32.gt_u (local.get $rows) (i32.const 2)))))
    (local.set $a3 (i32.add (local.get $a2) (select (local.get $a_row) (i32.const 0) (i32.gt_u (local.get $rows) (i32.const 3)))))
    (loop $panel
      (if (i32.and (i32.ge_u (local.get $n) (i32.const 8)) (i32.eq (local.get $rows) (i32.const 4)))
        (then
          (call $tile
            (local.get $a) (local.get $a1) (local.get $a2) (local.get $a3) (local.get $a_column)
            (local.get $b) (local.get $k) (local.get $c) (local.get $c_row) (local.get $accumulate)))
        (else
          (call $tile
            (local.get $a) (local.get $a1) (local.get $a2) (local.get $a3) (local.get $a_column)
            (local.get $b) (local.get $k) (local.get $part) (i32.const 32) (i32.const 0))
          (call $store_part
            (local.get $part) (local.get $c) (local.get $c_row) (local.get $rows)
            (select (local.get $n) (i32.const 8) (i32.lt_u (local.get $n) (i32.const 8))) (local.get $accumulate))))
      (local.set $b (i32.add (local.get $b) (i32.shl (local.get $k) (i32.const 5))))
      (local.set $c (i32.add (local.get $c) (i32.const 32)))
      (local.set $n (i32.sub (local.get $n) (i32.const 8)))
      (br_if $panel (i32.gt_s (local.get $n) (i32.const 0)))))

  ;; C block [m, n] = or += A B for k, n <= 256. $work: a tile, a packed strip of A (4 KiB), a packed block of B (256 KiB).
  (func $block (export "gemm_block")
    (param $m i32) (param $n i32) (param $k i32)
    (param $a i32) (param $a_row i32) (param $a_column i32) (param $b i32) (param $b_row i32) (param $b_column i32)
    (param $c i32) (param $c_row i32) (param $accumulate i32) (param $work i32)
    (local $rows i32) (local $packed_a i32) (local $packed_b i32)
    (local.set $packed_a (i32.add (local.get $work) (i32.const 128)))
    (local.set $packed_b (i32.add (local.get $packed_a) (i32.const 4096)))
    (call $pack_b (local.get $packed_b) (local.get $b) (local.get $b_row) (local.get $b_column) (local.get $k) (local.get $n))
    (loop $next
      (local.set $rows (select (local.get $m) (i32.const 4) (i32.lt_u (local.get $m) (i32.const 4))))
      (if (i32.and (i32.eq (local.get $a_row) (i32.const 4)) (i32.eq (local.get $rows) (i32.const 4)))
        (then
          (call $pack_a (local.get $packed_a) (local.get $a) (local.get $a_column) (local.get $k))
          (call $strip
            (local.get $rows) (local.get $n) (local.get $k) (local.get $packed_a) (i32.const 4) (i32.const 16)
            (local.get $packed_b) (local.get $c) (local.get $c_row) (local.get $accumulate) (local.get $work)))
        (else
          (call $strip
            (local.get $rows) (local.get $n) (local.get $k) (local.get $a) (local.get $a_row) (local.get $a_column)
            (local.get $packed_b) (local.get $c) (local.get $c_row) (local.get $accumulate) (local.get $work))))
      (local.set $a (i32.add (local.get $a) (i32.shl (local.get $a_row) (i32.const 2))))
      (local.set $c (i32.add (local.get $c) (i32.shl (local.get $c_row) (i32.const 2))))
      (br_if $next (i32.gt_s (local.tee $m (i32.sub (local.get $m) (i32.const 4))) (i32.const 0)))))

  ;; ---- one row times a matrix -----------------------------------------------------------------------------------
  ;; What decoding does: B is read once and never again, so that packing it would cost more than the product.

  ;; y [n] += x [k] B [k, n], four rows of B at a time.
  (func (export "gemv_rows")
    (param $x i32) (param $b i32) (param $b_row i32) (param $k i32) (param $n i32) (param $y i32)
    (local $rows i32) (local $end i32)
    (loop $next
      (local.set $rows (select (local.get $k) (i32.const 4) (i32.lt_u (local.get $k) (i32.const 4))))
      (local.set $end (i32.add (local.get $y) (i32.shl (local.get $n) (i32.const 2))))
      (if (i32.eq (local.get $rows) (i32.const 4))
        (then (call $add_four_rows (local.get $x) (local.get $b) (local.get $b_row) (local.get $y) (local.get $end)))
        (else
          (loop $row
            (call $add_row (f32.load (local.get $x)) (local.get $b) (local.get $y) (local.get $end))
            (local.set $x (i32.add (local.get $x) (i32.const 4)))
            (local.set $b (i32.add (local.get $b) (local.get $b_row)))
            (br_if $row (local.tee $rows (i32.sub (local.get $rows) (i32.const 1)))))))
      (local.set $x (i32.add (local.get $x) (i32.const 16)))
      (local.set $b (i32.add (local.get $b) (i32.shl (local.get $b_row) (i32.const 2))))
      (br_if $next (i32.gt_s (local.tee $k (i32.sub (local.get $k) (i32.const 4))) (i32.const 0)))))

  (func $add_four_rows (param $x i32) (param $b0 i32) (param $row i32) (param $y i32) (param $end i32)
    (local $b1 i32) (local $b2 i32) (local $b3 i32) (local $last i32)
    (local $x0 v128) (local $x1 v128) (local $x2 v128) (local $x3 v128)
    (local.set $b1 (i32.add (local.get $b0) (local.get $row)))
    (local.set $b2 (i32.add (local.get $b1) (local.get $row)))
    (local.set $b3 (i32.add (local.get $b2) (local.get $row)))
    (local.set $x0 (v128.load32_splat (local.get $x)))
    (local.set $x1 (v128.load32_splat offset=4 (local.get $x)))
    (local.set $x2 (v128.load32_splat offset=8 (local.get $x)))
    (local.set $x3 (v128.load32_splat offset=12 (local.get $x)))
    (local.set $last (i32.sub (local.get $end) (i32.const 16)))
    (block $tail
      (loop $next
        (br_if $tail (i32.gt_u (local.get $y) (local.get $last)))
        (v128.store (local.get $y)
          (f32x4.relaxed_madd (local.get $x0) (v128.load (local.get $b0))
            (f32x4.relaxed_madd (local.get $x1) (v128.load (local.get $b1))
              (f32x4.relaxed_madd (local.get $x2) (v128.load (local.get $b2))
                (f32x4.relaxed_madd (local.get $x3) (v128.load (local.get $b3)) (v128.load (local.get $y)))))))
        (local.set $b0 (i32.add (local.get $b0) (i32.const 16)))
        (local.set $b1 (i32.add (local.get $b1) (i32.const 16)))
        (local.set $b2 (i32.add (local.get $b2) (i32.const 16)))
        (local.set $b3 (i32.add (local.get $b3) (i32.const 16)))
        (local.set $y (i32.add (local.get $y) (i32.const 16)))
        (br $next)))
    (if (i32.lt_u (local.get $y) (local.get $end))
      (then
        (call $add_row (f32x4.extract_lane 0 (local.get $x0)) (local.get $b0) (local.get $y) (local.get $end))
        (call $add_row (f32x4.extract_lane 0 (local.get $x1)) (local.get $b1) (local.get $y) (local.get $end))
        (call $add_row (f32x4.extract_lane 0 (local.get $x2)) (local.get $b2) (local.get $y) (local.get $end))
        (call $add_row (f32x4.extract_lane 0 (local.get $x3)) (local.get $b3) (local.get $y) (local.get $end)))))

  ;; y += x b, from $y to $end
  (func $add_row (param $x f32) (param $b i32) (param $y i32) (param $end i32)
    (loop $next
      (f32.store (local.get $y) (f32.add (f32.load (local.get $y)) (f32.mul (local.get $x) (f32.load (local.get $b)))))
      (local.set $b (i32.add (local.get $b) (i32.const 4)))
      (br_if $next (i32.lt_u (local.tee $y (i32.add (local.get $y) (i32.const 4))) (local.get $end)))))

  ;; y [n] += x [k] B^T, B [n, k]: n dot products, four at a time.
  (func (export "gemv_columns")
    (param $x i32) (param $b i32) (param $b_row i32) (param $k i32) (param $n i32) (param $y i32)
    (local $end i32) (local $four i32)
    (local.set $end (i32.add (local.get $x) (i32.shl (local.get $k) (i32.const 2))))
    (block $tail
      (loop $next
        (br_if $tail (i32.lt_s (local.get $n) (i32.const 4)))
        (v128.store (local.get $y)
          (f32x4.add (v128.load (local.get $y))
            (call $four_dots (local.get $x) (local.get $end) (local.get $b) (local.get $b_row))))
        (local.set $b (i32.add (local.get $b) (i32.shl (local.get $b_row) (i32.const 2))))
        (local.set $y (i32.add (local.get $y) (i32.const 16)))
        (local.set $n (i32.sub (local.get $n) (i32.const 4)))
        (br $next)))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $n)))
        (f32.store (local.get $y)
          (f32.add (f32.load (local.get $y))
            (f32x4.extract_lane 0 (call $four_dots (local.get $x) (local.get $end) (local.get $b) (i32.const 0)))))
        (local.set $b (i32.add (local.get $b) (local.get $b_row)))
        (local.set $y (i32.add (local.get $y) (i32.const 4)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $next))))

  ;; x with each of four rows of B
  (func $four_dots (param $x i32) (param $end i32) (param $b0 i32) (param $row i32) (result v128)
    (local $b1 i32) (local $b2 i32) (local $b3 i32) (local $last i32) (local $a v128) (local $rest v128)
    (local $s0 v128) (local $s1 v128) (local $s2 v128) (local $s3 v128)
    (local.set $b1 (i32.add (local.get $b0) (local.get $row)))
    (local.set $b2 (i32.add (local.get $b1) (local.get $row)))
    (local.set $b3 (i32.add (local.get $b2) (local.get $row)))
    (local.set $last (i32.sub (local.get $end) (i32.const 16)))
    (block $tail
      (loop $next
        (br_if $tail (i32.gt_u (local.get $x) (local.get $last)))
        (local.set $a (v128.load (local.get $x)))
        (local.set $s0 (f32x4.relaxed_madd (local.get $a) (v128.load (local.get $b0)) (local.get $s0)))
        (local.set $s1 (f32x4.relaxed_madd (local.get $a) (v128.load (local.get $b1)) (local.get $s1)))
        (local.set $s2 (f32x4.relaxed_madd (local.get $a) (v128.load (local.get $b2)) (local.get $s2)))
        (local.set $s3 (f32x4.relaxed_madd (local.get $a) (v128.load (local.get $b3)) (local.get $s3)))
        (local.set $b0 (i32.add (local.get $b0) (i32.const 16)))
        (local.set $b1 (i32.add (local.get $b1) (i32.const 16)))
        (local.set $b2 (i32.add (local.get $b2) (i32.const 16)))
        (local.set $b3 (i32.add (local.get $b3) (i32.const 16)))
        (local.set $x (i32.add (local.get $x) (i32.const 16)))
        (br $next)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $x) (local.get $end)))
        (local.set $rest
          (f32x4.replace_lane 3
            (f32x4.replace_lane 2
              (f32x4.replace_lane 1
                (f32x4.splat (f32.load (local.get $b0)))
                (f32.load (local.get $b1)))
              (f32.load (local.get $b2)))
            (f32.load (local.get $b3))))
        (local.set $a (f32x4.relaxed_madd (v128.load32_splat (local.get $x)) (local.get $rest) (v128.const i32x4 0 0 0 0)))
        (local.set $s0 (f32x4.add (local.get $s0) (f32x4.replace_lane 0 (v128.const i32x4 0 0 0 0) (f32x4.extract_lane 0 (local.get $a)))))
        (local.set $s1 (f32x4.add (local.get $s1) (f32x4.replace_lane 0 (v128.const i32x4 0 0 0 0) (f32x4.extract_lane 1 (local.get $a)))))
        (local.set $s2 (f32x4.add (local.get $s2) (f32x4.replace_lane 0 (v128.const i32x4 0 0 0 0) (f32x4.extract_lane 2 (local.get $a)))))
        (local.set $s3 (f32x4.add (local.get $s3) (f32x4.replace_lane 0 (v128.const i32x4 0 0 0 0) (f32x4.extract_lane 3 (local.get $a)))))
        (local.set $b0 (i32.add (local.get $b0) (i32.const 4)))
        (local.set $b1 (i32.add (local.get $b1) (i32.const 4)))
        (local.set $b2 (i32.add (local.get $b2) (i32.const 4)))
        (local.set $b3 (i32.add (local.get $b3) (i32.const 4)))
        (local.set $x (i32.add (local.get $x) (i32.const 4)))
        (br $next)))
    (call $sum_lanes (local.get $s0) (local.get $s1) (local.get $s2) (local.get $s3)))

  ;; The sums of the lanes of four vectors, as one vector.
  (func $sum_lanes (param $s0 v128) (param $s1 v128) (param $s2 v128) (param $s3 v128) (result v128)
    (local $a v128) (local $b v128)
    (local.set $a
      (f32x4.add
        (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $s0) (local.get $s1))
        (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $s0) (local.get $s1))))
    (local.set $b
      (f32x4.add
        (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $s2) (local.get $s3))
        (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $s2) (local.get $s3))))
    (f32x4.add
      (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $a) (local.get $b))
      (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $a) (local.get $b))))

  ;; ---- elementwise ----------------------------------------------------------------------------------------------

  ;; out[i] = a[i] + b[i]
  (func (export "add") (param $a i32) (param $b i32) (param $out i32) (param $n i32)
    (block $tail
      (loop $next
        (br_if $tail (i32.lt_s (local.get $n) (i32.const 4)))
        (v128.store (local.get $out) (f32x4.add (v128.load (local.get $a)) (v128.load (local.get $b))))
        (local.set $a (i32.add (local.get $a) (i32.const 16)))
        (local.set $b (i32.add (local.get $b) (i32.const 16)))
        (local.set $out (i32.add (local.get $out) (i32.const 16)))
        (local.set $n (i32.sub (local.get $n) (i32.const 4)))
        (br $next)))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $n)))
        (f32.store (local.get $out) (f32.add (f32.load (local.get $a)) (f32.load (local.get $b))))
        (local.set $a (i32.add (local.get $a) (i32.const 4)))
        (local.set $b (i32.add (local.get $b) (i32.const 4)))
        (local.set $out (i32.add (local.get $out) (i32.const 4)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $next))))

  ;; out[j] = sum over i of x[i, j], four columns at a time.
  (func (export "column_sum") (param $x i32) (param $rows i32) (param $columns i32) (param $out i32)
    (local $pitch i32) (local $at i32) (local $row i32) (local $sum v128) (local $rest f32)
    (local.set $pitch (i32.shl (local.get $columns) (i32.const 2)))
    (block $tail
      (loop $next
        (br_if $tail (i32.lt_s (local.get $columns) (i32.const 4)))
        (local.set $sum (v128.const i32x4 0 0 0 0))
        (local.set $at (local.get $x))
        (local.set $row (local.get $rows))
        (loop $down
          (local.set $sum (f32x4.add (local.get $sum) (v128.load (local.get $at))))
          (local.set $at (i32.add (local.get $at) (local.get $pitch)))
          (br_if $down (local.tee $row (i32.sub (local.get $row) (i32.const 1)))))
        (v128.store (local.get $out) (local.get $sum))
        (local.set $x (i32.add (local.get $x) (i32.const 16)))
        (local.set $out (i32.add (local.get $out) (i32.const 16)))
        (local.set $columns (i32.sub (local.get $columns) (i32.const 4)))
        (br $next)))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $columns)))
        (local.set $rest (f32.const 0))
        (local.set $at (local.get $x))
        (local.set $row (local.get $rows))
        (loop $down
          (local.set $rest (f32.add (local.get $rest) (f32.load (local.get $at))))
          (local.set $at (i32.add (local.get $at) (local.get $pitch)))
          (br_if $down (local.tee $row (i32.sub (local.get $row) (i32.const 1)))))
        (f32.store (local.get $out) (local.get $rest))
        (local.set $x (i32.add (local.get $x) (i32.const 4)))
        (local.set $out (i32.add (local.get $out) (i32.const 4)))
        (local.set $columns (i32.sub (local.get $columns) (i32.const 1)))
        (br $next))))

  ;; e^x within 2e-7, for x clamped to -87..88; NaN stays NaN.
  ;; 2^n * 2^f with n an integer and f in -0.5..0.5 (Taylor, degree 6).
  (func $exp (param $x v128) (result v128)
    (local $n v128) (local $f v128)
    (local.set $x (f32x4.mul
      (f32x4.pmin (f32x4.pmax (local.get $x) (f32x4.splat (f32.const -87))) (f32x4.splat (f32.const 88)))
      (f32x4.splat (f32.const 1.44269504))))
    (local.set $n (f32x4.nearest (local.get $x)))
    (local.set $f (f32x4.sub (local.get $x) (local.get $n)))
    (f32x4.mul
      (f32x4.relaxed_madd (local.get $f)
        (f32x4.relaxed_madd (local.get $f)
          (f32x4.relaxed_madd (local.get $f)
            (f32x4.relaxed_madd (local.get $f)
              (f32x4.relaxed_madd (local.get $f)
                (f32x4.relaxed_madd (local.get $f) (f32x4.splat (f32.const 0.000154035304)) (f32x4.splat (f32.const 0.00133335581)))
                (f32x4.splat (f32.const 0.00961812911)))
              (f32x4.splat (f32.const 0.0555041087)))
            (f32x4.splat (f32.const 0.240226507)))
          (f32x4.splat (f32.const 0.693147181)))
        (f32x4.splat (f32.const 1)))
      (i32x4.shl (i32x4.add (i32x4.trunc_sat_f32x4_s (local.get $n)) (i32x4.splat (i32.const 127))) (i32.const 23))))

  ;; x[i] = e^(x[i] - shift); returns the sum.
  (func (export "exponentials") (param $x i32) (param $n i32) (param $shift f32) (result f32)
    (local $sum v128) (local $rest f32) (local $y v128)
    (block $tail
      (loop $next
        (br_if $tail (i32.lt_s (local.get $n) (i32.const 4)))
        (local.set $y (call $exp (f32x4.sub (v128.load (local.get $x)) (f32x4.splat (local.get $shift)))))
        (v128.store (local.get $x) (local.get $y))
        (local.set $sum (f32x4.add (local.get $sum) (local.get $y)))
        (local.set $x (i32.add (local.get $x) (i32.const 16)))
        (local.set $n (i32.sub (local.get $n) (i32.const 4)))
        (br $next)))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $n)))
        (local.set $y (call $exp (f32x4.sub (v128.load32_splat (local.get $x)) (f32x4.splat (local.get $shift)))))
        (v128.store32_lane 0 (local.get $x) (local.get $y))
        (local.set $rest (f32.add (local.get $rest) (f32x4.extract_lane 0 (local.get $y))))
        (local.set $x (i32.add (local.get $x) (i32.const 4)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $next)))
    (f32.add (local.get $rest)
      (f32.add
        (f32.add (f32x4.extract_lane 0 (local.get $sum)) (f32x4.extract_lane 1 (local.get $sum)))
        (f32.add (f32x4.extract_lane 2 (local.get $sum)) (f32x4.extract_lane 3 (local.get $sum))))))

  ;; x[i] *= factor; returns the highest of what it writes.
  (func (export "scale_row") (param $x i32) (param $n i32) (param $factor f32) (result f32)
    (local $highest v128) (local $rest f32) (local $y v128) (local $z f32)
    (local.set $highest (f32x4.splat (f32.const -inf)))
    (local.set $rest (f32.const -inf))
    (block $tail
      (loop $next
        (br_if $tail (i32.lt_s (local.get $n) (i32.const 4)))
        (local.set $y (f32x4.mul (v128.load (local.get $x)) (f32x4.splat (local.get $factor))))
        (v128.store (local.get $x) (local.get $y))
        (local.set $highest (f32x4.max (local.get $highest) (local.get $y)))
        (local.set $x (i32.add (local.get $x) (i32.const 16)))
        (local.set $n (i32.sub (local.get $n) (i32.const 4)))
        (br $next)))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $n)))
        (local.set $z (f32.mul (f32.load (local.get $x)) (local.get $factor)))
        (f32.store (local.get $x) (local.get $z))
        (local.set $rest (f32.max (local.get $rest) (local.get $z)))
        (local.set $x (i32.add (local.get $x) (i32.const 4)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $next)))
    (f32.max (local.get $rest)
      (f32.max
        (f32.max (f32x4.extract_lane 0 (local.get $highest)) (f32x4.extract_lane 1 (local.get $highest)))
        (f32.max (f32x4.extract_lane 2 (local.get $highest)) (f32x4.extract_lane 3 (local.get $highest))))))

  ;; x[i] = weights[i] * (x[i] - mean) * scale: how a softmax passes a gradient on.
  (func (export "softmax_gradient_row") (param $weights i32) (param $x i32) (param $n i32) (param $mean f32) (param $scale f32)
    (block $tail
      (loop $next
        (br_if $tail (i32.lt_s (local.get $n) (i32.const 4)))
        (v128.store (local.get $x)
          (f32x4.mul
            (f32x4.mul (v128.load (local.get $weights)) (f32x4.splat (local.get $scale)))
            (f32x4.sub (v128.load (local.get $x)) (f32x4.splat (local.get $mean)))))
        (local.set $weights (i32.add (local.get $weights) (i32.const 16)))
        (local.set $x (i32.add (local.get $x) (i32.const 16)))
        (local.set $n (i32.sub (local.get $n) (i32.const 4)))
        (br $next)))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $n)))
        (f32.store (local.get $x)
          (f32.mul
            (f32.mul (f32.load (local.get $weights)) (local.get $scale))
            (f32.sub (f32.load (local.get $x)) (local.get $mean))))
        (local.set $weights (i32.add (local.get $weights) (i32.const 4)))
        (local.set $x (i32.add (local.get $x) (i32.const 4)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $next))))

  ;; 1 / (1 + e^(-2u)) with u = sqrt(2 / pi) (x + 0.044715 x^3): GELU(x) = x * gate(x).
  (func $gate (param $x v128) (result v128)
    (f32x4.div (f32x4.splat (f32.const 1))
      (f32x4.add (f32x4.splat (f32.const 1))
        (call $exp
          (f32x4.mul (local.get $x)
            (f32x4.relaxed_madd
              (f32x4.mul (local.get $x) (local.get $x)) (f32x4.splat (f32.const -0.0713548163)) (f32x4.splat (f32.const -1.59576912))))))))

  ;; d GELU / dx = s + x s (1 - s) 2u', with s = gate(x) and 2u' = 1.59576912 + 3 * 0.0713548163 x^2.
  (func $slope (param $x v128) (result v128)
    (local $s v128)
    (local.set $s (call $gate (local.get $x)))
    (f32x4.relaxed_madd
      (f32x4.mul (f32x4.mul (local.get $x) (local.get $s)) (f32x4.sub (f32x4.splat (f32.const 1)) (local.get $s)))
      (f32x4.relaxed_madd
        (f32x4.mul (local.get $x) (local.get $x)) (f32x4.splat (f32.const 0.214064449)) (f32x4.splat (f32.const 1.59576912)))
      (local.get $s)))

  (func (export "gelu") (param $x i32) (param $y i32) (param $n i32)
    (local $v v128)
    (block $tail
      (loop $next
        (br_if $tail (i32.lt_s (local.get $n) (i32.const 4)))
        (local.set $v (v128.load (local.get $x)))
        (v128.store (local.get $y) (f32x4.mul (local.get $v) (call $gate (local.get $v))))
        (local.set $x (i32.add (local.get $x) (i32.const 16)))
        (local.set $y (i32.add (local.get $y) (i32.const 16)))
        (local.set $n (i32.sub (local.get $n) (i32.const 4)))
        (br $next)))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $n)))
        (local.set $v (v128.load32_splat (local.get $x)))
        (v128.store32_lane 0 (local.get $y) (f32x4.mul (local.get $v) (call $gate (local.get $v))))
        (local.set $x (i32.add (local.get $x) (i32.const 4)))
        (local.set $y (i32.add (local.get $y) (i32.const 4)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $next))))

  ;; dx[i] = dy[i] * GELU'(x[i])
  (func (export "gelu_gradient") (param $x i32) (param $dy i32) (param $dx i32) (param $n i32)
    (block $tail
      (loop $next
        (br_if $tail (i32.lt_s (local.get $n) (i32.const 4)))
        (v128.store (local.get $dx) (f32x4.mul (v128.load (local.get $dy)) (call $slope (v128.load (local.get $x)))))
        (local.set $x (i32.add (local.get $x) (i32.const 16)))
        (local.set $dy (i32.add (local.get $dy) (i32.const 16)))
        (local.set $dx (i32.add (local.get $dx) (i32.const 16)))
        (local.set $n (i32.sub (local.get $n) (i32.const 4)))
        (br $next)))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $n)))
        (v128.store32_lane 0 (local.get $dx)
          (f32x4.mul (v128.load32_splat (local.get $dy)) (call $slope (v128.load32_splat (local.get $x)))))
        (local.set $x (i32.add (local.get $x) (i32.const 4)))
        (local.set $dy (i32.add (local.get $dy) (i32.const 4)))
        (local.set $dx (i32.add (local.get $dx) (i32.const 4)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $next))))

  ;; 1 / (1 + e^-x)
  (func $logistic (param $x v128) (result v128)
    (f32x4.div (f32x4.splat (f32.const 1))
      (f32x4.add (f32x4.splat (f32.const 1)) (call $exp (f32x4.neg (local.get $x))))))

  ;; A row of n gates and n values, n a multiple of four: y = gate * logistic(gate) * value.
  (func (export "swiglu_row") (param $x i32) (param $y i32) (param $n i32)
    (local $gate v128) (local $value i32)
    (local.set $value (i32.add (local.get $x) (i32.shl (local.get $n) (i32.const 2))))
    (loop $next
      (local.set $gate (v128.load (local.get $x)))
      (v128.store (local.get $y)
        (f32x4.mul (f32x4.mul (local.get $gate) (call $logistic (local.get $gate))) (v128.load (local.get $value))))
      (local.set $x (i32.add (local.get $x) (i32.const 16)))
      (local.set $value (i32.add (local.get $value) (i32.const 16)))
      (local.set $y (i32.add (local.get $y) (i32.const 16)))
      (br_if $next (i32.gt_s (local.tee $n (i32.sub (local.get $n) (i32.const 4))) (i32.const 0)))))

  ;; With s = logistic(gate): dgate = dy value s (1 + gate (1 - s)), dvalue = dy gate s.
  (func (export "swiglu_gradient_row") (param $x i32) (param $dy i32) (param $dx i32) (param $n i32)
    (local $gate v128) (local $open v128) (local $slope v128) (local $width i32)
    (local.set $width (i32.shl (local.get $n) (i32.const 2)))
    (loop $next
      (local.set $gate (v128.load (local.get $x)))
      (local.set $open (call $logistic (local.get $gate)))
      (local.set $slope (f32x4.mul (v128.load (local.get $dy)) (local.get $open)))
      (v128.store (local.get $dx)
        (f32x4.mul
          (f32x4.mul (local.get $slope) (v128.load (i32.add (local.get $x) (local.get $width))))
          (f32x4.relaxed_madd
            (local.get $gate) (f32x4.sub (f32x4.splat (f32.const 1)) (local.get $open)) (f32x4.splat (f32.const 1)))))
      (v128.store (i32.add (local.get $dx) (local.get $width)) (f32x4.mul (local.get $slope) (local.get $gate)))
      (local.set $x (i32.add (local.get $x) (i32.const 16)))
      (local.set $dy (i32.add (local.get $dy) (i32.const 16)))
      (local.set $dx (i32.add (local.get $dx) (i32.const 16)))
      (br_if $next (i32.gt_s (local.tee $n (i32.sub (local.get $n) (i32.const 4))) (i32.const 0)))))

  ;; ---- norms: rows of n elements, n a multiple of four --------------------------------------------------------------

  (func $total (param $x v128) (result f32)
    (f32.add
      (f32.add (f32x4.extract_lane 0 (local.get $x)) (f32x4.extract_lane 1 (local.get $x)))
      (f32.add (f32x4.extract_lane 2 (local.get $x)) (f32x4.extract_lane 3 (local.get $x)))))

  ;; The sum of a row.
  (func (export "row_sum") (param $x i32) (param $n i32) (result f32)
    (local $sum v128)
    (loop $next
      (local.set $sum (f32x4.add (local.get $sum) (v128.load (local.get $x))))
      (local.set $x (i32.add (local.get $x) (i32.const 16)))
      (br_if $next (i32.gt_s (local.tee $n (i32.sub (local.get $n) (i32.const 4))) (i32.const 0))))
    (call $total (local.get $sum)))

  ;; The sum of the squares of x - mean.
  (func (export "row_squares") (param $x i32) (param $n i32) (param $mean f32) (result f32)
    (local $sum v128) (local $centre v128)
    (loop $next
      (local.set $centre (f32x4.sub (v128.load (local.get $x)) (f32x4.splat (local.get $mean))))
      (local.set $sum (f32x4.relaxed_madd (local.get $centre) (local.get $centre) (local.get $sum)))
      (local.set $x (i32.add (local.get $x) (i32.const 16)))
      (br_if $next (i32.gt_s (local.tee $n (i32.sub (local.get $n) (i32.const 4))) (i32.const 0))))
    (call $total (local.get $sum)))

  ;; out = (x - mean) * rstd * gain + bias; a bias at 0 is none.
  (func (export "norm_row")
    (param $x i32) (param $gain i32) (param $bias i32) (param $out i32) (param $n i32) (param $mean f32) (param $rstd f32)
    (local $at i32) (local $value v128)
    (loop $next
      (local.set $value
        (f32x4.mul
          (f32x4.mul (f32x4.sub (v128.load (i32.add (local.get $x) (local.get $at))) (f32x4.splat (local.get $mean))) (f32x4.splat (local.get $rstd)))
          (v128.load (i32.add (local.get $gain) (local.get $at)))))
      (if (local.get $bias)
        (then (local.set $value (f32x4.add (local.get $value) (v128.load (i32.add (local.get $bias) (local.get $at)))))))
      (v128.store (i32.add (local.get $out) (local.get $at)) (local.get $value))
      (local.set $at (i32.add (local.get $at) (i32.const 16)))
      (br_if $next (i32.gt_s (local.tee $n (i32.sub (local.get $n) (i32.const 4))) (i32.const 0)))))

  ;; The sum of dy * gain * (x - mean).
  (func (export "norm_projection")
    (param $x i32) (param $gain i32) (param $dy i32) (param $n i32) (param $mean f32) (result f32)
    (local $at i32) (local $sum v128)
    (loop $next
      (local.set $sum
        (f32x4.relaxed_madd
          (f32x4.mul (v128.load (i32.add (local.get $dy) (local.get $at))) (v128.load (i32.add (local.get $gain) (local.get $at))))
          (f32x4.sub (v128.load (i32.add (local.get $x) (local.get $at))) (f32x4.splat (local.get $mean)))
          (local.get $sum)))
      (local.set $at (i32.add (local.get $at) (i32.const 16)))
      (br_if $next (i32.gt_s (local.tee $n (i32.sub (local.get $n) (i32.const 4))) (i32.const 0))))
    (call $total (local.get $sum)))

  ;; The sum of a * b.
  (func (export "row_dot") (param $a i32) (param $b i32) (param $n i32) (result f32)
    (local $sum v128)
    (loop $next
      (local.set $sum (f32x4.relaxed_madd (v128.load (local.get $a)) (v128.load (local.get $b)) (local.get $sum)))
      (local.set $a (i32.add (local.get $a) (i32.const 16)))
      (local.set $b (i32.add (local.get $b) (i32.const 16)))
      (br_if $next (i32.gt_s (local.tee $n (i32.sub (local.get $n) (i32.const 4))) (i32.const 0))))
    (call $total (local.get $sum)))

  ;; out = rstd * (dy * gain - shift - (x - mean) * slope) + addend; an addend at 0 is none.
  (func (export "norm_gradient_row")
    (param $x i32) (param $gain i32) (param $dy i32) (param $addend i32) (param $out i32) (param $n i32)
    (param $mean f32) (param $rstd f32) (param $shift f32) (param $slope f32)
    (local $at i32) (local $value v128)
    (loop $next
      (local.set $value
        (f32x4.mul (f32x4.splat (local.get $rstd))
          (f32x4.sub
            (f32x4.sub
              (f32x4.mul (v128.load (i32.add (local.get $dy) (local.get $at))) (v128.load (i32.add (local.get $gain) (local.get $at))))
              (f32x4.splat (local.get $shift)))
            (f32x4.mul
              (f32x4.sub (v128.load (i32.add (local.get $x) (local.get $at))) (f32x4.splat (local.get $mean)))
              (f32x4.splat (local.get $slope))))))
      (if (local.get $addend)
        (then (local.set $value (f32x4.add (local.get $value) (v128.load (i32.add (local.get $addend) (local.get $at)))))))
      (v128.store (i32.add (local.get $out) (local.get $at)) (local.get $value))
      (local.set $at (i32.add (local.get $at) (i32.const 16)))
      (br_if $next (i32.gt_s (local.tee $n (i32.sub (local.get $n) (i32.const 4))) (i32.const 0)))))

  ;; gains += dy * (x - mean) * rstd
  (func (export "norm_gain_row")
    (param $x i32) (param $dy i32) (param $gains i32) (param $n i32) (param $mean f32) (param $rstd f32)
    (local $at i32) (local $to i32)
    (loop $next
      (local.set $to (i32.add (local.get $gains) (local.get $at)))
      (v128.store (local.get $to)
        (f32x4.relaxed_madd
          (v128.load (i32.add (local.get $dy) (local.get $at)))
          (f32x4.mul
            (f32x4.sub (v128.load (i32.add (local.get $x) (local.get $at))) (f32x4.splat (local.get $mean)))
            (f32x4.splat (local.get $rstd)))
          (v128.load (local.get $to))))
      (local.set $at (i32.add (local.get $at) (i32.const 16)))
      (br_if $next (i32.gt_s (local.tee $n (i32.sub (local.get $n) (i32.const 4))) (i32.const 0)))))

  ;; ---- AdamW --------------------------------------------------------------------------------------------------------

  ;; n elements, a multiple of four. factor scales the gradient, kept the parameter; rate and epsilon are corrected for the bias.
  (func (export "adamw")
    (param $parameters i32) (param $gradients i32) (param $means i32) (param $variances i32) (param $n i32)
    (param $factor f32) (param $beta1 f32) (param $beta2 f32) (param $rate f32) (param $epsilon f32) (param $kept f32)
    (local $gradient v128) (local $mean v128) (local $variance v128)
    (loop $next
      (local.set $gradient (f32x4.mul (v128.load (local.get $gradients)) (f32x4.splat (local.get $factor))))
      (local.set $mean
        (f32x4.add
          (f32x4.mul (f32x4.splat (local.get $beta1)) (v128.load (local.get $means)))
          (f32x4.mul (f32x4.splat (f32.sub (f32.const 1) (local.get $beta1))) (local.get $gradient))))
      (local.set $variance
        (f32x4.add
          (f32x4.mul (f32x4.splat (local.get $beta2)) (v128.load (local.get $variances)))
          (f32x4.mul
            (f32x4.splat (f32.sub (f32.const 1) (local.get $beta2)))
            (f32x4.mul (local.get $gradient) (local.get $gradient)))))
      (v128.store (local.get $parameters)
        (f32x4.sub
          (f32x4.mul (v128.load (local.get $parameters)) (f32x4.splat (local.get $kept)))
          (f32x4.div
            (f32x4.mul (f32x4.splat (local.get $rate)) (local.get $mean))
            (f32x4.add (f32x4.sqrt (local.get $variance)) (f32x4.splat (local.get $epsilon))))))
      (v128.store (local.get $means) (local.get $mean))
      (v128.store (local.get $variances) (local.get $variance))
      (local.set $parameters (i32.add (local.get $parameters) (i32.const 16)))
      (local.set $gradients (i32.add (local.get $gradients) (i32.const 16)))
      (local.set $means (i32.add (local.get $means) (i32.const 16)))
      (local.set $variances (i32.add (local.get $variances) (i32.const 16)))
      (br_if $next (i32.gt_s (local.tee $n (i32.sub (local.get $n) (i32.const 4))) (i32.const 0)))))
)
