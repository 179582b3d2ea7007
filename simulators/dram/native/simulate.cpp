// One simulation: trace players, arbiter and controllers on the event kernel.

#include <algorithm>

#include "arbiter.hpp"
#include "controller.hpp"
#include "kernel.hpp"
#include "requests.hpp"
#include "types.hpp"

namespace dram {
namespace {

// After this long without progress while requests wait, no command will ever be issued again:
// refresh and power-down delay a request by microseconds at most.
constexpr Time kStalled = 2'000'000'000;  // 2 ms

class System {
 public:
  System(const Memory& m, const ControllerConfig& c, const std::vector<const DecodedTrace*>& traces,
         bool quirks, bool log)
      : m_(m), c_(c), traces_(traces), quirks_(quirks), log_(log),
        kernel_(processes_of_events(m.channels, static_cast<int>(traces.size())),
                m.channels + 1 + static_cast<int>(traces.size())),
        arbiter_(m, c, static_cast<int>(traces.size()), 4 * m.channels, kernel_, requests_),
        mailboxes_(traces.size(), Mailbox<Message>(2)) {
    controllers_.reserve(m.channels);
    for (int channel = 0; channel < m.channels; ++channel)
      controllers_.emplace_back(m, c, quirks, log, channel, kernel_, requests_, arbiter_.mailbox(),
                                arbiter_.event());
    arbiter_.connect(controllers_, mailboxes_, first_player_event());
    for (std::size_t i = 0; i < traces.size(); ++i) {
      players_.push_back({0, 0, ClockEdges(traces[i]->clock)});
      total_ += static_cast<std::int64_t>(traces[i]->targets.size());
      if (log_) result_.request_log.emplace_back(traces[i]->targets.size());
    }
    latencies_.reserve(total_);
  }

  Result run() {
    for (Controller& controller : controllers_) controller.run();
    for (std::size_t i = 0; i < players_.size(); ++i) send_next(static_cast<int>(i));
    const auto run_process = [this](int process) {
      const int i = process - m_.channels - 1;
      if (i < -1) return controllers_[process].run();
      if (i == -1) return arbiter_.run();
      mailboxes_[i].deliver(kernel_, first_player_event() + i,
                            [this, i](const Message& message) { receive(i, message); });
    };
    while (answered_ < total_) {
      if (!kernel_.run_next_round(run_process)) [[unlikely]] return give_up();
      if (kernel_.now() > watchdog_at_ && stalled()) [[unlikely]] return give_up();
    }
    return finish();
  }

 private:
  struct Player {
    std::size_t next = 0;     // request to send
    Time time_stamp = 0;      // of the last request sent, absolute
    ClockEdges clock;
  };

  static std::vector<int> processes_of_events(int channels, int players) {
    std::vector<int> process;
    for (int channel = 0; channel < channels; ++channel) process.insert(process.end(), 4, channel);
    for (int i = 0; i <= players; ++i) process.push_back(channels + i);
    return process;
  }

  int first_player_event() const { return 4 * m_.channels + 1; }

  void receive(int i, const Message& message) {
    Request& request = requests_[message.slot];
    if (message.phase == Phase::end_req) {
      request.accept = kernel_.now();
      stall_sum_ += request.accept - request.send;
      if (log_) log_request(i, request).accept = request.accept;
      send_next(i);
    } else {
      const Time now = kernel_.now();
      latencies_.push_back(now - request.send);
      if (log_) log_request(i, request).response = now;
      ++answered_;
      arbiter_.receive({Phase::end_resp, message.slot}, now);
    }
  }

  RequestRecord& log_request(int i, const Request& r) { return result_.request_log[i][r.index]; }

  // Hands the next request of player `i` to the arbiter at its send time: its due time, but not
  // before the first player clock edge strictly after the last acceptance (back-pressure).
  void send_next(int i) {
    Player& player = players_[i];
    const DecodedTrace& trace = *traces_[i];
    const std::size_t n = player.next;
    if (n == trace.targets.size()) return;
    const Time now = kernel_.now();
    const Time due = trace.times[n] * trace.clock;
    const Time edge = n == 0 ? 0 : player.clock.after(now);
    player.time_stamp = trace.relative ? player.time_stamp + due : due;
    const Time send = trace.relative ? edge + due : std::max(edge, due);
    ++player.next;

    const int slot = requests_.take();
    Request& request = requests_[slot];
    const Target& target = trace.targets[n];
    request.trace_time = player.time_stamp;
    request.send = send;
    request.address = trace.addresses[n];
    request.index = static_cast<std::int64_t>(n);
    request.row = target.row;
    request.bank = target.bank;
    request.rank = target.rank;
    request.channel = target.channel;
    request.write = target.write;
    request.initiator = static_cast<std::int16_t>(i);
    if (log_) result_.request_log[i][n] = {request.trace_time, send, -1, -1};
    arbiter_.receive({Phase::begin_req, slot}, send);
  }

  // No column command and no intake for long although requests wait in a controller?
  bool stalled() {
    Time last = kNever;
    bool waiting = false;
    for (const Controller& controller : controllers_) {
      if (controller.outstanding() == 0) continue;
      waiting = true;
      last = std::min(last, controller.last_progress());
    }
    if (waiting && kernel_.now() - last > kStalled) return true;
    watchdog_at_ = kernel_.now() + kStalled;
    return false;
  }

  Result give_up() {
    result_.stalled = true;
    result_.stalled_at = kernel_.now();
    result_.outstanding = total_ - answered_;
    return std::move(result_);
  }

  Result finish() {
    result_.time = kernel_.now();
    result_.requests = total_;
    for (Controller& controller : controllers_) {
      result_.served += controller.served();
      for (int k = 0; k < kCommands; ++k) result_.commands[k] += controller.counts()[k];
      controller.finish(result_.time, result_.energy, result_.power_mw);
      auto& log = controller.log();
      result_.command_log.insert(result_.command_log.end(), log.begin(), log.end());
    }
    // The stop comes before the last acknowledgement reaches the controller with arbiter Simple.
    if (!quirks_) result_.served = total_;
    if (controllers_.size() > 1)
      std::stable_sort(result_.command_log.begin(), result_.command_log.end(),
                       [](const auto& a, const auto& b) { return a.time < b.time; });
    result_.stall_sum = static_cast<double>(stall_sum_);
    summarise_latencies();
    return std::move(result_);
  }

  // The q-quantile is the element of rank floor(q n), counted from 0.
  void summarise_latencies() {
    double sum = 0;
    Time largest = 0;
    for (const Time t : latencies_) sum += static_cast<double>(t), largest = std::max(largest, t);
    result_.latency_sum = sum;
    result_.latency_max = largest;
    const auto n = static_cast<std::size_t>(latencies_.size());
    auto from = latencies_.begin();
    const auto quantile = [&](std::size_t rank) {
      const auto at = latencies_.begin() + static_cast<long>(std::min(rank, n - 1));
      std::nth_element(from, at, latencies_.end());
      from = at;
      return *at;
    };
    result_.latency_p50 = quantile(n / 2);
    result_.latency_p95 = quantile(n * 95 / 100);
    result_.latency_p99 = quantile(n * 99 / 100);
  }

  const Memory& m_;
  const ControllerConfig& c_;
  const std::vector<const DecodedTrace*>& traces_;
  bool quirks_, log_;
  Kernel kernel_;
  RequestPool requests_;
  Arbiter arbiter_;
  std::vector<Controller> controllers_;
  std::vector<Player> players_;
  std::vector<Mailbox<Message>> mailboxes_;
  std::vector<Time> latencies_;
  std::int64_t total_ = 0, answered_ = 0;
  Time stall_sum_ = 0, watchdog_at_ = kStalled;
  Result result_;
};

}  // namespace

Result simulate(const Memory& memory, const ControllerConfig& controller,
                const std::vector<const DecodedTrace*>& traces, bool dramsys_quirks, bool log) {
  return System(memory, controller, traces, dramsys_quirks, log).run();
}

}  // namespace dram
