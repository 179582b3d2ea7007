// Visits every number of a row with its name; once to name them, then to write them.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

namespace costmodel {

class Writer {
 public:
  explicit Writer(std::vector<std::string>* names, float* out) : names_(names), out_(out) {}

  void log(const char* name, double x) { put(name, std::log2(1.0 + std::max(x, 0.0))); }
  void raw(const char* name, double x) { put(name, x); }
  void log(const std::string& name, double x) { log(name.c_str(), x); }
  void raw(const std::string& name, double x) { raw(name.c_str(), x); }

 private:
  void put(const char* name, double x) {
    if (names_ != nullptr) names_->emplace_back(name);
    else *out_++ = static_cast<float>(x);
  }
  std::vector<std::string>* names_;
  float* out_;
};

// Names are only put together when they are asked for.
struct Named {
  bool wanted;
  std::string operator()(const char* prefix, std::string_view name) const {
    return wanted ? std::string(prefix).append(name) : std::string();
  }
};

}  // namespace costmodel
