// Bank machines: per bank the queue of requests, the one chosen next, and the command it needs.
#pragma once

#include <bit>
#include <vector>

#include "requests.hpp"
#include "timing.hpp"
#include "types.hpp"

namespace dram {

class Banks {
 public:
  struct alignas(64) Bank {
    std::int64_t age = 0;       // channel id of the chosen request
    Time not_before = 0;        // of `command`, as far as the bank and its group decide
    std::int32_t open_row = -1;
    int head = -1, tail = -1;   // queue of requests, in order of arrival
    int count = 0;
    int hits = 0;               // queued requests to the open row
    int first_hit = -1;         // the oldest of them, -1: none
    int chosen = -1;            // as of the last evaluation; idle iff -1
    std::int16_t group = 0;     // within the channel
    std::int16_t rank = 0;
    Command command = NOP;      // what the chosen request needs next
    bool blocked = false, asleep = false;
  };

  Banks(const Memory& m, const ControllerConfig& c, RequestPool& requests, const Timing& timing)
      : requests_(requests), timing_(timing), banks_per_group_(m.banks_per_group),
        policy_(c.page_policy),
        scheduler_(c.scheduler),
        per_rank_(m.banks_per_rank()),
        banks_(m.ranks * m.banks_per_rank()),
        pending_(m.ranks, 0),
        stale_(m.ranks, 0) {
    for (std::size_t b = 0; b < banks_.size(); ++b) {
      banks_[b].rank = static_cast<std::int16_t>(b / per_rank_);
      banks_[b].group = static_cast<std::int16_t>(b / m.banks_per_group);
    }
  }

  const Bank& operator[](int bank) const { return banks_[bank]; }
  std::uint64_t pending(int rank) const { return pending_[rank]; }
  bool any_stale() const { return any_stale_; }
  int first_of(int rank) const { return rank * per_rank_; }

  // What the refresh managers see; `bank` counts within the rank.
  bool idle(int rank, int bank) const { return banks_[first_of(rank) + bank].chosen < 0; }
  bool open(int rank, int bank) const { return banks_[first_of(rank) + bank].open_row >= 0; }
  bool all_idle(int rank) const {
    for (int b = 0; b < per_rank_; ++b)
      if (!idle(rank, b)) return false;
    return true;
  }
  void block(int rank, int bank) {
    banks_[first_of(rank) + bank].blocked = true;
    mark_stale(first_of(rank) + bank);
  }
  void block_all(int rank) {
    for (int b = 0; b < per_rank_; ++b) block(rank, b);
  }

  // Returns whether that changes what the bank wants.
  bool append(int slot) {
    Request& request = requests_[slot];
    Bank& bank = banks_[request.bank];
    request.previous = bank.tail;
    request.next = -1;
    (bank.tail < 0 ? bank.head : requests_[bank.tail].next) = slot;
    bank.tail = slot;
    ++bank.count;
    if (bank.open_row == request.row) {
      if (bank.hits++ == 0) bank.first_hit = slot;
    }
    return evaluate(request.bank);
  }

  // A column command served the chosen request: take it out of its queue.
  void remove_chosen(int b) {
    Bank& bank = banks_[b];
    const int slot = bank.chosen;
    const Request& request = requests_[slot];
    (request.previous < 0 ? bank.head : requests_[request.previous].next) = request.next;
    (request.next < 0 ? bank.tail : requests_[request.next].previous) = request.previous;
    --bank.count;
    if (bank.hits > 0 && bank.open_row == request.row) {
      --bank.hits;
      if (slot == bank.first_hit) bank.first_hit = bank.hits ? hit_from(request.next, bank) : -1;
    }
    if (scheduler_ == Scheduler::fr_fcfs_grp && request.write != last_was_write_) {
      last_was_write_ = request.write;
      for (std::size_t i = 0; i < banks_.size(); ++i)
        if (banks_[i].hits > 1) mark_stale(static_cast<int>(i));
    }
  }

  // The group's constraints have changed: its banks' commands may have to wait longer.
  void group_has_changed(int group) {
    for (int b = group * banks_per_group_; b < (group + 1) * banks_per_group_; ++b)
      if (banks_[b].command != NOP)
        banks_[b].not_before = timing_.of_bank(banks_[b].command, group, b);
  }

  void issued_on_bank(Command c, int b) {
    Bank& bank = banks_[b];
    switch (c) {
      case ACT: open_chosen_row(bank); break;
      case PRE: case RDA: case WRA: close(bank); break;
      case REFB: bank.blocked = false; break;
      default: break;
    }
    mark_stale(b);
  }

  void issued_on_rank(Command c, int rank) {
    for (int b = first_of(rank); b < first_of(rank + 1); ++b) {
      Bank& bank = banks_[b];
      switch (c) {
        case PREA: close(bank); break;
        case REFA: bank.blocked = bank.asleep = false; break;
        case PDEA: case PDEP: case SREFEN: bank.asleep = true; break;
        case PDXA: case PDXP: bank.asleep = false; break;
        default: break;
      }
      mark_stale(b);
    }
  }

  // Re-evaluates the banks that something has happened to. Returns whether there were any.
  bool refresh_stale() {
    if (!any_stale_) return false;
    any_stale_ = false;
    for (std::size_t rank = 0; rank < stale_.size(); ++rank) {
      std::uint64_t mask = stale_[rank];
      stale_[rank] = 0;
      for (; mask; mask &= mask - 1)
        evaluate(first_of(static_cast<int>(rank)) + std::countr_zero(mask));
    }
    return true;
  }

 private:
  void mark_stale(int b) {
    stale_[banks_[b].rank] |= std::uint64_t{1} << (b - first_of(banks_[b].rank));
    any_stale_ = true;
  }

  void close(Bank& bank) {
    bank.open_row = -1;
    bank.hits = 0;
    bank.first_hit = -1;
  }

  void open_chosen_row(Bank& bank) {
    bank.open_row = requests_[bank.chosen].row;
    bank.hits = 0;
    bank.first_hit = -1;
    for (int slot = bank.head; slot >= 0; slot = requests_[slot].next)
      if (requests_[slot].row == bank.open_row && bank.hits++ == 0) bank.first_hit = slot;
  }

  int hit_from(int slot, const Bank& bank) const {
    while (requests_[slot].row != bank.open_row) slot = requests_[slot].next;
    return slot;
  }

  // Decides what the bank wants next. Returns whether that is news.
  bool evaluate(int b) {
    Bank& bank = banks_[b];
    const Command before = bank.command;
    const int chosen_before = bank.chosen;
    const bool available = !bank.blocked && !bank.asleep;
    // A blocked or sleeping bank keeps its last choice, as in DRAMSys.
    if (available) bank.chosen = bank.count ? choose(bank) : -1;
    const std::uint64_t bit = std::uint64_t{1} << (b - first_of(bank.rank));
    if (available && bank.chosen >= 0) {
      bank.age = requests_[bank.chosen].channel_id;
      bank.command = command_for(bank);
      bank.not_before = timing_.of_bank(bank.command, bank.group, b);
      pending_[bank.rank] |= bit;
    } else {
      bank.command = NOP;
      pending_[bank.rank] &= ~bit;
    }
    return bank.command != before || bank.chosen != chosen_before;
  }

  int choose(const Bank& bank) const {
    if (scheduler_ == Scheduler::fifo || bank.hits == 0) return bank.head;
    if (scheduler_ == Scheduler::fr_fcfs || bank.hits == 1) return bank.first_hit;
    return choose_same_direction(bank);
  }

  // The oldest row hit in the direction of the last column command that overtakes no older row
  // hit to its own address; failing that, the oldest row hit.
  int choose_same_direction(const Bank& bank) const {
    for (int slot = bank.first_hit; slot >= 0; slot = requests_[slot].next) {
      const Request& request = requests_[slot];
      if (request.row != bank.open_row || request.write != last_was_write_) continue;
      if (!overtakes_same_address(bank, slot)) return slot;
    }
    return bank.first_hit;
  }

  bool overtakes_same_address(const Bank& bank, int slot) const {
    for (int older = bank.first_hit; older != slot; older = requests_[older].next)
      if (requests_[older].row == bank.open_row &&
          requests_[older].address == requests_[slot].address)
        return true;
    return false;
  }

  bool further_row_hit(const Bank& bank) const {
    if (scheduler_ != Scheduler::fifo) return bank.hits >= 2;
    return bank.count >= 2 && requests_[requests_[bank.head].next].row == bank.open_row;
  }

  Command command_for(const Bank& bank) const {
    if (bank.open_row < 0) return ACT;
    const Request& request = requests_[bank.chosen];
    const bool miss = request.row != bank.open_row;
    bool auto_precharge = false;
    switch (policy_) {
      case PagePolicy::open: break;
      case PagePolicy::open_adaptive:
        auto_precharge = bank.count >= 2 && !further_row_hit(bank);
        break;
      case PagePolicy::closed: auto_precharge = true; break;
      case PagePolicy::closed_adaptive: auto_precharge = !further_row_hit(bank); break;
    }
    if (miss) return PRE;
    return request.write ? (auto_precharge ? WRA : WR) : (auto_precharge ? RDA : RD);
  }

  RequestPool& requests_;
  const Timing& timing_;
  int banks_per_group_;
  PagePolicy policy_;
  Scheduler scheduler_;
  int per_rank_;
  std::vector<Bank> banks_;
  std::vector<std::uint64_t> pending_, stale_;  // bit masks of banks, by rank
  bool any_stale_ = false;
  bool last_was_write_ = false;
};

}  // namespace dram
