/*
 * A matrix over GF(2^8) times rows of bytes: all the heavy arithmetic of the erasure code.
 *
 *     outputs[i][b] = sum over j of matrix[i * k + j] * inputs[j][b]
 *
 * in the field of 256 elements modulo x^8 + x^4 + x^3 + x^2 + 1 (0x11d), where a sum is an xor.
 *
 * How the work is laid out. The columns are cut into blocks that fit the first-level cache
 * together with all k inputs. In a block, the output rows are taken in groups; a group's sums stay
 * in registers while all k inputs run past, so each output byte is stored once and never read. The
 * first group reads the inputs where they are and leaves a packed copy of the block behind; the
 * other groups read the copy. Without it, symbols 64 KiB apart fall on the same few sets of the
 * cache and throw each other out, and an unaligned symbol pays for its alignment in every group
 * instead of once.
 *
 * How a product is made. GFNI has an instruction that multiplies each byte by an 8 x 8 matrix of
 * bits; multiplication by a constant is such a matrix. The byte shuffles of AVX2, SSSE3 and NEON
 * look up 16 values at once, and c * x = c * (x & 15) + c * (x & 240) needs two such tables
 * (Plank, Greenan, Miller: "Screaming Fast Galois Field Arithmetic Using Intel SIMD
 * Instructions", FAST 2013). Plain C adds up the products of c's bits.
 */

#include <Python.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(_MSC_VER)
#define HAVE_X86 1
#include <immintrin.h>
#elif defined(__aarch64__) && defined(__GNUC__)
#define HAVE_NEON 1
#include <arm_neon.h>
#endif

/* The loops over rows must unroll completely, or the sums don't live in registers. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define UNROLL _Pragma("GCC unroll 8")
#endif

#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
#define PREFETCH_WRITE(address) __builtin_prefetch((address), 1, 2)
#else
#define INLINE static inline
#define PREFETCH_WRITE(address) ((void)(address))
#endif

enum {
    MOST = 256,          /* elements in the field: the most rows, in or out */
    ALIGNMENT = 64,      /* a cache line, and the widest vector */
    PACKED = 16 * 1024,  /* bytes of inputs in a block: half of a small first-level cache */
    WIDEST_BLOCK = 1024, /* columns, where k is so small that more would fit */
    WIDEST_TILE = 256,   /* columns */
    TALLEST_TILE = 8,    /* rows */
    AHEAD = 512          /* columns between a tile and the outputs that are fetched for later */
};

/* One step of an engine: `rows` outputs of `width` columns, from all k inputs. */
struct tile {
    int k;
    int rows;
    const uint8_t *matrix;    /* prepared entries, input by input, `rows` of them for each */
    const uint8_t *const *in; /* k rows */
    size_t in_at;             /* where the columns begin in each of them */
    uint8_t *const *out;      /* `rows` rows */
    size_t out_at;
    uint8_t *copy;            /* where to leave a packed copy of the inputs, or NULL */
    size_t copy_stride;
};

struct engine {
    const char *name;
    int (*runs_here)(void);
    void (*multiply)(const struct tile *);
    int rows;             /* the most rows of a tile: as many as the registers hold sums for */
    size_t width;         /* columns of a tile */
    const uint8_t *table; /* for each coefficient, the entry to multiply by it with */
    size_t entry;         /* bytes of an entry */
};

/* ---- Tables ---- */

static uint8_t plain_entries[MOST];
#if HAVE_X86
static uint64_t gfni_entries[MOST];
#endif
#if HAVE_X86 || HAVE_NEON
static uint8_t shuffle_entries[MOST][32];

static uint8_t product(uint8_t a, uint8_t b)
{
    uint8_t sum = 0;
    for (; b; b >>= 1) {
        if (b & 1)
            sum ^= a;
        a = (uint8_t)((a << 1) ^ (a & 0x80 ? 0x1d : 0));
    }
    return sum;
}
#endif

static void build_tables(void)
{
    for (int c = 0; c < MOST; c++)
        plain_entries[c] = (uint8_t)c;
#if HAVE_X86
    /* gf2p8affineqb takes the row of bits that makes result bit i from byte 7 - i. */
    for (int c = 0; c < MOST; c++) {
        uint64_t bits = 0;
        for (int i = 0; i < 8; i++)
            for (int j = 0; j < 8; j++)
                if (product((uint8_t)c, (uint8_t)(1 << j)) >> i & 1)
                    bits |= (uint64_t)1 << (8 * (7 - i) + j);
        gfni_entries[c] = bits;
    }
#endif
#if HAVE_X86 || HAVE_NEON
    for (int c = 0; c < MOST; c++)
        for (int x = 0; x < 16; x++) {
            shuffle_entries[c][x] = product((uint8_t)c, (uint8_t)x);
            shuffle_entries[c][16 + x] = product((uint8_t)c, (uint8_t)(x << 4));
        }
#endif
}

/* ---- Engines ----
 *
 * Each is a function that is inlined once for every number of rows that a tile may have, so that
 * the compiler knows the number, and a function that picks the right one of them.
 */

#define CASE(multiply, t, n) \
    case n:                  \
        multiply(t, n);      \
        break;
#define CASES_TO_4(multiply, t) \
    CASE(multiply, t, 1) CASE(multiply, t, 2) CASE(multiply, t, 3) CASE(multiply, t, 4)
#define CASES_TO_6(multiply, t) CASES_TO_4(multiply, t) CASE(multiply, t, 5) CASE(multiply, t, 6)
#define CASES_TO_8(multiply, t) CASES_TO_6(multiply, t) CASE(multiply, t, 7) CASE(multiply, t, 8)

static int always(void)
{
    return 1;
}

enum { PLAIN_WORDS = 32 };

/* Eight bytes to a word, and no tables and no branches on data, so that compilers can use what
   vectors they know. */
static void plain(const struct tile *t)
{
    uint64_t sum[TALLEST_TILE][PLAIN_WORDS] = {{0}};
    const uint8_t *coefficients = t->matrix;
    for (int j = 0; j < t->k; j++, coefficients += t->rows) {
        uint64_t times[8][PLAIN_WORDS]; /* times[b] is the input times x^b */
        memcpy(times[0], t->in[j] + t->in_at, sizeof times[0]);
        if (t->copy)
            memcpy(t->copy + (size_t)j * t->copy_stride, times[0], sizeof times[0]);
        for (int b = 1; b < 8; b++)
            for (int w = 0; w < PLAIN_WORDS; w++) {
                uint64_t x = times[b - 1][w];
                uint64_t carry = x >> 7 & 0x0101010101010101;
                uint64_t every_bit = (carry << 8) - carry; /* 255 in each byte that carries */
                times[b][w] = (x & 0x7f7f7f7f7f7f7f7f) << 1 ^ (every_bit & 0x1d1d1d1d1d1d1d1d);
            }
        for (int r = 0; r < t->rows; r++) {
            uint64_t mask[8];
            for (int b = 0; b < 8; b++)
                mask[b] = 0 - (uint64_t)(coefficients[r] >> b & 1);
            for (int w = 0; w < PLAIN_WORDS; w++) {
                uint64_t x = sum[r][w];
                for (int b = 0; b < 8; b++)
                    x ^= times[b][w] & mask[b];
                sum[r][w] = x;
            }
        }
    }
    for (int r = 0; r < t->rows; r++)
        memcpy(t->out[r] + t->out_at, sum[r], sizeof sum[r]);
}

#if HAVE_X86

#define GFNI_AVX512 __attribute__((target("avx512f,avx512bw,gfni")))
#define GFNI_AVX2 __attribute__((target("avx2,gfni")))
#define AVX2 __attribute__((target("avx2")))
#define SSSE3 __attribute__((target("ssse3")))

static int has_gfni_avx512(void)
{
    return __builtin_cpu_supports("gfni") && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512bw");
}

static int has_gfni_avx2(void)
{
    return __builtin_cpu_supports("gfni") && __builtin_cpu_supports("avx2");
}

static int has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}

static int has_ssse3(void)
{
    return __builtin_cpu_supports("ssse3");
}

/* Two inputs at a time, because one instruction adds both products to the sum. */
GFNI_AVX512 INLINE void gfni_avx512_rows(const struct tile *t, const int rows)
{
    enum { SUM_OF_THREE = 0x96 }; /* the truth table of a ^ b ^ c */
    const int k = t->k;
    const uint8_t *const *in = t->in;
    const size_t at = t->in_at, copy_stride = t->copy_stride;
    const uint64_t *matrix = (const uint64_t *)t->matrix;
    uint8_t *copy = t->copy;
    __m512i sum[8][2];
    UNROLL
    for (int r = 0; r < rows; r++)
        sum[r][0] = sum[r][1] = _mm512_setzero_si512();
    int j = 0;
    for (; j + 2 <= k; j += 2, matrix += 2 * rows) {
        const uint8_t *x = in[j] + at, *y = in[j + 1] + at;
        __m512i x0 = _mm512_loadu_si512(x), x1 = _mm512_loadu_si512(x + 64);
        __m512i y0 = _mm512_loadu_si512(y), y1 = _mm512_loadu_si512(y + 64);
        if (copy) {
            _mm512_store_si512(copy, x0);
            _mm512_store_si512(copy + 64, x1);
            copy += copy_stride;
            _mm512_store_si512(copy, y0);
            _mm512_store_si512(copy + 64, y1);
            copy += copy_stride;
        }
        UNROLL
        for (int r = 0; r < rows; r++) {
            __m512i a = _mm512_set1_epi64((long long)matrix[r]);
            __m512i b = _mm512_set1_epi64((long long)matrix[rows + r]);
            sum[r][0] = _mm512_ternarylogic_epi64(
                sum[r][0], _mm512_gf2p8affine_epi64_epi8(x0, a, 0),
                _mm512_gf2p8affine_epi64_epi8(y0, b, 0), SUM_OF_THREE);
            sum[r][1] = _mm512_ternarylogic_epi64(
                sum[r][1], _mm512_gf2p8affine_epi64_epi8(x1, a, 0),
                _mm512_gf2p8affine_epi64_epi8(y1, b, 0), SUM_OF_THREE);
        }
    }
    if (j < k) {
        const uint8_t *x = in[j] + at;
        __m512i x0 = _mm512_loadu_si512(x), x1 = _mm512_loadu_si512(x + 64);
        if (copy) {
            _mm512_store_si512(copy, x0);
            _mm512_store_si512(copy + 64, x1);
        }
        UNROLL
        for (int r = 0; r < rows; r++) {
            __m512i a = _mm512_set1_epi64((long long)matrix[r]);
            sum[r][0] = _mm512_xor_si512(sum[r][0], _mm512_gf2p8affine_epi64_epi8(x0, a, 0));
            sum[r][1] = _mm512_xor_si512(sum[r][1], _mm512_gf2p8affine_epi64_epi8(x1, a, 0));
        }
    }
    UNROLL
    for (int r = 0; r < rows; r++) {
        _mm512_storeu_si512(t->out[r] + t->out_at, sum[r][0]);
        _mm512_storeu_si512(t->out[r] + t->out_at + 64, sum[r][1]);
    }
}

GFNI_AVX512 static void gfni_avx512(const struct tile *t)
{
    switch (t->rows) {
        CASES_TO_8(gfni_avx512_rows, t)
    }
}

GFNI_AVX2 INLINE void gfni_avx2_rows(const struct tile *t, const int rows)
{
    const int k = t->k;
    const uint8_t *const *in = t->in;
    const size_t at = t->in_at, copy_stride = t->copy_stride;
    const uint64_t *matrix = (const uint64_t *)t->matrix;
    uint8_t *copy = t->copy;
    __m256i sum[6][2];
    UNROLL
    for (int r = 0; r < rows; r++)
        sum[r][0] = sum[r][1] = _mm256_setzero_si256();
    for (int j = 0; j < k; j++, matrix += rows) {
        const uint8_t *x = in[j] + at;
        __m256i x0 = _mm256_loadu_si256((const __m256i *)x);
        __m256i x1 = _mm256_loadu_si256((const __m256i *)(x + 32));
        if (copy) {
            _mm256_store_si256((__m256i *)copy, x0);
            _mm256_store_si256((__m256i *)(copy + 32), x1);
            copy += copy_stride;
        }
        UNROLL
        for (int r = 0; r < rows; r++) {
            __m256i a = _mm256_set1_epi64x((long long)matrix[r]);
            sum[r][0] = _mm256_xor_si256(sum[r][0], _mm256_gf2p8affine_epi64_epi8(x0, a, 0));
            sum[r][1] = _mm256_xor_si256(sum[r][1], _mm256_gf2p8affine_epi64_epi8(x1, a, 0));
        }
    }
    UNROLL
    for (int r = 0; r < rows; r++) {
        _mm256_storeu_si256((__m256i *)(t->out[r] + t->out_at), sum[r][0]);
        _mm256_storeu_si256((__m256i *)(t->out[r] + t->out_at + 32), sum[r][1]);
    }
}

GFNI_AVX2 static void gfni_avx2(const struct tile *t)
{
    switch (t->rows) {
        CASES_TO_6(gfni_avx2_rows, t)
    }
}

AVX2 INLINE void avx2_rows(const struct tile *t, const int rows)
{
    const __m256i nibble = _mm256_set1_epi8(15);
    const int k = t->k;
    const uint8_t *const *in = t->in;
    const size_t at = t->in_at, copy_stride = t->copy_stride;
    const __m128i *matrix = (const __m128i *)t->matrix;
    uint8_t *copy = t->copy;
    __m256i sum[4][2];
    UNROLL
    for (int r = 0; r < rows; r++)
        sum[r][0] = sum[r][1] = _mm256_setzero_si256();
    for (int j = 0; j < k; j++, matrix += 2 * rows) {
        const uint8_t *x = in[j] + at;
        __m256i x0 = _mm256_loadu_si256((const __m256i *)x);
        __m256i x1 = _mm256_loadu_si256((const __m256i *)(x + 32));
        if (copy) {
            _mm256_store_si256((__m256i *)copy, x0);
            _mm256_store_si256((__m256i *)(copy + 32), x1);
            copy += copy_stride;
        }
        __m256i high0 = _mm256_and_si256(_mm256_srli_epi16(x0, 4), nibble);
        __m256i high1 = _mm256_and_si256(_mm256_srli_epi16(x1, 4), nibble);
        __m256i low0 = _mm256_and_si256(x0, nibble), low1 = _mm256_and_si256(x1, nibble);
        UNROLL
        for (int r = 0; r < rows; r++) {
            __m256i low = _mm256_broadcastsi128_si256(_mm_load_si128(matrix + 2 * r));
            __m256i high = _mm256_broadcastsi128_si256(_mm_load_si128(matrix + 2 * r + 1));
            sum[r][0] = _mm256_xor_si256(sum[r][0], _mm256_shuffle_epi8(low, low0));
            sum[r][1] = _mm256_xor_si256(sum[r][1], _mm256_shuffle_epi8(low, low1));
            sum[r][0] = _mm256_xor_si256(sum[r][0], _mm256_shuffle_epi8(high, high0));
            sum[r][1] = _mm256_xor_si256(sum[r][1], _mm256_shuffle_epi8(high, high1));
        }
    }
    UNROLL
    for (int r = 0; r < rows; r++) {
        _mm256_storeu_si256((__m256i *)(t->out[r] + t->out_at), sum[r][0]);
        _mm256_storeu_si256((__m256i *)(t->out[r] + t->out_at + 32), sum[r][1]);
    }
}

AVX2 static void avx2(const struct tile *t)
{
    switch (t->rows) {
        CASES_TO_4(avx2_rows, t)
    }
}

SSSE3 INLINE void ssse3_rows(const struct tile *t, const int rows)
{
    const __m128i nibble = _mm_set1_epi8(15);
    const int k = t->k;
    const uint8_t *const *in = t->in;
    const size_t at = t->in_at, copy_stride = t->copy_stride;
    const __m128i *matrix = (const __m128i *)t->matrix;
    uint8_t *copy = t->copy;
    __m128i sum[4][2];
    UNROLL
    for (int r = 0; r < rows; r++)
        sum[r][0] = sum[r][1] = _mm_setzero_si128();
    for (int j = 0; j < k; j++, matrix += 2 * rows) {
        const uint8_t *x = in[j] + at;
        __m128i x0 = _mm_loadu_si128((const __m128i *)x);
        __m128i x1 = _mm_loadu_si128((const __m128i *)(x + 16));
        if (copy) {
            _mm_store_si128((__m128i *)copy, x0);
            _mm_store_si128((__m128i *)(copy + 16), x1);
            copy += copy_stride;
        }
        __m128i high0 = _mm_and_si128(_mm_srli_epi16(x0, 4), nibble);
        __m128i high1 = _mm_and_si128(_mm_srli_epi16(x1, 4), nibble);
        __m128i low0 = _mm_and_si128(x0, nibble), low1 = _mm_and_si128(x1, nibble);
        UNROLL
        for (int r = 0; r < rows; r++) {
            __m128i low = _mm_load_si128(matrix + 2 * r);
            __m128i high = _mm_load_si128(matrix + 2 * r + 1);
            sum[r][0] = _mm_xor_si128(sum[r][0], _mm_shuffle_epi8(low, low0));
            sum[r][1] = _mm_xor_si128(sum[r][1], _mm_shuffle_epi8(low, low1));
            sum[r][0] = _mm_xor_si128(sum[r][0], _mm_shuffle_epi8(high, high0));
            sum[r][1] = _mm_xor_si128(sum[r][1], _mm_shuffle_epi8(high, high1));
        }
    }
    UNROLL
    for (int r = 0; r < rows; r++) {
        _mm_storeu_si128((__m128i *)(t->out[r] + t->out_at), sum[r][0]);
        _mm_storeu_si128((__m128i *)(t->out[r] + t->out_at + 16), sum[r][1]);
    }
}

SSSE3 static void ssse3(const struct tile *t)
{
    switch (t->rows) {
        CASES_TO_4(ssse3_rows, t)
    }
}

#elif HAVE_NEON

INLINE void neon_rows(const struct tile *t, const int rows)
{
    const uint8x16_t nibble = vdupq_n_u8(15);
    const int k = t->k;
    const uint8_t *const *in = t->in;
    const size_t at = t->in_at, copy_stride = t->copy_stride;
    const uint8_t *matrix = t->matrix;
    uint8_t *copy = t->copy;
    uint8x16_t sum[4][4];
    UNROLL
    for (int r = 0; r < rows; r++)
        sum[r][0] = sum[r][1] = sum[r][2] = sum[r][3] = vdupq_n_u8(0);
    for (int j = 0; j < k; j++, matrix += 32 * rows) {
        const uint8_t *x = in[j] + at;
        uint8x16_t low[4], high[4];
        UNROLL
        for (int c = 0; c < 4; c++) {
            uint8x16_t column = vld1q_u8(x + 16 * c);
            if (copy)
                vst1q_u8(copy + 16 * c, column);
            low[c] = vandq_u8(column, nibble);
            high[c] = vshrq_n_u8(column, 4);
        }
        if (copy)
            copy += copy_stride;
        UNROLL
        for (int r = 0; r < rows; r++) {
            uint8x16_t of_low = vld1q_u8(matrix + 32 * r), of_high = vld1q_u8(matrix + 32 * r + 16);
            UNROLL
            for (int c = 0; c < 4; c++) {
                sum[r][c] = veorq_u8(sum[r][c], vqtbl1q_u8(of_low, low[c]));
                sum[r][c] = veorq_u8(sum[r][c], vqtbl1q_u8(of_high, high[c]));
            }
        }
    }
    UNROLL
    for (int r = 0; r < rows; r++)
        UNROLL
        for (int c = 0; c < 4; c++)
            vst1q_u8(t->out[r] + t->out_at + 16 * c, sum[r][c]);
}

static void neon(const struct tile *t)
{
    switch (t->rows) {
        CASES_TO_4(neon_rows, t)
    }
}

#endif

/* Best first. */
static const struct engine engines[] = {
#if HAVE_X86
    {"gfni-avx512", has_gfni_avx512, gfni_avx512, 8, 128, (const uint8_t *)gfni_entries, 8},
    {"gfni-avx2", has_gfni_avx2, gfni_avx2, 6, 64, (const uint8_t *)gfni_entries, 8},
    {"avx2", has_avx2, avx2, 4, 64, shuffle_entries[0], 32},
    {"ssse3", has_ssse3, ssse3, 4, 32, shuffle_entries[0], 32},
#elif HAVE_NEON
    {"neon", always, neon, 4, 64, shuffle_entries[0], 32},
#endif
    {"plain", always, plain, TALLEST_TILE, 8 * PLAIN_WORDS, plain_entries, 1},
};

enum { ENGINES = sizeof engines / sizeof engines[0] };

/* ---- Tiling ---- */

/* A whole multiplication, and the memory that it needs besides: k and m bound it, not `length`. */
struct job {
    const struct engine *engine;
    int k, m;
    size_t length;
    const uint8_t *in[MOST];
    uint8_t *out[MOST];
    const uint8_t *packed_rows[MOST];
    uint8_t *edge_rows[TALLEST_TILE];
    size_t block;
    uint8_t *matrix; /* prepared: group by group of rows, then input by input, then row by row */
    uint8_t *packed; /* k rows of `block` columns */
    uint8_t *edge;   /* TALLEST_TILE rows of WIDEST_TILE columns */
    void *memory;
};

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Gets the memory and prepares the matrix. Returns 0 when there is no memory. */
static int job_begin(struct job *job, const uint8_t *matrix)
{
    const struct engine *engine = job->engine;
    size_t entries = (size_t)job->m * (size_t)job->k * engine->entry;
    entries = (entries + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;

    job->block = PACKED / (size_t)job->k / engine->width * engine->width;
    if (job->block < engine->width)
        job->block = engine->width;
    if (job->block > WIDEST_BLOCK)
        job->block = WIDEST_BLOCK;

    size_t packed = (size_t)job->k * job->block;
    job->memory = PyMem_Malloc(ALIGNMENT + entries + packed + TALLEST_TILE * WIDEST_TILE);
    if (!job->memory)
        return 0;
    uintptr_t begin = (uintptr_t)job->memory;
    job->matrix = (uint8_t *)((begin + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
    job->packed = job->matrix + entries;
    job->edge = job->packed + packed;
    for (int j = 0; j < job->k; j++)
        job->packed_rows[j] = job->packed + (size_t)j * job->block;
    for (int r = 0; r < TALLEST_TILE; r++)
        job->edge_rows[r] = job->edge + r * WIDEST_TILE;

    uint8_t *to = job->matrix;
    for (int first = 0; first < job->m; first += engine->rows) {
        int end = least(first + engine->rows, job->m);
        for (int j = 0; j < job->k; j++)
            for (int i = first; i < end; i++, to += engine->entry)
                memcpy(to, engine->table + matrix[i * job->k + j] * engine->entry, engine->entry);
    }
    return 1;
}

/* The whole tiles of the columns from `at`, at most a block of them. Returns where it stopped. */
static size_t job_block(const struct job *job, size_t at)
{
    const struct engine *engine = job->engine;
    size_t columns = job->length - at < job->block ? job->length - at : job->block;
    size_t whole = columns / engine->width * engine->width;
    struct tile tile = {.k = job->k, .matrix = job->matrix, .copy_stride = job->block};
    for (int first = 0; first < job->m; first += engine->rows) {
        int packed = first > 0;
        tile.rows = least(engine->rows, job->m - first);
        tile.in = packed ? job->packed_rows : job->in;
        tile.out = job->out + first;
        for (size_t column = 0; column < whole; column += engine->width) {
            tile.in_at = packed ? column : at + column;
            tile.out_at = at + column;
            tile.copy = !packed && job->m > engine->rows ? job->packed + column : NULL;
            /* A store waits for its line of cache, so the lines of a later tile are asked for. */
            if (tile.out_at + AHEAD + engine->width <= job->length)
                for (int r = 0; r < tile.rows; r++)
                    for (size_t line = 0; line < engine->width; line += 64)
                        PREFETCH_WRITE(tile.out[r] + tile.out_at + AHEAD + line);
            engine->multiply(&tile);
        }
        tile.matrix += (size_t)tile.rows * (size_t)job->k * engine->entry;
    }
    return at + whole;
}

/* The last columns, fewer than a tile: through copies that are as wide as one. */
static void job_edge(const struct job *job, size_t at)
{
    const struct engine *engine = job->engine;
    size_t columns = job->length - at;
    for (int j = 0; j < job->k; j++) {
        uint8_t *row = job->packed + (size_t)j * job->block;
        memset(row, 0, engine->width);
        memcpy(row, job->in[j] + at, columns);
    }
    struct tile tile = {
        .k = job->k, .matrix = job->matrix, .in = job->packed_rows, .out = job->edge_rows};
    for (int first = 0; first < job->m; first += engine->rows) {
        tile.rows = least(engine->rows, job->m - first);
        engine->multiply(&tile);
        for (int r = 0; r < tile.rows; r++)
            memcpy(job->out[first + r] + at, job->edge_rows[r], columns);
        tile.matrix += (size_t)tile.rows * (size_t)job->k * engine->entry;
    }
}

static void job_run(const struct job *job)
{
    size_t at = 0;
    while (job->length - at >= job->engine->width)
        at = job_block(job, at);
    if (at < job->length)
        job_edge(job, at);
}

/* ---- Python ---- */

PyDoc_STRVAR(
    multiply_doc,
    "multiply(matrix, inputs, outputs, *, engine=None)\n--\n\n"
    "Set outputs[i] to the sum over j of matrix[i * k + j] * inputs[j], over GF(2^8) mod 0x11d.\n\n"
    "matrix: m * k bytes, row by row. inputs: k buffers. outputs: m writable buffers, apart from\n"
    "each other and from the inputs. 1 <= k, m <= 256, and all buffers have one length, any.\n"
    "engine: one of engines(), the first unless given. Other threads run meanwhile.\n"
    "Raises ValueError when a size or a count doesn't fit, or when buffers overlap.");

PyDoc_STRVAR(engines_doc,
             "engines()\n--\n\n"
             "Return the names of the engines that this machine can run, best first.");

/* The buffers of one call; those at or beyond `count` are not held. */
struct buffers {
    Py_buffer matrix;
    Py_buffer rows[2 * MOST]; /* k inputs, then m outputs */
    int count;
};

static void release(struct buffers *buffers)
{
    while (buffers->count > 0)
        PyBuffer_Release(&buffers->rows[--buffers->count]);
    PyBuffer_Release(&buffers->matrix); /* does nothing when it is not held */
}

/* Holds the buffers of all items. Returns how many they are, or -1 with an exception set. */
static int hold_all(struct buffers *buffers, PyObject *sequence, const char *what, int flags)
{
    /* A tuple of our own, because taking a buffer can run code that changes a list. */
    PyObject *items = PySequence_Tuple(sequence);
    if (!items)
        return -1;
    Py_ssize_t count = PyTuple_Size(items);
    if (count < 1 || count > MOST) {
        PyErr_Format(PyExc_ValueError, "%s: %zd buffers, must be 1 to 256", what, count);
        Py_DECREF(items);
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        if (PyObject_GetBuffer(PyTuple_GetItem(items, i), &buffers->rows[buffers->count], flags)) {
            Py_DECREF(items);
            return -1;
        }
        buffers->count++;
    }
    Py_DECREF(items); /* each buffer holds a reference to its own object */
    return (int)count;
}

static int overlap(const Py_buffer *a, const Py_buffer *b)
{
    uintptr_t x = (uintptr_t)a->buf, y = (uintptr_t)b->buf;
    return x < y + (size_t)b->len && y < x + (size_t)a->len;
}

/* Returns 0, or -1 with an exception set. */
static int check(const struct buffers *buffers, int k, int m)
{
    const Py_buffer *rows = buffers->rows;
    if (buffers->matrix.len != (Py_ssize_t)k * m) {
        PyErr_Format(PyExc_ValueError, "matrix: %zd bytes, must be %d for %d outputs of %d inputs",
                     buffers->matrix.len, k * m, m, k);
        return -1;
    }
    for (int i = 1; i < k + m; i++)
        if (rows[i].len != rows[0].len) {
            PyErr_Format(PyExc_ValueError, "%s %d: %zd bytes, must be %zd as in input 0",
                         i < k ? "input" : "output", i < k ? i : i - k, rows[i].len, rows[0].len);
            return -1;
        }
    for (int i = k; i < k + m; i++)
        for (int j = 0; j < i; j++)
            if (overlap(&rows[i], &rows[j])) {
                PyErr_Format(PyExc_ValueError, "output %d overlaps %s %d", i - k,
                             j < k ? "input" : "output", j < k ? j : j - k);
                return -1;
            }
    return 0;
}

static const struct engine *find_engine(const char *name)
{
    for (int e = 0; e < ENGINES; e++)
        if ((!name || strcmp(name, engines[e].name) == 0) && engines[e].runs_here())
            return &engines[e];
    PyErr_Format(PyExc_ValueError, "no engine %s on this machine", name);
    return NULL;
}

static PyObject *multiply(PyObject *module, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"matrix", "inputs", "outputs", "engine", NULL};
    PyObject *matrix, *inputs, *outputs, *result = NULL;
    const char *name = NULL;
    (void)module;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OOO|$z:multiply", names, &matrix, &inputs,
                                     &outputs, &name))
        return NULL;
    const struct engine *engine = find_engine(name);
    if (!engine)
        return NULL;

    struct buffers *buffers = PyMem_Calloc(1, sizeof *buffers);
    struct job *job = PyMem_Calloc(1, sizeof *job);
    if (!buffers || !job) {
        PyErr_NoMemory();
        goto done;
    }
    if (PyObject_GetBuffer(matrix, &buffers->matrix, PyBUF_SIMPLE))
        goto done;
    int k = hold_all(buffers, inputs, "inputs", PyBUF_SIMPLE);
    if (k < 0)
        goto done;
    int m = hold_all(buffers, outputs, "outputs", PyBUF_WRITABLE);
    if (m < 0 || check(buffers, k, m) < 0)
        goto done;

    job->engine = engine;
    job->k = k;
    job->m = m;
    job->length = (size_t)buffers->rows[0].len;
    for (int j = 0; j < k; j++)
        job->in[j] = buffers->rows[j].buf;
    for (int i = 0; i < m; i++)
        job->out[i] = buffers->rows[k + i].buf;
    if (!job_begin(job, buffers->matrix.buf)) {
        PyErr_NoMemory();
        goto done;
    }
    Py_BEGIN_ALLOW_THREADS
    job_run(job);
    Py_END_ALLOW_THREADS
    PyMem_Free(job->memory);
    result = Py_NewRef(Py_None);

done:
    if (buffers)
        release(buffers);
    PyMem_Free(buffers);
    PyMem_Free(job);
    return result;
}

static PyObject *list_engines(PyObject *module, PyObject *nothing)
{
    (void)module;
    (void)nothing;
    PyObject *names = PyList_New(0);
    if (!names)
        return NULL;
    for (int e = 0; e < ENGINES; e++) {
        if (!engines[e].runs_here())
            continue;
        PyObject *name = PyUnicode_FromString(engines[e].name);
        if (!name || PyList_Append(names, name) < 0) {
            Py_XDECREF(name);
            Py_DECREF(names);
            return NULL;
        }
        Py_DECREF(name);
    }
    PyObject *result = PyList_AsTuple(names);
    Py_DECREF(names);
    return result;
}

static PyMethodDef methods[] = {
    {"multiply", (PyCFunction)(void (*)(void))multiply, METH_VARARGS | METH_KEYWORDS, multiply_doc},
    {"engines", list_engines, METH_NOARGS, engines_doc},
    {NULL, NULL, 0, NULL},
};

static int execute(PyObject *module)
{
    (void)module;
#if HAVE_X86
    __builtin_cpu_init();
#endif
    build_tables();
    return 0;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, execute},
    {0, NULL},
};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "outlast.coding._kernel",
    .m_doc = "A matrix over GF(2^8) times rows of bytes.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__kernel(void)
{
    return PyModuleDef_Init(&definition);
}
