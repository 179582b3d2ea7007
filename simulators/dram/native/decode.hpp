// Addresses to rank, bank and row: each field gathers the address bits that the map lists for it.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "types.hpp"

namespace dram {

// One field's bits, least significant first, as runs of neighbouring bits.
class BitGather {
 public:
  BitGather() = default;
  explicit BitGather(const std::vector<int>& bits) {
    int target = 0;
    for (std::size_t i = 0; i < bits.size(); ++target) {
      std::size_t end = i + 1;
      while (end < bits.size() && bits[end] == bits[end - 1] + 1) ++end;
      const auto length = static_cast<int>(end - i);
      runs_.push_back({bits[i], target, (std::uint64_t{1} << length) - 1});
      target += length - 1;
      i = end;
    }
  }

  std::uint64_t operator()(std::uint64_t address) const {
    std::uint64_t value = 0;
    for (const Run& run : runs_) value |= ((address >> run.shift) & run.mask) << run.target;
    return value;
  }

 private:
  struct Run {
    int shift, target;
    std::uint64_t mask;
  };
  std::vector<Run> runs_;
};

struct AddressMap {
  BitGather channel, rank, group, bank, row, column;
  std::vector<std::pair<int, int>> xors;  // bit `first` becomes first xor second, in order

  std::uint64_t hashed(std::uint64_t address) const {
    for (const auto& [first, second] : xors)
      address ^= ((address >> second) & 1u) << first;
    return address;
  }

  Target decode(std::uint64_t address, bool write, const Memory& m) const {
    const std::uint64_t a = hashed(address);
    Target t;
    t.row = static_cast<std::int32_t>(row(a));
    t.rank = static_cast<std::uint8_t>(rank(a));
    const std::uint64_t global_group = group(a) + t.rank * m.groups_per_rank;
    t.bank = static_cast<std::uint16_t>(bank(a) + global_group * m.banks_per_group);
    t.channel = static_cast<std::uint8_t>(channel(a));
    t.write = write;
    return t;
  }
};

}  // namespace dram
