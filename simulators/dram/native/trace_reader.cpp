// Reads text traces into arrays: one pass, no allocation per line, no exceptions, every access to
// the text bounds-checked. A malformed line ends the pass; its place and the token that was wrong
// are returned, and Python words the message.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

namespace nb = nanobind;

namespace {

// Stamps above 2^53 would not survive a conversion to picoseconds in 64 bits at any clock.
constexpr std::uint64_t kMaxTime = 1ULL << 53;

struct Requests {
  std::vector<std::int64_t> times;
  std::vector<std::uint64_t> addresses;
  std::vector<std::uint8_t> writes;

  void add(std::uint64_t time, std::uint64_t address, bool write) {
    times.push_back(static_cast<std::int64_t>(time));
    addresses.push_back(address);
    writes.push_back(write);
  }
};

// Which part of a line was wrong; null: none.
using Fault = const char*;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f'; }

// Cuts a line into tokens.
class Line {
 public:
  explicit Line(std::string_view text) : text_(text) {}

  std::string_view token() {
    skip_spaces();
    std::size_t length = 0;
    while (length < text_.size() && !is_space(text_[length])) ++length;
    return take(length);
  }

  // The token before a colon; std::nullopt if the line has none.
  std::optional<std::string_view> token_before_colon() {
    skip_spaces();
    const std::size_t colon = text_.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    std::string_view token = take(colon);
    text_.remove_prefix(1);
    while (!token.empty() && is_space(token.back())) token.remove_suffix(1);
    return token;
  }

  bool blank() {
    skip_spaces();
    return text_.empty();
  }

 private:
  void skip_spaces() {
    std::size_t spaces = 0;
    while (spaces < text_.size() && is_space(text_[spaces])) ++spaces;
    text_.remove_prefix(spaces);
  }

  std::string_view take(std::size_t length) {
    const std::string_view token = text_.substr(0, length);
    text_.remove_prefix(length);
    return token;
  }

  std::string_view text_;
};

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 16;
}

Fault parse_number(std::string_view token, unsigned base, std::uint64_t max, Fault malformed,
                   Fault too_large, std::uint64_t& value) {
  if (token.empty()) return malformed;
  value = 0;
  bool overflow = false;
  for (const char c : token) {
    const auto next = static_cast<unsigned>(digit(c));
    if (next >= base) return malformed;
    overflow = overflow || value > (max - next) / base;
    if (!overflow) value = value * base + next;
  }
  return overflow ? too_large : nullptr;
}

Fault parse_time(std::string_view token, std::uint64_t& value) {
  if (!token.empty() && token.front() == '-') return "negative";
  return parse_number(token, 10, kMaxTime, "time", "time-range", value);
}

bool has_hex_prefix(std::string_view token) {
  return token.size() > 2 && token[0] == '0' && (token[1] == 'x' || token[1] == 'X');
}

Fault parse_address(std::string_view token, std::uint64_t& value, bool decimal_allowed = false) {
  const bool hex = has_hex_prefix(token);
  if (!hex && !decimal_allowed) return "address";
  if (hex) token.remove_prefix(2);
  return parse_number(token, hex ? 16 : 10, ~0ULL, "address", "address-range", value);
}

// `time: read|write 0xADDRESS [data]`: DRAMSys. The data are not simulated, so not read.
Fault read_stl(Line line, Requests& out) {
  const auto stamp = line.token_before_colon();
  if (!stamp) return "colon";
  std::uint64_t time = 0, address = 0;
  if (const Fault fault = parse_time(*stamp, time)) return fault;
  const std::string_view command = line.token();
  const bool write = command == "write";
  if (!write && command != "read") return "command";
  if (const Fault fault = parse_address(line.token(), address)) return fault;
  line.token();
  if (!line.blank()) return "trailing";
  out.add(time, address, write);
  return nullptr;
}

// `0xADDRESS READ|WRITE cycle`: DRAMsim3.
Fault read_dramsim3(Line line, Requests& out) {
  std::uint64_t time = 0, address = 0;
  if (const Fault fault = parse_address(line.token(), address)) return fault;
  const std::string_view command = line.token();
  const bool write = command == "WRITE" || command == "write";
  if (!write && command != "READ" && command != "read") return "command";
  if (const Fault fault = parse_time(line.token(), time)) return fault;
  if (!line.blank()) return "trailing";
  out.add(time, address, write);
  return nullptr;
}

// `0xADDRESS R|W`: Ramulator's memory trace; requests come as fast as the memory takes them.
Fault read_ramulator(Line line, Requests& out) {
  std::uint64_t address = 0;
  if (const Fault fault = parse_address(line.token(), address, true)) return fault;
  const std::string_view command = line.token();
  if (command != "R" && command != "W") return "command";
  if (!line.blank()) return "trailing";
  out.add(out.times.size(), address, command == "W");
  return nullptr;
}

// `bubbles read-address [write-back-address]`: Ramulator's CPU trace, with relative times.
Fault read_ramulator_cpu(Line line, Requests& out) {
  std::uint64_t bubbles = 0, address = 0, write_back = 0;
  if (const Fault fault = parse_time(line.token(), bubbles)) return fault;
  if (const Fault fault = parse_address(line.token(), address, true)) return fault;
  const bool writes_back = !line.blank();
  if (writes_back) {
    if (const Fault fault = parse_address(line.token(), write_back, true)) return fault;
    if (!line.blank()) return "trailing";
  }
  out.add(bubbles, address, false);
  if (writes_back) out.add(0, write_back, true);
  return nullptr;
}

using LineReader = Fault (*)(Line, Requests&);

LineReader reader_for(std::string_view format) {
  if (format == "stl") return read_stl;
  if (format == "dramsim3") return read_dramsim3;
  if (format == "ramulator") return read_ramulator;
  if (format == "ramulator-cpu") return read_ramulator_cpu;
  return nullptr;
}

struct Stop {
  std::size_t line = 0, begin = 0, end = 0;
  Fault fault = nullptr;
};

// A stamp may not decrease, except back to the very first one: that is a trace repeated, as in
// DRAMSys's own example for DDR3.
bool decreases(const std::vector<std::int64_t>& times) {
  const std::size_t n = times.size();
  return n >= 2 && times[n - 1] < times[n - 2] && times[n - 1] != times.front();
}

Stop read_all(std::string_view text, LineReader read_line, bool ordered, Requests& out) {
  Stop stop;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const void* newline = std::memchr(text.data() + begin, '\n', text.size() - begin);
    const std::size_t end =
        newline ? static_cast<std::size_t>(static_cast<const char*>(newline) - text.data())
                : text.size();
    ++stop.line;
    stop.begin = begin;
    stop.end = end;
    const std::string_view content = text.substr(begin, end - begin);
    begin = end + 1;
    Line line(content);
    if (line.blank() || line.token().front() == '#') continue;
    if ((stop.fault = read_line(Line(content), out))) return stop;
    if (ordered && decreases(out.times)) {
      stop.fault = "decreasing";
      return stop;
    }
  }
  return stop;
}

template <typename Shown, typename Stored>
nb::object to_numpy(std::vector<Stored>&& values) {
  static_assert(sizeof(Shown) == sizeof(Stored));
  auto* owned = new std::vector<Stored>(std::move(values));
  nb::capsule owner(owned, [](void* p) noexcept { delete static_cast<std::vector<Stored>*>(p); });
  return nb::cast(
      nb::ndarray<nb::numpy, Shown, nb::ndim<1>>(owned->data(), {owned->size()}, owner));
}

nb::tuple read_trace(const nb::bytes& data, const std::string& format, bool ordered) {
  const LineReader read_line = reader_for(format);
  if (!read_line) throw nb::value_error("unknown trace format");
  const std::string_view text(data.c_str(), data.size());
  Requests out;
  Stop stop;
  {
    nb::gil_scoped_release release;
    // A request takes at least some 16 characters; one allocation then serves most traces.
    const std::size_t expected = text.size() / 16 + 1;
    out.times.reserve(expected);
    out.addresses.reserve(expected);
    out.writes.reserve(expected);
    stop = read_all(text, read_line, ordered, out);
  }
  nb::object fault = nb::none();
  if (stop.fault) fault = nb::make_tuple(stop.fault, stop.line, stop.begin, stop.end);
  return nb::make_tuple(to_numpy<std::int64_t>(std::move(out.times)),
                        to_numpy<std::uint64_t>(std::move(out.addresses)),
                        to_numpy<bool>(std::move(out.writes)), fault);
}

}  // namespace

void bind_trace_reader(nb::module_& m) {
  m.def("read_trace", &read_trace, nb::arg("data"), nb::arg("format"), nb::arg("ordered"),
        nb::sig("def read_trace(data: bytes, format: str, ordered: bool) -> "
                "tuple[NDArray[numpy.int64], NDArray[numpy.uint64], NDArray[numpy.bool_], "
                "tuple[str, int, int, int] | None]"),
        "Parse a text trace; return (times, addresses, writes, None or the faulty line's\n"
        "(fault, line number, begin, end)).");
}
