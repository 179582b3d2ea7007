// Sums of decision trees, several targets at once.
#pragma once

#include <cstdint>
#include <vector>

namespace costmodel {

class Trees {
 public:
  // Nodes of all trees one after another, and leaves likewise. A child below zero is leaf ~child of
  // its tree; otherwise it is a node of its tree, behind its parent. Throws std::invalid_argument
  // for anything else.
  Trees(std::vector<std::uint16_t> features, std::vector<float> thresholds,
        const std::vector<std::int32_t>& left, const std::vector<std::int32_t>& right,
        std::vector<float> leaves, const std::vector<std::int32_t>& tree_nodes,
        const std::vector<std::int32_t>& tree_leaves, const std::vector<std::int32_t>& tree_targets,
        std::int32_t targets, std::int32_t width);

  [[nodiscard]] std::int32_t width() const { return width_; }
  [[nodiscard]] std::int32_t targets() const { return static_cast<std::int32_t>(by_target_.size()); }

  // Adds the trees of `target` for each of `rows` rows of width() features; out[row * stride].
  void predict(const float* rows, std::size_t count, std::int32_t target, double* out,
               std::size_t stride) const;

  // Writes the leaf that each row reaches in each tree of `target`: out[row * trees(target) + tree].
  void leaves(const float* rows, std::size_t count, std::int32_t target, float* out) const;
  [[nodiscard]] std::size_t trees(std::int32_t target) const {
    return by_target_[static_cast<std::size_t>(target)].size();
  }

 private:
  struct Node {
    float threshold;
    std::uint16_t feature;
    std::int32_t left, right;
  };
  struct Tree {
    std::size_t node, leaf;
    bool single;
  };
  [[nodiscard]] float leaf(const Tree& tree, const float* x) const;

  std::vector<Node> nodes_;
  std::vector<float> leaves_;
  std::vector<std::vector<Tree>> by_target_;
  std::int32_t width_;
};

}  // namespace costmodel
