// A discrete-event kernel that orders simultaneous events exactly as SystemC 2.3 does.
//
// DRAMSys runs on SystemC, and which of two events of the same instant comes first is visible in
// its results. Three rules decide it (IEEE 1666-2011, 4.2.1, and the reference scheduler):
// an event holds at most one pending notification, the earlier one wins and "next round" beats any
// timer; timers of one instant leave a binary heap whose tie order depends on its history, dead
// entries included; next-round events trigger in reverse order of their notification.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace dram {

using Time = std::int64_t;  // picoseconds
constexpr Time kNever = INT64_MAX / 4;
constexpr Time kLongAgo = -kNever;

class Kernel {
 public:
  // Each event wakes exactly one process; `process_of[event]` names it.
  explicit Kernel(const std::vector<int>& process_of, int processes)
      : events_(process_of.size()), runnable_flag_(processes, 0) {
    for (std::size_t i = 0; i < process_of.size(); ++i) events_[i].process = process_of[i];
    heap_.reserve(64);
    heap_.push_back({});  // 1-based
    next_round_.reserve(process_of.size());
    runnable_.resize(processes);
  }

  Time now() const { return now_; }
  unsigned round_parity() const { return round_ & 1u; }

  void notify_next_round(int event) {
    Event& e = events_[event];
    if (e.pending == Pending::next_round) return;
    e.pending = Pending::next_round;  // a replaced timer stays in the heap as a dead entry
    next_round_.push_back(event);
  }

  void notify_at(int event, Time when) {
    if (when <= now_) return notify_next_round(event);
    Event& e = events_[event];
    if (e.pending == Pending::next_round) return;
    if (e.pending == Pending::timer && e.when <= when) return;
    e.pending = Pending::timer;
    e.when = when;
    e.ticket = ++tickets_;
    push({when, e.ticket, event});
  }

  // Makes a process run in the current round without an event (initialisation).
  void schedule(int process) { make_runnable(process); }

  // Takes the next process of the current round, or -1 when the round is over.
  int next_process() {
    if (run_head_ == run_tail_) return -1;
    const int process = runnable_[run_head_++];
    runnable_flag_[process] = 0;
    if (run_head_ == run_tail_) run_head_ = run_tail_ = 0;
    return process;
  }

  // Opens the next round, advancing time if nothing is left now. False: no event is pending.
  bool next_round() {
    ++round_;
    for (std::size_t i = next_round_.size(); i-- > 0;) trigger(next_round_[i]);
    next_round_.clear();
    while (run_tail_ == 0) {
      if (heap_.size() == 1) return false;
      now_ = heap_[1].when;
      do {
        const Entry top = pop();
        const Event& e = events_[top.event];
        if (e.pending == Pending::timer && e.ticket == top.ticket) trigger(top.event);
      } while (heap_.size() > 1 && heap_[1].when == now_);
    }
    return true;
  }

 private:
  enum class Pending : std::uint8_t { none, next_round, timer };
  struct Event {
    Time when = 0;
    std::uint32_t ticket = 0;
    int process = 0;
    Pending pending = Pending::none;
  };
  struct Entry {
    Time when;
    std::uint32_t ticket;
    int event;
  };

  void trigger(int event) {
    events_[event].pending = Pending::none;
    make_runnable(events_[event].process);
  }

  void make_runnable(int process) {
    if (runnable_flag_[process]) return;
    runnable_flag_[process] = 1;
    runnable_[run_tail_++] = process;
  }

  void push(Entry entry) {
    std::size_t i = heap_.size();
    heap_.push_back(entry);
    while (i > 1 && heap_[i >> 1].when > entry.when) {
      heap_[i] = heap_[i >> 1];
      i >>= 1;
    }
    heap_[i] = entry;
  }

  Entry pop() {
    const Entry top = heap_[1];
    const Entry last = heap_.back();
    heap_.pop_back();
    const std::size_t size = heap_.size() - 1;
    if (size == 0) return top;
    std::size_t i = 1;
    for (;;) {
      std::size_t best = i;
      Time best_when = last.when;
      const std::size_t left = 2 * i, right = left + 1;
      if (left <= size && heap_[left].when < best_when) best = left, best_when = heap_[left].when;
      if (right <= size && heap_[right].when < best_when) best = right;
      if (best == i) break;
      heap_[i] = heap_[best];
      i = best;
    }
    heap_[i] = last;
    return top;
  }

  Time now_ = 0;
  unsigned round_ = 0;
  std::uint32_t tickets_ = 0;
  std::vector<Event> events_;
  std::vector<Entry> heap_;
  std::vector<int> next_round_;
  std::vector<int> runnable_;
  std::vector<char> runnable_flag_;
  std::size_t run_head_ = 0, run_tail_ = 0;
};

}  // namespace dram
