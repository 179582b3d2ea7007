// Between the initiators and the channels: admits requests, orders responses.
#pragma once

#include <vector>

#include "controller.hpp"
#include "requests.hpp"
#include "types.hpp"

namespace dram {

class Arbiter {
 public:
  Arbiter(const Memory& m, const ControllerConfig& c, int initiators, int event, Kernel& kernel,
          RequestPool& requests)
      : kind_(c.arbiter), max_active_(c.max_active_transactions), tck_(m.tck), clock_(m.tck),
        event_(event),
        kernel_(kernel), requests_(requests), mailbox_(2 * (m.channels + initiators)),
        channels_(m.channels), initiators_(initiators) {}

  Mailbox<Message>& mailbox() { return mailbox_; }
  int event() const { return event_; }
  void connect(std::vector<Controller>& controllers, std::vector<Mailbox<Message>>& players,
               int first_player_event) {
    controllers_ = &controllers;
    players_ = &players;
    first_player_event_ = first_player_event;
  }

  // From an initiator. Requests and acknowledgements take effect on a clock edge.
  void receive(Message message, Time when) {
    mailbox_.send_at(kernel_, event_, message, clock_.not_before(when));
  }

  void run() {
    mailbox_.deliver(kernel_, event_, [this](const Message& message) { handle(message); });
  }

 private:
  struct Channel {
    bool busy = false;
    Queue<int> waiting;
    Time last_end_req = kLongAgo;
    std::int64_t next_id = 1;
  };
  struct Initiator {
    bool busy = false;      // a response is being delivered
    int active = 0;         // requests admitted and not yet answered
    int held_request = -1;  // at most one, whose END_REQ is withheld
    Time last_end_resp = kLongAgo;
    std::int64_t next_id = 1;
    Queue<int> waiting;            // responses in order of arrival
    InOrderStore<int> in_order;    // or in order of request
  };

  void handle(const Message& message) {
    const int slot = message.slot;
    switch (message.phase) {
      case Phase::begin_req: begin_request(slot); break;
      case Phase::end_req: end_request(slot); break;
      case Phase::begin_resp: begin_response(slot); break;
      case Phase::end_resp: end_response(slot); break;
    }
  }

  void begin_request(int slot) {
    Initiator& initiator = initiators_[requests_[slot].initiator];
    if (kind_ == ArbiterKind::simple) {
      number(slot);
      arbitrate_request(slot);
    } else if (initiator.active < max_active_) {
      ++initiator.active;
      admit(slot);
    } else {
      initiator.held_request = slot;
    }
  }

  void number(int slot) {
    Request& request = requests_[slot];
    request.thread_id = initiators_[request.initiator].next_id++;
    request.channel_id = channels_[request.channel].next_id++;
  }

  void admit(int slot) {
    number(slot);
    to_player({Phase::end_req, slot}, kernel_.now());
    arbitrate_request(slot);
  }

  void arbitrate_request(int slot) {
    Channel& channel = channels_[requests_[slot].channel];
    if (channel.busy) return channel.waiting.push(slot);
    channel.busy = true;
    const bool just_ended = kind_ != ArbiterKind::simple && channel.last_end_req == kernel_.now();
    controller(slot).offer(slot, kernel_.now() + (just_ended ? tck_ : 0));
  }

  void end_request(int slot) {
    Channel& channel = channels_[requests_[slot].channel];
    channel.last_end_req = kernel_.now();
    if (kind_ == ArbiterKind::simple) to_player({Phase::end_req, slot}, kernel_.now());
    if (channel.waiting.empty()) {
      channel.busy = false;
    } else {
      const int next = channel.waiting.pop();
      controller(next).offer(next, kernel_.now() + tck_);
    }
  }

  void begin_response(int slot) {
    if (kind_ != ArbiterKind::simple) controller(slot).acknowledge(kernel_.now());
    arbitrate_response(slot);
  }

  void arbitrate_response(int slot) {
    const Request& request = requests_[slot];
    Initiator& initiator = initiators_[request.initiator];
    if (kind_ == ArbiterKind::reorder) initiator.in_order.insert(request.thread_id, slot);
    else if (initiator.busy) initiator.waiting.push(slot);
    if (initiator.busy) return;
    int next = slot;
    if (kind_ == ArbiterKind::reorder) {
      if (!initiator.in_order.ready()) return;
      next = initiator.in_order.pop();
    }
    initiator.busy = true;
    const bool just_ended =
        kind_ != ArbiterKind::simple && initiator.last_end_resp == kernel_.now();
    to_player({Phase::begin_resp, next}, kernel_.now() + (just_ended ? tck_ : 0));
  }

  void end_response(int slot) {
    Initiator& initiator = initiators_[requests_[slot].initiator];
    initiator.last_end_resp = kernel_.now();
    if (kind_ == ArbiterKind::simple) {
      controller(slot).acknowledge(kernel_.now());
    } else if (initiator.held_request >= 0) {
      const int held = initiator.held_request;
      initiator.held_request = -1;
      admit(held);
    } else {
      --initiator.active;
    }
    deliver_next(initiator);
    requests_.give_back(slot);
  }

  void deliver_next(Initiator& initiator) {
    const bool reorder = kind_ == ArbiterKind::reorder;
    if (reorder ? !initiator.in_order.ready() : initiator.waiting.empty()) {
      initiator.busy = false;
      return;
    }
    const int next = reorder ? initiator.in_order.pop() : initiator.waiting.pop();
    to_player({Phase::begin_resp, next}, kernel_.now() + tck_);
  }

  void to_player(const Message& message, Time when) {
    const int initiator = requests_[message.slot].initiator;
    (*players_)[initiator].send_at(kernel_, first_player_event_ + initiator, message, when);
  }

  Controller& controller(int slot) { return (*controllers_)[requests_[slot].channel]; }

  ArbiterKind kind_;
  int max_active_;
  Time tck_;
  ClockEdges clock_;
  int event_, first_player_event_ = 0;
  Kernel& kernel_;
  RequestPool& requests_;
  Mailbox<Message> mailbox_;
  std::vector<Channel> channels_;
  std::vector<Initiator> initiators_;
  std::vector<Controller>* controllers_ = nullptr;
  std::vector<Mailbox<Message>>* players_ = nullptr;
};

}  // namespace dram
