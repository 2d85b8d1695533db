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

ccellparts_found ccellparts_find_portable(const int32_t *vertices, ccellparts_grid grid) {
  ccellparts_found found = {0, 0, 0, 0};
  for (int32_t edge = 0; edge < 8; edge++) {
    const int32_t *a = vertices + 2 * edge, *b = a + 2;
    const int32_t ax = units(a[0], grid.column, grid.unit_shift), bx = units(b[0], grid.column, grid.unit_shift);
    const int32_t ay = units(a[1], grid.row, grid.unit_shift), by = units(b[1], grid.row, grid.unit_shift);
    const uint32_t in_columns = touched(least(ax, bx), most(ax, bx), grid), in_rows = touched(least(ay, by), most(ay, by), grid);
    for (int32_t part = 0; part < 16; part++) {
      if (!(in_columns >> (part & 3) & 1 && in_rows >> (part >> 2) & 1)) continue;
      *(part < 8 ? &found.lower : &found.upper) |= 1ull << (8 * (part & 7) + edge);
    }
    const int32_t end = grid.side << grid.part_bits;
    const int several_columns = (in_columns & in_columns >> 1) != 0, several_rows = (in_rows & in_rows >> 1) != 0;
    const int outside_x = least(ax, bx) < 0 || most(ax, bx) > end, outside_y = least(ay, by) < 0 || most(ay, by) > end;
    if ((several_columns && (several_rows || outside_y)) || (several_rows && outside_x)) found.oblique |= 1u << edge;
    int meeting = meets(least(ax, bx), most(ax, bx), grid.meeting_column);
    for (int32_t line = 0; line < grid.meeting_row_count; line++)
      meeting |= meets(least(ay, by), most(ay, by), grid.meeting_rows[line]);
    found.meeting |= (uint32_t)meeting << edge;
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

uint32_t ccellparts_across_portable(const void *numbers, int32_t count, int16_t line) {
  uint32_t across = 0;
  for (int32_t edge = 0; edge + 1 < count; edge++) {
    int16_t ends[2];
    memcpy(ends, (const char *)numbers + 2 * edge, sizeof ends);
    across |= (uint32_t)((ends[0] > line) != (ends[1] > line)) << edge;
  }
  return across;
}
