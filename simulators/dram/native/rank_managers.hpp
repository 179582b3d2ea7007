// Refresh and power-down of one rank: small state machines that ask for commands.
#pragma once

#include <vector>

#include "types.hpp"

namespace dram {

// Power-down policy "Staggered": active or precharge power-down when the rank runs empty, self
// refresh when a refresh interrupts a precharge power-down.
class PowerDownManager {
 public:
  PowerDownManager(bool enabled, bool dramsys_quirks)
      : enabled_(enabled),
        count_auto_precharge_(!dramsys_quirks),
        controller_idle_(enabled),
        entry_(enabled) {}

  bool enabled() const { return enabled_; }

  void trigger_entry() {
    if (!enabled_) return;
    controller_idle_ = true;
    if (state_ == State::idle) entry_ = true;
  }

  void trigger_exit() {
    if (!enabled_) return;
    controller_idle_ = enter_self_refresh_ = entry_ = false;
    if (state_ != State::idle) exit_ = true;
  }

  void interrupt() {
    entry_ = false;
    if (state_ != State::idle) exit_ = true;
  }

  Command wanted() const {
    if (exit_) {
      switch (state_) {
        case State::active_power_down: return PDXA;
        case State::precharge_power_down: return PDXP;
        case State::self_refresh: return SREFEX;
        case State::extra_refresh: return REFA;
        case State::idle: return NOP;
      }
    }
    if (entry_) return open_banks_ != 0 ? PDEA : PDEP;
    return enter_self_refresh_ ? SREFEN : NOP;
  }

  void issued(Command c) {
    if (!enabled_) return;
    switch (c) {
      case ACT: ++open_banks_; break;
      case PRE: --open_banks_; break;
      case RDA: case WRA:  // DRAMSys forgets these: quirk Q5
        if (count_auto_precharge_) --open_banks_;
        break;
      case PREA: open_banks_ = 0; break;
      case PDEA: enter(State::active_power_down); break;
      case PDEP: enter(State::precharge_power_down); break;
      case SREFEN: enter(State::self_refresh); enter_self_refresh_ = false; break;
      case PDXA: state_ = State::idle; exit_ = false; break;
      case PDXP:
        state_ = State::idle;
        exit_ = false;
        if (controller_idle_) enter_self_refresh_ = true;
        break;
      case SREFEX: state_ = State::extra_refresh; break;
      case REFA:
        if (state_ == State::extra_refresh) {
          state_ = State::idle;
          exit_ = false;
          break;
        }
        [[fallthrough]];
      case REFB:
        if (controller_idle_) entry_ = true;
        break;
      default: break;
    }
  }

 private:
  enum class State { idle, active_power_down, precharge_power_down, self_refresh, extra_refresh };

  void enter(State state) {
    state_ = state;
    entry_ = false;
  }

  bool enabled_, count_auto_precharge_;
  State state_ = State::idle;
  bool controller_idle_, entry_, exit_ = false, enter_self_refresh_ = false;
  int open_banks_ = 0;
};

// What a refresh manager can see of and do to the rank's banks.
template <typename Banks>
class RefreshManager {
 public:
  RefreshManager(RefreshPolicy policy, const Memory& m, const ControllerConfig& c, int rank)
      : policy_(policy), rank_(rank), banks_(m.banks_per_rank()) {
    if (policy == RefreshPolicy::none) return;
    const bool per_bank = policy == RefreshPolicy::per_bank;
    interval_ = per_bank ? m.refresh_interval_per_bank : m.refresh_interval_all_bank;
    const int scale = per_bank ? banks_ : 1;
    max_postponed_ = c.refresh_max_postponed * scale;
    max_pulledin_ = c.refresh_max_pulledin * scale;
    // Ranks start staggered, in bit-reversed order of their number.
    int reversed = 0;
    for (int bit = 1, value = rank; bit < m.ranks; bit <<= 1, value >>= 1)
      reversed = (reversed << 1) | (value & 1);
    const Time share = (2 * interval_ + m.ranks) / (2 * m.ranks);
    due_ = interval_ - reversed * share;
    due_ = (due_ + m.tck - 1) / m.tck * m.tck;
    if (per_bank) refill();
  }

  Command wanted() const { return wanted_; }
  int bank() const { return chosen_; }
  Time due() const { return due_; }

  // Decides what to do at `now`. Returns false if it merely waits for due().
  bool evaluate(Time now, Banks& banks, PowerDownManager& power_down) {
    wanted_ = NOP;
    if (now < due_) return false;
    power_down.interrupt();
    if (asleep_) return true;
    if (now >= due_ + interval_) {
      due_ += interval_;
      pulled_in_ = false;
    }
    return policy_ == RefreshPolicy::all_bank ? evaluate_all_bank(banks) : evaluate_per_bank(banks);
  }

  void issued(Command c, Time now) {
    switch (c) {
      case ACT: ++open_banks_; break;
      case PRE: case RDA: case WRA: --open_banks_; break;
      case PREA: open_banks_ = 0; break;
      case REFA:
        if (asleep_) {  // the refresh that completes a self-refresh exit
          due_ = policy_ == RefreshPolicy::none ? kNever : now + interval_;
          pulled_in_ = asleep_ = false;
        } else {
          count();
        }
        break;
      case REFB:
        forced_bank_ = false;
        std::erase(remaining_, chosen_);
        if (remaining_.empty()) refill();
        count();
        break;
      case PDEA: case PDEP: asleep_ = true; break;
      case SREFEN:
        asleep_ = true;
        due_ = kNever;
        break;
      case PDXA: case PDXP: asleep_ = false; break;
      default: break;
    }
  }

 private:
  bool postpone() {
    ++flexibility_;
    due_ += interval_;
    return false;
  }

  bool back_to_regular() {
    pulled_in_ = false;
    due_ += interval_;
    return false;
  }

  bool evaluate_all_bank(Banks& banks) {
    const bool forced = !pulled_in_ && flexibility_ == max_postponed_;
    if (!forced && !banks.all_idle(rank_)) return pulled_in_ ? back_to_regular() : postpone();
    if (forced) banks.block_all(rank_);
    wanted_ = !pulled_in_ && open_banks_ > 0 ? PREA : REFA;
    return true;
  }

  bool evaluate_per_bank(Banks& banks) {
    const bool forced = !pulled_in_ && flexibility_ == max_postponed_;
    bool none_idle = false;
    if (!forced_bank_) {
      chosen_ = remaining_.front();
      none_idle = true;
      for (const int bank : remaining_)
        if (banks.idle(rank_, bank)) {
          chosen_ = bank;
          none_idle = false;
          break;
        }
    }
    if (none_idle && !forced) return pulled_in_ ? back_to_regular() : postpone();
    if (banks.open(rank_, chosen_)) {
      wanted_ = PRE;
    } else {
      wanted_ = REFB;
      if (forced) {
        banks.block(rank_, chosen_);
        forced_bank_ = true;
      }
    }
    return true;
  }

  void count() {
    if (pulled_in_) --flexibility_;
    pulled_in_ = true;
    if (flexibility_ == -max_pulledin_) back_to_regular();
  }

  void refill() {
    for (int bank = 0; bank < banks_; ++bank) remaining_.push_back(bank);
  }

  RefreshPolicy policy_;
  int rank_, banks_;
  Time interval_ = 0, due_ = kNever;
  int max_postponed_ = 0, max_pulledin_ = 0;
  int flexibility_ = 0, open_banks_ = 0;
  bool pulled_in_ = false, asleep_ = false, forced_bank_ = false;
  Command wanted_ = NOP;
  int chosen_ = 0;
  std::vector<int> remaining_;  // banks not yet refreshed in this round
};

}  // namespace dram
