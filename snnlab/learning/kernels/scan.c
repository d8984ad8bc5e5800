/* The scan of loop.py for 32-bit floats in ordinary memory: the same operations in the same order,
   a multiplication and an addition fused where torch fuses them, so the results are the same bits.

   Neurons are independent, so they are taken in tiles small enough for the innermost cache: for
   each tile all time steps, its potentials never leaving the cache. Threads are those of torch.

   A scan may end in 2 x 2 max-pooling of images that lie channels-last. Then the spikes of a tile
   of whole rows are pooled before the next step, and are never written anywhere. */

#include <stddef.h>
#include <stdint.h>

#define TILE 4096     /* floats: 16 KiB, a third of the innermost cache */
#define LARGEST 16384 /* floats of the two rows that one row of pooled outputs needs */
#define INLINE static inline __attribute__((always_inline))

enum { BOXCAR, TRIANGLE, FAST_SIGMOID, ARCTAN };
enum { SOFT, HARD_ZERO, HARD };
enum { SOFT_DETACHED, SOFT_ATTACHED, HARD_DETACHED, HARD_ATTACHED };

struct dynamics {
    float alpha, threshold, v_reset, v_initial, width, height;
    int32_t reset, path, shape;
};

/* Arrays have `steps` rows of `neurons`, or of a quarter of them for what is pooled. A stride of 0
   means that one row serves all steps. `row` is width times channels of an image, 0 if nothing is
   pooled. Forward reads `given` (currents), writes `out` (spikes) and, if there is one, `kept` (h).
   Backward reads `given` (errors) and `kept`, and writes `kept`, or adds up in `out` if there is. */
struct job {
    struct dynamics d;
    float *kept, *out;
    const float *given;
    int64_t stride, steps, neurons, row, channels, tile;
    int64_t next; /* the first tile that nobody has taken yet */
    void (*run)(const struct job *, int64_t first, int64_t n);
};

INLINE void forward_step(struct dynamics d, int reset, int keep, const float *i, float *v, float *h,
                         float *s, int64_t n)
{
#pragma omp simd
    for (int64_t k = 0; k < n; k++) {
        float u = __builtin_fmaf(d.alpha, v[k], i[k]);
        float fired = u >= d.threshold ? 1.0f : 0.0f;
        float left = reset == SOFT ? __builtin_fmaf(-d.threshold, fired, u)
                                   : __builtin_fmaf(-u, fired, u);
        if (keep)
            h[k] = u;
        s[k] = fired;
        v[k] = reset == HARD ? __builtin_fmaf(d.v_reset, fired, left) : left;
    }
}

INLINE float slope_at(struct dynamics d, int shape, float h)
{
    float z = (h - d.threshold) / d.width, size = __builtin_fabsf(z);
    float y;
    if (shape == BOXCAR)
        y = size < 0.5f ? 1.0f : 0.0f;
    else if (shape == TRIANGLE)
        y = 1.0f - size < 0.0f ? 0.0f : 1.0f - size;
    else if (shape == FAST_SIGMOID)
        y = 1.0f / ((1.0f + size) * (1.0f + size));
    else
        y = 1.0f / (z * z + 1.0f);
    return y * d.height;
}

INLINE void backward_step(struct dynamics d, int path, int shape, int add, const float *e, float *g,
                          float *h, float *total, int64_t n)
{
#pragma omp simd
    for (int64_t k = 0; k < n; k++) {
        float slope = slope_at(d, shape, h[k]), carry = g[k];
        if (path == SOFT_ATTACHED)
            carry = __builtin_fmaf(-d.threshold * carry, slope, carry);
        if (path == HARD_DETACHED || path == HARD_ATTACHED) {
            float through = h[k] < d.threshold ? 1.0f : 0.0f;
            if (path == HARD_ATTACHED)
                through = __builtin_fmaf(slope, d.v_reset - h[k], through);
            carry = carry * through;
        }
        carry = __builtin_fmaf(e[k], slope, carry * d.alpha);
        g[k] = carry;
        if (add)
            total[k] = total[k] + carry;
        else
            h[k] = carry;
    }
}

/* Any of four fired. s: pairs of rows, z: half as many rows of half as many pixels. */
INLINE void pool_step(const float *s, float *z, int64_t n, int64_t row, int64_t channels)
{
    for (int64_t top = 0; top < n; top += 2 * row)
        for (int64_t left = top; left < top + row; left += 2 * channels, z += channels) {
            const float *a = s + left, *b = a + channels, *c = a + row, *d = c + channels;
#pragma omp simd
            for (int64_t k = 0; k < channels; k++) {
                float above = a[k] > b[k] ? a[k] : b[k], below = c[k] > d[k] ? c[k] : d[k];
                z[k] = above > below ? above : below;
            }
        }
}

/* The error of a window goes to the first that fired, or else to the first. */
INLINE void unpool_step(const float *z, const float *h, float threshold, float *e, int64_t n,
                        int64_t row, int64_t channels)
{
    for (int64_t top = 0; top < n; top += 2 * row)
        for (int64_t left = top; left < top + row; left += 2 * channels, z += channels) {
            int64_t a = left, b = a + channels, c = a + row, d = c + channels;
#pragma omp simd
            for (int64_t k = 0; k < channels; k++) {
                int at_a = h[a + k] >= threshold, at_b = !at_a & (h[b + k] >= threshold);
                int at_c = !at_a & !at_b & (h[c + k] >= threshold);
                int at_d = !at_a & !at_b & !at_c & (h[d + k] >= threshold);
                float error = z[k] + 0.0f; /* torch adds to 0: -0 becomes 0 */
                e[b + k] = at_b ? error : 0.0f;
                e[c + k] = at_c ? error : 0.0f;
                e[d + k] = at_d ? error : 0.0f;
                e[a + k] = at_b | at_c | at_d ? 0.0f : error;
            }
        }
}

INLINE void forward_tile(const struct job *j, int reset, int keep, int64_t first, int64_t n)
{
    float v[LARGEST], spikes[LARGEST];
    int64_t size = j->row ? j->neurons / 4 : j->neurons, begin = j->row ? first / 4 : first;
    for (int64_t k = 0; k < n; k++)
        v[k] = j->d.v_initial;
    for (int64_t t = 0; t < j->steps; t++) {
        float *out = j->out + t * size + begin;
        forward_step(j->d, reset, keep, j->given + t * j->stride + first, v,
                     keep ? j->kept + t * j->neurons + first : NULL, j->row ? spikes : out, n);
        if (j->row)
            pool_step(spikes, out, n, j->row, j->channels);
    }
}

INLINE void backward_tile(const struct job *j, int path, int shape, int add, int64_t first,
                          int64_t n)
{
    float g[LARGEST], errors[LARGEST];
    int64_t begin = j->row ? first / 4 : first;
    for (int64_t k = 0; k < n; k++)
        g[k] = 0.0f;
    for (int64_t t = j->steps - 1; t >= 0; t--) {
        float *h = j->kept + t * j->neurons + first;
        const float *e = j->given + t * j->stride + begin;
        if (j->row)
            unpool_step(e, h, j->d.threshold, errors, n, j->row, j->channels);
        backward_step(j->d, path, shape, add, j->row ? errors : e, g, h,
                      add ? j->out + first : NULL, n);
    }
}

#define FORWARD(RESET)                                                                             \
    static void forward_##RESET(const struct job *j, int64_t first, int64_t n)                     \
    {                                                                                              \
        if (j->kept)                                                                               \
            forward_tile(j, RESET, 1, first, n);                                                   \
        else                                                                                       \
            forward_tile(j, RESET, 0, first, n);                                                   \
    }

#define BACKWARD(PATH, SHAPE)                                                                      \
    static void backward_##PATH##_##SHAPE(const struct job *j, int64_t first, int64_t n)           \
    {                                                                                              \
        if (j->out)                                                                                \
            backward_tile(j, PATH, SHAPE, 1, first, n);                                            \
        else                                                                                       \
            backward_tile(j, PATH, SHAPE, 0, first, n);                                            \
    }

#define EACH_SHAPE(PATH)                                                                           \
    BACKWARD(PATH, BOXCAR)                                                                         \
    BACKWARD(PATH, TRIANGLE)                                                                       \
    BACKWARD(PATH, FAST_SIGMOID)                                                                   \
    BACKWARD(PATH, ARCTAN)

#define NAMES(PATH)                                                                                \
    {                                                                                              \
        backward_##PATH##_BOXCAR, backward_##PATH##_TRIANGLE, backward_##PATH##_FAST_SIGMOID,      \
            backward_##PATH##_ARCTAN                                                               \
    }

FORWARD(SOFT)
FORWARD(HARD_ZERO)
FORWARD(HARD)
EACH_SHAPE(SOFT_DETACHED)
EACH_SHAPE(SOFT_ATTACHED)
EACH_SHAPE(HARD_DETACHED)
EACH_SHAPE(HARD_ATTACHED)

/* The runtime that runs torch's own threads; where it is another one, there is only this thread. */
extern void GOMP_parallel(void (*)(void *), void *, unsigned, unsigned) __attribute__((weak));

static void work(void *given)
{
    struct job *j = given;
    int64_t first;
    while ((first = j->tile * __atomic_fetch_add(&j->next, 1, __ATOMIC_RELAXED)) < j->neurons)
        j->run(j, first, first + j->tile < j->neurons ? j->tile : j->neurons - first);
}

static void share(struct job *j, int64_t threads)
{
    int64_t unit = j->row ? 2 * j->row : 64, wanted = TILE;
    while (wanted > 1024 && j->neurons / wanted < 4 * threads)
        wanted /= 2;
    j->tile = wanted < unit ? unit : wanted / unit * unit;
    j->next = 0;
    if (threads > 1 && GOMP_parallel && j->neurons > j->tile)
        GOMP_parallel(work, j, (unsigned)threads, 0);
    else
        work(j);
}

int64_t largest(void) { return LARGEST; }

void forward(struct job *j, int64_t threads)
{
    static void (*const runs[])(const struct job *, int64_t, int64_t) = {
        forward_SOFT, forward_HARD_ZERO, forward_HARD};
    j->run = runs[j->d.reset];
    share(j, threads);
}

void backward(struct job *j, int64_t threads)
{
    static void (*const runs[][4])(const struct job *, int64_t, int64_t) = {
        NAMES(SOFT_DETACHED), NAMES(SOFT_ATTACHED), NAMES(HARD_DETACHED), NAMES(HARD_ATTACHED)};
    j->run = runs[j->d.path][j->d.shape];
    share(j, threads);
}
