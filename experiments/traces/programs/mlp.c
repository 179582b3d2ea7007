// Inference of a three-layer perceptron on single samples: every weight is read once per sample.
// Usage: mlp SAMPLES

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { LAYERS = 3 };
static const int sizes[LAYERS + 1] = {784, 512, 512, 10};
static uint32_t state = 11;

static float draw(void) {
    state = state * 1664525u + 1013904223u;
    return (float)(state >> 8) / (1 << 24) - 0.5f;
}

int main(int argc, char** argv) {
    const int samples = argc > 1 ? atoi(argv[1]) : 2;
    float* weights[LAYERS];
    float in[1024], out[1024];
    for (int layer = 0; layer < LAYERS; ++layer) {
        const int count = sizes[layer] * sizes[layer + 1];
        weights[layer] = malloc(count * sizeof *weights[layer]);
        for (int i = 0; i < count; ++i) weights[layer][i] = draw();
    }
    int best = 0;
    for (int n = 0; n < samples; ++n) {
        for (int i = 0; i < sizes[0]; ++i) in[i] = draw();
        for (int layer = 0; layer < LAYERS; ++layer) {
            const float* row = weights[layer];
            for (int o = 0; o < sizes[layer + 1]; ++o, row += sizes[layer]) {
                float sum = 0;
                for (int i = 0; i < sizes[layer]; ++i) sum += row[i] * in[i];
                out[o] = sum > 0 ? sum : 0;
            }
            for (int o = 0; o < sizes[layer + 1]; ++o) in[o] = out[o];
        }
        best = 0;
        for (int o = 1; o < sizes[LAYERS]; ++o)
            if (in[o] > in[best]) best = o;
    }
    printf("%d\n", best);
    return 0;
}
