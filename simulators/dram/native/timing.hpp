// When may a command be issued? The table of timing constraints, turned round: issuing a command
// pushes its delays forward into "not before" times, so that asking costs a few loads.
#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "types.hpp"

namespace dram {

class Timing {
 public:
  // `issuable`: commands that this controller can ever issue; constraints on others are dropped.
  Timing(const Memory& m, const std::array<bool, kCommands>& issuable)
      : m_(m),
        banks_per_rank_(m.banks_per_rank()),
        bank_(m.ranks * m.banks_per_rank()),
        group_(m.ranks * m.groups_per_rank),
        rank_(m.ranks),
        other_rank_(m.ranks),
        bus_{m.initial_bus, m.initial_bus} {
    for (auto& row : bank_) row.fill(kLongAgo);
    for (auto& row : group_) row.fill(kLongAgo);
    for (auto& row : other_rank_) row.fill(kLongAgo);
    for (Rank& r : rank_) r.next.fill(kLongAgo);
    if (m.initial_bus != kLongAgo) bus_ = {m.initial_bus + m.tck, m.initial_bus + m.tck};
    last_column_.fill({kLongAgo, -1});
    add_rules(issuable);
  }

  // Earliest times of all bank commands on a rank as far as the rank and the buses decide.
  struct RankView {
    std::array<Time, kBankCommands> not_before;
  };

  Time earliest_on_bank(Command c, int rank, int group, int bank, Time now) const {
    return std::max(earliest_in_rank(c, rank, now),
                    std::max(bank_[bank][slot(c)], group_[group][slot(c)]));
  }

  // The part of a bank command's earliest time that is common to a rank.
  Time earliest_in_rank(Command c, int rank, Time now) const {
    const Rank& r = rank_[rank];
    Time t = std::max({now, r.next[c], bus_[bus_of(c)]});
    if (m_.window[c] >= 0 && r.activates >= 4)
      t = std::max(t, r.last_activates[r.activates & 3u] + m_.window[c]);
    if (m_.ranks > 1 && is_column(c)) t = std::max(t, other_rank_[rank][c]);
    if (c == REFB)
      t = std::max(t, r.refreshes_in_round == 0 ? r.after_round : r.within_round);
    return t;
  }

  Time bank_not_before(Command c, int group, int bank) const {
    return std::max(bank_[bank][slot(c)], group_[group][slot(c)]);
  }

  // Commands that act on a whole rank.
  Time earliest_on_rank(Command c, int rank, Time now) const {
    return std::max({now, rank_[rank].next[c], bus_[bus_of(c)]});
  }

  void issue(Command c, int rank, int group, int bank, Time now) {
    const Rules& rules = rules_[c];
    for (const Push& p : rules.bank) push(bank_[bank][p.next], now + p.delay);
    for (const Push& p : rules.group) push(group_[group][p.next], now + p.delay);
    Rank& r = rank_[rank];
    for (const Push& p : rules.rank) push(r.next[p.next], now + p.delay);
    for (const Push& p : rules.channel)
      for (Rank& every : rank_) push(every.next[p.next], now + p.delay);
    if (m_.activate_offset[c] >= 0)
      r.last_activates[r.activates++ & 3u] = now + m_.activate_offset[c];
    bus_[bus_of(c)] = now + bus_time_[c];
    if (m_.ranks > 1 && is_column(c)) update_other_ranks(c, rank, now);
    if (c == REFB) count_refresh(r, now);
  }

 private:
  struct Push {
    int next;
    Time delay;
  };
  struct Rules {
    std::vector<Push> bank, group, rank, channel;
  };
  struct Rank {
    std::array<Time, kCommands> next;
    std::array<Time, 4> last_activates{};
    unsigned activates = 0;
    int refreshes_in_round = 0;
    Time within_round = kLongAgo, after_round = kLongAgo;
  };
  struct LastColumn {
    Time time;
    int rank;
  };

  static int slot(Command c) { return c == REFB ? 6 : c; }
  static void push(Time& slot, Time not_before) { slot = std::max(slot, not_before); }
  int bus_of(Command c) const { return m_.split_buses && is_column(c); }

  void add_rules(const std::array<bool, kCommands>& issuable) {
    for (const Constraint& k : m_.constraints) {
      if (!issuable[k.next] || !issuable[k.previous]) continue;
      Rules& rules = rules_[k.previous];
      switch (k.scope) {
        case Scope::bank: rules.bank.push_back({slot(k.next), k.delay}); break;
        case Scope::group: rules.group.push_back({slot(k.next), k.delay}); break;
        case Scope::rank: rules.rank.push_back({k.next, k.delay}); break;
        case Scope::channel: rules.channel.push_back({k.next, k.delay}); break;
        case Scope::other_rank: other_rank_rules_.push_back(k); break;
        case Scope::within_round: within_round_delay_ = k.delay; break;
        case Scope::after_round: after_round_delay_ = k.delay; break;
      }
    }
    for (int c = 0; c < kCommands; ++c)
      bus_time_[c] = m_.command_length[c];
  }

  // "Other rank" constraints hold only if the latest such command went to another rank.
  void update_other_ranks(Command c, int rank, Time now) {
    last_column_[c] = {now, rank};
    for (int r = 0; r < m_.ranks; ++r) {
      other_rank_[r].fill(kLongAgo);
      for (const Constraint& k : other_rank_rules_)
        if (last_column_[k.previous].rank >= 0 && last_column_[k.previous].rank != r)
          push(other_rank_[r][k.next], last_column_[k.previous].time + k.delay);
    }
  }

  void count_refresh(Rank& r, Time now) {
    r.refreshes_in_round = (r.refreshes_in_round + 1) % banks_per_rank_;
    r.within_round = now + within_round_delay_;
    r.after_round = now + after_round_delay_;
  }

  const Memory& m_;
  int banks_per_rank_;
  std::array<Rules, kCommands> rules_;
  std::vector<Constraint> other_rank_rules_;
  std::array<Time, kCommands> bus_time_{};
  Time within_round_delay_ = kLongAgo, after_round_delay_ = kLongAgo;
  std::vector<std::array<Time, kBankCommands>> bank_, group_;
  std::vector<Rank> rank_;
  std::vector<std::array<Time, 4>> other_rank_;
  std::array<LastColumn, 4> last_column_;
  std::array<Time, 2> bus_;
};

}  // namespace dram
