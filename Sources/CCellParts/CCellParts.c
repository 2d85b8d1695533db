#include "CCellParts.h"

#include <stdlib.h>
#include <string.h>

static int32_t units(int32_t number, int32_t corner, int32_t shift) {
  const int32_t units = (number - corner) >> shift;
  return units < INT16_MIN ? INT16_MIN : units > INT16_MAX ? INT16_MAX : units;
}

static int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }
static int32_t most(int32_t a, int32_t b) { return a > b ? a : b; }

/// One bit for each part of a side: whether what lies between two numbers may touch it.
static uint32_t touched(int32_t from, int32_t to, ccellparts_grid grid) {
  uint32_t parts = 0;
  for (int32_t part = 0; part < grid.side; part++) {
    const int32_t begin = part << grid.part_bits, end = (part + 1) << grid.part_bits;
    if ((part == 0 || to >= begin) && (part == grid.side - 1 || from <= end)) parts |= 1u << part;
  }
  return parts;
}

static int meets(int32_t from, int32_t to, int32_t line) { return from < line + 3 && to > line - 3; }

void ccellparts_number_portable(int32_t *numbers, int32_t *bounds, const double *coordinates, int64_t count, int64_t last, ccellparts_frame frame) {
  bounds[0] = bounds[1] = INT32_MAX;
  bounds[2] = bounds[3] = 0;
  for (int64_t vertex = 0; vertex <= last; vertex++) {
    const int32_t column = (int32_t)((coordinates[2 * vertex] - frame.origin_x) * frame.scale);
    const int32_t row = (int32_t)((coordinates[2 * vertex + 1] - frame.origin_y) * frame.scale);
    bounds[0] = least(bounds[0], column);
    bounds[1] = least(bounds[1], row);
    bounds[2] = most(bounds[2], column);
    bounds[3] = most(bounds[3], row);
    if (vertex == count) continue;
    numbers[2 * vertex] = column;
    numbers[2 * vertex + 1] = row;
  }
}

void ccellparts_write_units_portable(int16_t *columns, int16_t *rows, const int32_t *from, ccellparts_grid grid) {
  for (int32_t vertex = 0; vertex < 16; vertex++) {
    columns[vertex] = (int16_t)units(from[2 * vertex], grid.column, grid.unit_shift);
    rows[vertex] = (int16_t)units(from[2 * vertex + 1], grid.row, grid.unit_shift);
  }
}

ccellparts_found ccellparts_find_portable(uint64_t *parts, const int16_t *columns, const int16_t *rows, uint64_t edges, int32_t count,
                                          ccellparts_grid grid) {
  ccellparts_found found = {0, 0, {0}};
  memset(parts, 0, 16 * sizeof *parts);
  for (int32_t edge = 0; edge < count; edge++) {
    const uint64_t bit = edges & 1ull << edge;
    const int32_t ax = columns[edge], bx = columns[edge + 1], ay = rows[edge], by = rows[edge + 1];
    const uint32_t in_columns = touched(least(ax, bx), most(ax, bx), grid), in_rows = touched(least(ay, by), most(ay, by), grid);
    for (int32_t part = 0; part < 16; part++)
      if (in_columns >> (part & 3) & 1 && in_rows >> (part >> 2) & 1) parts[part] |= bit;
    const int32_t end = grid.side << grid.part_bits;
    const int several_columns = (in_columns & in_columns >> 1) != 0, several_rows = (in_rows & in_rows >> 1) != 0;
    const int outside_x = least(ax, bx) < 0 || most(ax, bx) > end, outside_y = least(ay, by) < 0 || most(ay, by) > end;
    if ((several_columns && (several_rows || outside_y)) || (several_rows && outside_x)) found.oblique |= bit;
    if (meets(least(ax, bx), most(ax, bx), grid.meeting_column)) found.meeting_column |= bit;
    for (int32_t line = 0; line < grid.meeting_row_count; line++)
      if (meets(least(ay, by), most(ay, by), grid.meeting_rows[line])) found.meeting_rows[line] |= bit;
  }
  return found;
}

static int write(void *to, int32_t vertex, int32_t units) {
  const int16_t number = (int16_t)units;
  memcpy((char *)to + 2 * vertex, &number, sizeof number);
  return units >= 0 && units < INT16_MAX;
}

int ccellparts_write_portable(void *columns, void *rows, const int32_t *from, int32_t count, ccellparts_leaf leaf) {
  int is_certain = 1;
  for (int32_t vertex = 0; vertex < count; vertex++) {
    const int32_t column = (from[2 * vertex] >> leaf.shift) - leaf.first_column;
    is_certain &= write(columns, vertex, column) & (abs(column - leaf.far_from) >= 2);
    is_certain &= write(rows, vertex, (from[2 * vertex + 1] >> leaf.shift) - leaf.first_row);
  }
  return is_certain;
}

uint32_t ccellparts_across_portable(const void *numbers, int16_t line) {
  uint32_t across = 0;
  for (int32_t edge = 0; edge < 31; edge++) {
    int16_t ends[2];
    memcpy(ends, (const char *)numbers + 2 * edge, sizeof ends);
    across |= (uint32_t)((ends[0] > line) != (ends[1] > line)) << edge;
  }
  return across;
}
