// Power iteration with a sparse matrix in compressed-row form: stream the values, gather the vector.
// Usage: spmv ITERATIONS

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 40000, ROW_ENTRIES = 8, ENTRIES = ROWS * ROW_ENTRIES };

static uint32_t state = 7;

static uint32_t draw(void) {
    state = state * 1664525u + 1013904223u;
    return state >> 8;
}

int main(int argc, char** argv) {
    const int iterations = argc > 1 ? atoi(argv[1]) : 2;
    int32_t* columns = malloc(ENTRIES * sizeof *columns);
    double* values = malloc(ENTRIES * sizeof *values);
    double* x = malloc(ROWS * sizeof *x);
    double* y = malloc(ROWS * sizeof *y);
    for (int i = 0; i < ENTRIES; ++i) {
        columns[i] = (int32_t)(draw() % ROWS);
        values[i] = draw() * 1e-9;
    }
    for (int row = 0; row < ROWS; ++row) x[row] = 1;
    for (int n = 0; n < iterations; ++n) {
        double largest = 1e-300;
        for (int row = 0; row < ROWS; ++row) {
            double sum = 0;
            for (int i = row * ROW_ENTRIES; i < (row + 1) * ROW_ENTRIES; ++i)
                sum += values[i] * x[columns[i]];
            y[row] = sum;
            if (sum > largest) largest = sum;
        }
        for (int row = 0; row < ROWS; ++row) x[row] = y[row] / largest;
    }
    printf("%g\n", x[ROWS / 2]);
    return 0;
}
