// A hierarchy and a layer, packed and ready to evaluate mappings.

#pragma once

#include <utility>

#include "evaluate.hpp"

namespace accelerator {

struct Model {
  Hierarchy hierarchy;
  Problem problem;
  Options options;
  Evaluator evaluator;  // for single mappings; batches and searches make one per thread

  Model(Hierarchy h, Problem p, Options o)
      : hierarchy(std::move(h)), problem(std::move(p)), options(o),
        evaluator(hierarchy, problem, options) {}
  Model(const Model&) = delete;
};

}  // namespace accelerator
