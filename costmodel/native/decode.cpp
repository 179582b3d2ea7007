#include <algorithm>
#include <cmath>
#include <cstdio>

#include "lexer.hpp"
#include "tokenizer.hpp"

namespace costmodel {
namespace {

using namespace token;

class Decoder {
 public:
  explicit Decoder(std::span<const Id> ids) : ids_(ids) {}

  std::string run() {
    while (i_ < ids_.size()) one(ids_[i_++]);
    return std::move(out_);
  }

 private:
  [[nodiscard]] Id peek(std::size_t ahead = 0) const {
    return i_ + ahead < ids_.size() ? ids_[i_ + ahead] : kPad;
  }
  static bool within(Id id, Id first, Id count) { return id >= first && id < first + count; }

  // One space between two lexemes, unless they were one to begin with or read better so.
  void put(const std::string& text, bool glue_before = false, bool glue_after = false) {
    if (!glue_ && !glue_before) out_ += ' ';
    out_ += text;
    glue_ = glue_after;
    minus_ = false;
    dim_before_ = false;
  }

  void one(Id id) {
    if (within(id, kByte, 256)) return byte(static_cast<unsigned char>(id - kByte));
    if (within(id, kInt, kSmall + kWidths)) return put(digits(id, kInt, kIntWide));
    if (within(id, kDim, kSmall + kWidths)) return dim(id);
    if (within(id, kUse, kNearUses + 1)) return use(id);
    if (within(id, kSymbol, kSymbols + 1)) return named(id, "@s", kSymbol, kSymbols);
    if (within(id, kBlock, kBlocks + 1)) return named(id, "^b", kBlock, kBlocks);
    if (within(id, kAlias, kAliases + 1)) return named(id, "#a", kAlias, kAliases);
    if (within(id, kType, kTypes + 1)) return named(id, "!t", kType, kTypes);
    if (id >= kWords && id < static_cast<Id>(Vocabulary::get().tokens().size()))
      return put(Vocabulary::get().tokens()[static_cast<std::size_t>(id)]);
    special(id);
  }

  void special(Id id) {
    switch (id) {
      case kDimDynamic:
        put("?x", false, true);
        dim_before_ = true;
        return;
      case kDef: return define();
      case kFree: return put(with_number("%", next_value_++));
      case kCount: return put(":", true, true);
      case kResult: return put("#", true, true);
      case kNewline: out_ += '\n'; glue_ = true; return;
      case kArrow: return put("->");
      case kScalable: return put("x", true, true);
      case kFloat: return real();
      case kFloatZero: return put("0.0");
      case kHex: return hex();
      case kBlob: return spaced("0x00000000000000000");
      case kWordBegin: return pieces();
      case kDot: return put(".", true, true);
      default: return;  // padding and the like
    }
  }

  static std::string with_number(const char* prefix, std::int64_t n) {
    std::string text(prefix);
    return text.append(std::to_string(n));
  }

  void dim(Id id) {
    std::string text = digits(id, kDim, kDimWide).append("x");
    // 0x4 is a number, unless a shape begins or goes on here.
    const bool shape = glue_ && !out_.ends_with("dense<") && (out_.ends_with('<') || dim_before_);
    if (text == "0x" && !shape) text.insert(0, 1, '0');
    put(text, false, true);
    dim_before_ = true;
  }

  void define() {
    put(with_number("%", next_value_++));
    if (peek() == kByte + ':') glue_ = true;
  }

  void use(Id id) {
    std::int64_t distance = id - kUse + 1;
    if (id == kUseFar) distance = static_cast<std::int64_t>(number());
    put(with_number("%", std::max<std::int64_t>(next_value_ - distance, 0)));
  }

  void named(Id id, const char* prefix, Id near, Id count) {
    const std::uint64_t order = id - near < count ? static_cast<std::uint64_t>(id - near) : number();
    put(with_number(prefix, static_cast<std::int64_t>(order)));
    alias_ = near == kAlias || near == kType;
  }

  void hex() {
    char text[24];
    std::snprintf(text, sizeof text, "0x%llX", static_cast<unsigned long long>(number()));
    spaced(text);
  }

  // A shape could begin right after a bracket; a hexadecimal number must not look like one.
  void spaced(const std::string& text) {
    glue_ = false;
    put(text);
  }

  void real() {
    char text[48];
    const int exponent = within(peek(), kInt, kSmall) ? ids_[i_++] - kInt - 128 : 0;
    // In the middle of its bucket, lest reading it again rounds it into the next.
    std::snprintf(text, sizeof text, "%.6e", std::ldexp(1.5, exponent));
    put(text);
  }

  void pieces() {
    std::string text;
    for (; i_ < ids_.size() && peek() != kWordEnd; ++i_) {
      const Id id = ids_[i_];
      if (within(id, kByte, 256)) text += static_cast<char>(id - kByte);
      else if (id >= kWords && id < static_cast<Id>(Vocabulary::get().tokens().size()))
        text += Vocabulary::get().tokens()[static_cast<std::size_t>(id)];
    }
    ++i_;
    put(text);
  }

  void byte(unsigned char c) {
    const std::string text(1, static_cast<char>(c));
    const bool alias = alias_, minus = minus_, wide = wide_;
    alias_ = wide_ = false;
    switch (c) {
      case ',':
      case ')':
      case ']': return put(text, true);
      case '>': return put(text, !minus);
      case '<': return put(text, !alias, true);
      case '(':
      case '[': return put(text, false, true);
      case '-':
        put(text, false, within(peek(), kInt, kSmall + kWidths));
        minus_ = true;
        return;
      case '"': return quote();
      case '#':
      case '!': return put(text, false, dialect_follows());
      default: break;
    }
    put(text, wide && c >= 0x80);
    wide_ = c >= 0x80;
  }

  void quote() {
    in_string_ = !in_string_;
    put("\"", !in_string_, in_string_);
  }

  // A sigil before a dotted word can stand right before it: #gpu.block is no alias.
  [[nodiscard]] bool dialect_follows() const {
    const Id id = peek();
    if (id < kWords || id >= static_cast<Id>(Vocabulary::get().tokens().size())) return false;
    const std::string& word = Vocabulary::get().tokens()[static_cast<std::size_t>(id)];
    return word.find('.') != std::string::npos || peek(1) == kDot;
  }

  std::string digits(Id id, Id small, Id wide) {
    if (id < small + kSmall) return std::to_string(id - small);
    return std::to_string(wide_number(id - wide + 2));
  }

  // The number that the next tokens spell.
  std::uint64_t number() {
    if (!within(peek(), kInt, kSmall + kWidths)) return 0;
    const Id id = ids_[i_++];
    return id < kIntWide ? static_cast<std::uint64_t>(id - kInt) : wide_number(id - kIntWide + 2);
  }

  std::uint64_t wide_number(int width) {
    std::uint64_t n = 0;
    for (; width > 0 && within(peek(), kInt, kSmall); --width)
      n = n << 8 | static_cast<std::uint64_t>(ids_[i_++] - kInt);
    return n;
  }

  std::span<const Id> ids_;
  std::size_t i_ = 0;
  std::string out_;
  std::int64_t next_value_ = 0;
  bool glue_ = true;
  bool alias_ = false;
  bool minus_ = false;
  bool dim_before_ = false;
  bool wide_ = false;
  bool in_string_ = false;
};

}  // namespace

std::string decode(std::span<const Id> ids) { return Decoder(ids).run(); }

}  // namespace costmodel
