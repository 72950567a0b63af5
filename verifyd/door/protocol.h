// A door's protocol, and its conversations, one with each client. All else (connections, buffers, order, limits, the
// end) belongs to the exchange, which is the same for every door.
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
  // Sends with all other answers of this turn of the loop.
  virtual void Say(absl::string_view bytes) = 0;
  // Sends at once, with what was said before. Only for a coroutine that Answer returned, or while one runs.
  virtual void SayNow(absl::string_view bytes) = 0;
  // Closes the connection when everything said is out. The rest of the client's input is not looked at.
  virtual void HangUp() = 0;
  // Hangs up because the client does not speak our protocol: the log says `why`, which is printable.
  virtual void HangUpFor(absl::string_view why) = 0;

  // True for a client over the limit of connections: no probe is made for it.
  virtual bool memory_only() const = 0;
  // Returns the time since the client sent the request that is being answered.
  virtual absl::Duration waited() const = 0;

 protected:
  DoorClient() = default;
  ~DoorClient() = default;
  DoorClient(const DoorClient&) = delete;
  DoorClient& operator=(const DoorClient&) = delete;
};

class Conversation {
 public:
  virtual ~Conversation() = default;

  // Answers a whole request: says something, or nothing, or hangs up. Where that has to wait, the rest is returned; it
  // ends when the request is answered. Until then the client is not read from, and `request` stays.
  virtual std::optional<boost::asio::awaitable<void>> Answer(absl::string_view request) = 0;

  // Answers a request on which something in the daemon failed: Answer, or what it returned, threw an exception.
  virtual void AnswerFailure() = 0;
};

class DoorProtocol {
 public:
  virtual ~DoorProtocol() = default;

  // The door's name, in the log and in its settings: "policy".
  virtual absl::string_view name() const = 0;
  // Bytes of the longest request.
  virtual size_t request_limit() const = 0;
  // Returns the length of the first whole request in `buffer`, 0 when it is not whole yet. An error closes the
  // connection.
  virtual absl::StatusOr<size_t> RequestLength(absl::string_view buffer) const = 0;

  // Takes what the door needs to know: at start, before the first conversation, and after each reload.
  virtual void Configure(const DoorSettings& settings) = 0;
  // Begins with a client that has connected, and says what is to be said first. The conversation ends before the
  // protocol.
  virtual std::unique_ptr<Conversation> Begin(DoorClient& client) = 0;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_DOOR_PROTOCOL_H_
