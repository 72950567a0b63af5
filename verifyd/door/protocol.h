// What a door says and understands. A door is a protocol, of which it has a conversation with each of its clients; all
// else (connections, buffers, order, limits, the end) is the exchange's, which is the same for every door.
//
// Thread: the front loop only.
#ifndef VERIFYD_VERIFYD_DOOR_PROTOCOL_H_
#define VERIFYD_VERIFYD_DOOR_PROTOCOL_H_

#include <cstddef>
#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "boost/asio/awaitable.hpp"

namespace verifyd {

struct DoorSettings;

// One client, as its conversation sees it; it outlives the conversation.
class DoorClient {
 public:
  // Goes out with all other answers of this turn of the loop.
  virtual void Say(absl::string_view bytes) = 0;
  // Goes out at once, with what was said before. Only for a coroutine that Answer returned, or while one runs.
  virtual void SayNow(absl::string_view bytes) = 0;
  // Closes the connection when what was said is out. What else the client has sent is not looked at.
  virtual void HangUp() = 0;
  // HangUp, because the client does not speak our protocol: the log says `why`, which is printable.
  virtual void HangUpFor(absl::string_view why) = 0;

  // True for one over the limit of connections: no probe is made for it.
  virtual bool memory_only() const = 0;
  // Since it sent what is being answered.
  virtual absl::Duration waited() const = 0;

 protected:
  DoorClient() = default;
  ~DoorClient() = default;
  DoorClient(const DoorClient&) = delete;
  DoorClient& operator=(const DoorClient&) = delete;
};

// What is said with one client.
class Conversation {
 public:
  virtual ~Conversation() = default;

  // Answers a whole request: says something, or nothing, or hangs up. Where that has to wait, what is left to do is
  // returned, and ends when the request is answered. Until then the client is not read from, and `request` stays.
  virtual std::optional<boost::asio::awaitable<void>> Answer(absl::string_view request) = 0;

  // Answers a request at which something in the daemon failed: an exception came out of Answer or of what it returned.
  virtual void AnswerFailure() = 0;
};

class DoorProtocol {
 public:
  virtual ~DoorProtocol() = default;

  // The door's name, in the log and in its settings: "policy".
  virtual absl::string_view name() const = 0;
  // Bytes of the longest request.
  virtual size_t request_limit() const = 0;
  // Length of the first whole request in `buffer`, 0 when it is not whole yet. An error closes the connection.
  virtual absl::StatusOr<size_t> RequestLength(absl::string_view buffer) const = 0;

  // Takes what the door needs to know. At start, before the first conversation, and after each reload.
  virtual void Configure(const DoorSettings& settings) = 0;
  // A client has connected; what is to be said first is said here. The conversation ends before the protocol.
  virtual std::unique_ptr<Conversation> Begin(DoorClient& client) = 0;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DOOR_PROTOCOL_H_
