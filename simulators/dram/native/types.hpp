// Plain data shared by the parts of the DRAM simulator. All times are integer picoseconds.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "kernel.hpp"

namespace dram {

// The order is the contract with Python (MemorySpec.core_config) and with the metrics.
enum Command : std::uint8_t {
  RD, RDA, WR, WRA, ACT, PRE, PREA, REFA, REFB, PDEA, PDXA, PDEP, PDXP, SREFEN, SREFEX, NOP
};
constexpr int kCommands = NOP;
constexpr int kBankCommands = 8;  // RD..PRE act on one bank; REFB is mapped into slot 6
inline bool is_column(Command c) { return c <= WRA; }
inline bool is_read(Command c) { return c <= RDA; }

enum class Scope : std::uint8_t {
  bank, group, rank, channel, other_rank, within_round, after_round
};

struct Constraint {
  Command next, previous;
  Scope scope;
  Time delay;
};

// Cycle timings, supply voltages and currents of DRAMPower's model; see energy.hpp.
struct EnergySpec {
  std::int64_t AL, RTP, RAS, RC, RP, RCD, RFC, RL, WL, WR, DQSCK, BURST;
  double clk_mhz, devices, vdd, vdd2;
  double idd0, idd2n, idd2p0, idd3n, idd3p0, idd4r, idd4w, idd5, idd6, idd02, idd62;
};

struct Memory {
  Time tck, burst;
  int ranks, groups_per_rank, banks_per_group, channels;
  std::int64_t bytes_per_burst;
  std::array<Time, kCommands> command_length, window, activate_offset;
  std::vector<Constraint> constraints;
  bool split_buses;
  Time initial_bus;  // start of the last command before time 0, kLongAgo if none
  Time read_strobe_end, write_strobe_end;
  Time refresh_interval_all_bank, refresh_interval_per_bank;
  bool has_energy;
  EnergySpec energy;

  int banks_per_rank() const { return groups_per_rank * banks_per_group; }
};

enum class PagePolicy { open, open_adaptive, closed, closed_adaptive };
enum class Scheduler { fifo, fr_fcfs, fr_fcfs_grp };
enum class SchedulerBuffer { bankwise, read_write, shared };
enum class CmdMux { oldest, strict };
enum class RespQueue { fifo, reorder };
enum class RefreshPolicy { none, all_bank, per_bank };
enum class PowerDownPolicy { none, staggered };
enum class ArbiterKind { simple, fifo, reorder };

struct ControllerConfig {
  PagePolicy page_policy;
  Scheduler scheduler;
  SchedulerBuffer scheduler_buffer;
  int request_buffer_size;
  CmdMux cmd_mux;
  RespQueue resp_queue;
  RefreshPolicy refresh_policy;
  int refresh_max_postponed, refresh_max_pulledin;
  PowerDownPolicy power_down_policy;
  ArbiterKind arbiter;
  int max_active_transactions;
};

// Where a request goes, found once per (trace, address map).
struct Target {
  std::int32_t row;
  std::uint16_t bank;  // within the channel, all ranks counted through
  std::uint8_t rank;
  std::uint8_t channel : 7;
  std::uint8_t write : 1;
};

// One initiator's requests. `times` are player clock cycles, absolute or since the last request.
struct DecodedTrace {
  std::vector<Target> targets;
  const std::int64_t* times;         // owned by the caller
  const std::uint64_t* addresses;
  Time clock;  // player clock period
  bool relative;
};

struct CommandRecord {
  Time time;
  std::int32_t row;        // -1: none
  std::int64_t request;    // index within its trace, -1: none
  std::int16_t initiator;  // -1: none
  std::uint16_t bank;      // within the channel; first bank of the rank for rank commands
  Command command;
  std::uint8_t channel, rank;
};

struct RequestRecord {
  Time trace_time, send, accept, response;
};

struct Energy {
  double activate = 0, precharge = 0, read = 0, write = 0, refresh = 0;
  double background_active = 0, background_precharged = 0, power_down = 0, self_refresh = 0;
  double window_ns = 0;  // what average power divides by
  double total() const {
    return activate + precharge + read + write + refresh + background_active +
           background_precharged + power_down + self_refresh;
  }
};

struct Result {
  bool stalled = false;  // the design cannot finish: no command can ever be issued again
  Time stalled_at = 0;
  std::int64_t outstanding = 0;
  Time time = 0;
  std::int64_t requests = 0, served = 0;
  std::array<std::int64_t, kCommands> commands{};
  double latency_sum = 0, stall_sum = 0;
  Time latency_p50 = 0, latency_p95 = 0, latency_p99 = 0, latency_max = 0;
  Energy energy;
  double power_mw = 0;
  std::vector<CommandRecord> command_log;
  std::vector<std::vector<RequestRecord>> request_log;  // by initiator
};

Result simulate(const Memory&, const ControllerConfig&, const std::vector<const DecodedTrace*>&,
                bool dramsys_quirks, bool log);

}  // namespace dram
