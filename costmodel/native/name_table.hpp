// A hash table from names to small records. Names are told apart by a 64-bit hash.
#pragma once

#include <cstdint>
#include <vector>

namespace costmodel {

template <typename T>
class NameTable {
 public:
  NameTable() : slots_(64) {}

  // The record of a name, or null.
  T* find(std::uint64_t hash) {
    Slot& slot = probe(hash);
    return slot.used ? &slot.record : nullptr;
  }

  T& put(std::uint64_t hash, const T& record) {
    if (count_ * 2 >= slots_.size()) grow();
    Slot& slot = probe(hash);
    if (!slot.used) ++count_;
    slot = {hash, true, record};
    return slot.record;
  }

  [[nodiscard]] std::size_t size() const { return count_; }

 private:
  struct Slot {
    std::uint64_t hash = 0;
    bool used = false;
    T record{};
  };

  Slot& probe(std::uint64_t hash) {
    const std::size_t mask = slots_.size() - 1;
    std::size_t i = (hash >> 20) & mask;
    while (slots_[i].used && slots_[i].hash != hash) i = (i + 1) & mask;
    return slots_[i];
  }

  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old)
      if (slot.used) probe(slot.hash) = slot;
  }

  std::vector<Slot> slots_;
  std::size_t count_ = 0;
};

}  // namespace costmodel
