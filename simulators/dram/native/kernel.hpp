// A discrete-event kernel that orders simultaneous events exactly as SystemC 2.3 does.
//
// DRAMSys runs on SystemC, and which of two events of the same instant comes first is visible in
// its results. Three rules decide it (IEEE 1666-2011, 4.2.1, and the reference scheduler):
// an event holds at most one pending notification, the earlier one wins and "next round" beats any
// timer; timers of one instant leave a binary heap whose tie order depends on its history, dead
// entries included; next-round events trigger in reverse order of their notification.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace dram {

using Time = std::int64_t;  // picoseconds
constexpr Time kNever = INT64_MAX / 4;
constexpr Time kLongAgo = -kNever;

// Rounding to a clock's edges without a 64-bit division; exact for times below 2^52 ps (75 min).
class ClockEdges {
 public:
  explicit ClockEdges(Time period)
      : period_(period), frequency_(1.0 / static_cast<double>(period)) {}

  Time cycle(Time t) const {  // floor(t / period)
    Time q = static_cast<Time>(static_cast<double>(t) * frequency_);
    const Time rest = t - q * period_;
    if (rest < 0) return q - 1;
    return rest >= period_ ? q + 1 : q;
  }
  Time not_before(Time t) const { return cycle(t + period_ - 1) * period_; }
  Time after(Time t) const { return (cycle(t) + 1) * period_; }
  Time nearest_cycle(Time t) const { return cycle(t + period_ / 2); }

 private:
  Time period_;
  double frequency_;
};

class Kernel {
 public:
  // Each event wakes exactly one process; `process_of[event]` names it.
  Kernel(const std::vector<int>& process_of, int processes)
      : events_(process_of.size()), next_round_(process_of.size()), heap_(64),
        runnable_(processes), queued_(processes, 0) {
    for (std::size_t i = 0; i < process_of.size(); ++i) events_[i].process = process_of[i];
  }

  Time now() const { return now_; }
  unsigned round_parity() const { return round_ & 1u; }

  void notify_next_round(int event) {
    Event& e = events_[event];
    if (e.when == kNextRound) return;
    e.when = kNextRound;  // a replaced timer stays in the heap as a dead entry
    next_round_[next_round_size_++] = event;
  }

  void notify_at(int event, Time when) {
    if (events_[event].when > when) renotify(event, when);  // else an earlier one is pending
  }

  // Runs the next round: calls `run(process)` for each process that has been notified, in order;
  // advances time if nothing is left now. False: no event is pending.
  template <typename Run>
  bool run_next_round(Run&& run) {
    ++round_;
    if (next_round_size_ == 1) {  // the usual case
      next_round_size_ = 0;
      run(trigger(next_round_[0]));
      return true;
    }
    if (next_round_size_ > 0) {
      while (next_round_size_ > 0) queue(next_round_[--next_round_size_]);
    } else {
      for (;;) {
        if (heap_size_ == 0) return false;
        const Entry top = pop();
        now_ = top.when;
        const bool alone = heap_size_ == 0 || heap_[1].when != now_;
        if (alive(top)) {
          if (alone) {
            run(trigger(top.event));
            return true;
          }
          queue(top.event);
        }
        if (alone) continue;
        queue_all_timers_of_now();
        if (runnable_size_ > 0) break;
      }
    }
    const std::size_t n = runnable_size_;  // no process is queued while others run
    runnable_size_ = 0;
    for (std::size_t i = 0; i < n; ++i) queued_[runnable_[i]] = 0;
    for (std::size_t i = 0; i < n; ++i) run(runnable_[i]);
    return true;
  }

 private:
  static constexpr Time kNextRound = kLongAgo;
  struct Event {
    Time when = kNever;  // of the pending notification; kNever: none
    std::uint32_t ticket = 0;
    int process = 0;
  };
  struct Entry {
    Time when;
    std::uint32_t ticket;
    int event;
  };

  void renotify(int event, Time when) {
    if (when <= now_) return notify_next_round(event);
    events_[event].when = when;
    events_[event].ticket = ++tickets_;
    push({when, tickets_, event});
  }

  bool alive(const Entry& entry) const {
    const Event& e = events_[entry.event];
    return e.ticket == entry.ticket && e.when == entry.when;
  }

  int trigger(int event) {
    events_[event].when = kNever;
    return events_[event].process;
  }

  void queue(int event) {
    const int process = trigger(event);
    if (queued_[process]) return;
    queued_[process] = 1;
    runnable_[runnable_size_++] = process;
  }

  void queue_all_timers_of_now() {
    while (heap_size_ > 0 && heap_[1].when == now_) {
      const Entry next = pop();
      if (alive(next)) queue(next.event);
    }
  }

  void push(Entry entry) {
    if (++heap_size_ == heap_.size()) [[unlikely]] heap_.resize(2 * heap_.size());
    Entry* heap = heap_.data();
    std::size_t i = heap_size_;  // 1-based
    for (; i > 1 && heap[i >> 1].when > entry.when; i >>= 1) heap[i] = heap[i >> 1];
    heap[i] = entry;
  }

  Entry pop() {
    Entry* heap = heap_.data();
    const Entry top = heap[1];
    const Entry last = heap[heap_size_--];
    std::size_t i = 1;
    for (;;) {
      std::size_t best = i;
      Time best_when = last.when;
      const std::size_t left = 2 * i, right = left + 1;
      if (left <= heap_size_ && heap[left].when < best_when)
        best = left, best_when = heap[left].when;
      if (right <= heap_size_ && heap[right].when < best_when) best = right;
      if (best == i) break;
      heap[i] = heap[best];
      i = best;
    }
    heap[i] = last;
    return top;
  }

  Time now_ = 0;
  unsigned round_ = 0;
  std::uint32_t tickets_ = 0;
  std::vector<Event> events_;
  std::vector<int> next_round_;
  std::size_t next_round_size_ = 0;
  std::vector<Entry> heap_;
  std::size_t heap_size_ = 0;
  std::vector<int> runnable_, queued_;
  std::size_t runnable_size_ = 0;
};

}  // namespace dram
