#include "line.hpp"

namespace costmodel {
namespace {

bool opens(char c) { return c == '(' || c == '[' || c == '{' || c == '<'; }
bool closes(char c) { return c == ')' || c == ']' || c == '}' || c == '>'; }

int trailing_number(std::string_view word, std::size_t from) {
  int n = 0;
  for (std::size_t i = from; i < word.size() && n < 4096; ++i) {
    if (!chars::is(word[i], chars::kDigit)) return i == from ? -1 : n;
    n = n * 10 + (word[i] - '0');
  }
  return word.size() > from ? n : -1;
}

}  // namespace

bool Line::scalar(std::string_view word, Type& type) const {
  if (word == "index") {
    type.element = Element::kIndex;
    type.bits = 64;
    return true;
  }
  std::size_t from = 1;
  if (word.starts_with("bf") || word.starts_with("tf") || word.starts_with("si") ||
      word.starts_with("ui"))
    from = 2;
  const char kind = from == 1 && !word.empty() ? word[0] : from == 2 ? word[1] : ' ';
  if (kind != 'f' && kind != 'i') return false;
  const int bits = trailing_number(word, from);
  if (bits <= 0) return false;
  if (kind == 'i' && from + 4 < word.size()) return false;
  type.element = kind == 'f' ? Element::kFloat : Element::kInteger;
  type.bits = bits;
  return true;
}

std::size_t Line::skip_group(std::size_t i) const {
  int depth = 0;
  for (; i < size(); ++i) {
    const Lexeme& one = lexemes_[i];
    if (one.kind != Kind::kPunct) continue;
    if (opens(one.sigil)) ++depth;
    if (closes(one.sigil) && --depth <= 0) return i + 1;
  }
  return i;
}

std::size_t Line::shaped(std::size_t i, Shape shape) {
  Type type{.shape = shape, .at = i};
  const std::size_t stop = skip_group(i + 1);
  for (i += 2; i < stop; ++i) {
    const Lexeme& one = lexemes_[i];
    if (one.kind == Kind::kDim) {
      const double size = one.has_number ? static_cast<double>(one.number) : kUnknownSize;
      type.dynamic += one.has_number ? 0 : 1;
      if (type.rank < kMaxRank) type.dims[static_cast<std::size_t>(type.rank)] = size;
      ++type.rank;
      type.elements = std::min(type.elements * size, 1e300);
      type.last_dim = size;
    } else if (is(i, '[') && lexemes_[i].kind == Kind::kPunct && (*this)[i + 1].kind == Kind::kInteger) {
      // A scalable dimension: [4]x
      type.elements *= static_cast<double>((*this)[i + 1].number);
      type.last_dim = static_cast<double>((*this)[i + 1].number);
      ++type.rank;
      i += 2;
    } else if (one.kind == Kind::kWord) {
      scalar(one.text, type);
      break;
    } else if (one.kind != Kind::kScalable && !is(i, '*')) {
      break;
    }
  }
  types_.push_back(type);
  return stop - 1;
}

void Line::find_types() {
  for (std::size_t i = 0; i < size(); ++i) {
    const Lexeme& one = lexemes_[i];
    if (one.kind != Kind::kWord) continue;
    if (is(i + 1, '<')) {
      if (one.text == "tensor") i = shaped(i, Shape::kTensor);
      else if (one.text == "memref") i = shaped(i, Shape::kMemref);
      else if (one.text == "vector") i = shaped(i, Shape::kVector);
      else if (one.text == "vtensor" || one.text == "torch.vtensor") i = shaped(i, Shape::kTensor);
      else if (one.text == "affine_map" || one.text == "affine_set") i = skip_group(i + 1) - 1;
      continue;
    }
    Type type{.at = i};
    if (scalar(one.text, type)) types_.push_back(type);
  }
}

Map Line::map(std::size_t& i) const {
  Map out;
  const std::size_t stop = skip_group(i + 1);
  std::array<std::uint64_t, kMaxRank> names{};
  int dims = 0;
  for (i += 2; i < stop && (*this)[i].kind != Kind::kArrow; ++i)
    if ((*this)[i].kind == Kind::kWord && dims < kMaxRank)
      names[static_cast<std::size_t>(dims++)] = hash_name((*this)[i].text);
  double least = 1e300;
  for (++i; i + 1 < stop; ++i) {  // one result each: what stands between commas
    if (is(i, '(') || is(i, ',')) continue;
    std::int8_t dim = -1;
    double constant = 0.0;
    std::size_t parts = 0;
    for (; i + 1 < stop && !is(i, ',') && !(is(i, ')') && i + 2 >= stop); ++i, ++parts) {
      const Lexeme& one = (*this)[i];
      if (one.kind == Kind::kWord && one.text != "floordiv" && one.text != "mod") {
        out.has_dims = true;
        const auto* found = std::find(names.begin(), names.begin() + dims, hash_name(one.text));
        dim = found != names.begin() + dims ? static_cast<std::int8_t>(found - names.begin()) : -1;
      }
      if (one.kind != Kind::kInteger) continue;
      const bool negative = parts > 0 && is(i - 1, '-');
      const std::size_t before = negative ? 2 : 1;
      const bool factor = parts >= before && is(i - before, '*');
      const double number = (negative ? -1.0 : 1.0) * static_cast<double>(one.number);
      if (factor) out.scale = number;
      else if (parts == 0 || negative || is(i - 1, '+')) constant = number;
    }
    if (parts == 0) continue;
    if (out.results < kMaxRank)
      out.dim[static_cast<std::size_t>(out.results++)] = parts == 1 ? dim : std::int8_t{-1};
    least = std::min(least, constant);
  }
  out.offset = least < 1e300 ? least : 0.0;
  i = stop;
  return out;
}

}  // namespace costmodel
