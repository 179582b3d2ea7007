#include "tokenizer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "lexer.hpp"
#include "name_table.hpp"

namespace costmodel {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

class Encoder {
 public:
  Encoder(std::string_view text, std::size_t limit)
      : lexer_(text), limit_(limit == 0 ? SIZE_MAX : limit) {
    const std::size_t guess = std::min(text.size() / 3 + 16, limit_ < SIZE_MAX / 2 ? limit_ + 64 : limit_);
    out_.ids.reserve(guess);
    out_.numbers.reserve(guess);
  }

  Encoding run() {
    lexer_.skip();
    note_list(true);
    while (out_.ids.size() < limit_) {
      const Lexeme lexeme = lexer_.next();
      if (lexeme.kind == Kind::kEnd) break;
      emit(lexeme);
    }
    if (out_.ids.size() > limit_) {
      out_.ids.resize(limit_);
      out_.numbers.resize(limit_);
    }
    return std::move(out_);
  }

 private:
  void add(Id id, double number = kNone) {
    out_.ids.push_back(id);
    out_.numbers.push_back(number);
  }

  void emit(const Lexeme& lexeme) {
    switch (lexeme.kind) {
      case Kind::kNewline: add(token::kNewline); note_list(true); break;
      case Kind::kWord: word(lexeme.text); break;
      case Kind::kValue: value(lexeme); break;
      case Kind::kSymbol: name(symbols_, lexeme, token::kSymbol, token::kSymbols); break;
      case Kind::kBlock: name(blocks_, lexeme, token::kBlock, token::kBlocks); break;
      case Kind::kAlias:
        if (lexeme.sigil == '#') name(aliases_, lexeme, token::kAlias, token::kAliases);
        else name(types_, lexeme, token::kType, token::kTypes);
        break;
      case Kind::kInteger: number(lexeme.number, token::kInt, token::kIntWide); break;
      case Kind::kHex:
        add(token::kHex);
        number(lexeme.number, token::kInt, token::kIntWide);
        break;
      case Kind::kBlob: add(token::kBlob, static_cast<double>(lexeme.number)); break;
      case Kind::kFloat: real(lexeme.real); break;
      case Kind::kDim:
        if (lexeme.has_number) number(lexeme.number, token::kDim, token::kDimWide);
        else add(token::kDimDynamic);
        break;
      case Kind::kScalable: add(token::kScalable); break;
      case Kind::kArrow: add(token::kArrow); break;
      case Kind::kPunct: punct(lexeme.sigil); break;
      case Kind::kEnd: break;
    }
  }

  void punct(char c) {
    if (c == ':' && count_follows_) {
      add(token::kCount);
    } else {
      add(token::kByte + static_cast<unsigned char>(c));
    }
    count_follows_ = false;
    if (c == '{') note_list(true);
    if (c == '(') note_list(false);
  }

  void number(std::uint64_t n, Id small, Id wide) {
    if (n < token::kSmall) {
      add(small + static_cast<Id>(n), static_cast<double>(n));
      return;
    }
    int width = 2;
    while (width < 8 && (n >> (8 * width)) != 0) ++width;
    add(wide + width - 2, static_cast<double>(n));
    for (int digit = width - 1; digit >= 0; --digit)
      add(token::kInt + static_cast<Id>((n >> (8 * digit)) & 255));
  }

  // To a factor of two: what a constant is hardly changes what a program costs.
  void real(double v) {
    if (v == 0.0 || !std::isfinite(v)) {
      add(token::kFloatZero, v == 0.0 ? 0.0 : kNone);
      return;
    }
    const int exponent = std::clamp(std::ilogb(v), -127, 127);
    add(token::kFloat, v);
    add(token::kInt + exponent + 128);
  }

  void word(std::string_view text) {
    const Vocabulary& vocabulary = Vocabulary::get();
    if (text.size() <= kLongestWord) {
      const Id id = vocabulary.word(Vocabulary::fnv(text), text);
      if (id >= 0) return add(id);
    }
    for (bool first = true;; first = false) {
      const std::size_t dot = text.find('.');
      if (!first) add(token::kDot);
      part(text.substr(0, dot));
      if (dot == std::string_view::npos || out_.ids.size() >= limit_) return;
      text.remove_prefix(dot + 1);
    }
  }

  void part(std::string_view text) {
    const Vocabulary& vocabulary = Vocabulary::get();
    const Id whole = vocabulary.word(Vocabulary::fnv(text), text);
    if (whole >= 0) return add(whole);
    add(token::kWordBegin);
    while (!text.empty() && out_.ids.size() < limit_) {
      std::uint64_t hash = Vocabulary::kSeed;
      Id best = token::kByte + static_cast<unsigned char>(text[0]);
      std::size_t length = 1;
      for (std::size_t n = 0; n < std::min(text.size(), kLongestPiece); ++n) {
        hash = Vocabulary::step(hash, text[n]);
        const Id id = n > 0 ? vocabulary.word(hash, text.substr(0, n + 1)) : -1;
        if (id >= 0) best = id, length = n + 1;
      }
      add(best);
      text.remove_prefix(length);
    }
    add(token::kWordEnd);
  }

  void name(NameTable<Id>& table, const Lexeme& lexeme, Id near, Id count) {
    const std::uint64_t hash = hash_name(lexeme.text);
    const Id* known = table.find(hash);
    const Id order = known != nullptr ? *known : table.put(hash, static_cast<Id>(table.size()));
    if (order < count) return add(near + order);
    add(near + count);
    number(static_cast<std::uint64_t>(order), token::kInt, token::kIntWide);
  }

  void value(const Lexeme& lexeme) {
    const std::uint64_t hash = hash_name(lexeme.text);
    if (defines(lexeme)) {
      count_follows_ = counted();
      add(token::kDef);
      values_.put(hash, next_value_++);
    } else if (const std::int64_t* known = values_.find(hash); known != nullptr) {
      const std::int64_t distance = next_value_ - *known;
      if (distance <= token::kNearUses) {
        add(token::kUse + static_cast<Id>(distance) - 1, static_cast<double>(distance));
      } else {
        add(token::kUseFar, static_cast<double>(distance));
        number(static_cast<std::uint64_t>(distance), token::kInt, token::kIntWide);
      }
    } else {
      add(token::kFree);
      values_.put(hash, next_value_++);
    }
    if (lexeme.has_number) {
      add(token::kResult);
      number(lexeme.number, token::kInt, token::kIntWide);
    }
  }

  // %x = ..., %x: type, and the members of a list of definitions.
  bool defines(const Lexeme& lexeme) {
    if (lexeme.has_number) return false;
    if (lexeme.text.data() < list_end_) return true;
    const char* p = lexer_.at();
    if (at(p) == ':') {
      if (!chars::is(at(p + 1), chars::kDigit)) return at(p + 1) != ':';
      p = after_count(p);
    }
    p = blank(p);
    return at(p) == '=';
  }

  [[nodiscard]] bool counted() const {
    return at(lexer_.at()) == ':' && chars::is(at(lexer_.at() + 1), chars::kDigit);
  }

  // Remember where a list of definitions ends: "%a, %b:2 = " where a statement begins, or
  // "(%i, %j) = " and "(%i, %j) in ".
  void note_list(bool statement) {
    const char* p = blank(lexer_.at(), statement);
    while (at(p) == '%' && chars::is(at(p + 1), chars::kName)) {
      p = blank(after_count(after_name(p + 1)));
      if (at(p) != ',') {
        if (closes_list(p, statement)) list_end_ = p;
        return;
      }
      p = blank(p + 1);
    }
  }

  [[nodiscard]] bool closes_list(const char* p, bool statement) const {
    if (!statement) {
      if (at(p) != ')') return false;
      p = blank(p + 1);
      if (at(p) == 'i' && at(p + 1) == 'n' && !chars::is(at(p + 2), chars::kName)) return true;
    }
    return at(p) == '=';
  }

  [[nodiscard]] char at(const char* p) const { return p < lexer_.end() ? *p : '\0'; }

  [[nodiscard]] const char* blank(const char* p, bool lines = false) const {
    while (chars::is(at(p), chars::kSpace) || (lines && at(p) == '\n')) ++p;
    return p;
  }

  // As the lexer reads names.
  [[nodiscard]] const char* after_name(const char* p) const {
    while (chars::is(at(p), chars::kName) || (at(p) == '-' && at(p + 1) != '>') ||
           (at(p) == '.' && chars::is(at(p + 1), chars::kName)))
      ++p;
    return p;
  }

  [[nodiscard]] const char* after_count(const char* p) const {
    if (at(p) != ':' || !chars::is(at(p + 1), chars::kDigit)) return p;
    for (++p; chars::is(at(p), chars::kDigit);) ++p;
    return p;
  }

  Lexer lexer_;
  std::size_t limit_;
  Encoding out_;
  NameTable<std::int64_t> values_;
  NameTable<Id> symbols_, blocks_, aliases_, types_;
  std::int64_t next_value_ = 0;
  const char* list_end_ = nullptr;
  bool count_follows_ = false;
};

}  // namespace

Encoding encode(std::string_view text, std::size_t limit) { return Encoder(text, limit).run(); }

}  // namespace costmodel
