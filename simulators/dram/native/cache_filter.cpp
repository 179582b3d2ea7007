// Turns the text that valgrind's lackey prints into the DRAM requests that a cache hierarchy lets through.
//
// Lackey prints one line per access: "I  0401ab70,3" (instruction fetch), " L ", " S " and " M " (load,
// store, modify) with the hexadecimal virtual address and the decimal size in bytes; lines that start
// with "==" or "--" are valgrind's own messages.
//
// The hierarchy is L1I + L1D, unified L2, optional L3: write-back, write-allocate, set-associative, true
// LRU, physically indexed, neither inclusive nor exclusive, no prefetcher. A miss reads the line from the
// next level; the victim, if dirty, is then written there as a whole line, which needs no fill.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

namespace nb = nanobind;

namespace {

using CacheShape = std::tuple<std::uint64_t, std::uint64_t>;  // size_bytes, ways

bool is_power_of_two(std::uint64_t value) { return value != 0 && (value & (value - 1)) == 0; }

/// One set-associative cache of line numbers with true LRU; each set is kept in order of recency.
class Cache {
 public:
    struct Outcome {
        bool hit;
        bool evicts_dirty;
        std::uint64_t victim;
    };

    Cache(CacheShape shape, std::uint64_t line_bytes) : ways_(std::get<1>(shape)) {
        const std::uint64_t size_bytes = std::get<0>(shape);
        if (ways_ == 0 || size_bytes % (ways_ * line_bytes) != 0)
            throw std::invalid_argument("cache size must be a multiple of ways x line size");
        const std::uint64_t sets = size_bytes / (ways_ * line_bytes);
        if (!is_power_of_two(sets))
            throw std::invalid_argument("cache size / (ways x line size) must be a power of two");
        set_mask_ = sets - 1;
        entries_.assign(sets * ways_, kEmpty);
    }

    /// Look a line up, make it the most recent of its set, and say what had to leave for it.
    Outcome access(std::uint64_t line, bool write) {
        ++accesses;
        std::uint64_t* set = entries_.data() + (line & set_mask_) * ways_;
        std::uint64_t way = 0;
        while (way + 1 < ways_ && (set[way] >> 1) != line) ++way;
        const std::uint64_t found = set[way];
        const bool hit = (found >> 1) == line;
        std::memmove(set + 1, set, way * sizeof(std::uint64_t));
        set[0] = line << 1 | std::uint64_t{write || (hit && (found & 1))};
        if (hit) return {true, false, 0};
        ++misses;
        return {false, found != kEmpty && (found & 1), found >> 1};
    }

    std::uint64_t dirty_lines() const {
        return static_cast<std::uint64_t>(
            std::count_if(entries_.begin(), entries_.end(),
                          [](std::uint64_t entry) { return entry != kEmpty && (entry & 1); }));
    }

    std::uint64_t accesses = 0;
    std::uint64_t misses = 0;

 private:
    // No line number has its top bits set: physical addresses are below 2^62.
    static constexpr std::uint64_t kEmpty = ~std::uint64_t{0};

    std::uint64_t ways_;
    std::uint64_t set_mask_ = 0;
    std::vector<std::uint64_t> entries_;  // line number << 1 | dirty
};

/// Maps virtual pages to physical frames in order of first touch, as an operating system would.
class PageTable {
 public:
    PageTable(std::uint64_t page_bytes, std::vector<std::uint64_t> frames, std::uint64_t frame_count)
        : page_bytes_(page_bytes), frames_(std::move(frames)), frame_count_(frame_count) {
        if (!is_power_of_two(page_bytes) || frame_count == 0)
            throw std::invalid_argument("page size must be a power of two and frames positive");
        if (!frames_.empty() && frames_.size() != frame_count)
            throw std::invalid_argument("the frame order must list every frame");
    }

    std::uint64_t translate(std::uint64_t address) {
        const std::uint64_t page = address / page_bytes_;
        Memo& memo = memos_[page % kMemos];
        if (memo.page != page) memo = {page, frame_of(page) * page_bytes_};
        return memo.base + (address & (page_bytes_ - 1));
    }

    std::uint64_t pages() const { return table_.size(); }

 private:
    struct Memo {
        std::uint64_t page = ~std::uint64_t{0};
        std::uint64_t base = 0;
    };
    static constexpr std::uint64_t kMemos = 64;

    std::uint64_t frame_of(std::uint64_t page) {
        const std::uint64_t next = table_.size() % frame_count_;
        const auto [entry, is_new] = table_.try_emplace(page, next);
        if (is_new && !frames_.empty()) entry->second = frames_[next];
        return entry->second;
    }

    std::uint64_t page_bytes_;
    std::vector<std::uint64_t> frames_;
    std::uint64_t frame_count_;
    std::unordered_map<std::uint64_t, std::uint64_t> table_;
    Memo memos_[kMemos];
};

struct Requests {
    std::vector<std::int64_t> instructions;
    std::vector<std::uint64_t> addresses;
    std::vector<std::uint8_t> writes;
};

class CacheFilter {
 public:
    CacheFilter(CacheShape l1i, CacheShape l1d, CacheShape l2, std::optional<CacheShape> l3,
                std::uint64_t line_bytes, PageTable pages, std::uint64_t skip_instructions,
                std::uint64_t max_requests)
        : line_bytes_(line_bytes),
          pages_(std::move(pages)),
          skip_instructions_(skip_instructions),
          max_requests_(max_requests) {
        if (!is_power_of_two(line_bytes) || line_bytes < 8)
            throw std::invalid_argument("line size must be a power of two of at least 8 bytes");
        for (const CacheShape& shape : {l1i, l1d, l2}) caches_.emplace_back(shape, line_bytes);
        if (l3) caches_.emplace_back(*l3, line_bytes);
    }

    /// Consume a chunk of lackey's output, cut anywhere, and return the requests that it caused.
    Requests feed(std::string_view text) {
        out_ = {};
        while (!text.empty() && !done()) {
            const std::size_t end = text.find('\n');
            if (end == std::string_view::npos) {
                keep(text);
                break;
            }
            if (pending_.empty()) {
                take_line(text.substr(0, end));
            } else {
                keep(text.substr(0, end));
                take_line(pending_);
                pending_.clear();
            }
            text.remove_prefix(end + 1);
        }
        return std::move(out_);
    }

    bool done() const { return requests_ >= max_requests_; }
    std::uint64_t instructions() const { return instructions_; }
    std::uint64_t requests() const { return requests_; }
    std::uint64_t pages() const { return pages_.pages(); }
    std::uint64_t ignored_lines() const { return ignored_lines_; }
    const std::string& messages() const { return messages_; }

    std::vector<std::tuple<std::uint64_t, std::uint64_t>> counts() const {
        std::vector<std::tuple<std::uint64_t, std::uint64_t>> result;
        for (const Cache& cache : caches_) result.emplace_back(cache.accesses, cache.misses);
        return result;
    }

    std::uint64_t dirty_lines() const {
        std::uint64_t total = 0;
        for (const Cache& cache : caches_) total += cache.dirty_lines();
        return total;
    }

 private:
    static constexpr std::size_t kL1I = 0, kL1D = 1, kL2 = 2;
    static constexpr std::size_t kLongestLine = 4096, kLongestMessages = 4096;
    static constexpr std::uint64_t kLargestAccess = 4096;

    void keep(std::string_view text) {
        // The cap bounds memory when the stream is not lackey's; the cut line is then counted as ignored.
        const std::size_t room = kLongestLine - std::min(kLongestLine, pending_.size());
        pending_.append(text.substr(0, room));
    }

    void take_line(std::string_view line) {
        if (line.substr(0, 2) == "==" || line.substr(0, 2) == "--") {
            messages_.append(line.substr(0, kLongestMessages)).push_back('\n');
            if (messages_.size() > kLongestMessages)
                messages_.erase(0, messages_.size() - kLongestMessages);
        } else if (!take_access(line)) {
            ++ignored_lines_;
        }
    }

    bool take_access(std::string_view line) {
        if (line.size() < 6 || line[2] != ' ') return false;
        const char kind = line[0] == ' ' ? line[1] : line[0] == 'I' && line[1] == ' ' ? 'I' : '\0';
        if (kind != 'I' && kind != 'L' && kind != 'S' && kind != 'M') return false;
        std::size_t at = 3;
        std::uint64_t address = 0;
        for (; at < line.size() && line[at] != ','; ++at) {
            const int digit = hex_digit(line[at]);
            if (digit < 0 || at >= 3 + 16) return false;
            address = address << 4 | static_cast<std::uint64_t>(digit);
        }
        if (at == 3 || at + 1 >= line.size()) return false;
        std::uint64_t bytes = 0;
        for (++at; at < line.size(); ++at) {
            if (line[at] < '0' || line[at] > '9') return false;
            bytes = bytes * 10 + static_cast<std::uint64_t>(line[at] - '0');
            if (bytes > kLargestAccess) return false;
        }
        if (kind == 'I') ++instructions_;
        touch(kind, address, bytes);
        return true;
    }

    static int hex_digit(char symbol) {
        if (symbol >= '0' && symbol <= '9') return symbol - '0';
        if (symbol >= 'a' && symbol <= 'f') return symbol - 'a' + 10;
        if (symbol >= 'A' && symbol <= 'F') return symbol - 'A' + 10;
        return -1;
    }

    void touch(char kind, std::uint64_t address, std::uint64_t bytes) {
        const std::uint64_t first = address / line_bytes_;
        const std::uint64_t last = (address + (bytes ? bytes - 1 : 0)) / line_bytes_;
        const bool write = kind == 'S' || kind == 'M';
        for (std::uint64_t line = first; line <= last; ++line) {
            const std::uint64_t physical = pages_.translate(line * line_bytes_) / line_bytes_;
            access(kind == 'I' ? kL1I : kL1D, physical, write, false);
        }
    }

    void access(std::size_t level, std::uint64_t line, bool write, bool whole_line) {
        if (level == caches_.size()) return emit(line, write);
        const std::size_t next = level < kL2 ? kL2 : level + 1;
        const Cache::Outcome outcome = caches_[level].access(line, write);
        if (!outcome.hit && !whole_line) access(next, line, false, false);
        if (outcome.evicts_dirty) access(next, outcome.victim, true, true);
    }

    void emit(std::uint64_t line, bool write) {
        if (instructions_ <= skip_instructions_ || done()) return;
        ++requests_;
        out_.instructions.push_back(
            static_cast<std::int64_t>(instructions_ - skip_instructions_ - 1));
        out_.addresses.push_back(line * line_bytes_);
        out_.writes.push_back(write);
    }

    std::uint64_t line_bytes_;
    PageTable pages_;
    std::uint64_t skip_instructions_;
    std::uint64_t max_requests_;
    std::vector<Cache> caches_;
    std::string pending_;
    std::string messages_;
    std::uint64_t instructions_ = 0;
    std::uint64_t requests_ = 0;
    std::uint64_t ignored_lines_ = 0;
    Requests out_;
};

/// Hand a vector's memory to NumPy without copying it.
template <typename Shown, typename Stored>
nb::ndarray<nb::numpy, Shown, nb::ndim<1>> to_numpy(std::vector<Stored>&& values) {
    static_assert(sizeof(Shown) == sizeof(Stored));
    auto* owned = new std::vector<Stored>(std::move(values));
    nb::capsule owner(owned, [](void* p) noexcept { delete static_cast<std::vector<Stored>*>(p); });
    return nb::ndarray<nb::numpy, Shown, nb::ndim<1>>(owned->data(), {owned->size()}, owner);
}

auto feed_bytes(CacheFilter& filter, const nb::bytes& text) {
    Requests requests;
    {
        const std::string_view view(text.c_str(), text.size());
        const nb::gil_scoped_release release;
        requests = filter.feed(view);
    }
    return std::make_tuple(to_numpy<std::int64_t>(std::move(requests.instructions)),
                           to_numpy<std::uint64_t>(std::move(requests.addresses)),
                           to_numpy<bool>(std::move(requests.writes)));
}

nb::bytes messages_as_bytes(const CacheFilter& filter) {
    return nb::bytes(filter.messages().data(), filter.messages().size());
}

void construct(CacheFilter* self, CacheShape l1i, CacheShape l1d, CacheShape l2,
               std::optional<CacheShape> l3, std::uint64_t line_bytes, std::uint64_t page_bytes,
               std::uint64_t frame_count,
               std::optional<nb::ndarray<const std::uint64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>>
                   frame_order,
               std::uint64_t skip_instructions, std::uint64_t max_requests) {
    std::vector<std::uint64_t> frames;
    if (frame_order) frames.assign(frame_order->data(), frame_order->data() + frame_order->size());
    new (self) CacheFilter(l1i, l1d, l2, l3, line_bytes,
                           PageTable(page_bytes, std::move(frames), frame_count), skip_instructions,
                           max_requests);
}

}  // namespace

void bind_cache_filter(nb::module_& m) {
    using namespace nb::literals;
    nb::class_<CacheFilter>(
        m, "CacheFilter",
        "Streams valgrind lackey output through a cache hierarchy into DRAM requests.\n\n"
        "A cache is given as (size_bytes, ways); the order of counts is L1I, L1D, L2, L3.")
        .def("__init__", &construct, nb::kw_only(), "l1i"_a, "l1d"_a, "l2"_a, "l3"_a.none(),
             "line_bytes"_a, "page_bytes"_a, "frame_count"_a, "frame_order"_a.noconvert().none(),
             "skip_instructions"_a, "max_requests"_a)
        .def("feed", &feed_bytes, "text"_a,
             "Consume a chunk, cut anywhere; return (instruction stamps, addresses, writes).")
        .def_prop_ro("done", &CacheFilter::done, "Whether max_requests have been returned.")
        .def_prop_ro("instructions", &CacheFilter::instructions, "Instructions seen so far.")
        .def_prop_ro("requests", &CacheFilter::requests, "Requests returned so far.")
        .def_prop_ro("pages", &CacheFilter::pages, "Distinct virtual pages touched so far.")
        .def_prop_ro("ignored_lines", &CacheFilter::ignored_lines,
                     "Lines that were neither an access nor a message of valgrind.")
        .def_prop_ro("messages", &messages_as_bytes, "The last messages of valgrind itself.")
        .def_prop_ro("counts", &CacheFilter::counts, "(accesses, misses) of each cache.")
        .def("dirty_lines", &CacheFilter::dirty_lines, "Count the dirty lines held in the caches.");
}
