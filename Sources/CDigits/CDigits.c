#include "CDigits.h"

cdigits_ending cdigits_ending_portable(const uint8_t *text, intptr_t byte_count) {
  cdigits_ending found = {0, 0};
  uint64_t power = 1;
  while (found.count < cdigits_most && found.count < byte_count) {
    const uint8_t value = text[byte_count - 1 - found.count] - '0';
    if (value > 9) break;
    found.number += value * power;
    power *= 10;
    found.count++;
  }
  return found;
}
