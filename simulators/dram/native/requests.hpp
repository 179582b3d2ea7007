// Requests in flight, and the small containers they wait in.
#pragma once

#include <cstdint>
#include <vector>

#include "types.hpp"

namespace dram {

struct Request {
  Time trace_time, send, accept;
  std::uint64_t address;
  std::int64_t index;       // within its trace
  std::int64_t thread_id;   // order of acceptance of its initiator, from 1
  std::int64_t channel_id;  // order of acceptance on its channel, from 1: its age
  std::int32_t row;
  std::int32_t next, previous;  // neighbours in the bank's queue, -1 at the ends
  std::uint16_t bank;
  std::int16_t initiator;
  std::uint8_t rank, channel;
  bool write;
};

class RequestPool {
 public:
  Request& operator[](int slot) { return slots_[slot]; }
  const Request& operator[](int slot) const { return slots_[slot]; }

  int take() {
    if (free_.empty()) {
      slots_.emplace_back();
      return static_cast<int>(slots_.size()) - 1;
    }
    const int slot = free_.back();
    free_.pop_back();
    return slot;
  }

  void give_back(int slot) { free_.push_back(slot); }

 private:
  std::vector<Request> slots_;
  std::vector<int> free_;
};

// A growing ring buffer.
template <typename T>
class Queue {
 public:
  bool empty() const { return head_ == tail_; }
  std::size_t size() const { return tail_ - head_; }
  T& front() { return items_[head_ & mask_]; }
  const T& front() const { return items_[head_ & mask_]; }

  void push(const T& item) {
    if (size() == items_.size()) grow();
    items_[tail_++ & mask_] = item;
  }

  T pop() { return items_[head_++ & mask_]; }

 private:
  void grow() {
    std::vector<T> larger(items_.size() * 2);
    for (std::size_t i = 0, n = size(); i < n; ++i) larger[i] = items_[(head_ + i) & mask_];
    tail_ = size();
    head_ = 0;
    items_ = std::move(larger);
    mask_ = items_.size() - 1;
  }

  std::vector<T> items_ = std::vector<T>(8);
  std::size_t mask_ = 7, head_ = 0, tail_ = 0;
};

// Items waiting for their consecutive number 1, 2, 3, ...: a ring indexed by the number.
template <typename T>
class InOrderStore {
 public:
  std::int64_t next() const { return next_; }
  bool ready() const { return filled_[next_ & mask_]; }
  T& front() { return items_[next_ & mask_]; }
  const T& front() const { return items_[next_ & mask_]; }

  void insert(std::int64_t number, const T& item) {
    while (number - next_ >= static_cast<std::int64_t>(items_.size())) grow();
    items_[number & mask_] = item;
    filled_[number & mask_] = 1;
  }

  // Takes the next item if it is there; its number is used up.
  T pop() {
    filled_[next_ & mask_] = 0;
    return items_[next_++ & mask_];
  }

  void skip() { ++next_; }

 private:
  void grow() {
    const std::size_t size = items_.size();
    std::vector<T> items(2 * size);
    std::vector<char> filled(2 * size, 0);
    const std::int64_t mask = static_cast<std::int64_t>(2 * size) - 1;
    for (std::int64_t n = next_; n < next_ + static_cast<std::int64_t>(size); ++n) {
      items[n & mask] = items_[n & mask_];
      filled[n & mask] = filled_[n & mask_];
    }
    items_ = std::move(items);
    filled_ = std::move(filled);
    mask_ = mask;
  }

  std::vector<T> items_ = std::vector<T>(16);
  std::vector<char> filled_ = std::vector<char>(16, 0);
  std::int64_t mask_ = 15, next_ = 1;
};

// Messages to a process: TLM's payload event queue. Messages without delay are delivered in the
// next round, never in the current one; timed ones in order of time, first come first served.
template <typename Message>
class Mailbox {
 public:
  // `capacity`: the most messages that can be under way at once.
  explicit Mailbox(std::size_t capacity)
      : next_round_{std::vector<Message>(capacity), std::vector<Message>(capacity)},
        timed_(capacity) {}

  void send_next_round(Kernel& kernel, int event, const Message& message) {
    // The other parity's box: a process that runs later in this round must not see it yet.
    const unsigned parity = (kernel.round_parity() + 1) & 1u;
    next_round_[parity][count_[parity]++] = message;
    kernel.notify_next_round(event);
  }

  void send_at(Kernel& kernel, int event, const Message& message, Time when) {
    if (when <= kernel.now()) return send_next_round(kernel, event, message);
    std::size_t i = timed_count_++;
    for (; i > 0 && timed_[i - 1].when > when; --i) timed_[i] = timed_[i - 1];
    timed_[i] = {when, message};
    kernel.notify_at(event, when);
  }

  template <typename Handler>
  void deliver(Kernel& kernel, int event, Handler&& handle) {
    const unsigned parity = kernel.round_parity();  // handlers fill the other box
    for (std::size_t i = 0; i < count_[parity]; ++i) handle(next_round_[parity][i]);
    count_[parity] = 0;
    while (timed_count_ > 0) {
      const Timed first = timed_[0];
      if (first.when > kernel.now()) return kernel.notify_at(event, first.when);
      --timed_count_;
      for (std::size_t i = 0; i < timed_count_; ++i) timed_[i] = timed_[i + 1];
      handle(first.message);
    }
  }

 private:
  struct Timed {
    Time when;
    Message message;
  };
  std::vector<Message> next_round_[2];
  std::size_t count_[2] = {0, 0};
  std::vector<Timed> timed_;
  std::size_t timed_count_ = 0;
};

}  // namespace dram
