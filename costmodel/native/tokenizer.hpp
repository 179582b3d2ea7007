// The structured tokenizer: text to tokens with their numbers, and back to canonical text.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vocabulary.hpp"

namespace costmodel {

struct Encoding {
  std::vector<Id> ids;
  std::vector<double> numbers;  // the number that a token stands for; NaN if none
};

// At most `limit` tokens (0: all); what lies beyond is not looked at.
Encoding encode(std::string_view text, std::size_t limit);

// Text with the same tokens: names become numbers, spacing becomes canonical.
std::string decode(std::span<const Id> ids);

}  // namespace costmodel
