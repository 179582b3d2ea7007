#include "vocabulary.hpp"

#include <array>
#include <cstdio>

namespace costmodel {
namespace {

constexpr std::string_view kWordList[] = {
#include "words.inc"
};

constexpr std::size_t kSlots = 16384;

void numbered(std::vector<std::string>& out, const std::string& name, Id from, Id count) {
  for (Id i = 0; i < count; ++i) out.push_back("<" + name + std::to_string(from + i) + ">");
}

void bytes(std::vector<std::string>& out) {
  for (unsigned i = 0; i < 256; ++i) {
    std::array<char, 8> name{};
    std::snprintf(name.data(), name.size(), "<0x%02X>", i);
    out.emplace_back(name.data());
  }
}

void indexed(std::vector<std::string>& out, const std::string& name, Id from, Id count) {
  numbered(out, name + ":", from, count);
  out.push_back("<" + name + ">");
}

std::vector<std::string> all_tokens() {
  std::vector<std::string> out = {"[PAD]", "[CLS]", "[SEP]", "[MASK]", "[UNK]"};
  bytes(out);
  for (const char* kind : {"int", "dim"}) {
    numbered(out, std::string(kind) + ":", 0, token::kSmall);
    numbered(out, kind, 2, token::kWidths);
  }
  out.emplace_back("<dim:?>");
  indexed(out, "use", 1, token::kNearUses);
  indexed(out, "symbol", 0, token::kSymbols);
  indexed(out, "block", 0, token::kBlocks);
  indexed(out, "alias", 0, token::kAliases);
  indexed(out, "type", 0, token::kTypes);
  for (const char* name : {"<def>", "<free>", "<count>", "<result>", "<newline>", "<arrow>",
                           "<scalable>", "<float>", "<zero>", "<hex>", "<blob>", "<word>",
                           "</word>", "<dot>"})
    out.emplace_back(name);
  for (const std::string_view word : kWordList) out.emplace_back(word);
  return out;
}

}  // namespace

Vocabulary::Vocabulary() : tokens_(all_tokens()), slots_(kSlots, -1), mask_(kSlots - 1) {
  for (std::size_t id = token::kWords; id < tokens_.size(); ++id) {
    std::size_t i = fnv(tokens_[id]) & mask_;
    while (slots_[i] >= 0) i = (i + 1) & mask_;
    slots_[i] = static_cast<Id>(id);
  }
}

const Vocabulary& Vocabulary::get() {
  static const Vocabulary vocabulary;
  return vocabulary;
}

}  // namespace costmodel
