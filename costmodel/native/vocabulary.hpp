// The fixed vocabulary of the structured tokenizer. Every byte has a token, so nothing is ever out
// of vocabulary; numbers up to 255 and words that compilers use have one token each.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace costmodel {

using Id = std::int32_t;

namespace token {
inline constexpr Id kSmall = 256;        // numbers below have one token
inline constexpr Id kWidths = 7;         // larger ones are 2 to 8 digits of base 256
inline constexpr Id kNearUses = 128;     // distances to a definition that have one token
inline constexpr Id kSymbols = 32, kBlocks = 16, kAliases = 32, kTypes = 8;

inline constexpr Id kPad = 0, kCls = 1, kSep = 2, kMask = 3, kUnk = 4;
inline constexpr Id kByte = 5;
inline constexpr Id kInt = kByte + 256;
inline constexpr Id kIntWide = kInt + kSmall;        // + width - 2
inline constexpr Id kDim = kIntWide + kWidths;
inline constexpr Id kDimWide = kDim + kSmall;
inline constexpr Id kDimDynamic = kDimWide + kWidths;
inline constexpr Id kUse = kDimDynamic + 1;          // + distance - 1
inline constexpr Id kUseFar = kUse + kNearUses;
inline constexpr Id kSymbol = kUseFar + 1;
inline constexpr Id kSymbolFar = kSymbol + kSymbols;
inline constexpr Id kBlock = kSymbolFar + 1;
inline constexpr Id kBlockFar = kBlock + kBlocks;
inline constexpr Id kAlias = kBlockFar + 1;
inline constexpr Id kAliasFar = kAlias + kAliases;
inline constexpr Id kType = kAliasFar + 1;
inline constexpr Id kTypeFar = kType + kTypes;
inline constexpr Id kDef = kTypeFar + 1;             // a value is defined here
inline constexpr Id kFree = kDef + 1;                // a value is used that nothing defined
inline constexpr Id kCount = kFree + 1;              // the : of %x:2
inline constexpr Id kResult = kCount + 1;            // the # of %x#1
inline constexpr Id kNewline = kResult + 1;
inline constexpr Id kArrow = kNewline + 1;
inline constexpr Id kScalable = kArrow + 1;
inline constexpr Id kFloat = kScalable + 1;          // then the binary exponent + 128
inline constexpr Id kFloatZero = kFloat + 1;
inline constexpr Id kHex = kFloatZero + 1;
inline constexpr Id kBlob = kHex + 1;
inline constexpr Id kWordBegin = kBlob + 1;          // a word that has no token, in pieces
inline constexpr Id kWordEnd = kWordBegin + 1;
inline constexpr Id kDot = kWordEnd + 1;             // within a word
inline constexpr Id kWords = kDot + 1;
}  // namespace token

inline constexpr std::size_t kLongestWord = 48;
inline constexpr std::size_t kLongestPiece = 20;

class Vocabulary {
 public:
  static const Vocabulary& get();

  [[nodiscard]] const std::vector<std::string>& tokens() const { return tokens_; }

  // The token of a word by its FNV-1a hash before mixing, or -1.
  [[nodiscard]] Id word(std::uint64_t fnv, std::string_view text) const {
    for (std::size_t i = fnv & mask_; slots_[i] >= 0; i = (i + 1) & mask_)
      if (tokens_[static_cast<std::size_t>(slots_[i])] == text) return slots_[i];
    return -1;
  }

  static constexpr std::uint64_t kSeed = 0xcbf29ce484222325ULL;
  static std::uint64_t step(std::uint64_t h, char c) {
    return (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  }
  static std::uint64_t fnv(std::string_view text) {
    std::uint64_t h = kSeed;
    for (const char c : text) h = step(h, c);
    return h;
  }

 private:
  Vocabulary();
  std::vector<std::string> tokens_;
  std::vector<Id> slots_;
  std::size_t mask_;
};

}  // namespace costmodel
