#include "CCacheLine.h"

uint32_t ccacheline_find_portable(const uint32_t *line, uint32_t mask, uint32_t tag) {
  uint32_t found = 0;
  for (int i = 0; i < ccacheline_slots; i++) {
    if ((line[i] & mask) == tag) found |= 1u << i;
  }
  return found;
}
