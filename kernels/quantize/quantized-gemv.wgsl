// C[m, n] = A B with few rows and a B that lies quantized, unpacked on its way into registers.
// with: gemv, quantized
