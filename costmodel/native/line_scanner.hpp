// One line of a program, seen in its context.
#pragma once

#include "scan.hpp"

namespace costmodel {

class LineScanner {
 public:
  LineScanner(Scanner& program, Line& line) : p_(program), line_(line) {}
  void run();

 private:
  std::size_t close_braces();
  void alias();
  void find_operation(std::size_t from);
  void count_types();
  void define_and_use(std::size_t from);
  bool defines(std::size_t i) const;
  void define(std::size_t i);
  void carry();
  void follow_index(Value& value) const;
  Value* known(std::size_t i) const;
  void note_yield();
  void use(std::size_t i);
  void count_operation();
  void arithmetic(const OpGroup& group, double weight);
  void access(bool is_store, double weight);
  void classify(std::size_t first, std::size_t stop, bool is_store);
  std::uint64_t note_place(std::size_t first, std::size_t stop);
  void note_access(int buffer, std::uint64_t place, std::size_t first, std::size_t stop,
                   bool is_store);
  void note_code(const OpGroup& group);
  std::vector<std::uint64_t> operand_names() const;
  std::vector<int> listed(std::string_view word) const;
  void follow_view(Value& value) const;
  double points() const;
  double contraction_points(const std::vector<Type>& types) const;
  Nest generic_nest() const;
  void tensor_nest(double points);
  void shape_maps(Nest& nest, bool reduces) const;
  void contraction_nest(Nest& nest, double points) const;
  void own_work(const OpGroup& group);
  const Type* operand(std::size_t n) const;
  void function();
  void open_region();
  double trip_count(double& step);
  double loop_bound(std::size_t& i, bool& known) const;
  double product_after(std::string_view word, bool& known);
  Type result_type() const;

  Scanner& p_;
  Line& line_;
  std::string_view operation_;
  std::size_t operation_at_ = 0;
  int group_ = -1;
  Role role_ = Role::kOther;
  int chain_ = 0;
  double pieces_ = 1.0;
  int derived_loop_ = -1;
  int variables_ = 0;  // of the loop that begins here, so far
  std::size_t carried_ = 0;  // by that loop
  std::vector<double> trips_;  // by each of several variables
  std::size_t definitions_ = 0;
  std::size_t first_defined_ = 0;
};

}  // namespace costmodel
