// SPDX-License-Identifier: Apache-2.0
// Drawing a graph in layers. Cells are boxes and, where a wire passes a rank, its place there. Segments join
// cells of neighbouring ranks.
#include "report/drawing.h"
#include <math.h>
#include <stdint.h>
#include <string.h>

enum { SWEEPS = 24, MOST_CELLS = 4000, LANE = 8 };

typedef struct cell {
  size_t rank, wire; // wire: of a lane
  double w, x, key, weight;
} cell;
typedef struct segment {
  size_t up, down, wire;
} segment;
typedef struct grid {
  cell *cell;
  segment *segment;
  size_t *order, *best, *first; // cells by rank; rank r is order[first[r]] to order[first[r + 1]]
  double *d, *w;                // room for one rank
  size_t *run;
  size_t n, n_segments, n_ranks;
} grid;

// ---- ranks ----

static void rank_boxes(report_place *box, size_t n, const report_wire *wire, size_t n_wires) {
  for (size_t i = 0; i < n; i++) box[i].rank = 0;
  for (size_t i = 0; i < n_wires; i++) {
    const size_t after = box[wire[i].from].rank + 1;
    if (box[wire[i].to].rank < after) box[wire[i].to].rank = after;
  }
  for (size_t b = 0; b < n; b++) {
    size_t user = SIZE_MAX;
    for (size_t i = 0; box[b].early && i < n_wires; i++)
      if (wire[i].from == b && box[wire[i].to].rank < user) user = box[wire[i].to].rank;
    if (user != SIZE_MAX && user > 0) box[b].rank = user - 1;
  }
}

static size_t count_cells(const report_place *box, size_t n, const report_wire *wire, size_t n_wires) {
  size_t cells = n;
  for (size_t i = 0; i < n_wires; i++) cells += box[wire[i].to].rank - box[wire[i].from].rank - 1;
  return cells;
}

static bool allocate(grid *g, size_t cells, size_t n_wires, nf_arena *a) {
  g->cell = nf_arena_alloc(a, cells + 1, sizeof *g->cell);
  g->segment = nf_arena_alloc(a, cells + n_wires + 1, sizeof *g->segment);
  g->order = nf_arena_alloc(a, cells + 1, sizeof *g->order);
  g->best = nf_arena_alloc(a, cells + 1, sizeof *g->best);
  g->first = nf_arena_alloc(a, g->n_ranks + 1, sizeof *g->first);
  g->d = nf_arena_alloc(a, cells + 1, sizeof *g->d);
  g->w = nf_arena_alloc(a, cells + 1, sizeof *g->w);
  g->run = nf_arena_alloc(a, cells + 1, sizeof *g->run);
  return g->cell != NULL && g->segment != NULL && g->order != NULL && g->best != NULL && g->first != NULL &&
         g->d != NULL && g->w != NULL && g->run != NULL;
}

static void add_cells(grid *g, const report_place *box, size_t n, const report_wire *wire, size_t n_wires) {
  for (size_t i = 0; i < n; i++) g->cell[g->n++] = (cell){.rank = box[i].rank, .w = box[i].w};
  for (size_t i = 0; i < n_wires; i++) {
    size_t at = wire[i].from;
    for (size_t r = box[wire[i].from].rank + 1; r < box[wire[i].to].rank; r++) {
      g->segment[g->n_segments++] = (segment){at, g->n, i};
      at = g->n;
      g->cell[g->n++] = (cell){.rank = r, .wire = i, .w = LANE};
    }
    g->segment[g->n_segments++] = (segment){at, wire[i].to, i};
  }
}

static void sort_by_rank(grid *g) {
  size_t at = 0;
  for (size_t r = 0; r < g->n_ranks; r++) {
    g->first[r] = at;
    for (size_t c = 0; c < g->n; c++)
      if (g->cell[c].rank == r) g->order[at++] = c;
  }
  g->first[g->n_ranks] = at;
}

// ---- order ----

// Cells of a rank side by side, around x = 0.
static void pack(grid *g, size_t r) {
  double wide = -REPORT_BOX_GAP;
  for (size_t i = g->first[r]; i < g->first[r + 1]; i++) wide += g->cell[g->order[i]].w + REPORT_BOX_GAP;
  double x = -wide / 2;
  for (size_t i = g->first[r]; i < g->first[r + 1]; i++) {
    cell *c = &g->cell[g->order[i]];
    c->x = x + c->w / 2;
    x += c->w + REPORT_BOX_GAP;
  }
}

// For each cell of rank r where it would like to be: the mean of its neighbours above, below or both. Those
// of wires that pass pull hardest, so that these come out straight.
static void want(grid *g, size_t r, bool above, bool below) {
  for (size_t i = g->first[r]; i < g->first[r + 1]; i++)
    g->cell[g->order[i]].key = g->cell[g->order[i]].weight = 0;
  for (size_t s = 0; s < g->n_segments; s++) {
    cell *up = &g->cell[g->segment[s].up], *down = &g->cell[g->segment[s].down];
    const double pull = up->w == LANE && down->w == LANE ? 8 : up->w == LANE || down->w == LANE ? 2 : 1;
    if (above && down->rank == r) down->key += pull * up->x, down->weight += pull;
    if (below && up->rank == r) up->key += pull * down->x, up->weight += pull;
  }
  for (size_t i = g->first[r]; i < g->first[r + 1]; i++) {
    cell *c = &g->cell[g->order[i]];
    c->key = c->weight > 0 ? c->key / c->weight : c->x;
  }
}

static void sort_rank(grid *g, size_t r) {
  for (size_t i = g->first[r] + 1; i < g->first[r + 1]; i++) {
    const size_t c = g->order[i];
    size_t k = i;
    for (; k > g->first[r] && g->cell[g->order[k - 1]].key > g->cell[c].key; k--)
      g->order[k] = g->order[k - 1];
    g->order[k] = c;
  }
  pack(g, r);
}

static size_t crossings(const grid *g) {
  size_t n = 0;
  for (size_t a = 0; a < g->n_segments; a++) {
    const cell *up = &g->cell[g->segment[a].up], *down = &g->cell[g->segment[a].down];
    for (size_t b = 0; b < a; b++) {
      const cell *up2 = &g->cell[g->segment[b].up], *down2 = &g->cell[g->segment[b].down];
      n += up->rank == up2->rank && (up->x - up2->x) * (down->x - down2->x) < 0;
    }
  }
  return n;
}

static void order(grid *g) {
  for (size_t r = 0; r < g->n_ranks; r++) pack(g, r);
  size_t least = crossings(g);
  memcpy(g->best, g->order, g->n * sizeof *g->best);
  for (int sweep = 0; sweep < SWEEPS && least > 0; sweep++) {
    for (size_t k = 1; k < g->n_ranks; k++) {
      const size_t r = sweep % 2 == 0 ? k : g->n_ranks - 1 - k;
      want(g, r, sweep % 2 == 0, sweep % 2 != 0);
      sort_rank(g, r);
    }
    const size_t now = crossings(g);
    if (now < least) memcpy(g->best, g->order, g->n * sizeof *g->best), least = now;
  }
  memcpy(g->order, g->best, g->n * sizeof *g->best);
  for (size_t r = 0; r < g->n_ranks; r++) pack(g, r);
}

// ---- coordinates ----

// Puts the cells of a rank as close as they can be to where they would like to be, in their order and without
// touching: least squares under these constraints, by pooling neighbours that would overlap.
static void settle(grid *g, size_t r) {
  const size_t first = g->first[r], n = g->first[r + 1] - first;
  size_t runs = 0;
  double shift = 0;
  for (size_t i = 0; i < n; i++) {
    const cell *c = &g->cell[g->order[first + i]];
    if (i > 0) shift += (g->cell[g->order[first + i - 1]].w + c->w) / 2 + REPORT_BOX_GAP;
    g->d[runs] = c->key - shift;
    g->w[runs] = c->w == LANE ? 8 : 1;
    g->run[runs++] = 1;
    for (; runs > 1 && g->d[runs - 2] > g->d[runs - 1]; runs--) {
      const double w = g->w[runs - 2] + g->w[runs - 1];
      g->d[runs - 2] = (g->d[runs - 2] * g->w[runs - 2] + g->d[runs - 1] * g->w[runs - 1]) / w;
      g->w[runs - 2] = w;
      g->run[runs - 2] += g->run[runs - 1];
    }
  }
  shift = 0;
  for (size_t run = 0, i = 0; run < runs; run++)
    for (size_t k = 0; k < g->run[run]; k++, i++) {
      cell *c = &g->cell[g->order[first + i]];
      if (i > 0) shift += (g->cell[g->order[first + i - 1]].w + c->w) / 2 + REPORT_BOX_GAP;
      c->x = g->d[run] + shift;
    }
}

// How far the i-th cell of `order` could move to either side.
static void free_room(const grid *g, size_t i, double *lo, double *hi) {
  const cell *c = &g->cell[g->order[i]];
  if (i > g->first[c->rank]) {
    const cell *left = &g->cell[g->order[i - 1]];
    *lo = fmax(*lo, left->x + (left->w + c->w) / 2 + REPORT_BOX_GAP);
  }
  if (i + 1 < g->first[c->rank + 1]) {
    const cell *right = &g->cell[g->order[i + 1]];
    *hi = fmin(*hi, right->x - (right->w + c->w) / 2 - REPORT_BOX_GAP);
  }
}

// Gives the lanes first to first + n - 1 of a wire, which pass ranks one below the other, the same column
// where they have room for one, so that it runs straight; returns how many of them from the first on have it.
static size_t straighten(grid *g, const size_t *place, size_t first, size_t n) {
  double lo = -1e9, hi = 1e9, sum = 0;
  size_t k = 0;
  for (; k < n; k++) {
    double l = lo, h = hi;
    free_room(g, place[first + k], &l, &h);
    if (l > h && k > 0) break;
    lo = l, hi = h;
    sum += g->cell[first + k].x;
  }
  for (size_t i = 0; i < k && lo <= hi; i++) g->cell[first + i].x = fmin(fmax(sum / (double)k, lo), hi);
  return k;
}

// The lanes of a wire were added one after the other.
static void straighten_all(grid *g, size_t n_boxes) {
  for (size_t i = 0; i < g->n; i++) g->run[g->order[i]] = i;
  for (size_t first = n_boxes, n; first < g->n; first += n) {
    for (n = 1; first + n < g->n && g->cell[first + n].wire == g->cell[first].wire;) n++;
    for (size_t done = 0; done < n;) done += straighten(g, g->run, first + done, n - done);
  }
}

static double find_columns(grid *g, size_t n_boxes) {
  for (int sweep = 0; sweep < SWEEPS; sweep++)
    for (size_t k = 0; k < g->n_ranks; k++) {
      const bool down = sweep % 2 == 0, last = sweep + 4 >= SWEEPS;
      const size_t r = down ? k : g->n_ranks - 1 - k;
      want(g, r, down || last, !down || last);
      settle(g, r);
    }
  for (int i = 0; i < 3; i++) straighten_all(g, n_boxes);
  double lo = 0, hi = 0;
  for (size_t c = 0; c < g->n; c++) {
    const double left = g->cell[c].x - g->cell[c].w / 2, right = g->cell[c].x + g->cell[c].w / 2;
    if (c == 0 || left < lo) lo = left;
    if (c == 0 || right > hi) hi = right;
  }
  for (size_t c = 0; c < g->n; c++) g->cell[c].x += REPORT_MARGIN - lo;
  return hi - lo + 2 * REPORT_MARGIN;
}

// Tops of the ranks in g->d, their heights in g->w.
static double find_rows(grid *g, const report_place *box, size_t n) {
  double y = REPORT_RANK_GAP; // room for what is written above the first rank
  for (size_t r = 0; r < g->n_ranks; r++) {
    g->d[r] = y;
    g->w[r] = 0;
    for (size_t i = 0; i < n; i++)
      if (box[i].rank == r && box[i].h > g->w[r]) g->w[r] = box[i].h;
    y += g->w[r] + REPORT_RANK_GAP;
  }
  return y - REPORT_RANK_GAP + REPORT_MARGIN;
}

// ---- wires ----

// Where on its box's edge the wire of a segment ends: those of one box side by side, in the order of their
// other ends.
static double port(const grid *g, const segment *s, bool lower_end) {
  const size_t box = lower_end ? s->down : s->up, other = lower_end ? s->up : s->down;
  size_t left = 0, all = 0;
  for (size_t i = 0; i < g->n_segments; i++) {
    const segment *t = &g->segment[i];
    if ((lower_end ? t->down : t->up) != box) continue;
    const double x = g->cell[lower_end ? t->up : t->down].x, mine = g->cell[other].x;
    left += x < mine || (x == mine && t < s);
    all++;
  }
  const double room = (g->cell[box].w - 24) / (double)all, step = room < 16 ? (room > 0 ? room : 0) : 16;
  return g->cell[box].x + ((double)left - (double)(all - 1) / 2) * step;
}

static bool lead(const grid *g, report_wire *wire, size_t w, const report_place *box, nf_arena *arena) {
  const size_t ranks = box[wire->to].rank - box[wire->from].rank;
  report_point *p = wire->point = nf_arena_alloc(arena, 2 * ranks, sizeof *wire->point);
  if (p == NULL) return false;
  for (size_t s = 0; s < g->n_segments; s++) {
    const segment *seg = &g->segment[s];
    if (seg->wire != w) continue;
    const size_t r = g->cell[seg->up].rank;
    const bool leaves = seg->up == wire->from, comes = seg->down == wire->to;
    p[wire->n_points++] = leaves
                              ? (report_point){port(g, seg, false), box[wire->from].y + box[wire->from].h / 2}
                              : (report_point){g->cell[seg->up].x, g->d[r] + g->w[r]};
    p[wire->n_points++] = comes ? (report_point){port(g, seg, true), box[wire->to].y - box[wire->to].h / 2}
                                : (report_point){g->cell[seg->down].x, g->d[r + 1]};
  }
  return true;
}

nf_status report_layout(report_place *box, size_t n, report_wire *wire, size_t n_wires, nf_arena *arena,
                        report_point *out_size, bool *fits) {
  grid g = {0};
  *fits = n <= REPORT_MOST_BOXES && n_wires <= 4 * REPORT_MOST_BOXES;
  if (!*fits) return nf_ok();
  rank_boxes(box, n, wire, n_wires);
  for (size_t i = 0; i < n; i++) g.n_ranks = box[i].rank + 1 > g.n_ranks ? box[i].rank + 1 : g.n_ranks;
  const size_t cells = count_cells(box, n, wire, n_wires);
  *fits = cells <= MOST_CELLS;
  if (!*fits) return nf_ok();
  if (!allocate(&g, cells, n_wires, arena)) return nf_error(NF_NO_MEMORY, "no memory to draw a graph");
  add_cells(&g, box, n, wire, n_wires);
  sort_by_rank(&g);
  order(&g);
  out_size->x = find_columns(&g, n);
  out_size->y = find_rows(&g, box, n);
  for (size_t i = 0; i < n; i++) box[i].x = g.cell[i].x, box[i].y = g.d[box[i].rank] + g.w[box[i].rank] / 2;
  bool ok = true;
  for (size_t i = 0; ok && i < n_wires; i++) ok = lead(&g, &wire[i], i, box, arena);
  return ok ? nf_ok() : nf_error(NF_NO_MEMORY, "no memory to draw a graph");
}
