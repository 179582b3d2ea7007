// Cost analysis of a completed mapping: iteration cases, traffic, delays.

#pragma once

#include "levels.hpp"

namespace maestro {

Counts analyze(const Layer& layer, const Hardware& hardware, const Levels& levels);

// Completes and analyzes one mapping; the counts carry the status.
Counts evaluate(const Layer& layer, const Hardware& hardware, const Directive* directives,
                int count);

}  // namespace maestro
