// What one line of MLIR says: its lexemes, types and maps.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "lexer.hpp"
#include "name_table.hpp"

namespace costmodel {

inline constexpr std::size_t kMaxLexemes = 4096;  // of a line that are looked at
inline constexpr int kMaxRank = 8;
inline constexpr double kUnknownSize = 32.0;  // stands for a dynamic dimension or trip count

enum class Shape : std::uint8_t { kScalar, kVector, kTensor, kMemref };
enum class Element : std::uint8_t { kFloat, kInteger, kIndex, kOther };

struct Type {
  Shape shape = Shape::kScalar;
  Element element = Element::kOther;
  int bits = 32;
  int rank = 0;
  int dynamic = 0;
  double elements = 1.0;
  std::array<double, kMaxRank> dims{};  // the first ones
  double last_dim = 1.0;
  std::size_t at = 0;  // index of its first lexeme

  [[nodiscard]] double bytes() const { return elements * bits / 8.0; }
  [[nodiscard]] bool in_memory() const { return shape == Shape::kTensor || shape == Shape::kMemref; }
};

// An affine map, as far as needed: which dimension each result is, and constant bounds.
struct Map {
  int results = 0;
  std::array<std::int8_t, kMaxRank> dim{};  // -1: no plain dimension
  double offset = 0.0;                      // the least constant that is added, or that stands alone
  bool has_dims = false;
  double scale = 1.0;  // the factor in the last result
};

class Line {
 public:
  void clear() {
    lexemes_.clear();
    types_.clear();
  }
  void add(const Lexeme& lexeme) {
    if (lexemes_.size() < kMaxLexemes) lexemes_.push_back(lexeme);
  }

  [[nodiscard]] std::size_t size() const { return lexemes_.size(); }
  [[nodiscard]] const Lexeme& operator[](std::size_t i) const {
    static const Lexeme none;
    return i < lexemes_.size() ? lexemes_[i] : none;
  }
  [[nodiscard]] bool is(std::size_t i, char c) const {
    return (*this)[i].kind == Kind::kPunct && (*this)[i].sigil == c;
  }
  [[nodiscard]] bool is(std::size_t i, std::string_view word) const {
    return (*this)[i].kind == Kind::kWord && (*this)[i].text == word;
  }

  void find_types();
  [[nodiscard]] const std::vector<Type>& types() const { return types_; }

  // Reads the map at "affine_map"; `i` ends up behind it.
  Map map(std::size_t& i) const;

  // The index behind the bracket that closes the one at `i`.
  [[nodiscard]] std::size_t skip_group(std::size_t i) const;

 private:
  std::size_t shaped(std::size_t i, Shape shape);
  bool scalar(std::string_view word, Type& type) const;

  std::vector<Lexeme> lexemes_;
  std::vector<Type> types_;
};

}  // namespace costmodel
