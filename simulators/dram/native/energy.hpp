// DRAMPower 4's state-based energy model (Chandrasekar et al., "DRAMPower: Open-source DRAM power &
// energy estimation tool"), fed command by command instead of from a stored command list.
#pragma once

#include <algorithm>
#include <vector>

#include "types.hpp"

namespace dram {

class EnergyMeter {
 public:
  // `background_factor`: ranks that share this meter's state machine.
  EnergyMeter(const EnergySpec& spec, Time tck, int banks, double background_factor)
      : spec_(spec), clock_(tck), background_factor_(background_factor), banks_(banks) {}

  void record(Command command, int bank, Time time) {
    if ((command == RD || command == WR) && pending_.empty()) {  // nothing but counts
      ++(command == RD ? reads_ : writes_);
      last_column_ = time;
      last_command_ = command;
      return;
    }
    const std::int64_t cycle = clock_.nearest_cycle(time);
    close_pending(cycle);
    apply(command, bank, cycle);
  }

  // Closes the account. DRAMPower ends at its last command; `end` extends the window instead.
  Energy finish(Time end = kLongAgo) {
    close_pending(INT64_MAX);
    last_cycle_ = std::max(last_cycle_, clock_.nearest_cycle(last_column_));
    std::int64_t mark = last_cycle_ + tail_cycles(last_command_) - 1;
    if (end != kLongAgo) mark = std::max(mark, clock_.nearest_cycle(end));
    close_state(mark);
    return total();
  }

 private:
  enum class State { up, active_power_down, precharge_power_down, self_refresh };
  struct Bank {
    bool open = false;
    std::int64_t last_activate = 0;
  };
  struct AutoPrecharge {
    std::int64_t cycle;
    int bank;
  };

  void apply(Command command, int bank, std::int64_t cycle) {
    last_cycle_ = cycle;
    last_command_ = command;
    switch (command) {
      case RD: case RDA: ++reads_; break;
      case WR: case WRA: ++writes_; break;
      case ACT: activate(bank, cycle); break;
      case PRE: precharge(bank, cycle); break;
      case PREA: precharge_all(cycle); break;
      case REFA: refresh(cycle); break;
      case PDEA: enter(State::active_power_down, cycle); break;
      case PDEP: enter(State::precharge_power_down, cycle); break;
      case SREFEN: enter(State::self_refresh, cycle); break;
      case PDXA: case PDXP: case SREFEX: leave(command, cycle); break;
      default: break;
    }
    if (command == RDA || command == WRA) auto_precharge(command, bank, cycle);
  }

  void auto_precharge(Command command, int bank, std::int64_t cycle) {
    const std::int64_t offset =
        command == RDA ? spec_.AL + spec_.RTP : spec_.BURST + spec_.WL + spec_.WR;
    last_command_ = command == RDA ? RD : WR;
    pending_.push_back({std::max(cycle + offset, banks_[bank].last_activate + spec_.RAS), bank});
  }

  // Applies, in time order, the precharges that happen up to and including `cycle`.
  void close_pending(std::int64_t cycle) {
    if (pending_.empty()) return;
    while (!pending_.empty()) {
      const auto first = std::min_element(
          pending_.begin(), pending_.end(),
          [](const AutoPrecharge& a, const AutoPrecharge& b) { return a.cycle < b.cycle; });
      if (first->cycle > cycle) return;
      const AutoPrecharge due = *first;
      pending_.erase(first);
      apply(PRE, due.bank, due.cycle);
    }
  }

  void activate(int bank, std::int64_t cycle) {
    Bank& b = banks_[bank];
    b.last_activate = cycle;
    if (b.open) return;
    ++activates_;
    b.open = true;
    if (open_banks_++ == 0) {
      precharged_ += std::max<std::int64_t>(0, cycle - last_precharge_);
      first_activate_ = cycle;
    }
  }

  void precharge(int bank, std::int64_t cycle) {
    Bank& b = banks_[bank];
    if (!b.open) return;
    ++precharges_;
    b.open = false;
    if (--open_banks_ == 0) {
      active_ += std::max<std::int64_t>(0, cycle - first_activate_);
      last_precharge_ = cycle;
    }
  }

  void precharge_all(std::int64_t cycle) {
    if (open_banks_ == 0) return;
    precharges_ += open_banks_;
    active_ += std::max<std::int64_t>(0, cycle - first_activate_);
    last_precharge_ = cycle;
    close_all();
  }

  void refresh(std::int64_t cycle) {
    ++refreshes_;
    precharged_ += std::max<std::int64_t>(0, cycle - last_precharge_);
    active_ += spec_.RFC - spec_.RP;
    first_activate_ = cycle;
    last_precharge_ = cycle + spec_.RFC - spec_.RP;
    close_all();
  }

  void close_all() {
    for (Bank& b : banks_) b.open = false;
    open_banks_ = 0;
  }

  void enter(State state, std::int64_t cycle) {
    if (state == State::active_power_down)
      active_ += std::max<std::int64_t>(0, cycle - first_activate_);
    else
      precharged_ += std::max<std::int64_t>(0, cycle - last_precharge_);
    state_ = state;
    if (state == State::self_refresh) {
      self_refresh_entry_ = cycle;
    } else {
      power_down_entry_ = cycle;
      at_entry_ = banks_;
      open_at_entry_ = open_banks_;
    }
  }

  // The banks are as they were at the entry: a precharge that falls into the power-down (that of
  // an auto-precharge before it) is forgotten, as in DRAMPower.
  void leave(Command command, std::int64_t cycle) {
    if (command == SREFEX) {
      const std::int64_t span = std::max<std::int64_t>(0, cycle - self_refresh_entry_);
      last_precharge_ = cycle + leave_self_refresh(span);
    } else {
      const std::int64_t span = std::max<std::int64_t>(0, cycle - power_down_entry_);
      if (state_ == State::active_power_down) power_down_active_ += span;
      if (state_ == State::precharge_power_down) power_down_precharged_ += span;
      (command == PDXA ? first_activate_ : last_precharge_) = cycle;
      for (std::size_t i = 0; i < banks_.size(); ++i)
        banks_[i].open = i < at_entry_.size() && at_entry_[i].open;
      open_banks_ = open_at_entry_;
    }
    state_ = State::up;
  }

  // Self refresh begins with one auto refresh; leaving earlier must finish it in precharge
  // standby. Returns the cycles after the exit at which the device is precharged and ready.
  std::int64_t leave_self_refresh(std::int64_t span) {
    const std::int64_t active = spec_.RFC - spec_.RP;
    stay_in_self_refresh(span);
    if (span >= spec_.RFC) return 0;
    if (span >= active) {
      const std::int64_t rest = spec_.RP - (span - active);
      exit_precharged_ += rest;
      return rest;
    }
    exit_active_ += active - span;
    exit_precharged_ += spec_.RP;
    return active - span + spec_.RP;
  }

  void stay_in_self_refresh(std::int64_t span) {
    const std::int64_t active = spec_.RFC - spec_.RP;
    refresh_active_ += std::min(span, active);
    if (span >= active) refresh_precharged_ += std::min(span - active, spec_.RP);
    if (span >= spec_.RFC) self_refresh_ += span - spec_.RFC;
  }

  std::int64_t tail_cycles(Command command) const {
    switch (command) {
      case RD: return spec_.RL + spec_.DQSCK + 1 + spec_.BURST;
      case WR: return spec_.WL + spec_.BURST + spec_.WR;
      case ACT: return spec_.RCD;
      case PRE: case PREA: return spec_.RP;
      default: return 0;
    }
  }

  void close_state(std::int64_t mark) {
    const auto since = [mark](std::int64_t start) {
      return std::max<std::int64_t>(0, mark - start);
    };
    switch (state_) {
      case State::up:
        (open_banks_ ? active_ : precharged_) +=
            since(open_banks_ ? first_activate_ : last_precharge_);
        break;
      case State::active_power_down: power_down_active_ += since(power_down_entry_); break;
      case State::precharge_power_down:
        power_down_precharged_ += since(power_down_entry_);
        break;
      case State::self_refresh: stay_in_self_refresh(since(self_refresh_entry_)); break;
    }
  }

  Energy total() const {
    const EnergySpec& s = spec_;
    const double period = 1000.0 / s.clk_mhz;  // ns
    const auto pj = [&](double voltage, std::int64_t cycles, double current) {
      return voltage * static_cast<double>(cycles) * period * current * s.devices;
    };
    const double f = background_factor_;
    Energy e;
    e.activate = pj(s.vdd, activates_ * s.RAS, s.idd0 - s.idd3n) +
                 pj(s.vdd2, activates_ * s.RAS, s.idd02);
    e.precharge = pj(s.vdd, precharges_ * (s.RC - s.RAS), s.idd0 - s.idd2n) +
                  pj(s.vdd2, precharges_ * (s.RC - s.RAS), s.idd02);
    e.read = pj(s.vdd, reads_ * s.BURST, s.idd4r - s.idd3n);
    e.write = pj(s.vdd, writes_ * s.BURST, s.idd4w - s.idd3n);
    e.refresh = pj(s.vdd, refreshes_ * s.RFC, s.idd5 - s.idd3n);
    e.background_active = f * pj(s.vdd, active_, s.idd3n);
    e.background_precharged = f * pj(s.vdd, precharged_, s.idd2n);
    e.power_down = f * (pj(s.vdd, power_down_active_, s.idd3p0) +
                        pj(s.vdd, power_down_precharged_, s.idd2p0));
    const std::int64_t refreshing =
        refresh_active_ + refresh_precharged_ + exit_active_ + exit_precharged_;
    e.self_refresh =
        f * (pj(s.vdd, self_refresh_, s.idd6) + pj(s.vdd2, self_refresh_, s.idd62) +
             pj(s.vdd, refreshing, s.idd5 - s.idd3n) + pj(s.vdd, refresh_active_, s.idd3p0) +
             pj(s.vdd, refresh_precharged_, s.idd2p0) + pj(s.vdd, exit_active_, s.idd3n) +
             pj(s.vdd, exit_precharged_, s.idd2n));
    e.window_ns = period * static_cast<double>(active_ + precharged_ + power_down_active_ +
                                               power_down_precharged_ + self_refresh_ + refreshing);
    return e;
  }

  EnergySpec spec_;
  ClockEdges clock_;
  double background_factor_;
  std::vector<Bank> banks_;
  std::vector<AutoPrecharge> pending_;
  State state_ = State::up;
  int open_banks_ = 0;
  std::vector<Bank> at_entry_;  // when power-down was entered last
  int open_at_entry_ = 0;
  std::int64_t first_activate_ = 0, last_precharge_ = 0;
  std::int64_t power_down_entry_ = 0, self_refresh_entry_ = 0;
  std::int64_t last_cycle_ = 0;
  Time last_column_ = 0;  // of the last RD or WR that record() merely counted
  Command last_command_ = NOP;
  std::int64_t activates_ = 0, precharges_ = 0, reads_ = 0, writes_ = 0, refreshes_ = 0;
  std::int64_t active_ = 0, precharged_ = 0, power_down_active_ = 0, power_down_precharged_ = 0;
  std::int64_t self_refresh_ = 0, refresh_active_ = 0, refresh_precharged_ = 0;
  std::int64_t exit_active_ = 0, exit_precharged_ = 0;
};

}  // namespace dram
