// The memory controller of one channel: intake, scheduling, refresh, power-down, responses.
#pragma once

#include <optional>
#include <vector>

#include "banks.hpp"
#include "energy.hpp"
#include "rank_managers.hpp"
#include "requests.hpp"
#include "timing.hpp"
#include "types.hpp"

namespace dram {

enum class Phase : std::uint8_t { begin_req, end_req, begin_resp, end_resp };

struct Message {
  Phase phase;
  int slot;
};

// Is there room for one more request? Counts include requests until their column command.
class BufferSpace {
 public:
  BufferSpace(const Memory& m, const ControllerConfig& c, bool dramsys_quirks)
      : kind_(c.scheduler_buffer), capacity_(c.request_buffer_size), quirk_(dramsys_quirks) {
    if (kind_ == SchedulerBuffer::bankwise) on_bank_.resize(m.ranks * m.banks_per_rank(), 0);
  }

  bool has_room(const Request& arriving) const {
    switch (kind_) {
      case SchedulerBuffer::bankwise:  // DRAMSys looks at the bank stored to last: quirk Q1
        return on_bank_[quirk_ ? last_bank_ : arriving.bank] < capacity_;
      case SchedulerBuffer::read_write: return reads_ < capacity_ && writes_ < capacity_;
      case SchedulerBuffer::shared: return reads_ + writes_ < capacity_;
    }
    return false;
  }

  void stored(const Request& r) {
    last_bank_ = r.bank;
    add(r, 1);
  }
  void removed(const Request& r) { add(r, -1); }

 private:
  void add(const Request& r, int change) {
    if (kind_ == SchedulerBuffer::bankwise) on_bank_[r.bank] += change;
    (r.write ? writes_ : reads_) += change;
  }

  SchedulerBuffer kind_;
  int capacity_;
  bool quirk_;
  std::vector<int> on_bank_;
  int last_bank_ = 0, reads_ = 0, writes_ = 0;
};

// Data on its way back, in order of column commands (Fifo) or of request age (Reorder).
class ResponseQueue {
 public:
  explicit ResponseQueue(RespQueue kind) : in_order_(kind == RespQueue::reorder) {}

  void insert(int slot, std::int64_t channel_id, Time ready) {
    if (in_order_)
      by_age_.insert(channel_id, {slot, ready});
    else
      by_issue_.push({slot, ready});
  }

  // The head's ready time, kNever if there is none.
  Time ready() const {
    if (in_order_) return by_age_.ready() ? by_age_.front().ready : kNever;
    return by_issue_.empty() ? kNever : by_issue_.front().ready;
  }

  int pop() { return in_order_ ? by_age_.pop().slot : by_issue_.pop().slot; }

 private:
  struct Entry {
    int slot = -1;
    Time ready = 0;
  };
  bool in_order_;
  Queue<Entry> by_issue_;
  InOrderStore<Entry> by_age_;
};

class Controller {
 public:
  enum Event { request_event, response_event, timer_event, data_event };

  Controller(const Memory& m, const ControllerConfig& c, bool dramsys_quirks, bool log, int channel,
             Kernel& kernel, RequestPool& requests, Mailbox<Message>& arbiter, int arbiter_event)
      : m_(m), c_(c), quirks_(dramsys_quirks), log_(log), channel_(channel), kernel_(kernel),
        requests_(requests), arbiter_(arbiter), arbiter_event_(arbiter_event),
        first_event_(4 * channel), timing_(m, issuable(m, c)), banks_(m, c, requests),
        buffer_(m, c, dramsys_quirks), responses_(c.resp_queue), unserved_(m.ranks, 0) {
    for (int rank = 0; rank < m.ranks; ++rank) {
      power_down_.emplace_back(c.power_down_policy == PowerDownPolicy::staggered, dramsys_quirks);
      refresh_.emplace_back(c.refresh_policy, m, c, rank);
    }
    if (m.has_energy) {
      const int meters = dramsys_quirks ? 1 : m.ranks;  // quirk Q9: one meter for all ranks
      for (int i = 0; i < meters; ++i)
        meters_.emplace_back(m.energy, m.tck, m.ranks * m.banks_per_rank(), m.ranks / meters);
    }
  }

  // Called by the arbiter; written at once, seen by the controller's next run.
  void offer(int slot, Time when) {
    offered_ = slot;
    offered_at_ = when;
    kernel_.notify_at(first_event_ + request_event, when);
  }
  void acknowledge(Time when) {
    acknowledged_at_ = when;
    kernel_.notify_at(first_event_ + response_event, when);
  }

  void run() {
    const Time now = kernel_.now();
    respond(now);
    const bool stored = take_request(now);
    if (!stored && now < quiet_until_ && now < refresh_due_ && !banks_.any_stale()) {
      if (quiet_until_ != kNever) kernel_.notify_at(first_event_ + timer_event, quiet_until_);
      return;
    }
    evaluate_refresh(now);
    const Candidate best = select(now);
    bool held_back = false;
    if (best.command != NOP)
      issue(best, now);
    else
      held_back = any_candidate_;
    arm(now, held_back);
  }

  std::int64_t served() const { return served_; }
  std::int64_t outstanding() const { return in_system_; }
  Time last_progress() const { return last_progress_; }
  const std::array<std::int64_t, kCommands>& counts() const { return counts_; }
  std::vector<CommandRecord>& log() { return records_; }

  void finish(Time end, Energy& energy, double& power_mw) {
    if (meters_.empty()) return;
    Energy sum;
    double power = 0;
    for (EnergyMeter& meter : meters_) {
      const Energy e = meter.finish(quirks_ ? kLongAgo : end);
      if (e.window_ns > 0) power += e.total() / e.window_ns;
      add(sum, e);
    }
    power_mw += power;
    add(energy, sum);
  }

 private:
  struct Candidate {
    Time key = kNever;  // ready time plus command length
    Time ready = kNever;
    std::uint64_t age = UINT64_MAX;
    Command command = NOP;
    int rank = 0, bank = 0;

    bool before(const Candidate& other) const {
      return key < other.key || (key == other.key && age < other.age);
    }
  };
  static constexpr std::uint64_t kRefreshAge = 0, kPowerDownAge = UINT64_MAX - 1;

  // Commands that this configuration can ever issue.
  static std::array<bool, kCommands> issuable(const Memory&, const ControllerConfig& c) {
    std::array<bool, kCommands> can{};
    can[ACT] = can[PRE] = true;
    can[RD] = can[WR] = c.page_policy != PagePolicy::closed;
    can[RDA] = can[WRA] = c.page_policy != PagePolicy::open;
    const bool power_down = c.power_down_policy == PowerDownPolicy::staggered;
    can[REFB] = c.refresh_policy == RefreshPolicy::per_bank;
    can[PREA] = c.refresh_policy == RefreshPolicy::all_bank;
    can[REFA] = can[PREA] || power_down;
    for (const Command k : {PDEA, PDXA, PDEP, PDXP, SREFEN, SREFEX}) can[k] = power_down;
    return can;
  }

  static void add(Energy& sum, const Energy& e) {
    sum.activate += e.activate;
    sum.precharge += e.precharge;
    sum.read += e.read;
    sum.write += e.write;
    sum.refresh += e.refresh;
    sum.background_active += e.background_active;
    sum.background_precharged += e.background_precharged;
    sum.power_down += e.power_down;
    sum.self_refresh += e.self_refresh;
    sum.window_ns = std::max(sum.window_ns, e.window_ns);
  }

  void respond(Time now) {
    if (delivering_) {
      if (acknowledged_at_ != now) return;
      delivering_ = false;
      ++served_;
      if (--in_system_ == 0) return;
    }
    const Time ready = responses_.ready();
    if (ready <= now) {
      const int slot = responses_.pop();
      // One response per clock: the next one tCK after the acknowledgement of the last.
      const Time when = acknowledged_at_ == now ? now + m_.tck : now;
      arbiter_.send_at(kernel_, arbiter_event_, {Phase::begin_resp, slot}, when);
      delivering_ = true;
      acknowledged_at_ = kNever;
    } else if (ready != kNever) {
      kernel_.notify_at(first_event_ + data_event, ready);
    }
  }

  bool take_request(Time now) {
    if (offered_ < 0 || offered_at_ > now) return false;
    Request& request = requests_[offered_];
    if (!buffer_.has_room(request)) return false;
    ++in_system_;
    last_progress_ = now;
    if (unserved_[request.rank]++ == 0) power_down_[request.rank].trigger_exit();
    buffer_.stored(request);
    banks_.append(offered_);
    arbiter_.send_next_round(kernel_, arbiter_event_, {Phase::end_req, offered_});
    offered_ = -1;
    return true;
  }

  // Quiet refresh managers cost nothing: none has anything to say before `refresh_due_`.
  void evaluate_refresh(Time now) {
    if (now < refresh_due_) return;
    refresh_due_ = kNever;
    refresh_wanted_ = 0;
    for (int rank = 0; rank < m_.ranks; ++rank) {
      auto& manager = refresh_[rank];
      if (manager.evaluate(now, banks_, power_down_[rank])) {
        if (manager.wanted() != NOP) refresh_wanted_ |= 1u << rank;
        refresh_due_ = now;  // ask again at the next opportunity
      } else {
        refresh_due_ = std::min(refresh_due_, manager.due());
      }
    }
  }

  Candidate refresh_candidate(int rank, Time now) const {
    Candidate k;
    k.command = refresh_[rank].wanted();
    k.rank = rank;
    k.bank = banks_.first_of(rank);
    if (k.command == PREA || k.command == REFA) {
      k.ready = timing_.earliest_on_rank(k.command, rank, now);
    } else {
      k.bank += refresh_[rank].bank();
      k.ready = timing_.earliest_on_bank(k.command, rank, banks_[k.bank].group, k.bank, now);
    }
    k.age = kRefreshAge;
    return k;
  }

  Candidate power_down_candidate(int rank, Command wanted, Time now) const {
    Candidate k;
    k.command = wanted;
    k.rank = rank;
    k.bank = banks_.first_of(rank);
    k.ready = timing_.earliest_on_rank(wanted, rank, now);
    k.age = kPowerDownAge;
    return k;
  }

  // Calls `visit` with every command that some manager or bank wants to issue.
  template <typename Visitor>
  void for_each_candidate(Time now, Visitor&& visit) const {
    for (int rank = 0; rank < m_.ranks; ++rank) {
      if (power_down_[rank].enabled()) {
        const Command wanted = power_down_[rank].wanted();
        if (wanted != NOP) {
          visit(power_down_candidate(rank, wanted, now));
          continue;
        }
      }
      if (refresh_wanted_ >> rank & 1u) visit(refresh_candidate(rank, now));
      std::array<Time, kBankCommands> common;
      unsigned known = 0;
      for (std::uint64_t mask = banks_.pending(rank); mask; mask &= mask - 1) {
        const int b = banks_.first_of(rank) + std::countr_zero(mask);
        const auto& bank = banks_[b];
        const Command command = bank.command;
        if (!(known >> command & 1u)) {
          known |= 1u << command;
          common[command] = timing_.earliest_in_rank(command, rank, now);
        }
        Candidate k;
        k.ready = std::max(common[command], timing_.bank_not_before(command, bank.group, b));
        k.age = static_cast<std::uint64_t>(bank.age);
        k.command = command;
        k.rank = rank;
        k.bank = b;
        visit(k);
      }
    }
  }

  // The command multiplexer: the candidate to issue now, or command NOP.
  Candidate select(Time now) {
    Candidate best, best_column;  // with shared buses all compete in `best`
    any_candidate_ = false;
    const bool strict = c_.cmd_mux == CmdMux::strict;
    for_each_candidate(now, [&](Candidate k) {
      any_candidate_ = true;
      const bool column = is_column(k.command);
      if (strict && column && static_cast<std::int64_t>(k.age) != next_column_) return;
      // Corrected mode: only ready commands compete, so none is held back for one that is not.
      if (!quirks_ && k.ready > now) return;
      k.key = k.ready + (quirks_ ? m_.command_length[k.command] : 0);
      Candidate& rival = m_.split_buses && column ? best_column : best;
      if (k.before(rival)) rival = k;
    });
    if (best_column.command != NOP &&
        (best_column.ready < best.ready ||
         (best_column.ready == best.ready && best_column.age < best.age)))
      best = best_column;
    if (best.ready != now) best.command = NOP;
    return best;
  }

  void issue(const Candidate& k, Time now) {
    const Command c = k.command;
    const bool on_rank = c >= PREA && c != REFB;
    const int group = banks_[k.bank].group;
    if (log_) record(k, now);
    if (is_column(c)) serve(k, now);
    if (on_rank)
      banks_.issued_on_rank(c, k.rank);
    else
      banks_.issued_on_bank(c, k.bank);
    refresh_[k.rank].issued(c, now);
    power_down_[k.rank].issued(c);
    timing_.issue(c, k.rank, group, k.bank, now);
    if (!meters_.empty()) meters_[meters_.size() == 1 ? 0 : k.rank].record(c, k.bank, now);
    ++counts_[c];
    if (is_column(c)) {
      take_request(now);
      const Time ready = responses_.ready();
      if (ready != kNever && ready > now) kernel_.notify_at(first_event_ + data_event, ready);
    }
    if (unserved_[k.rank] == 0) power_down_[k.rank].trigger_entry();
    // A due refresh may now have something to say, whatever it said before.
    if (refresh_wanted_ || on_rank || c == REFB) refresh_due_ = std::min(refresh_due_, now);
  }

  void serve(const Candidate& k, Time now) {
    const int slot = banks_[k.bank].chosen;
    const Request& request = requests_[slot];
    banks_.remove_chosen(k.bank);
    buffer_.removed(request);
    --unserved_[k.rank];
    last_progress_ = now;
    if (c_.cmd_mux == CmdMux::strict) ++next_column_;
    const Time strobe_end = is_read(k.command) ? m_.read_strobe_end : m_.write_strobe_end;
    responses_.insert(slot, request.channel_id, now + strobe_end);
  }

  // Re-evaluates everything for the future and arms the timer for the earliest wish.
  void arm(Time now, bool held_back) {
    banks_.refresh_stale();
    Time next = kNever;
    bool ready_now = false;
    for_each_candidate_before_refresh(now, next, ready_now, held_back);
    quiet_until_ = ready_now ? now : next;
    if (next != kNever) kernel_.notify_at(first_event_ + timer_event, next);
  }

  void for_each_candidate_before_refresh(Time now, Time& next, bool& ready_now, bool held_back) {
    const auto wish = [&](Time t) {
      if (t == now) ready_now = true;
      if (t != now || !held_back) next = std::min(next, t);
    };
    for_each_bank_wish(now, wish);
    evaluate_refresh(now);
    for (int rank = 0; rank < m_.ranks; ++rank) {
      if (refresh_wanted_ >> rank & 1u) wish(refresh_candidate(rank, now).ready);
      if (power_down_[rank].enabled()) {
        const Command wanted = power_down_[rank].wanted();
        if (wanted != NOP) wish(timing_.earliest_on_rank(wanted, rank, now));
      }
      if (refresh_[rank].due() > now) wish(refresh_[rank].due());
    }
  }

  template <typename Wish>
  void for_each_bank_wish(Time now, Wish&& wish) const {
    for (int rank = 0; rank < m_.ranks; ++rank) {
      std::array<Time, kBankCommands> common;
      unsigned known = 0;
      for (std::uint64_t mask = banks_.pending(rank); mask; mask &= mask - 1) {
        const int b = banks_.first_of(rank) + std::countr_zero(mask);
        const Command command = banks_[b].command;
        if (!(known >> command & 1u)) {
          known |= 1u << command;
          common[command] = timing_.earliest_in_rank(command, rank, now);
        }
        wish(std::max(common[command], timing_.bank_not_before(command, banks_[b].group, b)));
      }
    }
  }

  void record(const Candidate& k, Time now) {
    CommandRecord r;
    r.time = now;
    r.command = k.command;
    r.channel = static_cast<std::uint8_t>(channel_);
    r.rank = static_cast<std::uint8_t>(k.rank);
    r.bank = static_cast<std::uint16_t>(k.bank);
    const bool for_request = k.age != kRefreshAge && k.age != kPowerDownAge;
    const Request* request = for_request ? &requests_[banks_[k.bank].chosen] : nullptr;
    r.row = request ? static_cast<std::int32_t>(request->row) : -1;
    r.request = request ? request->index : -1;
    r.initiator = request ? request->initiator : std::int16_t{-1};
    records_.push_back(r);
  }

  const Memory& m_;
  const ControllerConfig& c_;
  bool quirks_, log_;
  int channel_;
  Kernel& kernel_;
  RequestPool& requests_;
  Mailbox<Message>& arbiter_;
  int arbiter_event_, first_event_;
  Timing timing_;
  Banks banks_;
  BufferSpace buffer_;
  ResponseQueue responses_;
  std::vector<int> unserved_;  // requests without column command, by rank
  std::vector<PowerDownManager> power_down_;
  std::vector<RefreshManager<Banks>> refresh_;
  std::vector<EnergyMeter> meters_;
  int offered_ = -1;  // the arbiter's current request, -1: none
  Time offered_at_ = 0;
  bool delivering_ = false;
  Time acknowledged_at_ = kNever;
  std::int64_t in_system_ = 0, served_ = 0, next_column_ = 1;
  Time refresh_due_ = kLongAgo, quiet_until_ = kLongAgo, last_progress_ = 0;
  unsigned refresh_wanted_ = 0;
  bool any_candidate_ = false;
  std::array<std::int64_t, kCommands> counts_{};
  std::vector<CommandRecord> records_;
};

}  // namespace dram
