#include "trees.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace costmodel {
namespace {

void require(bool fine, const std::string& what) {
  if (!fine) throw std::invalid_argument("The trees are damaged: " + what + ".");
}

}  // namespace

Trees::Trees(std::vector<std::uint16_t> features, std::vector<float> thresholds,
             const std::vector<std::int32_t>& left, const std::vector<std::int32_t>& right,
             std::vector<float> leaves, const std::vector<std::int32_t>& tree_nodes,
             const std::vector<std::int32_t>& tree_leaves,
             const std::vector<std::int32_t>& tree_targets, std::int32_t targets,
             std::int32_t width)
    : leaves_(std::move(leaves)), width_(width) {
  const std::size_t n = features.size();
  require(thresholds.size() == n && left.size() == n && right.size() == n,
          "features, thresholds and children differ in number");
  require(tree_nodes.size() == tree_leaves.size() && tree_nodes.size() == tree_targets.size(),
          "trees differ in number");
  require(targets >= 0 && targets < 1'000'000 && width >= 0, "there are too many targets");
  by_target_.resize(static_cast<std::size_t>(targets));
  nodes_.reserve(n);
  std::size_t node = 0, leaf = 0;
  for (std::size_t t = 0; t < tree_nodes.size(); ++t) {
    const std::int32_t count = tree_nodes[t], own = tree_leaves[t];
    require(count >= 0 && own == count + 1, "a tree has not one leaf more than nodes");
    require(node + static_cast<std::size_t>(count) <= n &&
                leaf + static_cast<std::size_t>(own) <= leaves_.size(),
            "a tree ends behind the last node or leaf");
    require(tree_targets[t] >= 0 && tree_targets[t] < targets, "a tree is of no target");
    const auto child = [&](std::int32_t c, std::int32_t i) {
      require(c < 0 ? ~c < own : c > i && c < count, "a child is not in its tree");
    };
    for (std::int32_t i = 0; i < count; ++i) {
      const std::size_t at = node + static_cast<std::size_t>(i);
      require(features[at] < width, "a feature does not exist");
      child(left[at], i);
      child(right[at], i);
      nodes_.push_back({thresholds[at], features[at], left[at], right[at]});
    }
    by_target_[static_cast<std::size_t>(tree_targets[t])].push_back({node, leaf, count == 0});
    node += static_cast<std::size_t>(count);
    leaf += static_cast<std::size_t>(own);
  }
  require(node == n && leaf == leaves_.size(), "nodes or leaves are of no tree");
}

float Trees::leaf(const Tree& tree, const float* x) const {
  std::int32_t at = tree.single ? -1 : 0;
  while (at >= 0) {
    const Node& node = nodes_[tree.node + static_cast<std::size_t>(at)];
    at = x[node.feature] <= node.threshold ? node.left : node.right;
  }
  return leaves_[tree.leaf + static_cast<std::size_t>(~at)];
}

void Trees::predict(const float* rows, std::size_t count, std::int32_t target, double* out,
                    std::size_t stride) const {
  // A few rows at a time: a tree stays in the cache, and their walks overlap.
  constexpr std::size_t kBlock = 16;
  const auto width = static_cast<std::size_t>(width_);
  for (std::size_t begin = 0; begin < count; begin += kBlock) {
    const std::size_t end = std::min(begin + kBlock, count);
    for (const Tree& tree : by_target_[static_cast<std::size_t>(target)])
      for (std::size_t row = begin; row < end; ++row)
        out[row * stride] += static_cast<double>(leaf(tree, rows + row * width));
  }
}

void Trees::leaves(const float* rows, std::size_t count, std::int32_t target, float* out) const {
  const auto width = static_cast<std::size_t>(width_);
  const std::vector<Tree>& trees = by_target_[static_cast<std::size_t>(target)];
  for (std::size_t t = 0; t < trees.size(); ++t)
    for (std::size_t row = 0; row < count; ++row)
      out[row * trees.size() + t] = leaf(trees[t], rows + row * width);
}

}  // namespace costmodel
