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
        first_event_(4 * channel), timing_(m, issuable(c), dramsys_quirks),
        banks_(m, c, requests, timing_),
        buffer_(m, c, dramsys_quirks), responses_(c.resp_queue), unserved_(m.ranks, 0),
        power_down_enabled_(c.power_down_policy == PowerDownPolicy::staggered) {
    if (quirks_) length_ = m.command_length;
    plain_ = c.cmd_mux == CmdMux::oldest && !m.split_buses && m.ranks == 1;
    for (int rank = 0; rank < m.ranks; ++rank) {
      power_down_.emplace_back(power_down_enabled_, dramsys_quirks);
      refresh_.emplace_back(c.refresh_policy, m, c, rank);
    }
    if (m.has_energy) {
      const int meters = dramsys_quirks ? 1 : m.ranks;  // quirk Q9: one meter for all ranks
      for (int i = 0; i < meters; ++i)
        meters_.emplace_back(m.energy, m.tck, m.ranks * m.banks_per_rank(), m.ranks / meters);
    }
  }

  // Called by the arbiter; written at once, acted upon in the controller's next run. A run that
  // could do nothing is not asked for.
  void offer(int slot, Time when) {
    offered_ = slot;
    offered_at_ = when;
    refused_ = when == kernel_.now() && quiet(when) && !buffer_.has_room(requests_[slot]);
    if (!refused_) kernel_.notify_at(first_event_ + request_event, when);
  }
  void acknowledge(Time now) {
    acknowledged_at_ = now;
    const Time ready = responses_.ready();
    const bool expected = ready == kNever || (data_at_ > now && data_at_ <= ready);
    if (expected && ready > now && quiet(now))
      response_served();
    else
      kernel_.notify_next_round(first_event_ + response_event);
  }

  void run() {
    const Time now = kernel_.now();
    if (timer_at_ <= now) timer_at_ = kNever;
    respond(now);
    if (may_take_request(now)) take_request(now);
    if (now < quiet_until_ && outlook_valid_) return wake_at(quiet_until_);
    if (now >= refresh_due_) evaluate_refresh(now);
    if (!outlook_valid_ || now > outlook_.first_ready) look_ahead(now);
    if (special()) {
      const Candidate best = select_among_all(now);
      act(best, now, best.command != NOP || outlook_.first_ready != kNever);
    } else {
      act(outlook_.merged(), now, outlook_.first_ready != kNever);
    }
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
  // What the banks want next. It stays true until a command is issued, a bank changes its mind or
  // time passes `first_ready`.
  struct Outlook {
    Candidate best, best_column;  // winners; columns compete apart where the buses are split
    Time first_ready = kNever;  // when the first bank command is ready

    // Of the winners on the row and the column bus the one that is ready first goes first.
    const Candidate& merged() const {
      if (best_column.command == NOP) return best;
      const bool column_first = best_column.ready < best.ready ||
                                (best_column.ready == best.ready && best_column.age < best.age);
      return column_first ? best_column : best;
    }
  };
  static constexpr std::uint64_t kRefreshAge = 0, kPowerDownAge = UINT64_MAX - 1;

  // Commands that this configuration can ever issue.
  static std::array<bool, kCommands> issuable(const ControllerConfig& c) {
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

  // Would a run now leave the banks and their managers as they are?
  bool quiet(Time now) const { return !special() && now < refresh_due_; }

  void respond(Time now) {
    if (data_at_ <= now) data_at_ = kNever;
    if (delivering_) {
      if (acknowledged_at_ != now) return;
      response_served();
      if (in_system_ == 0) return;
    }
    const Time ready = responses_.ready();
    if (ready <= now) {
      const int slot = responses_.pop();
      // One response per clock: the next one tCK after the acknowledgement of the last.
      const Time when = acknowledged_at_ == now ? now + m_.tck : now;
      arbiter_.send_at(kernel_, arbiter_event_, {Phase::begin_resp, slot}, when);
      delivering_ = true;
      acknowledged_at_ = kNever;
    } else {
      expect_data(ready);
    }
  }

  void response_served() {
    delivering_ = false;
    ++served_;
    --in_system_;
  }

  // The two timers; a request that is no earlier than the pending one changes nothing.
  void expect_data(Time when) {
    if (when >= data_at_) return;
    data_at_ = when;
    kernel_.notify_at(first_event_ + data_event, when);
  }
  void wake_at(Time when) {
    if (when >= timer_at_) return;
    timer_at_ = when;
    kernel_.notify_at(first_event_ + timer_event, when);
  }

  bool may_take_request(Time now) const { return offered_ >= 0 && offered_at_ <= now && !refused_; }

  void take_request(Time now) {
    Request& request = requests_[offered_];
    refused_ = !buffer_.has_room(request);  // until another request leaves the buffer
    if (refused_) return;
    ++in_system_;
    last_progress_ = now;
    if (unserved_[request.rank]++ == 0 && power_down_enabled_)
      power_down_[request.rank].trigger_exit();
    buffer_.stored(request);
    if (banks_.append(offered_)) outlook_valid_ = false;
    arbiter_.send_next_round(kernel_, arbiter_event_, {Phase::end_req, offered_});
    offered_ = -1;
  }

  // Quiet refresh managers cost nothing: none has anything to say before `refresh_due_`.
  void evaluate_refresh(Time now) {
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
    k.age = kRefreshAge;
    if (k.command == PREA || k.command == REFA) {
      k.ready = timing_.not_before_on_rank(k.command, rank);
    } else {
      k.bank += refresh_[rank].bank();
      const int group = banks_[k.bank].group;
      k.ready = k.command == PRE ? timing_.not_before(PRE, rank, group, k.bank)
                                 : timing_.not_before_refresh(rank, group, k.bank);
    }
    k.ready = std::max(k.ready, now);
    return k;
  }

  Candidate power_down_candidate(int rank, Time now) const {
    Candidate k;
    k.command = power_down_[rank].wanted();
    k.rank = rank;
    k.bank = banks_.first_of(rank);
    k.ready = std::max(timing_.not_before_on_rank(k.command, rank), now);
    k.age = kPowerDownAge;
    return k;
  }

  // The command multiplexer's rule: the earliest end of the command, then the oldest request.
  // DRAMSys thereby holds a ready long command back for a shorter one soon to be ready (quirk Q6);
  // corrected, the command that is ready first wins.
  void compete(Candidate k, Outlook& o) const {
    k.key = k.ready + length_[k.command];
    Candidate& best = m_.split_buses && is_column(k.command) ? o.best_column : o.best;
    if (k.before(best)) best = k;
  }

  void scan(Time now, unsigned excluded_ranks, Outlook& o) const {
    o = Outlook();
    if (plain_ && !excluded_ranks) return scan_plain(now, o);
    for (int rank = 0; rank < m_.ranks; ++rank)
      if (!(excluded_ranks >> rank & 1u)) scan_rank(now, rank, o);
  }

  // One bus, one rank, column commands in any order: the usual case, without branches. The order
  // of (key, age) is that of one 64-bit number, as no constraint reaches 2^31 ps beyond now.
  void scan_plain(Time now, Outlook& o) const {
    const Banks::Bank* const banks = &banks_[0];
    const Time* const of_rank = timing_.of_rank(0);
    const Time free = std::max(now, timing_.bus(ACT));
    Time first_ready = kNever;
    std::uint64_t best = UINT64_MAX;
    int winner = 0;
    std::uint64_t mask = banks_.pending(0);
    if (mask == 0) return;
    for (; mask; mask &= mask - 1) {
      const int b = std::countr_zero(mask);
      const Banks::Bank& bank = banks[b];
      const Time ready = std::max(std::max(bank.not_before, of_rank[bank.command]), free);
      const Time key = ready + length_[bank.command] - now;
      const std::uint64_t order =
          static_cast<std::uint64_t>(key) << 32 | static_cast<std::uint32_t>(bank.age);
      first_ready = std::min(first_ready, ready);
      winner = order < best ? b : winner;
      best = std::min(best, order);
    }
    const Banks::Bank& bank = banks[winner];
    const Time key = now + static_cast<Time>(best >> 32);
    o.first_ready = first_ready;
    const auto age = static_cast<std::uint64_t>(bank.age);
    o.best = {key, key - length_[bank.command], age, bank.command, 0, winner};
  }

  void scan_rank(Time now, int rank, Outlook& o) const {
    for (std::uint64_t mask = banks_.pending(rank); mask; mask &= mask - 1) {
      const int b = banks_.first_of(rank) + std::countr_zero(mask);
      const Banks::Bank& bank = banks_[b];
      const Command c = bank.command;
      const Time ready = std::max({now, timing_.bus(c), timing_.of_rank(c, rank), bank.not_before});
      o.first_ready = std::min(o.first_ready, ready);
      if (c_.cmd_mux == CmdMux::strict && is_column(c) && bank.age != next_column_) continue;
      compete({0, ready, static_cast<std::uint64_t>(bank.age), c, rank, b}, o);
    }
  }

  // The first time after `now` at which a bank command is ready.
  Time first_ready_after(Time now) const {
    Time first = kNever;
    for (int rank = 0; rank < m_.ranks; ++rank)
      for (std::uint64_t mask = banks_.pending(rank); mask; mask &= mask - 1) {
        const int b = banks_.first_of(rank) + std::countr_zero(mask);
        const Time ready = timing_.not_before(banks_[b].command, rank, banks_[b].group, b);
        if (ready > now) first = std::min(first, ready);
      }
    return first;
  }

  // Does anything but the banks take part?
  bool special() const { return refresh_wanted_ != 0 || power_down_enabled_; }

  void look_ahead(Time now) {
    scan(now, 0, outlook_);
    outlook_valid_ = true;
  }

  // The multiplexer's choice when refresh or power-down has something to say as well.
  Candidate select_among_all(Time now) {
    unsigned excluded = 0;
    for (int rank = 0; rank < m_.ranks; ++rank)
      if (power_down_[rank].wanted() != NOP) excluded |= 1u << rank;
    Outlook o = outlook_;
    if (excluded) scan(now, excluded, o);
    for (int rank = 0; rank < m_.ranks; ++rank) {
      if (excluded >> rank & 1u)
        compete(power_down_candidate(rank, now), o);
      else if (refresh_wanted_ >> rank & 1u)
        compete(refresh_candidate(rank, now), o);
    }
    return o.merged();
  }

  void act(Candidate best, Time now, bool any_candidate) {
    if (best.ready == now) {
      issue(best, now);
      arm(now, false);
    } else {
      arm(now, any_candidate);
    }
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
    if (power_down_enabled_) power_down_[k.rank].issued(c);
    timing_.issue(c, k.rank, group, k.bank, now);
    if (timing_.group_matters(c)) banks_.group_has_changed(group);
    outlook_valid_ = false;
    if (!meters_.empty()) meters_[meters_.size() == 1 ? 0 : k.rank].record(c, k.bank, now);
    ++counts_[c];
    if (is_column(c)) {
      if (may_take_request(now)) take_request(now);
      if (responses_.ready() > now) expect_data(responses_.ready());
    }
    if (power_down_enabled_ && unserved_[k.rank] == 0) power_down_[k.rank].trigger_entry();
    // A due refresh may now have something to say, whatever it said before.
    if (refresh_wanted_ || on_rank || c == REFB) refresh_due_ = std::min(refresh_due_, now);
  }

  void serve(const Candidate& k, Time now) {
    const int slot = banks_[k.bank].chosen;
    const Request& request = requests_[slot];
    banks_.remove_chosen(k.bank);
    buffer_.removed(request);
    refused_ = false;
    --unserved_[k.rank];
    last_progress_ = now;
    if (c_.cmd_mux == CmdMux::strict) ++next_column_;
    const Time strobe_end = is_read(k.command) ? m_.read_strobe_end : m_.write_strobe_end;
    responses_.insert(slot, request.channel_id, now + strobe_end);
  }

  // Re-evaluates everything for the future and arms the timer for the earliest wish. A wish that
  // is ready now but was just held back by the multiplexer does not count.
  void arm(Time now, bool held_back) {
    if (banks_.refresh_stale()) outlook_valid_ = false;
    if (!outlook_valid_) look_ahead(now);
    Time next = outlook_.first_ready;
    if (held_back && next == now) next = first_ready_after(now);
    if (now >= refresh_due_) evaluate_refresh(now);
    if (refresh_due_ > now) next = std::min(next, refresh_due_);
    if (special()) next = std::min(next, special_wish(now, held_back));
    quiet_until_ = special() || banks_.any_stale() || held_back ? now : next;
    wake_at(next);
  }

  Time special_wish(Time now, bool held_back) const {
    Time next = kNever;
    const auto wish = [&](Time t) {
      if (t != now || !held_back) next = std::min(next, t);
    };
    for (int rank = 0; rank < m_.ranks; ++rank) {
      if (refresh_wanted_ >> rank & 1u) wish(refresh_candidate(rank, now).ready);
      if (power_down_[rank].wanted() != NOP) wish(power_down_candidate(rank, now).ready);
      if (refresh_[rank].due() > now) wish(refresh_[rank].due());
    }
    return next;
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
  bool power_down_enabled_;
  std::vector<PowerDownManager> power_down_;
  bool plain_;
  std::array<Time, kCommands> length_{};  // what the multiplexer adds to a command's ready time
  std::vector<RefreshManager<Banks>> refresh_;
  std::vector<EnergyMeter> meters_;
  int offered_ = -1;  // the arbiter's current request, -1: none
  Time offered_at_ = 0;
  bool refused_ = false;
  bool delivering_ = false;
  Time data_at_ = kNever, timer_at_ = kNever;  // pending timers
  Time acknowledged_at_ = kNever;
  std::int64_t in_system_ = 0, served_ = 0, next_column_ = 1;
  Time refresh_due_ = kLongAgo, last_progress_ = 0;
  unsigned refresh_wanted_ = 0;  // ranks whose refresh manager wants a command
  Outlook outlook_;
  bool outlook_valid_ = false;
  Time quiet_until_ = kLongAgo;  // unless the outlook changes, nothing happens before
  std::array<std::int64_t, kCommands> counts_{};
  std::vector<CommandRecord> records_;
};

}  // namespace dram
