// What is left of a site once its short loops are unrolled: how many distinct places its accesses
// name, how these move with the loop that is left, and what a vectoriser makes of that loop.
#pragma once

#include <array>

#include "site.hpp"

namespace costmodel {

// How a place moves with the loop that is left.
enum Motion : std::size_t { kStays, kNext, kJumps, kMotions };

struct Unrolled {
  explicit Unrolled(const Site& site);

  int level = 0, next = 0;  // the innermost loop that is left, and the one around it
  double times = 1, copies = 1, left = 0;

  // Distinct places, loads and stores.
  std::array<std::array<double, kMotions>, 2> places{};
  double sums = 0;           // places that are read and written in each trip
  double offset_vectors = 0; // offsets that gathers keep in a register each
  double whole_groups = 0;   // places side by side that fill the stride of the loop
  double gaps = 0;           // places that groups leave out
  double lanes = 1;          // of registers of 512 bits, as far as trips suffice
  double even_lanes = 1;     // as far as they divide the trips
  double vector_trips = 0, rest = 0;
  double kept_vectors = 0;   // loads that the loop around could keep, if this one were unrolled
  double runs = 0;           // of places side by side within one trip
  double longest_run = 0;
  double live = 0;           // registers that keep what stays in place, about

 private:
  void find_places(const Site& site);
  void vectorise(const Site& site);
};

}  // namespace costmodel
