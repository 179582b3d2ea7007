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
  Timing(const Memory& m, const std::array<bool, kCommands>& issuable, bool dramsys_quirks)
      : m_(m),
        banks_per_rank_(m.banks_per_rank()),
        bank_(m.ranks * m.banks_per_rank()),
        group_(m.ranks * m.groups_per_rank),
        rank_(m.ranks),
        bus_{kLongAgo, kLongAgo} {
    for (auto& row : bank_) row.fill(kLongAgo);
    for (auto& row : group_) row.fill(kLongAgo);
    // DRAMSys has HBM2's first command wait for a command that never was: quirk Q7.
    if (dramsys_quirks && m.initial_bus != kLongAgo) bus_.fill(m.initial_bus + m.tck);
    last_column_.fill({kLongAgo, -1});
    add_rules(issuable);
  }

  // A bank command RD..PRE may be issued once its bus, its rank, its group and its bank allow it.
  // The parts can be asked for apart, by who compares many banks; all may lie in the past.
  Time bus(Command c) const { return bus_[m_.split_buses && is_column(c)]; }
  Time of_rank(Command c, int rank) const {
    const Rank& r = rank_[rank];
    return m_.ranks > 1 && is_column(c) ? std::max(r.next[c], r.other_rank[c]) : r.next[c];
  }
  const Time* of_rank(int rank) const { return rank_[rank].next.data(); }  // less other ranks' part
  Time of_bank(Command c, int group, int bank) const {
    return std::max(group_[group][slot(c)], bank_[bank][slot(c)]);
  }
  bool group_matters(Command issued) const {
    return rules_[issued].end_of_group != rules_[issued].end_of_bank;
  }

  Time not_before(Command c, int rank, int group, int bank) const {
    return std::max({bus(c), of_rank(c, rank), of_bank(c, group, bank)});
  }

  Time not_before_refresh(int rank, int group, int bank) const {
    const Rank& r = rank_[rank];
    const Time round = r.refreshes_in_round == 0 ? r.after_round : r.within_round;
    return std::max(round, not_before(REFB, rank, group, bank));
  }

  // Commands that act on a whole rank.
  Time not_before_on_rank(Command c, int rank) const { return std::max(bus(c), of_rank(c, rank)); }

  void issue(Command c, int rank, int group, int bank, Time now) {
    const Rules& rules = rules_[c];
    const Push* p = pushes_.data() + rules.begin;
    const Push* const end_of_bank = pushes_.data() + rules.end_of_bank;
    const Push* const end_of_group = pushes_.data() + rules.end_of_group;
    const Push* const end_of_rank = pushes_.data() + rules.end_of_rank;
    const Push* const end = pushes_.data() + rules.end;
    for (auto& next = bank_[bank]; p != end_of_bank; ++p) push(next[p->next], now + p->delay);
    for (auto& next = group_[group]; p != end_of_group; ++p) push(next[p->next], now + p->delay);
    Rank& r = rank_[rank];
    for (; p != end_of_rank; ++p) push(r.next[p->next], now + p->delay);
    for (; p != end; ++p)
      for (Rank& every : rank_) push(every.next[p->next], now + p->delay);
    bus_[m_.split_buses && is_column(c)] = now + m_.command_length[c];
    if (m_.activate_offset[c] >= 0) activate(r, now + m_.activate_offset[c]);
    if (m_.ranks > 1 && is_column(c)) update_other_ranks(c, rank, now);
    if (c == REFB) count_refresh(r, now);
  }

 private:
  struct Push {
    int next;
    Time delay;
  };
  struct Rules {  // of one issued command: a stretch of pushes_, ordered by scope
    int begin = 0, end_of_bank = 0, end_of_group = 0, end_of_rank = 0, end = 0;
  };
  struct Rank {
    Rank() {
      next.fill(kLongAgo);
      other_rank.fill(kLongAgo);
    }
    std::array<Time, kCommands> next;
    std::array<Time, 4> other_rank;
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

  // The four-activate window: the fourth-last activate holds the next one back.
  void activate(Rank& r, Time time) {
    r.last_activates[r.activates++ & 3u] = time;
    if (r.activates < 4) return;
    const Time fourth_last = r.last_activates[r.activates & 3u];
    for (const Command next : {ACT, REFB})
      if (m_.window[next] >= 0) push(r.next[next], fourth_last + m_.window[next]);
  }

  void add_rules(const std::array<bool, kCommands>& issuable) {
    for (int c = 0; c < kCommands; ++c) {
      Rules& rules = rules_[c];
      const auto add = [&](Scope scope) {
        for (const Constraint& k : m_.constraints)
          if (k.previous == c && k.scope == scope && issuable[c] && issuable[k.next])
            pushes_.push_back({scope <= Scope::group ? slot(k.next) : k.next, k.delay});
        return static_cast<int>(pushes_.size());
      };
      rules.begin = static_cast<int>(pushes_.size());
      rules.end_of_bank = add(Scope::bank);
      rules.end_of_group = add(Scope::group);
      rules.end_of_rank = add(Scope::rank);
      rules.end = add(Scope::channel);
    }
    for (const Constraint& k : m_.constraints) {
      if (!issuable[k.next] || !issuable[k.previous]) continue;
      if (k.scope == Scope::other_rank) other_rank_rules_.push_back(k);
      if (k.scope == Scope::within_round) within_round_delay_ = k.delay;
      if (k.scope == Scope::after_round) after_round_delay_ = k.delay;
    }
  }

  // "Other rank" constraints hold only if the latest such command went to another rank.
  void update_other_ranks(Command c, int rank, Time now) {
    last_column_[c] = {now, rank};
    for (int r = 0; r < m_.ranks; ++r) {
      rank_[r].other_rank.fill(kLongAgo);
      for (const Constraint& k : other_rank_rules_)
        if (last_column_[k.previous].rank >= 0 && last_column_[k.previous].rank != r)
          push(rank_[r].other_rank[k.next], last_column_[k.previous].time + k.delay);
    }
  }

  void count_refresh(Rank& r, Time now) {
    r.refreshes_in_round = (r.refreshes_in_round + 1) % banks_per_rank_;
    r.within_round = now + within_round_delay_;
    r.after_round = now + after_round_delay_;
  }

  const Memory& m_;
  int banks_per_rank_;
  std::vector<Push> pushes_;
  std::array<Rules, kCommands> rules_;
  std::vector<Constraint> other_rank_rules_;
  Time within_round_delay_ = kLongAgo, after_round_delay_ = kLongAgo;
  std::vector<std::array<Time, kBankCommands>> bank_, group_;
  std::vector<Rank> rank_;
  std::array<LastColumn, 4> last_column_;
  std::array<Time, 2> bus_;
};

}  // namespace dram
