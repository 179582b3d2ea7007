// Python bindings. Arrays come in as NumPy views and stay owned by Python; simulation runs without
// the GIL.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <atomic>
#include <exception>
#include <thread>

#include "decode.hpp"
#include "types.hpp"

namespace nb = nanobind;
using namespace nb::literals;

void bind_trace_reader(nb::module_& m);
void bind_cache_filter(nb::module_& m);

namespace {

using dram::Time;
template <typename T>
using Array = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Table = nb::ndarray<const std::int64_t, nb::shape<-1, 4>, nb::c_contig, nb::device::cpu>;

template <typename T>
T get(const nb::dict& d, const char* key) {
  return nb::cast<T>(d[key]);
}

dram::EnergySpec energy_spec(const nb::dict& d) {
  const auto cycles = [&](const char* key) { return get<std::int64_t>(d, key); };
  const auto real = [&](const char* key) { return get<double>(d, key); };
  return {cycles("AL"), cycles("RTP_for_RDA"), cycles("RAS"), cycles("RC"), cycles("RP"),
          cycles("RCD"), cycles("RFC"), cycles("RL"), cycles("WL"), cycles("WR"), cycles("DQSCK"),
          cycles("BURST"), real("clk_mhz"), real("devices"), real("vdd"), real("vdd2"),
          real("idd0"), real("idd2n"), real("idd2p0"), real("idd3n"), real("idd3p0"),
          real("idd4r"), real("idd4w"), real("idd5"), real("idd6"), real("idd02"), real("idd62")};
}

dram::Memory make_memory(const nb::dict& d) {
  dram::Memory m;
  m.tck = get<Time>(d, "tck_ps");
  m.burst = get<Time>(d, "burst_ps");
  m.ranks = get<int>(d, "ranks");
  m.groups_per_rank = get<int>(d, "groups_per_rank");
  m.banks_per_group = get<int>(d, "banks_per_group");
  m.channels = get<int>(d, "channels");
  m.bytes_per_burst = get<std::int64_t>(d, "bytes_per_burst");
  m.command_length = get<std::array<Time, dram::kCommands>>(d, "command_length_ps");
  m.window = get<std::array<Time, dram::kCommands>>(d, "window_ps");
  m.activate_offset = get<std::array<Time, dram::kCommands>>(d, "activate_offset_ps");
  m.split_buses = get<bool>(d, "split_buses");
  const nb::object initial = d["initial_bus_ps"];
  m.initial_bus = initial.is_none() ? dram::kLongAgo : nb::cast<Time>(initial);
  m.read_strobe_end = get<Time>(d, "read_strobe_end_ps");
  m.write_strobe_end = get<Time>(d, "write_strobe_end_ps");
  m.refresh_interval_all_bank = get<Time>(d, "refresh_interval_all_bank_ps");
  m.refresh_interval_per_bank = get<Time>(d, "refresh_interval_per_bank_ps");
  const auto rows = get<Table>(d, "constraints");
  for (std::size_t i = 0; i < rows.shape(0); ++i)
    m.constraints.push_back({static_cast<dram::Command>(rows(i, 0)),
                             static_cast<dram::Command>(rows(i, 1)),
                             static_cast<dram::Scope>(rows(i, 2)), rows(i, 3)});
  const nb::object energy = d["energy"];
  m.has_energy = !energy.is_none();
  if (m.has_energy) m.energy = energy_spec(nb::cast<nb::dict>(energy));
  return m;
}

dram::AddressMap make_map(const nb::dict& d) {
  const auto fields = get<nb::dict>(d, "fields");
  const auto bits = [&](const char* key) {
    return dram::BitGather(get<std::vector<int>>(fields, key));
  };
  return {bits("channel"), bits("rank"), bits("group"), bits("bank"), bits("row"), bits("column"),
          get<std::vector<std::pair<int, int>>>(d, "xor")};
}

// A trace seen through one address map; shared by all simulations of the two.
struct Decoded {
  dram::DecodedTrace trace;
  dram::AddressMap map;
  nb::object times_owner, addresses_owner;
};

Decoded* decode(const dram::Memory& memory, const nb::dict& map, const Array<std::int64_t>& times,
                const Array<std::uint64_t>& addresses, const Array<bool>& writes, Time clock_ps,
                bool relative) {
  auto decoded = std::make_unique<Decoded>();
  decoded->map = make_map(map);
  decoded->times_owner = nb::cast(times);
  decoded->addresses_owner = nb::cast(addresses);
  dram::DecodedTrace& trace = decoded->trace;
  trace.times = times.data();
  trace.addresses = addresses.data();
  trace.clock = clock_ps;
  trace.relative = relative;
  const std::size_t n = addresses.shape(0);
  if (times.shape(0) != n || writes.shape(0) != n)
    throw nb::value_error("times, addresses and writes differ in length");
  trace.targets.resize(n);
  const bool* write = writes.data();
  {
    nb::gil_scoped_release release;
    for (std::size_t i = 0; i < n; ++i)
      trace.targets[i] = decoded->map.decode(trace.addresses[i], write[i], memory);
  }
  return decoded.release();
}

dram::ControllerConfig controller_config(const std::array<int, 12>& v) {
  return {static_cast<dram::PagePolicy>(v[0]),      static_cast<dram::Scheduler>(v[1]),
          static_cast<dram::SchedulerBuffer>(v[2]), v[3],
          static_cast<dram::CmdMux>(v[4]),          static_cast<dram::RespQueue>(v[5]),
          static_cast<dram::RefreshPolicy>(v[6]),   v[7],
          v[8],                                     static_cast<dram::PowerDownPolicy>(v[9]),
          static_cast<dram::ArbiterKind>(v[10]),    v[11]};
}

std::vector<dram::Result> run_batch(const dram::Memory& memory,
                                    const std::vector<std::array<int, 12>>& controllers,
                                    const std::vector<std::vector<const Decoded*>>& traces,
                                    int threads, bool quirks, bool log) {
  const std::size_t n = controllers.size();
  if (traces.size() != n) throw nb::value_error("one list of traces per controller is needed");
  std::vector<dram::Result> results(n);
  std::vector<std::exception_ptr> failures(n);
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i; (i = next.fetch_add(1)) < n;) {
      try {
        std::vector<const dram::DecodedTrace*> players;
        for (const Decoded* d : traces[i]) players.push_back(&d->trace);
        const dram::ControllerConfig config = controller_config(controllers[i]);
        results[i] = dram::simulate(memory, config, players, quirks, log);
      } catch (...) {
        failures[i] = std::current_exception();
      }
    }
  };
  {
    nb::gil_scoped_release release;
    std::vector<std::thread> helpers;
    for (int t = 1; t < std::min<int>(threads, static_cast<int>(n)); ++t)
      helpers.emplace_back(work);
    work();
    for (std::thread& helper : helpers) helper.join();
  }
  for (const auto& failure : failures)
    if (failure) std::rethrow_exception(failure);
  return results;
}

template <typename T>
nb::object to_numpy(std::vector<T>&& values) {
  auto* owned = new std::vector<T>(std::move(values));
  nb::capsule owner(owned, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  return nb::cast(nb::ndarray<nb::numpy, T, nb::ndim<1>>(owned->data(), {owned->size()}, owner));
}

template <typename T, typename Records, typename Field>
nb::object column(const Records& records, Field&& field) {
  std::vector<T> values;
  values.reserve(records.size());
  for (const auto& r : records) values.push_back(static_cast<T>(field(r)));
  return to_numpy(std::move(values));
}

nb::dict command_log(const dram::Result& result, const dram::Memory& m) {
  const auto& log = result.command_log;
  nb::dict d;
  d["time_ps"] = column<std::int64_t>(log, [](auto& r) { return r.time; });
  d["command"] = column<std::uint8_t>(log, [](auto& r) { return r.command; });
  d["channel"] = column<std::int16_t>(log, [](auto& r) { return r.channel; });
  d["rank"] = column<std::int16_t>(log, [](auto& r) { return r.rank; });
  d["group"] = column<std::int16_t>(
      log, [&](auto& r) { return r.bank / m.banks_per_group % m.groups_per_rank; });
  d["bank"] = column<std::int16_t>(log, [&](auto& r) { return r.bank % m.banks_per_group; });
  d["row"] = column<std::int32_t>(log, [](auto& r) { return r.row; });
  d["initiator"] = column<std::int16_t>(log, [](auto& r) { return r.initiator; });
  d["request"] = column<std::int64_t>(log, [](auto& r) { return r.request; });
  return d;
}

nb::list request_log(const dram::Result& result) {
  nb::list all;
  for (const auto& log : result.request_log) {
    nb::dict d;
    d["trace_time_ps"] = column<std::int64_t>(log, [](auto& r) { return r.trace_time; });
    d["send_ps"] = column<std::int64_t>(log, [](auto& r) { return r.send; });
    d["accept_ps"] = column<std::int64_t>(log, [](auto& r) { return r.accept; });
    d["response_ps"] = column<std::int64_t>(log, [](auto& r) { return r.response; });
    all.append(d);
  }
  return all;
}

nb::object decoded_columns(const Decoded& d) {
  std::vector<std::int32_t> columns(d.trace.targets.size());
  for (std::size_t i = 0; i < columns.size(); ++i)
    columns[i] = static_cast<std::int32_t>(d.map.column(d.map.hashed(d.trace.addresses[i])));
  return to_numpy(std::move(columns));
}

}  // namespace

NB_MODULE(_core, m) {
  m.doc() = "Native core of the DRAM simulator.";

  nb::class_<dram::Memory>(m, "Memory")
      .def("__init__",
           [](dram::Memory* self, const nb::dict& config) {
             new (self) dram::Memory(make_memory(config));
           },
           "config"_a, nb::sig("def __init__(self, config: dict[str, typing.Any]) -> None"));

  nb::class_<Decoded>(m, "DecodedTrace")
      .def_prop_ro("columns", &decoded_columns,
                   nb::sig("def columns(self) -> NDArray[numpy.int32]"))
      .def("__len__", [](const Decoded& d) { return d.trace.targets.size(); });

  m.def("decode", &decode, "memory"_a, "mapping"_a, "times"_a.noconvert(),
        "addresses"_a.noconvert(), "writes"_a.noconvert(), "clock_ps"_a, "relative"_a,
        nb::sig("def decode(memory: Memory, mapping: dict[str, typing.Any], "
                "times: NDArray[numpy.int64], addresses: NDArray[numpy.uint64], "
                "writes: NDArray[numpy.bool_], clock_ps: int, relative: bool) -> DecodedTrace"),
        nb::rv_policy::take_ownership);

  nb::class_<dram::Energy>(m, "Energy")
      .def_ro("activate", &dram::Energy::activate)
      .def_ro("precharge", &dram::Energy::precharge)
      .def_ro("read", &dram::Energy::read)
      .def_ro("write", &dram::Energy::write)
      .def_ro("refresh", &dram::Energy::refresh)
      .def_ro("background_active", &dram::Energy::background_active)
      .def_ro("background_precharged", &dram::Energy::background_precharged)
      .def_ro("power_down", &dram::Energy::power_down)
      .def_ro("self_refresh", &dram::Energy::self_refresh)
      .def_prop_ro("total", &dram::Energy::total);

  nb::class_<dram::Result>(m, "Result")
      .def_ro("stalled", &dram::Result::stalled)
      .def_ro("stalled_at_ps", &dram::Result::stalled_at)
      .def_ro("outstanding", &dram::Result::outstanding)
      .def_ro("time_ps", &dram::Result::time)
      .def_ro("requests", &dram::Result::requests)
      .def_ro("served", &dram::Result::served)
      .def_ro("commands", &dram::Result::commands)
      .def_ro("latency_sum_ps", &dram::Result::latency_sum)
      .def_ro("latency_p50_ps", &dram::Result::latency_p50)
      .def_ro("latency_p95_ps", &dram::Result::latency_p95)
      .def_ro("latency_p99_ps", &dram::Result::latency_p99)
      .def_ro("latency_max_ps", &dram::Result::latency_max)
      .def_ro("stall_sum_ps", &dram::Result::stall_sum)
      .def_ro("energy", &dram::Result::energy)
      .def_ro("power_mw", &dram::Result::power_mw)
      .def("command_log", &command_log, "memory"_a,
           nb::sig("def command_log(self, memory: Memory) -> dict[str, NDArray[typing.Any]]"))
      .def("request_log", &request_log,
           nb::sig("def request_log(self) -> list[dict[str, NDArray[typing.Any]]]"));

  m.def("run_batch", &run_batch, "memory"_a, "controllers"_a, "traces"_a, "threads"_a,
        "dramsys_quirks"_a, "log"_a);

  bind_trace_reader(m);
  bind_cache_filter(m);
}
