// Breadth-first search over a random graph in compressed-row form: a queue, and look-ups anywhere.
// Usage: bfs SEARCHES

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NODES = 120000, DEGREE = 6 };

static uint32_t state = 5;

static uint32_t draw(void) {
    state = state * 1664525u + 1013904223u;
    return state >> 8;
}

int main(int argc, char** argv) {
    const int searches = argc > 1 ? atoi(argv[1]) : 1;
    int32_t* neighbours = malloc(NODES * DEGREE * sizeof *neighbours);
    int32_t* distance = malloc(NODES * sizeof *distance);
    int32_t* queue = malloc(NODES * sizeof *queue);
    for (int i = 0; i < NODES * DEGREE; ++i) neighbours[i] = (int32_t)(draw() % NODES);
    int farthest = 0;
    for (int n = 0; n < searches; ++n) {
        memset(distance, 0xff, NODES * sizeof *distance);
        int head = 0, tail = 0;
        queue[tail++] = n;
        distance[n] = 0;
        while (head < tail) {
            const int32_t node = queue[head++];
            for (int i = 0; i < DEGREE; ++i) {
                const int32_t next = neighbours[node * DEGREE + i];
                if (distance[next] >= 0) continue;
                distance[next] = distance[node] + 1;
                farthest = distance[next];
                queue[tail++] = next;
            }
        }
    }
    printf("%d\n", farthest);
    return 0;
}
