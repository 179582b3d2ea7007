#include "unfold.hpp"

namespace costmodel {
namespace {

bool ends_region(std::string_view word) {
  return word == "return" || word.ends_with(".return") || word.ends_with(".yield");
}

// Whether the brace at `i`, which is not the last of its line, opens a region; else a dictionary.
bool opens_region(const Line& line, std::size_t i) {
  const Lexeme& first = line[i + 1];
  if (first.kind == Kind::kValue || first.kind == Kind::kBlock) return true;
  if (first.kind != Kind::kWord) return false;
  if (line.is(i + 2, '}')) return ends_region(first.text);
  return !line.is(i + 2, '=') && !line.is(i + 2, ',') && !line.is(i + 2, ':');
}

// Whether an operation begins at `i`, behind the closing brace of a region.
bool begins_operation(const Line& line, std::size_t i) {
  const Lexeme& first = line[i];
  if (first.kind == Kind::kValue || first.kind == Kind::kBlock) return true;
  if (first.kind != Kind::kWord) return false;
  return first.text == "return" || first.text.find('.') != std::string_view::npos;
}

}  // namespace

void find_cuts(const Line& line, std::vector<std::size_t>& cuts) {
  cuts.clear();
  std::vector<bool> regions;  // the braces opened in this line
  std::size_t start = 0, behind = 0;  // of the part, of the last region's closing brace
  const auto cut = [&](std::size_t i) {
    if (i > start && i < line.size()) cuts.push_back(start = i);
  };
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line.is(i, '{')) {
      regions.push_back(i + 1 < line.size() && opens_region(line, i));
      if (regions.back()) cut(i + 1);
    } else if (line.is(i, '}')) {
      const bool dictionary = !regions.empty() && !regions.back();
      if (!regions.empty()) regions.pop_back();
      if (dictionary) continue;
      if (behind != i) cut(i);
      behind = i + 1;
      if (begins_operation(line, i + 1)) cut(i + 1);
    }
  }
}

}  // namespace costmodel
