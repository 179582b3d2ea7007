// Fast Fourier transform of 65,536 complex samples, radix 2 in place: butterflies at growing strides.
// Usage: fft TRANSFORMS

#include <complex.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { BITS = 16, SAMPLES = 1 << BITS };

static double complex samples[SAMPLES], roots[SAMPLES / 2];

static void reorder(void) {
    for (int i = 1, j = 0; i < SAMPLES; ++i) {
        int bit = SAMPLES >> 1;
        for (; j & bit; bit >>= 1) j ^= bit;
        j ^= bit;
        if (i < j) {
            const double complex swapped = samples[i];
            samples[i] = samples[j];
            samples[j] = swapped;
        }
    }
}

static void transform(void) {
    reorder();
    for (int half = 1; half < SAMPLES; half *= 2)
        for (int start = 0; start < SAMPLES; start += 2 * half)
            for (int k = 0; k < half; ++k) {
                const double complex root = roots[k * (SAMPLES / 2 / half)];
                const double complex even = samples[start + k];
                const double re = creal(samples[start + k + half]);
                const double im = cimag(samples[start + k + half]);
                const double complex odd = CMPLX(re * creal(root) - im * cimag(root),
                                                 re * cimag(root) + im * creal(root));
                samples[start + k] = even + odd;
                samples[start + k + half] = even - odd;
            }
}

int main(int argc, char** argv) {
    const int transforms = argc > 1 ? atoi(argv[1]) : 1;
    const double step = -2 * acos(-1) / SAMPLES;
    for (int i = 0; i < SAMPLES / 2; ++i) roots[i] = CMPLX(cos(step * i), sin(step * i));
    for (int i = 0; i < SAMPLES; ++i) samples[i] = CMPLX(i % 977, i % 89);
    for (int n = 0; n < transforms; ++n) transform();
    printf("%g\n", cabs(samples[1]));
    return 0;
}
