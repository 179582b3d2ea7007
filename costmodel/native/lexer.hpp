// Cuts MLIR text into lexemes. Any bytes are accepted: what is no MLIR comes out as single bytes.
// Every lexeme is looked at once, so the time is linear in the text whatever it says.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace costmodel {

enum class Kind : std::uint8_t {
  kEnd,
  kNewline,  // one or more line ends
  kWord,     // identifier, with dots: linalg.generic, f32, iterator_types
  kValue,    // %name, with #result in `number` if `has_number`
  kSymbol,   // @name or @"name"
  kBlock,    // ^name
  kAlias,    // #name or !name that stands for an attribute or a type
  kInteger,  // decimal; saturates at 2^64 - 1
  kHex,      // 0x..., at most 16 digits
  kBlob,     // 0x... with more digits: dense data; `number` is how many
  kFloat,
  kDim,       // 64x or ?x in a shape
  kScalable,  // the x after ] or * in a shape
  kArrow,     // ->
  kPunct,     // any other single byte
};

struct Lexeme {
  Kind kind = Kind::kEnd;
  bool has_number = false;  // kValue: %name#number; kDim: static
  char sigil = 0;           // the byte of kPunct; the # or ! of kAlias
  std::string_view text{};  // without sigil
  std::uint64_t number = 0;
  double real = 0.0;
};

namespace chars {
enum : std::uint8_t { kSpace = 1, kDigit = 2, kLetter = 4, kHexDigit = 8, kName = 16 };
inline constexpr std::array<std::uint8_t, 256> kClass = [] {
  std::array<std::uint8_t, 256> c{};
  for (const char* s = " \t\r\v\f"; *s != 0; ++s) c[static_cast<unsigned char>(*s)] |= kSpace;
  for (int i = '0'; i <= '9'; ++i) c[i] |= kDigit | kHexDigit | kName;
  for (int i = 'a'; i <= 'z'; ++i) c[i] |= kLetter | kName;
  for (int i = 'A'; i <= 'Z'; ++i) c[i] |= kLetter | kName;
  for (int i = 'a'; i <= 'f'; ++i) c[i] |= kHexDigit;
  for (int i = 'A'; i <= 'F'; ++i) c[i] |= kHexDigit;
  c['_'] |= kLetter | kName;
  c['$'] |= kName;
  return c;
}();
inline bool is(char c, int mask) { return (kClass[static_cast<unsigned char>(c)] & mask) != 0; }
}  // namespace chars

class Lexer {
 public:
  explicit Lexer(std::string_view text) : p_(text.data()), end_(p_ + text.size()), begin_(p_) {}

  Lexeme next() {
    bool newline = false;
    skip_blank(newline);
    const char* start = p_;
    Lexeme out;
    if (newline && seen_ && start != end_) {
      out.kind = Kind::kNewline;
    } else if (start != end_) {
      out = lexeme();
      after_dense_ = out.kind == Kind::kWord ? out.text == "dense"
                                             : after_dense_ && out.sigil == '<';
      dim_before_ = out.kind == Kind::kDim;
      seen_ = true;
    }
    return out;
  }

  // Pass blanks and comments before the first lexeme.
  void skip() {
    bool newline = false;
    skip_blank(newline);
  }

  // The text that follows, for looking ahead.
  [[nodiscard]] const char* at() const { return p_; }
  [[nodiscard]] const char* end() const { return end_; }

 private:
  [[nodiscard]] char peek(std::ptrdiff_t i) const { return end_ - p_ > i ? p_[i] : '\0'; }
  [[nodiscard]] char before() const { return p_ != begin_ ? p_[-1] : '\0'; }

  void skip_blank(bool& newline) {
    while (p_ != end_) {
      if (*p_ == '\n') {
        newline = true;
        ++p_;
      } else if (chars::is(*p_, chars::kSpace)) {
        ++p_;
      } else if (*p_ == '/' && peek(1) == '/') {
        const void* eol = std::memchr(p_, '\n', static_cast<std::size_t>(end_ - p_));
        p_ = eol != nullptr ? static_cast<const char*>(eol) : end_;
      } else {
        return;
      }
    }
  }

  Lexeme lexeme() {
    const char c = *p_;
    if (chars::is(c, chars::kLetter)) {
      if (c == 'x' && (before() == ']' || before() == '*')) return single(Kind::kScalable);
      return word();
    }
    if (chars::is(c, chars::kDigit)) return digits();
    switch (c) {
      case '%': return value();
      case '@': return symbol();
      case '^': return named(Kind::kBlock);
      case '#':
      case '!': return alias();
      case '?':
        if (peek(1) == 'x') {
          p_ += 2;
          return {.kind = Kind::kDim};
        }
        return single(Kind::kPunct);
      case '-':
        if (peek(1) == '>') {
          p_ += 2;
          return {.kind = Kind::kArrow};
        }
        return single(Kind::kPunct);
      default: return single(Kind::kPunct);
    }
  }

  Lexeme single(Kind kind) {
    Lexeme out{.kind = kind, .sigil = *p_, .text = {p_, 1}};
    ++p_;
    return out;
  }

  std::string_view identifier(bool dots, bool dashes) {
    const char* start = p_;
    while (p_ != end_ && (chars::is(*p_, chars::kName) || (*p_ == '-' && dashes && peek(1) != '>') ||
                          (*p_ == '.' && dots && chars::is(peek(1), chars::kName))))
      ++p_;
    return {start, static_cast<std::size_t>(p_ - start)};
  }

  Lexeme word() { return {.kind = Kind::kWord, .text = identifier(true, false)}; }

  Lexeme named(Kind kind) {
    if (!chars::is(peek(1), chars::kName)) return single(Kind::kPunct);
    const char sigil = *p_++;
    return {.kind = kind, .sigil = sigil, .text = identifier(true, true)};
  }

  Lexeme value() {
    Lexeme out = named(Kind::kValue);
    if (out.kind == Kind::kValue && peek(0) == '#' && chars::is(peek(1), chars::kDigit)) {
      ++p_;
      out.has_number = true;
      out.number = decimal();
    }
    return out;
  }

  Lexeme symbol() {
    if (peek(1) != '"') return named(Kind::kSymbol);
    const std::size_t room = std::min<std::size_t>(static_cast<std::size_t>(end_ - p_) - 2, 256);
    const void* close = std::memchr(p_ + 2, '"', room);
    if (close == nullptr) return single(Kind::kPunct);
    const char* stop = static_cast<const char*>(close);
    Lexeme out{.kind = Kind::kSymbol, .sigil = '@',
               .text = {p_ + 2, static_cast<std::size_t>(stop - p_ - 2)}};
    p_ = stop + 1;
    return out;
  }

  // #map and !vec are aliases; #gpu.block and #gpu<...> are a dialect's: the sigil stands alone.
  Lexeme alias() {
    if (!chars::is(peek(1), chars::kLetter)) return single(Kind::kPunct);
    const char* start = p_;
    const char sigil = *p_++;
    const std::string_view name = identifier(true, false);
    if (name.find('.') == std::string_view::npos && peek(0) != '<')
      return {.kind = Kind::kAlias, .sigil = sigil, .text = name};
    p_ = start;
    return single(Kind::kPunct);
  }

  std::uint64_t decimal() {
    std::uint64_t n = 0;
    for (; p_ != end_ && chars::is(*p_, chars::kDigit); ++p_) {
      const std::uint64_t digit = static_cast<std::uint64_t>(*p_ - '0');
      n = n > (UINT64_MAX - digit) / 10 ? UINT64_MAX : n * 10 + digit;
    }
    return n;
  }

  Lexeme digits() {
    if (*p_ == '0' && peek(1) == 'x' && chars::is(peek(2), chars::kHexDigit) && !zero_dim())
      return hex();
    const char* start = p_;
    const std::uint64_t n = decimal();
    if (peek(0) == 'x' && follows_dim(peek(1))) {
      ++p_;
      return {.kind = Kind::kDim, .has_number = true, .number = n};
    }
    if (peek(0) != '.') return {.kind = Kind::kInteger, .number = n};
    return fraction(start, static_cast<double>(n));
  }

  // <0x4xf32> is a shape with no elements; <0xFF> of `dense` is a number.
  [[nodiscard]] bool zero_dim() const {
    return dim_before_ || (before() == '<' && !after_dense_);
  }

  static bool follows_dim(char c) {
    return chars::is(c, chars::kName) || c == '?' || c == '!' || c == '(' || c == '[' || c == '<';
  }

  Lexeme hex() {
    p_ += 2;
    const char* start = p_;
    std::uint64_t n = 0;
    for (; p_ != end_ && chars::is(*p_, chars::kHexDigit); ++p_) {
      const char c = static_cast<char>(*p_ | 0x20);
      n = n * 16 + static_cast<std::uint64_t>(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    const auto count = static_cast<std::uint64_t>(p_ - start);
    if (count > 16) return {.kind = Kind::kBlob, .number = count};
    return {.kind = Kind::kHex, .number = n};
  }

  // Powers of ten by table: the value is needed to a few digits only.
  Lexeme fraction(const char* start, double v) {
    ++p_;
    double scale = 0.1;
    for (; p_ != end_ && chars::is(*p_, chars::kDigit); ++p_, scale *= 0.1) v += scale * (*p_ - '0');
    const bool sign = peek(1) == '-' || peek(1) == '+';
    if ((peek(0) | 0x20) == 'e' && chars::is(peek(sign ? 2 : 1), chars::kDigit)) {
      const bool negative = peek(1) == '-';
      p_ += sign ? 2 : 1;
      const double power = static_cast<double>(std::min<std::uint64_t>(decimal(), 400));
      v *= std::pow(10.0, negative ? -power : power);
    }
    return {.kind = Kind::kFloat, .text = {start, static_cast<std::size_t>(p_ - start)}, .real = v};
  }

  const char* p_;
  const char* end_;
  const char* begin_;
  bool seen_ = false;
  bool after_dense_ = false;
  bool dim_before_ = false;
};

inline std::uint64_t hash_name(std::string_view name) {
  std::uint64_t h = 0xcbf29ce484222325ULL;
  for (const char c : name) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  h ^= h >> 29;  // FNV leaves the low bits of short names alike
  return h * 0x9e3779b97f4a7c15ULL;
}

}  // namespace costmodel
